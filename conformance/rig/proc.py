"""The processes of a group, and what the kernel tells of each in a file (proc(5)).

Looked at in every scenario, so with ``os`` and not ``pathlib``, which takes three times as long.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from conformance.rig.priority import go_first

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

_PROC = "/proc"
_COMMAND_BYTES_MAX: Final = 64 * 1024
_MOMENT_S: Final = 0.002  # a process that is not being set up is read in a tenth of that
_READERS: Final = ThreadPoolExecutor(4, "command line", initializer=go_first)  # no thread until there is work


def of_group(group: int) -> Iterator[str]:
    """The directory of each process that is in the group just now; it may end before it is read (OSError)."""
    for process in os.listdir(_PROC):  # noqa: PTH208 - see above
        try:
            if process.isdigit() and os.getpgid(int(process)) == group:
                yield f"{_PROC}/{process}"
        except ProcessLookupError:
            continue  # it ended while we looked


def read(path: str, size: int = 100) -> bytes:
    """The first bytes of a file. Raises OSError."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, size)
    finally:
        os.close(fd)


class CommandLines:
    """What the processes of one group say that they are: their command lines, read beside the loop.

    The kernel reads a command line in the process' own memory, and waits for whoever changes its map (mmap_lock). Of a
    process that is starting, and has no core to go on with, that was up to 0.9 s, while nothing else was measured.
    """

    def __init__(self, group: int) -> None:
        self._leader = f"{_PROC}/{group}"
        self._asked: dict[str, Future[bytes]] = {}

    def of(self, process: str) -> bytes | None:
        """Of a process' directory. None: it does not say within a moment. Raises OSError where it has ended."""
        asked = self._asked.get(process)
        wait_s = 0.0 if asked else _MOMENT_S
        if asked is None:
            asked = self._asked[process] = _READERS.submit(read, f"{process}/cmdline", _COMMAND_BYTES_MAX)
        try:
            said = asked.result(wait_s)
        except TimeoutError:
            return None
        except OSError:
            del self._asked[process]
            raise
        if not self._is_final(process, said):
            del self._asked[process]
        return said

    def _is_final(self, process: str, said: bytes) -> bool:
        """A child says what its parent is until it is the other program; one of the zygote's, for longer."""
        return process == self._leader or (b"--type=" in said and b"--type=zygote" not in said)

    def keep(self, processes: Iterable[str]) -> None:
        """Forget all others."""
        self._asked = {process: asked for process in processes if (asked := self._asked.get(process)) is not None}
