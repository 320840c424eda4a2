"""A mark: enough cookies at once that Chromium writes its log out, and never the same twice."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from conformance.rig import mark
from conformance.rig.cdp import Cdp

KEPT_BACK = 15  # events; Chromium net/log/file_net_log_observer.cc, kNumWriteQueueEvents


class Browser:
    """Notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def send(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((method, params))
        return {}


def marked(times: int) -> list[dict[str, str]]:
    """Every cookie of so many marks."""
    browser = Browser()

    async def scene() -> None:
        for _ in range(times):
            await mark.set_mark(cast("Cdp", browser))

    asyncio.run(scene())
    assert {method for method, _ in browser.asked} == {"Storage.setCookies"}
    return [cookie for _, params in browser.asked for cookie in params["cookies"]]


def test_a_mark_is_followed_by_what_pushes_it_out() -> None:
    cookies = marked(1)
    assert len({cookie["name"] for cookie in cookies}) > KEPT_BACK


def test_every_mark_sets_its_cookies_anew() -> None:
    """Chromium need not say that it set a cookie which was there already, as it is."""
    cookies = marked(2)
    assert len({(cookie["name"], cookie["value"]) for cookie in cookies}) == len(cookies)


def test_no_host_gets_them() -> None:
    assert {cookie["url"] for cookie in marked(1)} == {"http://mark.invalid/"}  # RFC 6761, 6.4: never a host
