"""Stand-ins for a browser, and processes watched until they end."""

from __future__ import annotations

import asyncio
import ctypes
import os
import select
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from conformance.rig.browsers import Browser

PATIENCE_S = 10.0
_PR_SET_CHILD_SUBREAPER = 36
# What launch() asks a piped browser first: a byte has come, so the question has been put.
ANSWERS = r"""head -c 1 <&3 >/dev/null; printf '{"id":1,"result":{}}\0' >&4"""


def stand_in(directory: Path, *lines: str) -> Browser:
    """A browser that does what these lines of sh say."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "stand-in"
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o700)
    return Browser(str(path), "Stand-in", "1", "a test")


def says_its_pid(path: Path) -> str:
    """A line of sh: the process' number, in a file that is there when it is whole."""
    whole, half = shlex.quote(str(path)), shlex.quote(f"{path}.half")
    return f"echo $$ > {half}; mv {half} {whole}"


class Watched:
    """Processes by descriptors, which no other process can come to stand for."""

    def __init__(self, descriptors: dict[int, int]) -> None:
        self._descriptors = descriptors  # pid → descriptor

    def left(self, patience_s: float = 0) -> set[int]:
        """Those that have not ended when ``patience_s`` is over."""
        left = set(self._descriptors)
        for pid, descriptor in self._descriptors.items():
            if select.select([descriptor], [], [], patience_s)[0]:
                left.remove(pid)
        return left


@contextmanager
def watched(*pids: int) -> Iterator[Watched]:
    """Watch processes from here on, whoever their parent is. Those that are gone already are not among them."""
    descriptors: dict[int, int] = {}
    try:
        for pid in pids:
            with suppress(ProcessLookupError):
                descriptors[pid] = os.pidfd_open(pid)
        yield Watched(descriptors)
    finally:
        for descriptor in descriptors.values():
            os.close(descriptor)


def _stats() -> Iterator[tuple[int, list[str]]]:
    """Every process there is, with what /proc/PID/stat has after its name: its state, parent, group, session."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended while we looked
            yield int(stat.parent.name), stat.read_text().rpartition(")")[2].split()


def session_of(leader: int) -> list[int]:
    """Every process of a session: a browser has one of its own."""
    return [pid for pid, fields in _stats() if int(fields[3]) == leader]


def descendants_of(ancestor: int) -> list[int]:
    """Its children, theirs, and so on."""
    children: dict[int, list[int]] = {}
    for pid, fields in _stats():
        children.setdefault(int(fields[1]), []).append(pid)
    found = [ancestor]
    for pid in found:
        found += children.get(pid, [])
    return found[1:]


def command_of(pid: int) -> str:
    """How it was called; "" when it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


@contextmanager
def adopting() -> Iterator[Callable[[], list[int]]]:
    """Whom a process leaves behind when it ends becomes our child, whoever started it; the call says who there is."""
    libc = ctypes.CDLL(None)
    before = {*_children()}
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield lambda: [pid for pid in _children() if pid not in before]
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0)
        for pid in _children():
            if pid not in before:
                os.waitpid(pid, os.WNOHANG)


def _children() -> list[int]:
    return [pid for pid, fields in _stats() if int(fields[1]) == os.getpid()]


def descriptors() -> int:
    """How many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


class Held:
    """Holds a new process up before it is the other program, until it is let go. ``held_up`` makes it."""

    def __init__(self) -> None:
        self._began, self._begins = os.pipe()
        self._may_go, self._lets_go = os.pipe()

    def hold(self) -> None:
        os.write(self._begins, str(os.getpid()).encode())
        select.select([self._may_go], [], [], PATIENCE_S)  # it has a copy of the other end: there is no end of file

    async def has_begun(self) -> int:
        """Its pid, told on the loop."""
        told = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._began, told.set)
        async with asyncio.timeout(PATIENCE_S):
            await told.wait()
        asyncio.get_running_loop().remove_reader(self._began)
        return int(os.read(self._began, 20))

    def let_go(self) -> None:
        os.write(self._lets_go, b"!")

    def close(self) -> None:
        for fd in (self._began, self._begins, self._may_go, self._lets_go):
            os.close(fd)


@contextmanager
def held_up() -> Iterator[Held]:
    """One, for the length of the block."""
    held = Held()
    try:
        yield held
    finally:
        held.close()
