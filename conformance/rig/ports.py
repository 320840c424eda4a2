"""A loopback port that is ours for the whole life of a rig, whatever it answers.

One bound socket a port. Not listening: the kernel answers a SYN with RST, so "refused" holds the
port as firmly as "listening" does, and no other program can slip in between. ``shutdown`` takes a
listening socket back to that state (Linux ``inet_shutdown``: TCP_LISTEN → disconnect) and keeps the
binding, because the port was asked for by number.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time

from conformance.errors import RigFailed

# Below Linux's ephemeral range (32768 on), so no outgoing connection of anybody's can take one.
_LOWEST, _HIGHEST = 20_000, 32_000
_TRIES = 200
_BACKLOG = 256
_FILLERS = 4  # listen(0) queues one connection; the rest make sure that the queue is full
_BLACKHOLE_PROBE_S = 0.03


class ReservedPort:
    """One TCP port on 127.0.0.1: refusing when made; ``listen``, ``refuse`` and ``blackhole`` change that."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._fillers: list[socket.socket] = []
        self._listening = False

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

    @property
    def number(self) -> int:
        """The port's number."""
        return int(self._socket.getsockname()[1])

    @property
    def address(self) -> str:
        """``127.0.0.1:PORT``, as the browser's log writes it."""
        return f"127.0.0.1:{self.number}"

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
        # Only a listening socket: on any other the kernel notes the shutdown all the same, and every
        # connection accepted later inherits it and is dead at birth (Linux inet_shutdown, TCP_CLOSE).
        if self._listening:
            self._reuse(0)
            self._socket.shutdown(socket.SHUT_RDWR)
            self._listening = False

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
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            filler.setblocking(False)  # noqa: FBT003 - socket's own signature
            filler.connect_ex(("127.0.0.1", self.number))
            self._fillers.append(filler)
        outcome = await self._knock(_BLACKHOLE_PROBE_S)
        if outcome != "unanswered":
            message = f"{self.address} should swallow every SYN, but a probe was {outcome}"
            raise RigFailed(message)
        return f"a probe's SYN to {self.address} went unanswered for {_BLACKHOLE_PROBE_S * 1000:.0f} ms"

    async def _knock(self, patience_s: float) -> str:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as knocker:
            knocker.setblocking(False)  # noqa: FBT003 - socket's own signature
            begun = time.monotonic()
            try:
                async with asyncio.timeout(patience_s):
                    await loop.sock_connect(knocker, ("127.0.0.1", self.number))
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
