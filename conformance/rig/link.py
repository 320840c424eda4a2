"""One accepted connection of a fake, as a fault sees it: read, write, reset, hang, and say what was done."""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import TYPE_CHECKING, Any, TypeVar

from conformance.events import ConnectionClosed, FaultTookEffect

if TYPE_CHECKING:
    import asyncio

    from conformance.events import Event
    from conformance.model import Address
    from conformance.rig.fake import Fake

E = TypeVar("E", bound="Event")

_LINGER_RESET = struct.pack("ii", 1, 0)  # close sends RST instead of FIN


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
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    def use(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Give the connection its streams."""
        self.reader, self.writer = reader, writer

    def record(self, kind: type[E], **fields: Any) -> E:  # noqa: ANN401 - the event's own fields
        """Note an event of this connection."""
        return self.fake.record(kind, connection=self.number, **fields)

    def took_effect(self, fault: object, detail: str) -> None:
        """A fault's proof: what it did to this connection."""
        self.record(FaultTookEffect, fault=str(fault), detail=detail)

    async def send(self, data: bytes) -> None:
        """Hand bytes to the kernel and wait until it has room again."""
        self.writer.write(data)
        await self.writer.drain()

    async def hang(self) -> None:
        """Say nothing and read nothing of meaning until the peer goes away."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        self.ended("subject")

    def reset(self) -> None:
        """End the connection with RST."""
        self.ended("reset")
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
        self.writer.transport.abort()

    def finish(self) -> None:
        """End the connection with FIN."""
        self.ended("server")
        self.writer.close()

    def abort(self) -> None:
        """Drop the connection without a word in the record: the scenario is over."""
        self._ended = self._ended or "scenario"
        self.writer.transport.abort()

    def ended(self, how: str) -> None:
        """Note, once, how the connection ended."""
        if not self._ended:
            self._ended = how
            self.record(ConnectionClosed, how=how)
