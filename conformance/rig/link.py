"""One accepted connection of a fake, as a fault sees it: read, write, reset, hang, and say what was done.

A fault does not vouch for itself here: what it says that it did is weighed against what the connection was sent.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
from typing import TYPE_CHECKING, Any, TypeVar

from conformance.events import ConnectionClosed, FaultFellShort, FaultTookEffect
from conformance.rig.http import may_be_cached
from conformance.rig.recorder import now_ms
from conformance.rig.traffic import Traffic

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine

    from conformance.events import Event
    from conformance.model import Address
    from conformance.rig.fake import Fake
    from conformance.rig.faults.base import Fault, LinkFault
    from conformance.rig.http import Request

E = TypeVar("E", bound="Event")

_NOWHERE = bytes(16)  # an address of no family (AF_UNSPEC)
_LINGER_RESET = struct.pack("ii", 1, 0)  # close sends RST instead of FIN


class _Met:
    """A fault that the connection met. ``claimed``: it says that it took effect."""

    def __init__(self, fault: LinkFault, traffic: Traffic) -> None:
        self.fault = fault
        self.traffic = traffic
        self.claimed = False
        self.fell_short = False


class Link:
    """A TCP (or TLS) connection from the subject to a fake. ``number`` counts from 1 in a scenario."""

    def __init__(
        self, fake: Fake, number: int, endpoint: str, sock: socket.socket, address: Address | None = None
    ) -> None:
        self.fake = fake
        self.number = number
        self.endpoint = endpoint
        self.address = address
        self._socket = sock
        self._ended = ""
        self._met: list[_Met] = []
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    def use(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Give the connection its streams."""
        self.reader, self.writer = reader, writer
        # So that ``send`` waits for the kernel to have it all. Not with TLS, which asyncio pauses for ever at a limit
        # of 0 (CPython 3.11 to 3.14, ``sslproto._control_app_writing``): there up to 64 KiB may be on their way yet.
        if writer.get_extra_info("sslcontext") is None:
            writer.transport.set_write_buffer_limits(high=0)

    def record(self, kind: type[E], **fields: Any) -> E:  # noqa: ANN401 - the event's own fields
        """Note an event of this connection."""
        return self.fake.record(kind, connection=self.number, **fields)

    # --- what faults did to it

    async def under(self, fault: LinkFault, work: Coroutine[Any, Any, None], request: Request | None = None) -> None:
        """Have ``fault`` do its ``work`` here, and weigh what is sent meanwhile; one that lasts, as long as it does."""
        met = _Met(fault, Traffic(now_ms(), request))
        self._met.append(met)
        try:
            await work
            met.traffic.done = True
            self._weigh()
        finally:
            if not fault.lasts:
                self._met.remove(met)

    def took_effect(self, fault: LinkFault, detail: str) -> None:
        """A fault says what it did to this connection: its proof, if that is what it was to do."""
        met = next((each for each in reversed(self._met) if each.fault == fault), None)
        lacks = "no connection met that fault" if met is None else met.fault.shortfall(self, met.traffic)
        if met is not None:
            met.claimed, met.fell_short = True, bool(lacks)
        self.note(fault, detail, lacks)

    def note(self, fault: Fault, detail: str, lacks: str) -> None:
        """Enter a fault's effect, or what it lacks to be one."""
        if lacks:
            self.record(FaultFellShort, side=self.fake.side, fault=str(fault), detail=lacks)
        else:
            self.record(FaultTookEffect, fault=str(fault), detail=detail)

    def _weigh(self) -> None:
        """See whether what was sent since still bears out what was said."""
        for met in self._met:
            if met.claimed and not met.fell_short and (lacks := met.fault.shortfall(self, met.traffic)):
                met.fell_short = True
                self.note(met.fault, "", lacks)

    # --- what is done to it: to the connection, for a browser that is being started has a copy of every descriptor
    # until it is the other program, and where only ours is closed the peer is not told so long

    async def send(self, data: bytes) -> None:
        """Hand bytes to the kernel, and wait until it has them. Raises ConnectionError."""
        if self.writer.is_closing():
            raise ConnectionResetError("we have said farewell")
        self.writer.write(data)
        self.fake.may_be_cached = self.fake.may_be_cached or may_be_cached(data)
        for met in self._met:
            met.traffic.sent(data, now_ms())
        await self.writer.drain()
        self._weigh()

    async def hang(self) -> None:
        """Say nothing and read nothing of meaning until the peer goes away."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        self.ended("subject")

    def reset(self) -> bool:
        """End the connection with RST; False when it was at its end already."""
        how = "reset"
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        except OSError:  # it is closed already: the peer was faster
            how = "subject"
        else:
            ctypes.CDLL(None).connect(self._socket.fileno(), _NOWHERE, len(_NOWHERE))  # RST, at once (connect(2))
        self.writer.transport.abort()
        self.ended(how)
        return self._ended == "reset"

    def finish(self) -> None:
        """End the connection with FIN, or with TLS's own farewell."""
        if self.writer.can_write_eof():
            with contextlib.suppress(OSError):  # the peer was faster
                self.writer.write_eof()
        self.writer.close()
        self.ended("server")

    def abort(self) -> None:
        """Drop the connection without a word in the record: the scenario is over."""
        self._ended = self._ended or "scenario"
        with contextlib.suppress(OSError):  # the peer was faster
            self._socket.shutdown(socket.SHUT_RDWR)
        self.writer.transport.abort()

    def ended(self, how: str) -> None:
        """Note, once, how the connection ended."""
        if not self._ended:
            self._ended = how
            for met in self._met:
                met.traffic.ended = how
            self.record(ConnectionClosed, how=how)
            self._weigh()
