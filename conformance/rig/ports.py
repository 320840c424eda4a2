"""A port that is ours for the whole life of a rig, whatever it answers.

One bound socket a port. Not listening: the kernel answers a SYN with RST, so "refused" holds the
port as firmly as "listening" does, and no other program can slip in between. ``shutdown`` takes a
listening socket back to that state (Linux ``inet_shutdown``: TCP_LISTEN → disconnect) and keeps the
binding, because the port was asked for by number.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import time
from dataclasses import dataclass
from typing import Protocol

from conformance.errors import RigFailed, Unsupported
from conformance.model import Address

# Below Linux's ephemeral range (32768 on), so no outgoing connection of anybody's can take one.
_LOWEST, _HIGHEST = 20_000, 32_000
_TRIES = 200
_BACKLOG = 256
_FILLERS = 4  # listen(0) queues one connection; the rest make sure that the queue is full
_BLACKHOLE_PROBE_S = 0.03
_SYN_PROBES = 3  # of a port that drops every SYN
_SYN_S_MAX = 0.9  # a moment; after a second the kernel sends it again


class Ground(Protocol):
    """Where a port stands: on this machine, or in a network of the rig's own."""

    def socket(self, family: int) -> socket.socket:
        """A TCP socket that belongs there."""

    def drop_syn(self, port: int, family: Address, count: int) -> None:
        """Drop SYNs to the port: the first ``count``, or all (0)."""

    def dropped(self) -> int:
        """How many packets were."""

    def stop_dropping(self) -> None:
        """Drop nothing more."""


class Machine:
    """This machine: what all its programs share."""

    def socket(self, family: int) -> socket.socket:
        """A TCP socket."""
        return socket.socket(family, socket.SOCK_STREAM)

    def drop_syn(self, port: int, family: Address, count: int) -> None:
        """Nobody's packets are ours to drop here."""
        raise Unsupported(f"packets to port {port} ({family}, {count}) cannot be dropped on the machine's own network")

    def dropped(self) -> int:
        """None."""
        return 0

    def stop_dropping(self) -> None:
        """Nothing is."""


async def _stranger(ground: Ground, family: int) -> socket.socket:
    """A socket to knock with. A namespace's helper may take its time to make one, the machine takes none."""
    return ground.socket(family) if isinstance(ground, Machine) else await asyncio.to_thread(ground.socket, family)


