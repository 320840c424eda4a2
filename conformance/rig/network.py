"""The network between a rig's home and its world: the harness carries every packet, and can leave one out.

No kernel feature but TUN is needed for that. A packet that leaves one end is written to the other, at once or after
half of a round trip; with the home's interface down nothing can leave. What is said to be so is proved by packets
of the harness' own, to a port where nobody listens, so that no server sees them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING

from conformance.errors import RigFailed
from conformance.rig.namespace import Where
from conformance.rig.recorder import now_ms

if TYPE_CHECKING:
    from conformance.rig.namespace import Namespace

PUBLIC = "203.0.113.10"  # RFC 5737: nobody's; to a browser an address like any other
PUBLIC_V6 = "2001:db8::10"  # RFC 3849: likewise
_PACKET_BYTES_MAX = 65_536
_UNUSED_PORT = 9  # discard: a probe is refused there, and seen by nobody
_PROBE_S_MAX = 5.0
PROBE_SOON = 0.95  # a probe may be this much faster than said: clocks are rounded
_LOSS_PROBES_MIN = 100


class Network:
    """The wire of one rig. ``open``, then ``close``; ``clear`` between scenarios."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._way_s = 0.0
        self._lost_every = 0
        self._carried = {False: 0, True: 0}  # out of home? → packets since the last change
        self._lost = 0  # of those on their way out
        self._probes = 0
        self._all_probed = asyncio.Event()
        self._is_up = True
        self.was_cut = False  # ever: a browser that noticed tells of it for seconds

    def open(self) -> None:
        """Begin to carry packets."""
        loop = asyncio.get_running_loop()
        wire = self._namespace.wire
        loop.add_reader(wire.home, self._carry, wire.home, wire.world)
        loop.add_reader(wire.world, self._carry, wire.world, wire.home)

    def close(self) -> None:
        """Carry nothing more."""
        loop = asyncio.get_running_loop()
        for end in (self._namespace.wire.home, self._namespace.wire.world):
            loop.remove_reader(end)
        self._is_up = False

    def _carry(self, source: int, target: int) -> None:
        outward = source == self._namespace.wire.home
        while True:
            try:
                packet = os.read(source, _PACKET_BYTES_MAX)
            except OSError:  # nothing more is there, or the interface is down
                return
            self._carried[outward] += 1
            if self._carried[True] == self._probes:
                self._all_probed.set()
            if self._lost_every and self._carried[outward] % self._lost_every == 0:
                self._lost += outward
            elif self._way_s:
                asyncio.get_running_loop().call_later(self._way_s, self._deliver, target, packet)
            else:
                self._deliver(target, packet)

    def _deliver(self, target: int, packet: bytes) -> None:
        with contextlib.suppress(OSError):  # the interface went down meanwhile: the packet is lost, as it would be
            if target in (self._namespace.wire.home, self._namespace.wire.world):
                os.write(target, packet)

    # --- what it can be like

    async def cut(self) -> str:
        """Take home's interface down. Returns the proof."""
        self.was_cut, self._is_up = True, False
        await self._namespace.disconnect()
        outcome = await self._probe()
        if outcome != "unreachable":
            raise RigFailed(f"the network should be away, but a probe of {PUBLIC} was {outcome}")
        return f"a probe of {PUBLIC} found no network"

    async def slow_down(self, rtt_ms: float) -> float:
        """Let every packet take half of ``rtt_ms``. Returns how long a probe took, in milliseconds."""
        self._way_s = rtt_ms / 2000
        begun_ms = now_ms()
        outcome = await self._probe()
        took_ms = now_ms() - begun_ms
        if outcome != "answered" or took_ms < rtt_ms * PROBE_SOON:
            raise RigFailed(f"a probe of {PUBLIC} should take {rtt_ms:g} ms, but was {outcome} after {took_ms:.0f} ms")
        return took_ms

    async def lose(self, every: int) -> tuple[int, int]:
        """Lose one packet in ``every``, each way. Returns how many probes were sent, and how many lost."""
        self._start_counting(every)
        self._probes = every * -(-_LOSS_PROBES_MIN // every)  # a multiple, so that the share comes out
        with await self._socket(socket.SOCK_DGRAM) as probe:
            probe.setblocking(False)  # noqa: FBT003 - socket's own signature
            for _ in range(self._probes):
                with contextlib.suppress(OSError):  # the other side says that nobody listens
                    probe.sendto(b"probe", (PUBLIC, _UNUSED_PORT))
                await asyncio.sleep(0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_probed.wait(), _PROBE_S_MAX)
        sent, lost = self._carried[True], self._lost
        if lost < sent // every:
            raise RigFailed(f"one packet in {every} should be lost, but {lost} of {sent} probes were")
        self._start_counting(every)
        return sent, lost

    def _start_counting(self, every: int) -> None:
        self._lost_every, self._lost, self._carried, self._probes = every, 0, {False: 0, True: 0}, 0
        self._all_probed.clear()

    async def clear(self) -> str:
        """Be a healthy network again. Returns the proof where it was not one, else ``""``."""
        was_healthy = self._is_up and not self._way_s and not self._lost_every
        self._way_s = 0.0
        self._start_counting(0)
        if was_healthy:
            return ""
        if not self._is_up:
            await self._namespace.connect()
            self._is_up = True
        outcome = await self._probe()
        if outcome != "answered":
            raise RigFailed(f"the network should be there again, but a probe of {PUBLIC} was {outcome}")
        return f"a probe of {PUBLIC} was answered"

    async def _socket(self, kind: int) -> socket.socket:
        """One at home. The helper may take its time, and the loop must not."""
        return await asyncio.to_thread(self._namespace.socket, Where.HOME, kind=kind)

    async def _probe(self) -> str:
        with await self._socket(socket.SOCK_STREAM) as probe:
            probe.setblocking(False)  # noqa: FBT003 - socket's own signature
            try:
                async with asyncio.timeout(_PROBE_S_MAX):
                    await asyncio.get_running_loop().sock_connect(probe, (PUBLIC, _UNUSED_PORT))
            except ConnectionRefusedError:
                return "answered"
            except TimeoutError:
                return "unanswered"
            except OSError:
                return "unreachable"
            return "accepted"
