"""The rig's own page and the subject's trigger page, with a stand-in for the browser that answers as told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest

from conformance.errors import SubjectError
from conformance.model import Json, Trigger, TriggerKind
from conformance.rig import page as page_module
from conformance.rig.cdp import Cdp, CdpError
from conformance.rig.page import Page, open_trigger_page, pull

CLICK = Trigger(TriggerKind.CLICK, "popup.html", "a[title='it\"s me']")
MESSAGE = Trigger(TriggerKind.MESSAGE, "/page.html", message={"go": [True, None, "it's"]})


class Browser:
    """Notes what it is asked; each evaluation gets the next of ``values``, and the last one for ever."""

    def __init__(self, *values: object) -> None:
        self.asked: list[tuple[str, dict[str, Any], str | None]] = []
        self._values = self._answers(values)

    @staticmethod
    def _answers(values: tuple[object, ...]) -> Iterator[object]:
        yield from values
        while True:
            yield values[-1] if values else None

    async def send(
        self, method: str, params: dict[str, Any] | None = None, session: str | None = None
    ) -> dict[str, Any]:
        self.asked.append((method, params or {}, session))
        if method == "Runtime.evaluate":
            return self._evaluate(next(self._values))
        return {"Target.createTarget": {"targetId": "T"}, "Target.attachToTarget": {"sessionId": "S"}}.get(method, {})

    @staticmethod
    def _evaluate(value: object) -> dict[str, Any]:
        if isinstance(value, CdpError):
            raise value
        if isinstance(value, Exception):
            return {"result": {}, "exceptionDetails": {"exception": {"description": str(value)}}}
        return {"result": {"value": value}}

    @property
    def methods(self) -> list[str]:
        return [method for method, _, _ in self.asked]

    @property
    def expressions(self) -> list[str]:
        return [params["expression"] for method, params, _ in self.asked if method == "Runtime.evaluate"]

    @property
    def cdp(self) -> Cdp:
        return cast("Cdp", self)


async def opened(browser: Browser) -> Page:
    return await Page.open(browser.cdp)


def trigger_page(browser: Browser, trigger: Trigger) -> Page | None:
    return asyncio.run(open_trigger_page(browser.cdp, "abc", trigger))


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "_LOOK_MS", 0)


def test_a_page_is_a_tab_that_only_its_own_session_speaks_to() -> None:
    browser = Browser(42)

    async def scene() -> object:
        page = await opened(browser)
        value = await page.evaluate("6 * 7")
        await page.clear_cache()
        await page.close()
        return value

    assert asyncio.run(scene()) == 42
    assert [(method, session) for method, _, session in browser.asked] == [
        ("Target.createTarget", None),
        ("Target.attachToTarget", None),
        ("Runtime.evaluate", "S"),
        ("Network.clearBrowserCache", "S"),
        ("Target.closeTarget", None),
    ]
    assert browser.asked[0][1]["url"] == "about:blank"
    assert browser.asked[4][1] == {"targetId": "T"}


def test_what_throws_in_the_page_is_an_error_with_its_words() -> None:
    async def scene() -> None:
        await (await opened(Browser(ValueError("TypeError: x is not a function")))).evaluate("x()")

    with pytest.raises(SubjectError, match="TypeError: x is not a function"):
        asyncio.run(scene())


def test_a_subject_that_starts_by_itself_gets_no_page() -> None:
    browser = Browser()
    assert trigger_page(browser, Trigger()) is None
    asyncio.run(pull(None, Trigger()))
    assert browser.asked == []


@pytest.mark.parametrize("trigger", [CLICK, MESSAGE], ids=["click", "message"])
def test_the_trigger_page_is_waited_for(trigger: Trigger) -> None:
    """It is not there, then it cannot be asked yet, then it is not complete, then it is."""
    browser = Browser(False, CdpError("Runtime.evaluate", "Cannot find context"), False, True)  # noqa: FBT003
    page = trigger_page(browser, trigger)
    assert page is not None
    assert browser.asked[0][1]["url"] == f"chrome-extension://abc/{trigger.page.removeprefix('/')}"
    assert len(browser.expressions) == 4
    assert len(set(browser.expressions)) == 1
    assert ("querySelector" in browser.expressions[0]) is (trigger is CLICK)


@pytest.mark.parametrize(
    ("trigger", "missing"), [(CLICK, "a\\[title="), (MESSAGE, "a complete document")], ids=["click", "message"]
)
def test_a_page_that_never_shows_it_is_the_users_to_mend(
    monkeypatch: pytest.MonkeyPatch, trigger: Trigger, missing: str
) -> None:
    monkeypatch.setattr(page_module, "_ELEMENT_MS_MAX", 1)
    with pytest.raises(SubjectError, match=rf"page shows no .*{missing}.*check \[trigger\].*subject\.toml"):
        trigger_page(Browser(False), trigger)  # noqa: FBT003 - what the page answers


def test_a_selector_that_is_none_is_the_users_to_mend() -> None:
    thrown = ValueError("SyntaxError: '#' is not a valid selector.")
    with pytest.raises(SubjectError, match=r"popup\.html: SyntaxError: '#' is not .*check .*selector in subject\.toml"):
        trigger_page(Browser(thrown), CLICK)


def pulled(trigger: Trigger) -> str:
    browser = Browser()

    async def scene() -> None:
        await pull(await opened(browser), trigger)

    asyncio.run(scene())
    (expression,) = browser.expressions
    return expression


def test_a_click_is_on_the_selector_whatever_its_quotes() -> None:
    assert pulled(CLICK) == r"""document.querySelector("a[title='it\"s me']").click()"""


@pytest.mark.parametrize(
    ("message", "written"), [({"go": [True, None, "it's"]}, '{"go": [true, null, "it\'s"]}'), ("go", '"go"')]
)
def test_a_message_is_sent_as_it_is(message: Json, written: str) -> None:
    expression = pulled(Trigger(TriggerKind.MESSAGE, "page.html", message=message))
    assert expression == f"void chrome.runtime.sendMessage({written}).catch(() => 0)"


def test_a_click_and_an_evaluation_count_as_the_users_own() -> None:
    """A page may do things on a user's gesture only."""
    browser = Browser()

    async def scene() -> None:
        await pull(await opened(browser), CLICK)

    asyncio.run(scene())
    assert browser.asked[-1][1]["userGesture"] is True