class ReservedPort:
    """One TCP port: refusing when made; ``listen``, ``refuse`` and ``blackhole`` change that."""

    def __init__(self, sock: socket.socket, ground: Ground | None = None) -> None:
        self.ground = ground or Machine()
        self._socket = sock
        self._where = sock.getsockname()[:2]
        self._fillers: list[socket.socket] = []
        self._listening = False
        self._drops = False

    @classmethod
    def reserve(cls) -> ReservedPort:
        """Take a free port. Raises RigFailed when none is free."""
        for number in random.sample(range(_LOWEST, _HIGHEST), _TRIES):
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.setblocking(False)  # noqa: FBT003 - socket's own signature
            try:
                sock.bind(("127.0.0.1", number))
                return cls(sock)
            except OSError:
                sock.close()
        message = (
            f"no free port found between {_LOWEST} and {_HIGHEST} on 127.0.0.1 ({_TRIES} tried); end what holds them"
        )
        raise RigFailed(message)

    @classmethod
    def take(cls, host: str, number: int, ground: Ground) -> ReservedPort:
        """Take this very port, on ground that is ours alone. Raises RigFailed."""
        sock = ground.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        sock.setblocking(False)  # noqa: FBT003 - socket's own signature
        try:
            sock.bind((host, number))
        except OSError as error:
            sock.close()
            raise RigFailed(
                f"{host} port {number} cannot be taken in the rig's own network: {error.strerror}"
            ) from error
        return cls(sock, ground)

    @property
    def number(self) -> int:
        """The port's number."""
        return int(self._where[1])

    @property
    def address(self) -> str:
        """``127.0.0.1:PORT`` or ``[::1]:PORT``, as the browser's log writes it."""
        host = str(self._where[0])
        return f"[{host}]:{self.number}" if ":" in host else f"{host}:{self.number}"

    @property
    def real_address(self) -> str:
        """The same where the subject asked for it; ``""`` where it was led here instead."""
        return "" if isinstance(self.ground, Machine) else self.address

    @property
    def is_listening(self) -> bool:
        """Whether the kernel says that it is."""
        return bool(self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))

    @property
    def socket(self) -> socket.socket:
        """The listening socket, to accept from."""
        return self._socket

    def listen(self) -> None:
        """Answer every SYN."""
        self.refuse()
        self._listen(_BACKLOG)

    def _listen(self, backlog: int) -> None:
        # Connections of the last scenario in TIME_WAIT must not stop the next one.
        self._reuse(1)
        self._socket.listen(backlog)
        self._listening = True

    def _reuse(self, on: int) -> None:
        """Two sockets may have one port if both reuse addresses and neither listens, so only while listening."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, on)

    def refuse(self) -> None:
        """Answer every SYN with RST."""
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()
        self._lose_nothing()
        # Only a listening socket: on any other the kernel notes the shutdown all the same, and every
        # connection accepted later inherits it and is dead at birth (Linux inet_shutdown, TCP_CLOSE).
        if self._listening:
            self._reuse(0)
            self._socket.shutdown(socket.SHUT_RDWR)
            self._listening = False

    @property
    def loses(self) -> bool:
        """Whether SYNs to it are dropped."""
        return self._drops

    async def lose_nothing(self) -> None:
        """Drop no SYN any more, without the loop waiting for whoever has to see to it: up to 0.3 s (measured)."""
        await asyncio.to_thread(self._lose_nothing)

    def _lose_nothing(self) -> None:
        if self._drops:
            self.ground.stop_dropping()
            self._drops = False

    async def prove_refused(self) -> str:
        """Connect as a stranger would. Returns what happened; raises RigFailed if anything but a refusal."""
        outcome = await self._knock(1.0)
        if outcome != "refused":
            message = f"{self.address} should refuse connections, but a probe was {outcome}"
            raise RigFailed(message)
        return f"a probe of {self.address} was refused"

    async def blackhole(self) -> str:
        """Leave every SYN unanswered: a listener whose accept queue is full. Returns the proof."""
        self.refuse()
        self._listen(0)
        for _ in range(_FILLERS):
            filler = await _stranger(self.ground, self._socket.family)
            filler.setblocking(False)  # noqa: FBT003 - socket's own signature
            filler.connect_ex(self._where)
            self._fillers.append(filler)
        outcome = await self._knock(_BLACKHOLE_PROBE_S)
        if outcome != "unanswered":
            message = f"{self.address} should swallow every SYN, but a probe was {outcome}"
            raise RigFailed(message)
        return f"a probe's SYN to {self.address} went unanswered for {_BLACKHOLE_PROBE_S * 1000:.0f} ms"

    def drop_syn(self, first: int) -> int:
        """Listen, and lose the first SYNs on their way here, or all of them (0). Returns what probes saw.

        That is how many of theirs were dropped before one came through; 0: none did.
        """
        # The rule comes first: a SYN of the last scenario's is sent again after 1, 3, 7 s, and whoever the port lets in
        # before there is a rule would pass for a probe.
        self.refuse()
        family = Address.V6 if self._socket.family == socket.AF_INET6 else Address.V4
        self._drops = True
        self.ground.drop_syn(self.number, family, first)
        self._listen(_BACKLOG)
        lost = self._rehearse(first + 1 if first else _SYN_PROBES)
        if first:  # the rule has had its fill of the probes' SYNs; the subject's meet another one
            self.ground.drop_syn(self.number, family, first)
        return lost

    def _rehearse(self, probes: int) -> int:
        """How many SYNs are dropped before one comes through; 0: none does. Raises RigFailed."""
        for lost in range(probes):
            if self._comes_through():
                if not lost:
                    raise RigFailed(f"a SYN to {self.address} should be dropped, but it came through")
                return lost
        return 0

    def _comes_through(self) -> bool:
        """Whether a SYN does; False: the kernel dropped it, by its own count. Raises RigFailed."""
        before = self.ground.dropped()
        with self.ground.socket(self._socket.family) as knocker:
            knocker.setblocking(False)  # noqa: FBT003 - socket's own signature
            outcome = knocker.connect_ex(self._where)
            deadline_s = time.monotonic() + _SYN_S_MAX
            while time.monotonic() < deadline_s:
                if self._let_in():
                    return True
                if self.ground.dropped() > before:
                    return False
                time.sleep(0.001)  # on a busy machine the kernel takes its time even on loopback
        raise RigFailed(f"a SYN to {self.address} was neither dropped nor let through ({os.strerror(outcome)})")

    def _let_in(self) -> bool:
        """Whether somebody is in the queue; out again with them."""
        try:
            self._socket.accept()[0].close()
        except OSError:
            return False
        return True

    async def _knock(self, patience_s: float) -> str:
        loop = asyncio.get_running_loop()
        with await _stranger(self.ground, self._socket.family) as knocker:
            knocker.setblocking(False)  # noqa: FBT003 - socket's own signature
            begun = time.monotonic()
            try:
                async with asyncio.timeout(patience_s):
                    await loop.sock_connect(knocker, self._where)
            except ConnectionRefusedError:
                return "refused"
            except TimeoutError:
                return "unanswered"
            except OSError as error:
                return f"ended by {error.strerror}"
            return f"accepted after {(time.monotonic() - begun) * 1000:.0f} ms"

    def close(self) -> None:
        """Give the port back."""
        self.refuse()
        self._socket.close()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of a fake's ports. ``name``: the ``host:port`` the subject believes in; ``address``: which of localhost's."""

    name: str
    port: ReservedPort
    tls: bool
    address: Address | None = None
