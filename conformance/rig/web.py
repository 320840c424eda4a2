"""Web pages at a public address: those in whose context a subject probes, and one of the rig's own.

Empty pages over TLS, whatever is asked for. The browser is told that this port's address is public
(``--ip-address-space-overrides``), so that who asks from such a page is asked for a permission.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.rig.http import response
from conformance.rig.one_answer import OneAnswer

if TYPE_CHECKING:
    from conformance.rig.cdp import Cdp

OWN_HOST = "page.example.org"
OWN_PAGE = f"https://{OWN_HOST}/"
_PAGE = b"<!doctype html><html lang=en><title>A page</title>"


class WebHost(OneAnswer):
    """The pages' server."""

    def answer(self) -> bytes:
        """An empty page."""
        return response(200, {"Content-Type": "text/html", "Connection": "close"}, _PAGE)


async def visit(cdp: Cdp, url: str) -> str:
    """Open a tab with ``url``, as a user does, with nothing attached to it; the tab's id."""
    return str((await cdp.send("Target.createTarget", {"url": url}))["targetId"])


async def leave(cdp: Cdp, tab: str) -> None:
    """Close the tab. Raises CdpError when it is gone already."""
    await cdp.send("Target.closeTarget", {"targetId": tab})
