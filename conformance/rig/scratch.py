"""What a run writes for itself and nobody keeps: directories and files in the machine's temporary place.

Where that is full, or not to be written to, the machine failed and not a subject: StorageFailed, with what to do.
What is kept, the record and the reports, is store.py's and report/output.py's.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from conformance.errors import StorageFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREFIX = "conform-"
WHAT_TO_DO = "free space or set TMPDIR to another place"
_ROOM_BYTES_MIN = 1024**2  # a browser's profile alone is 3 MB


@contextmanager
def scratching(place: Path | None = None) -> Iterator[None]:
    """Turn what the file system refuses into StorageFailed. ``place``: what the block writes, where it knows."""
    try:
        yield
    except OSError as error:
        where = place or error.filename or "no temporary file can be made"
        why = error.strerror or str(error)
        raise StorageFailed(f"{where}: {why[:1].lower()}{why[1:]}; {WHAT_TO_DO}") from error


def temporary_directory(prefix: str = PREFIX, *, where: str | None = None) -> tempfile.TemporaryDirectory[str]:
    """A directory that is gone with its block, in ``where`` or the machine's usual place. Raises StorageFailed."""
    with scratching():
        return tempfile.TemporaryDirectory(prefix=prefix, dir=where, ignore_cleanup_errors=True)


def temporary_file() -> IO[bytes]:
    """A file without a name, gone when it is closed. Raises StorageFailed."""
    with scratching():
        return tempfile.TemporaryFile()


def no_room(place: Path) -> str:
    """What to add to a message on a program that died there, where a full file system may be why; else ""."""
    try:
        told = os.statvfs(place)
    except OSError:
        return ""
    blocks = told.f_bfree if os.geteuid() == 0 else told.f_bavail  # what is kept for root alone
    inodes_left = told.f_favail or not told.f_files  # some file systems count none
    if blocks * told.f_frsize >= _ROOM_BYTES_MIN and inodes_left:
        return ""
    return f"; no space is left in {place}: {WHAT_TO_DO}"


def refuse_when_full(place: Path) -> None:
    """A browser that can write no more starts no updated worker, for one: no subject's doing. Raises StorageFailed."""
    if why := no_room(place):
        raise StorageFailed(f"the scenario says nothing of the subject{why}")
