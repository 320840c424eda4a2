"""The processes of a group, and what the kernel tells of each in a file (proc(5)).

Looked at in every scenario, so with ``os`` and not ``pathlib``, which takes three times as long.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final

from conformance.rig.priority import go_first

if TYPE_CHECKING:
    from concurrent.futures import Future

_PROC = "/proc"
_COMMAND_BYTES_MAX: Final = 64 * 1024
_MOMENT_S: Final = 0.002  # a process that is not being set up is read in a tenth of that
_READERS: Final = ThreadPoolExecutor(16, "command line", initializer=go_first)  # no thread until there is work for it
_ONE_THREAD: Final = 3  # links of a directory with one other in it


class Group:
    """The processes of one group, and what each says that it is: its command line, read beside the loop.

    The kernel reads a command line in the process' own memory, and waits for whoever changes its map (mmap_lock). Of a
    process that is starting, and has no core to go on with, that was up to 0.9 s, while nothing else was measured.
    """

    def __init__(self, leader: int) -> None:
        self._group = leader
        self._leader = f"{_PROC}/{leader}"
        self._others: set[str] = set()  # who is there and not in it
        self._asked: dict[str, Future[bytes]] = {}
        self._said: dict[str, bytes] = {}

    def processes(self) -> list[str]:
        """The directory of each process that is in the group just now; it may end before it is read (OSError)."""
        there = {process for process in os.listdir(_PROC) if process.isdigit()}  # noqa: PTH208 - see above
        self._others &= there
        ours = []
        for process in there - self._others:
            try:
                is_ours = os.getpgid(int(process)) == self._group
            except ProcessLookupError:
                continue  # it ended while we looked
            if is_ours:
                ours.append(f"{_PROC}/{process}")
            else:
                self._others.add(process)
        return ours

    def command_lines(self) -> dict[str, bytes | None]:
        """Of each process that is in the group just now. None: it does not say within a moment."""
        processes = self.processes()
        self._asked = {process: self._asked[process] for process in processes if process in self._asked}
        self._said = {process: self._said[process] for process in processes if process in self._said}
        asking = [process for process in processes if process not in self._asked or self._may_have_changed(process)]
        for process in asking:
            self._said.pop(process, None)  # whatever it is, it is not what it said
            self._asked[process] = _READERS.submit(read, f"{process}/cmdline", _COMMAND_BYTES_MAX)
        if asking:
            wait([self._asked[process] for process in asking], _MOMENT_S)
        return {process: self._said.get(process) for process in processes if self._is_there(process)}

    def _may_have_changed(self, process: str) -> bool:
        """A child says what its parent is until it is another program; one that a zygote forked, until it says so."""
        said = self._said.get(process)
        if said is None or process == self._leader:
            return False
        try:
            if b"--type=zygote" in said:
                return os.stat(f"{process}/task").st_nlink > _ONE_THREAD  # noqa: PTH116 - see above; no zygote has two
            return b"--type=" not in said and read(f"{process}/comm") == read(f"{self._leader}/comm")
        except OSError:
            return False

    def _is_there(self, process: str) -> bool:
        """Whether it has not ended; what it has said is noted."""
        if (asked := self._asked[process]).done():
            if asked.exception() is not None:
                del self._asked[process]
                return False
            self._said[process] = asked.result()
        return True


def read(path: str, size: int = 100) -> bytes:
    """The first bytes of a file. Raises OSError."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, size)
    finally:
        os.close(fd)
