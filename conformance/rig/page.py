"""The rig's own page in the browser, and the subject's page when a profile's trigger needs one.

Nothing here touches the subject's worker. The rig's page is ``about:blank`` in the same profile as
the subject, so that what it clears is what the subject would find.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from conformance.errors import SubjectError
from conformance.model import TriggerKind
from conformance.rig.cdp import CdpError
from conformance.rig.recorder import now_ms

if TYPE_CHECKING:
    from conformance.model import Trigger
    from conformance.rig.cdp import Cdp

_ELEMENT_MS_MAX = 5000
_LOOK_MS = 10


class Page:
    """One tab. ``open`` makes it."""

    def __init__(self, cdp: Cdp, target: str, session: str) -> None:
        self._cdp = cdp
        self._target = target
        self._session = session

    @classmethod
    async def open(cls, cdp: Cdp, url: str = "about:blank", *, minimized: bool = False) -> Page:
        """Open ``url`` in the default profile. Raises CdpError, BrowserDied.

        ``minimized``: in a window that nobody draws, which saves a tenth of a scenario's core time.
        """
        window = {"newWindow": True, "windowState": "minimized"} if minimized else {}
        created = await cdp.send("Target.createTarget", {"url": url, "background": True, **window})
        target = created["targetId"]
        session = (await cdp.send("Target.attachToTarget", {"targetId": target, "flatten": True}))["sessionId"]
        return cls(cdp, target, session)

    async def send(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """One command to the browser on behalf of this tab. Raises CdpError, BrowserDied."""
        return await self._cdp.send(method, params, self._session)

    async def evaluate(self, expression: str) -> Any:  # noqa: ANN401 - whatever the page's value is
        """The value of a JavaScript expression, promises awaited."""
        answer = await self._cdp.send(
            "Runtime.evaluate",
            {"expression": expression, "awaitPromise": True, "returnByValue": True, "userGesture": True},
            self._session,
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise SubjectError(str(details.get("exception", {}).get("description", details.get("text", ""))))
        return answer["result"].get("value")

    async def clear_cache(self) -> None:
        """Empty the profile's HTTP cache."""
        await self._cdp.send("Network.clearBrowserCache", {}, self._session)

    async def close(self) -> None:
        """Close the tab."""
        await self._cdp.send("Target.closeTarget", {"targetId": self._target})


async def open_trigger_page(cdp: Cdp, extension_id: str, trigger: Trigger) -> Page | None:
    """The page that the trigger needs, ready for ``pull``; None for a trigger that needs none."""
    if trigger.kind not in (TriggerKind.CLICK, TriggerKind.MESSAGE):
        return None
    page = await Page.open(cdp, f"chrome-extension://{extension_id}/{trigger.page.lstrip('/')}")
    ready = "location.protocol === 'chrome-extension:' && document.readyState === 'complete'"
    if trigger.kind is TriggerKind.CLICK:
        ready += f" && document.querySelector({json.dumps(trigger.selector)}) !== null"
    try:
        found = await becomes_true(page, ready)
    except SubjectError as error:  # the selector is none: querySelector throws
        message = f"{trigger.page}: {error}; check [trigger] selector in subject.toml"
        raise SubjectError(message) from error
    if not found:
        what = trigger.selector if trigger.kind is TriggerKind.CLICK else "a complete document"
        message = (
            f"{trigger.page}: the trigger's page shows no {what!r} within {_ELEMENT_MS_MAX / 1000:.0f} s; "
            f"check [trigger] page and selector in subject.toml"
        )
        raise SubjectError(message)
    return page


async def becomes_true(page: Page, expression: str) -> bool:
    """Ask until it holds; a tab that is still on its way to its page has no place to ask yet."""
    deadline_ms = now_ms() + _ELEMENT_MS_MAX
    while now_ms() < deadline_ms:
        with contextlib.suppress(CdpError):
            if await page.evaluate(expression):
                return True
        await asyncio.sleep(_LOOK_MS / 1000)
    return False


async def pull(page: Page | None, trigger: Trigger) -> None:
    """Make the subject connect: click, or send the message. Does nothing for a trigger that is the start."""
    if page is None:
        return
    if trigger.kind is TriggerKind.CLICK:
        await page.evaluate(f"document.querySelector({json.dumps(trigger.selector)}).click()")
    else:
        await page.evaluate(f"void chrome.runtime.sendMessage({json.dumps(trigger.message)}).catch(() => 0)")
