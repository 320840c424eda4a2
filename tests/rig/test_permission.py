"""The permission to reach this machine: set under every name that a browser knows, proved by what a page is told."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, cast

import pytest

from conformance.errors import RigFailed, Unsupported
from conformance.model import Access
from conformance.rig import page as page_module
from conformance.rig.cdp import Cdp, CdpError
from conformance.rig.permission import NAMES, Permission
from conformance.rig.web import OWN_PAGE


class Browser:
    """Knows some permissions, and tells its pages what they are, or something else."""

    def __init__(self, *known: str, tells: str | None = None, opens: bool = True) -> None:
        self.state = dict.fromkeys(known, "prompt")
        self.methods: list[str] = []
        self._tells = tells
        self._opens = opens

    async def send(
        self, method: str, params: dict[str, Any] | None = None, session: str | None = None
    ) -> dict[str, Any]:
        params = params or {}
        self.methods.append(method)
        match method:
            case "Browser.setPermission":
                name = params["permission"]["name"]
                if name not in self.state:
                    raise CdpError(method, f"Unknown permission: {name}")
                self.state[name] = params["setting"]
            case "Browser.resetPermissions":
                self.state = dict.fromkeys(self.state, "prompt")
            case "Target.createTarget":
                assert params["url"] == OWN_PAGE
                return {"targetId": "T"}
            case "Target.attachToTarget":
                return {"sessionId": "S"}
            case "Runtime.evaluate":
                assert session == "S"
                return {"result": {"value": self._value(params["expression"])}}
        return {}

    def _value(self, expression: str) -> object:
        if "location.href" in expression:
            return self._opens
        names = json.loads(re.findall(r"\[.*?\]", expression)[0])
        return [[name, self._tells or self.state[name]] for name in names]

    @property
    def cdp(self) -> Cdp:
        return cast("Cdp", self)


def staged(browser: Browser, access: Access | None) -> list[tuple[str, str]]:
    return [(event.access, event.told) for event in asyncio.run(Permission().stage(browser.cdp, access))]


@pytest.mark.parametrize("access", Access)
def test_it_stands_as_the_scenario_says(access: Access) -> None:
    browser = Browser(*NAMES)
    assert staged(browser, access) == [(access.value, ", ".join(NAMES))]
    assert set(browser.state.values()) == {access.value}
    assert browser.methods[-1] == "Target.closeTarget"


def test_a_question_that_is_to_be_asked_is_held_by_nobody() -> None:
    """A permission that CDP holds at 'prompt' is refused without a question."""
    browser = Browser(*NAMES)
    staged(browser, Access.PROMPT)
    assert "Browser.resetPermissions" in browser.methods


def test_a_browser_that_knows_one_name_is_told_that() -> None:
    assert staged(Browser(NAMES[0]), Access.DENIED) == [("denied", NAMES[0])]


def test_a_scenario_that_says_nothing_changes_nothing() -> None:
    browser = Browser(*NAMES)
    assert staged(browser, None) == []
    asyncio.run(Permission().reset(browser.cdp))
    assert browser.methods == []


def test_it_is_gone_for_the_next_scenario() -> None:
    browser = Browser(*NAMES)

    async def scene() -> None:
        permission = Permission()
        await permission.stage(browser.cdp, Access.DENIED)
        await permission.reset(browser.cdp)
        await permission.reset(browser.cdp)

    asyncio.run(scene())
    assert browser.methods.count("Browser.resetPermissions") == 1
    assert set(browser.state.values()) == {"prompt"}


def test_a_browser_without_the_permission_cannot_stage_it() -> None:
    with pytest.raises(Unsupported, match="knows no permission to reach this machine"):
        staged(Browser(), Access.GRANTED)


def test_what_a_page_is_told_is_the_proof() -> None:
    with pytest.raises(RigFailed, match=r'set to denied, and a page is told {"local-network-access": "granted"}'):
        staged(Browser(NAMES[0], tells="granted"), Access.DENIED)


def test_a_page_that_does_not_open_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "_ELEMENT_MS_MAX", 1)
    with pytest.raises(RigFailed, match=r"did not open https://page\.example\.org/"):
        staged(Browser(NAMES[0], opens=False), Access.DENIED)
