"""A rig's own network: two namespaces without names, and a helper process that keeps them.

*home* is the machine that the browser believes to be on: its own loopback with the subject's real port on
127.0.0.1 and ::1, one interface, and names of its own. *world* is everywhere else: there the public server has
addresses of its own (RFC 5737: 203.0.113.0/24; RFC 3849: 2001:db8::/32). Sockets are made by the helper and belong
to the namespace in which they were made, wherever they are used, so the fakes stay in the harness' event loop.
Everything is gone when the helper's and the harness' descriptors are.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.errors import RigFailed, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from conformance.model import Address

_HELPER = Path(__file__).with_name("namespace_helper.py")
_ANSWER_S_MAX = 20.0  # 0.4 s idle: Python and its netlink library start
_END_S_MAX = 3.0  # it ends when its socket does, in some 10 ms
_ANSWER_BYTES_MAX = 64 * 1024
_DESCRIPTORS_MAX = 8
_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_NEWNS = 0x10000000, 0x40000000, 0x00020000


class Where(StrEnum):
    """Which of a rig's two namespaces."""

    HOME = "home"
    WORLD = "world"


@dataclass(frozen=True, slots=True)
class Wire:
    """The two ends of what joins home and world: each reads what its side sends, and writes what it receives."""

    home: int
    world: int


class Namespace:
    """Both namespaces of one rig. ``open``, then ``close``."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._turn = threading.Lock()  # the loop asks, and so do threads for what takes its time
        self._kept: dict[str, int] = {}  # what is ours of both, by the helper's words for it
        self.no_names = ""  # why home cannot look up names of its own
        self.wire = Wire(-1, -1)

    @classmethod
    async def open(cls) -> Namespace:
        """Make both. Raises Unsupported where this machine does not allow it, RigFailed."""
        return await asyncio.to_thread(cls._open)

    @classmethod
    def _open(cls) -> Namespace:
        if sys.platform != "linux":
            raise Unsupported(f"network namespaces are Linux's, and this is {sys.platform}")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(_ANSWER_S_MAX)
        # -P: the helper's own directory has modules that are called like Python's.
        command = [sys.executable, "-P", str(_HELPER), str(theirs.fileno())]
        process = subprocess.Popen(  # noqa: S603 - ourselves
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        namespace = cls(process, ours)
        try:
            answer, descriptors = namespace._answer()
            namespace._kept = dict(zip(answer["descriptors"], descriptors, strict=True))
            namespace.no_names = answer["no_names"]
            namespace.wire = Wire(namespace._kept["home"], namespace._kept["world"])
        except BaseException:
            namespace._close()
            raise
        return namespace

    def socket(self, where: Where, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM) -> socket.socket:
        """A socket of that namespace. Raises RigFailed."""
        _, descriptors = self._ask("socket", where, family=int(family), type=int(kind))
        return socket.socket(fileno=descriptors[0])

    def own(self, where: Where, addresses: list[str]) -> None:
        """Let that namespace answer at more addresses."""
        self._ask("own", where, addresses=addresses)

    def name(self, names: Mapping[str, Sequence[str]]) -> None:
        """What a look-up in home finds; where ``no_names`` says why, it finds what it does anywhere."""
        self._ask("name", Where.HOME, names={name: [*addresses] for name, addresses in names.items()})

    async def connect(self) -> None:
        """Bring home's interface up again."""
        await asyncio.to_thread(self._ask, "connect", Where.HOME)

    async def disconnect(self) -> None:
        """Take home's interface down, as a cable that is pulled."""
        await asyncio.to_thread(self._ask, "disconnect", Where.HOME)

    def drop_syn(self, where: Where, port: int, family: Address, count: int) -> None:
        """Drop SYNs to a port of that namespace: the first ``count``, or all (0). Raises Unsupported."""
        self._ask("drop_syn", where, port=port, family=str(family), count=count)

    def dropped(self, where: Where) -> int:
        """How many packets have been dropped there, by the kernel's count."""
        answer, _ = self._ask("dropped", where)
        return int(answer["dropped"])

    def stop_dropping(self, where: Where) -> None:
        """Drop nothing more there."""
        self._ask("stop_dropping", where)

    def enter(self) -> Callable[[], None]:
        """What a new process calls before it becomes another program, to live in home."""
        libc = ctypes.CDLL(None, use_errno=True)
        kinds = {"user": _CLONE_NEWUSER, "network": _CLONE_NEWNET, "mounts": _CLONE_NEWNS}  # the first lets it the rest
        wanted = [(self._kept[what], kind) for what, kind in kinds.items() if what in self._kept]
        here = Path.cwd()  # to be among other mounts is to be at their root

        def run() -> None:
            if any(libc.setns(fd, kind) != 0 for fd, kind in wanted):
                os._exit(126)
            os.chdir(here)

        return run

    async def close(self) -> None:
        """Let go of both; what still lives in them keeps them.

        The helper takes up to half a second to end, in which the other rigs' loop must not stand still.
        """
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._control.close()
        for descriptor in self._kept.values():
            os.close(descriptor)
        self._kept, self.wire = {}, Wire(-1, -1)
        try:
            self._process.wait(_END_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, what: str, where: Where, **more: Any) -> tuple[dict[str, Any], list[int]]:  # noqa: ANN401 - JSON
        with self._turn:
            try:
                self._control.send(json.dumps({"do": what, "in": where, **more}).encode())
            except OSError as error:
                raise RigFailed(f"the network namespace's helper is gone: {error.strerror}; run again") from error
            return self._answer()

    def _answer(self) -> tuple[dict[str, Any], list[int]]:
        try:
            packet, descriptors, _, _ = socket.recv_fds(self._control, _ANSWER_BYTES_MAX, _DESCRIPTORS_MAX)
        except OSError as error:
            raise RigFailed(f"the network namespace's helper does not answer: {error}; run again") from error
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)  # noqa: FBT003 - os's own signature
        if not packet:
            raise RigFailed("the network namespace's helper ended without a word; run again")
        answer: dict[str, Any] = json.loads(packet)
        if (cannot := answer.get("cannot")) is not None:
            raise Unsupported(f"no network namespace of its own: {cannot}")
        if (failed := answer.get("failed")) is not None:
            raise RigFailed(f"the network namespace's helper failed: {failed}; run again")
        return answer, descriptors


def why_none() -> str:
    """Why this machine gives no namespaces; ``""`` when it does."""
    try:
        Namespace._open()._close()  # noqa: SLF001 - its own module
    except (Unsupported, RigFailed) as error:
        return str(error)
    return ""
