"""The canary cookie: planted where it is asked for, seen when it is sent, gone afterwards."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from conformance.bundle import bundled
from conformance.calibration import DEFAULT_ERROR_MS
from conformance.catalogue import by_id
from conformance.errors import RigFailed
from conformance.events import Event, RequestReceived, Source
from conformance.files import load_requirements, load_scenarios
from conformance.judge import judge_scenario
from conformance.model import Profile, Scenario
from conformance.plan import PlanItem
from conformance.record import ScenarioRecord
from conformance.rig.browsers import Browser
from conformance.rig.canary import NAME, TOKENS, clear, plant, plant_token
from conformance.rig.cdp import Cdp, CdpError
from conformance.rig.engine import RigMode, RunSettings, open_pool
from conformance.rig.http import SECRET
from conformance.subjects import load_subject
from conformance.verdict import Finding
from tests.rig import extensions
from tests.timelines import PROFILE, scenario

SCENARIOS = {one.id: one for one in load_scenarios()}
IMPOSTORS = [one for one in SCENARIOS.values() if one.id.startswith("impostor[")]


class Pipe:
    """In the browser's place: keeps cookies, or refuses to."""

    def __init__(self, *, keeps: bool = True, has_storage: bool = True) -> None:
        self.cookies: list[dict[str, Any]] = []
        self.stored: dict[str, str] = {}
        self.methods: list[str] = []
        self._keeps = keeps
        self._has_storage = has_storage

    async def send(
        self, method: str, params: dict[str, Any] | None = None, session: str | None = None
    ) -> dict[str, Any]:
        self.methods.append(method)
        if method.startswith("Extensions.") and session != "S":
            raise CdpError(method, "No associated browser context.")
        match method:
            case "Target.createTarget":
                return {"targetId": "T"}
            case "Target.attachToTarget":
                return {"sessionId": "S"}
            case "Runtime.evaluate":
                return {"result": {"value": True}}
            case "Storage.setCookies":
                self.cookies += (params or {})["cookies"] if self._keeps else []
            case "Storage.clearCookies":
                self.cookies.clear()
            case "Extensions.setStorageItems" if not self._has_storage:
                raise CdpError(method, "Extension not found or has no storage")
            case "Extensions.setStorageItems" if self._keeps:
                self.stored |= (params or {})["values"]
        return {"cookies": self.cookies, "data": self.stored}

    @property
    def cdp(self) -> Cdp:
        return cast("Cdp", self)


def with_tag(*tags: str) -> Scenario:
    return replace(scenario(), tags=tags)


def test_it_is_planted_for_the_local_server_and_removed() -> None:
    pipe = Pipe()
    asyncio.run(plant(pipe.cdp, PROFILE, with_tag("quick", "canary")))
    assert [(one["name"], one["url"]) for one in pipe.cookies] == [(NAME, PROFILE.endpoints.signature)]
    assert pipe.cookies[0]["expires"] > time.time() + 3600  # it outlives the browser's last window
    asyncio.run(clear(pipe.cdp))
    assert pipe.cookies == []


def test_it_is_planted_only_where_it_is_asked_for() -> None:
    pipe = Pipe()
    asyncio.run(plant(pipe.cdp, PROFILE, with_tag("quick")))
    assert pipe.cookies == []


def test_a_browser_that_keeps_no_cookie_is_no_pass() -> None:
    with pytest.raises(RigFailed, match="did not keep the canary cookie for http://localhost:3003"):
        asyncio.run(plant(Pipe(keeps=False).cdp, PROFILE, with_tag("canary")))


def token(pipe: Pipe, *tags: str) -> tuple[str, ...]:
    return asyncio.run(plant_token(pipe.cdp, "abc", with_tag(*tags)))


def test_a_token_is_put_into_the_subjects_storage_under_the_usual_names() -> None:
    pipe = Pipe()
    assert token(pipe, "canary") == ("a cookie for the local server", "a token in its storage")
    assert pipe.stored == dict.fromkeys(TOKENS, SECRET)
    assert pipe.methods[-1] == "Target.closeTarget"


def test_a_subject_without_storage_has_the_cookie_alone() -> None:
    assert token(Pipe(has_storage=False), "canary") == ("a cookie for the local server",)


def test_no_token_where_it_is_not_asked_for() -> None:
    pipe = Pipe()
    assert token(pipe, "quick") == ()
    assert pipe.stored == {}


def test_a_storage_that_keeps_no_token_is_no_pass() -> None:
    with pytest.raises(RigFailed, match="did not keep the canary token"):
        token(Pipe(keeps=False), "canary")


