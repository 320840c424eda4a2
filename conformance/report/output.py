"""Putting a finished report on disk, whole or not at all."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from conformance.errors import StorageFailed
from conformance.store import cause_of, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into one clear message."""
    try:
        yield
    except OSError as error:
        step = "free space or choose another place, then render it again with `conform report RUN --report …`"
        raise StorageFailed(f"{path}: {cause_of(error)}: the report was not written; {step}") from error


def put(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, making the directories on the way."""
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)


def utf8(text: str) -> bytes:
    """Text as bytes; what is no character at all (bytes that a subject sent) is shown by its code."""
    return text.encode("utf-8", "backslashreplace")
