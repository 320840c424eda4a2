"""The browser's permission to reach this machine: how a scenario says that it stands, and the proof that it does.

Set by CDP for every origin, so that whoever asks finds it. The proof is what a page of the rig's own, at a
public address, is told when it asks how the permission stands. A question that nobody answers is asked by a
browser with a screen only (display.py).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conformance.errors import RigFailed, Unsupported
from conformance.events import AccessSet, Source
from conformance.model import Access
from conformance.rig.cdp import CdpError
from conformance.rig.page import Page, becomes_true
from conformance.rig.recorder import now_ms
from conformance.rig.web import OWN_PAGE

if TYPE_CHECKING:
    from conformance.rig.cdp import Cdp

# Chromium 145 split the first into the other two; a browser is told all that it knows.
NAMES = ("local-network-access", "loopback-network", "local-network")


class Permission:
    """One rig's. ``stage`` it, and ``reset`` it before the next scenario."""

    def __init__(self) -> None:
        self._is_set = False

    async def stage(self, cdp: Cdp, access: Access | None) -> list[AccessSet]:
        """Let it stand as the scenario says, and see that it does. Raises Unsupported, RigFailed, BrowserDied."""
        if access is None:
            return []
        self._is_set = True
        known = [name for name in NAMES if await _set(cdp, name, access)]
        if not known:
            message = "this browser knows no permission to reach this machine; Chromium 142 and later do"
            raise Unsupported(message)
        if access is Access.PROMPT:
            await self.reset(cdp)  # a permission that CDP holds at 'prompt' is refused, and nobody is asked
        told = await _told(cdp, known)
        if set(told.values()) != {access.value}:
            message = f"the permission was set to {access}, and a page is told {json.dumps(told)}; run again"
            raise RigFailed(message)
        return [AccessSet(at_ms=now_ms(), source=Source.RIG, access=access.value, told=", ".join(told))]

    async def reset(self, cdp: Cdp) -> None:
        """Let it stand as browsers come, if it was changed."""
        if self._is_set:
            self._is_set = False
            await cdp.send("Browser.resetPermissions")


async def _set(cdp: Cdp, name: str, access: Access) -> bool:
    try:
        await cdp.send("Browser.setPermission", {"permission": {"name": name}, "setting": access.value})
    except CdpError:
        return False
    return True


async def _told(cdp: Cdp, names: list[str]) -> dict[str, str]:
    page = await Page.open(cdp, OWN_PAGE)
    try:
        if not await becomes_true(page, f"location.href === {json.dumps(OWN_PAGE)}"):
            message = f"the browser did not open {OWN_PAGE}, a page of the rig's own; run again"
            raise RigFailed(message)
        query = "async (name) => [name, (await navigator.permissions.query({name})).state]"
        return dict(await page.evaluate(f"Promise.all({json.dumps(names)}.map({query}))"))
    finally:
        await page.close()
