"""A third server, neither local nor public: where a redirect to another origin leads.

It serves a good signature to whoever asks, readable by any origin, so that a subject that follows
the redirect finds all it could wish for. What the subject asks it for is in the browser's log.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from conformance.model import Side, SignatureRule
from conformance.rig.http import NotHttp, read_request, response
from conformance.signatures import signature_body

if TYPE_CHECKING:
    from conformance.rig.ports import ReservedPort


class Stranger:
    """Listens from ``open`` to ``close``."""

    def __init__(self, port: ReservedPort) -> None:
        self.port = port
        self.rule = SignatureRule()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, sock=self.port.socket.dup())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers = {"Content-Type": "application/json", "Access-Control-Allow-Origin": "*", "Connection": "close"}
        with contextlib.suppress(ConnectionError, NotHttp):
            if await read_request(reader) is not None:
                writer.write(response(200, headers, signature_body("good", self.rule, Side.LOCAL)))
                await writer.drain()
        writer.close()

    def close(self) -> None:
        """Give the port back."""
        if self._server is not None:
            self._server.close()
        self.port.close()
