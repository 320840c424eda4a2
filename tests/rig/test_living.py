"""What lives in a browser: told by the browser, and waited for until it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from conformance.errors import BrowserDied
from conformance.rig import living as living_module
from conformance.rig.cdp import Cdp
from conformance.rig.living import Living

SUBJECT = "chrome-extension://subject"
PATIENCE_S = 5.0


class Browser:
    """Tells what it is made to tell, and notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._tell: Callable[[str, dict[str, Any], str | None], None]

    def listen(self, listener: Callable[[str, dict[str, Any], str | None], None]) -> None:
        self._tell = listener

    async def send(self, method: str, params: dict[str, Any]) -> None:
        self.asked.append((method, params))

    def begins(self, id_: str, url: str) -> None:
        self._tell("Target.targetCreated", {"targetInfo": {"targetId": id_, "url": url}}, None)

    def moves(self, id_: str, url: str) -> None:
        self._tell("Target.targetInfoChanged", {"targetInfo": {"targetId": id_, "url": url}}, None)

    def ends(self, id_: str) -> None:
        self._tell("Target.targetDestroyed", {"targetId": id_}, None)

    def says_something_else(self) -> None:
        self._tell("Network.requestWillBeSent", {}, None)


async def opened(browser: Browser) -> Living:
    return await Living.open(cast("Cdp", browser))


def test_the_browser_is_asked_to_tell_and_nothing_is_attached() -> None:
    browser = Browser()
    asyncio.run(opened(browser))
    assert browser.asked == [("Target.setDiscoverTargets", {"discover": True})]


def test_what_lives_is_known_by_where_it_is_now() -> None:
    async def scene() -> tuple[list[str], list[str]]:
        browser = Browser()
        living = await opened(browser)
        browser.begins("1", f"{SUBJECT}/worker.js")
        browser.begins("2", "about:blank")
        browser.begins("3", f"{SUBJECT}-too/worker.js")
        before = living.of(SUBJECT)
        browser.moves("2", f"{SUBJECT}/popup.html")
        browser.moves("1", "about:blank")
        browser.says_something_else()
        return before, living.of(SUBJECT)

    assert asyncio.run(scene()) == ([f"{SUBJECT}/worker.js"], [f"{SUBJECT}/popup.html"])


def test_a_subject_is_gone_when_the_last_of_it_has_ended() -> None:
    async def scene() -> list[bool]:
        browser = Browser()
        living = await opened(browser)
        browser.begins("worker", f"{SUBJECT}/worker.js")
        browser.begins("popup", f"{SUBJECT}/popup.html")
        waiting = asyncio.create_task(living.gone(SUBJECT))
        done = []
        for id_ in ("worker", "nobody", "popup"):
            browser.ends(id_)
            for _ in range(5):  # turns of the loop
                await asyncio.sleep(0)
            done.append(waiting.done())
        async with asyncio.timeout(PATIENCE_S):
            await waiting
        return done

    assert asyncio.run(scene()) == [False, False, True]


def test_nobody_is_waited_for_in_vain() -> None:
    async def scene() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await (await opened(Browser())).gone(SUBJECT)

    asyncio.run(scene())


def test_a_subject_that_does_not_end_takes_its_browser_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(living_module, "_GONE_MS_MAX", 10)

    async def scene() -> None:
        browser = Browser()
        living = await opened(browser)
        browser.begins("worker", f"{SUBJECT}/worker.js")
        await living.gone(SUBJECT)

    with pytest.raises(BrowserDied, match=r"chrome-extension://subject/worker\.js was removed, and lives on after 0 s"):
        asyncio.run(scene())
