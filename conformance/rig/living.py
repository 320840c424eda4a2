"""What lives in a browser (pages, workers), as the browser tells: nothing is attached to any of it.

Why the rig must know: Chromium answers ``Extensions.uninstall`` before the subject's worker has ended, on a busy
machine half a second before. Until then the subject acts: one whose probe was cut off by the end of its scenario
opened a socket in the next one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from conformance.errors import BrowserDied

if TYPE_CHECKING:
    from conformance.rig.cdp import Cdp

_GONE_MS_MAX = 30_000  # some 10 ms idle; a browser that takes longer than this is as good as dead


class Living:
    """What lives in one browser. ``open`` makes it."""

    def __init__(self) -> None:
        self._urls: dict[str, str] = {}
        self._news = asyncio.Event()

    @classmethod
    async def open(cls, cdp: Cdp) -> Living:
        """Have the browser tell from now on. Raises CdpError, BrowserDied."""
        living = cls()
        cdp.listen(living.on_event)
        await cdp.send("Target.setDiscoverTargets", {"discover": True})
        return living

    def on_event(self, method: str, params: dict[str, Any], _session: str | None) -> None:
        """Take in what the browser tells."""
        match method:
            case "Target.targetCreated" | "Target.targetInfoChanged":
                self._urls[params["targetInfo"]["targetId"]] = params["targetInfo"]["url"]
            case "Target.targetDestroyed":
                self._urls.pop(params["targetId"], None)
            case _:
                return
        self._news.set()

    def of(self, origin: str) -> list[str]:
        """The URLs of what lives there."""
        return [url for url in self._urls.values() if url.startswith(f"{origin}/")]

    async def gone(self, origin: str) -> None:
        """Return when nothing of ``origin`` lives any more. Raises BrowserDied when it does not end."""
        try:
            async with asyncio.timeout(_GONE_MS_MAX / 1000):
                while self.of(origin):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            message = f"{self.of(origin)[0]} was removed, and lives on after {_GONE_MS_MAX / 1000:.0f} s"
            raise BrowserDied(message) from None
