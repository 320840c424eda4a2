"""Web pages at a public address: those in whose context a subject probes, and one of the rig's own.

Empty pages over TLS, whatever is asked for. The browser is told that this port's address is public
(``--ip-address-space-overrides``), so that who asks from such a page is asked for a permission.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from conformance.rig.http import NotHttp, read_request, response

if TYPE_CHECKING:
    import ssl

    from conformance.rig.cdp import Cdp
    from conformance.rig.ports import ReservedPort

OWN_HOST = "page.example.org"
OWN_PAGE = f"https://{OWN_HOST}/"
_PAGE = b"<!doctype html><html lang=en><title>A page</title>"


class WebHost:
    """Listens from ``open`` to ``close``."""

    def __init__(self, port: ReservedPort, context: ssl.SSLContext) -> None:
        self.port = port
        self._context = context
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, sock=self.port.socket.dup(), ssl=self._context)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, NotHttp):
            if await read_request(reader) is not None:
                writer.write(response(200, {"Content-Type": "text/html", "Connection": "close"}, _PAGE))
                await writer.drain()
        writer.close()

    def close(self) -> None:
        """Give the port back."""
        if self._server is not None:
            self._server.close()
        self.port.close()


async def visit(cdp: Cdp, url: str) -> str:
    """Open a tab with ``url``, as a user does, with nothing attached to it; the tab's id."""
    return str((await cdp.send("Target.createTarget", {"url": url}))["targetId"])


async def leave(cdp: Cdp, tab: str) -> None:
    """Close the tab. Raises CdpError when it is gone already."""
    await cdp.send("Target.closeTarget", {"targetId": tab})
