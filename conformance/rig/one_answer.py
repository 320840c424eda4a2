"""A small server that gives whoever asks one answer and ends the connection.

What is still connected when it closes goes with it: a browser opens connections ahead and asks nothing on them.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from conformance.rig.http import NotHttp, read_request

if TYPE_CHECKING:
    import ssl
    from asyncio.trsock import TransportSocket

    from conformance.rig.ports import ReservedPort


class OneAnswer(ABC):
    """Listens from ``open`` to ``close``; over TLS with a ``context``."""

    def __init__(self, port: ReservedPort, context: ssl.SSLContext | None = None) -> None:
        self.port = port
        self._context = context
        self._server: asyncio.Server | None = None
        self._sockets: dict[asyncio.StreamWriter, TransportSocket] = {}  # of whoever is connected

    @abstractmethod
    def answer(self) -> bytes:
        """The whole response, whatever was asked for."""

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, sock=self.port.socket.dup(), ssl=self._context)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Known until its socket is closed: a TLS goodbye that nobody answers keeps that open for 30 s.
        self._sockets = {each: its for each, its in self._sockets.items() if its.fileno() >= 0}
        # Asked for here and never again: a TLS transport that was closed a second time raises (CPython 3.11 and later,
        # ``sslproto._SSLProtocolTransport.close``), as ours is where the peer went first.
        if (sock := writer.get_extra_info("socket")) is not None:
            self._sockets[writer] = sock
        try:
            with contextlib.suppress(ConnectionError, NotHttp):
                if await read_request(reader) is not None:
                    writer.write(self.answer())
                    await writer.drain()
        finally:
            writer.close()

    def close(self) -> None:
        """Give the port back, and drop whoever is connected."""
        if self._server is not None:
            self._server.close()
        for writer in self._sockets:
            writer.transport.abort()
        self.port.close()