def test_every_impostor_has_it() -> None:
    assert len(IMPOSTORS) >= 3
    assert all("canary" in one.tags and "PRIV-3" in one.covers for one in IMPOSTORS)


# --- in a real browser ---------------------------------------------------------------------------


def carry_out(
    browser: Browser, profile: Profile, *chosen: Scenario, rig: RigMode = RigMode.WARM
) -> list[ScenarioRecord]:
    async def run() -> list[ScenarioRecord]:
        async with open_pool(RunSettings(browser, rig), [profile]) as pool:
            holder = pool.holder()
            return [await holder.run(PlanItem(profile, one, number)) for number, one in enumerate(chosen)]

    return asyncio.run(run())


def finding(profile: Profile, record: ScenarioRecord) -> Finding:
    result = judge_scenario(SCENARIOS[record.scenario], profile, record, by_id(load_requirements()), DEFAULT_ERROR_MS)
    return next(one for one in result.findings if one.requirement == "PRIV-3")


def carried(record: ScenarioRecord) -> list[tuple[str, ...]]:
    """The credentials of each request that reached the local server."""
    assert record.timeline is not None, record.failure
    events: tuple[Event, ...] = record.timeline.events
    return [one.credentials for one in events if isinstance(one, RequestReceived) and one.source is Source.LOCAL]


def careless(directory: Path) -> Profile:
    """Sends with its question whatever the browser holds for the host."""
    signature = "http://localhost:3003/semantest-signature', {credentials: 'include', cache: 'no-store'}) //"
    return load_subject(extensions.write(directory / "careless", signature=signature), None)


@pytest.mark.browser
def test_a_subject_that_sends_it_fails(browser: Browser, tmp_path: Path) -> None:
    profile = careless(tmp_path)
    (record,) = carry_out(browser, profile, SCENARIOS["canary-good"])
    assert carried(record)[0] == ("cookie",)
    found = finding(profile, record)
    assert found.verdict == "fail"
    assert "carried cookie" in found.reason


def forgetful(directory: Path) -> Profile:
    """Sends a token from its storage with its question, as soon as it finds one there."""
    signature = (
        "http://localhost:3003/semantest-signature', {credentials: 'omit', headers: {'X-Client': await token()}}) //"
    )
    start = (
        "const token = async () => (await chrome.storage.local.get('token')).token || '-';"
        "const wait = () => new Promise((done) => setTimeout(done, 50));"
        "const stored = async () => { while (await token() === '-') await wait(); };"
        "stored().then(connect);"
    )
    manifest: dict[str, object] = {"permissions": ["storage"]}
    return load_subject(
        extensions.write(directory / "forgetful", signature=signature, start=start, manifest=manifest), None
    )


@pytest.mark.browser
def test_a_subject_that_sends_its_token_fails(browser: Browser, tmp_path: Path) -> None:
    profile = forgetful(tmp_path)
    (record,) = carry_out(browser, profile, SCENARIOS["canary-good"])
    assert carried(record)[0] == ("the canary in x-client",)
    found = finding(profile, record)
    assert found.verdict == "fail"
    assert "carried the canary in x-client" in found.reason


@pytest.mark.browser
def test_the_reference_sends_none(browser: Browser) -> None:
    profile = load_subject(bundled("fixtures", "extensions", "reference"), None)
    records = carry_out(browser, profile, SCENARIOS["canary-good"], SCENARIOS["impostor[sets-a-cookie]"])
    for record in records:
        found = finding(profile, record)
        assert found.verdict == "pass", found.reason
        assert "there were some to send: a cookie for the local server" in found.reason
    assert len(carried(records[1])) >= 2


@pytest.mark.browser
def test_none_meets_the_next_scenario(browser: Browser, tmp_path: Path) -> None:
    """Neither the canary nor what an impostor planted, on one warm rig."""
    profile = careless(tmp_path)
    names = ("canary-good", "local-up", "impostor[sets-a-cookie]", "local-up")
    planted, after, set_by_answer, after_that = carry_out(browser, profile, *(SCENARIOS[name] for name in names))
    assert ("cookie",) in carried(planted)
    assert ("cookie",) in carried(set_by_answer)
    assert set(carried(after)) == set(carried(after_that)) == {()}


@pytest.mark.browser
def test_a_browser_that_nobody_can_talk_to_has_none(browser: Browser, tmp_path: Path) -> None:
    (record,) = carry_out(browser, careless(tmp_path), SCENARIOS["canary-good"], rig=RigMode.UNATTACHED)
    assert record.timeline is None
    assert "canary" in str(record.unsupported)
