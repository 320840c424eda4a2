"""The canary cookie: planted where it is asked for, seen when it is sent, gone afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from conformance.bundle import bundled
from conformance.catalogue import by_id
from conformance.errors import RigFailed
from conformance.events import Event, RequestReceived, Source
from conformance.files import load_requirements, load_scenarios
from conformance.judge import judge_scenario
from conformance.model import Profile, Scenario
from conformance.plan import PlanItem
from conformance.record import ScenarioRecord
from conformance.rig.browsers import Browser
from conformance.rig.canary import NAME, clear, plant
from conformance.rig.cdp import Cdp
from conformance.rig.engine import RigMode, RunSettings, open_pool
from conformance.rig.environment import ERROR_MS
from conformance.subjects import load_subject
from conformance.verdict import Finding
from tests.rig import extensions
from tests.timelines import PROFILE, scenario

SCENARIOS = {one.id: one for one in load_scenarios()}
IMPOSTORS = [one for one in SCENARIOS.values() if one.id.startswith("impostor[")]


class Pipe:
    """In the browser's place: keeps cookies, or refuses to."""

    def __init__(self, *, keeps: bool = True) -> None:
        self.cookies: list[dict[str, Any]] = []
        self._keeps = keeps

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        match method:
            case "Storage.setCookies":
                self.cookies += (params or {})["cookies"] if self._keeps else []
            case "Storage.clearCookies":
                self.cookies.clear()
        return {"cookies": self.cookies}

    @property
    def cdp(self) -> Cdp:
        return cast("Cdp", self)


def with_tag(*tags: str) -> Scenario:
    return replace(scenario(), tags=tags)


def test_it_is_planted_for_the_local_server_and_removed() -> None:
    pipe = Pipe()
    asyncio.run(plant(pipe.cdp, PROFILE, with_tag("quick", "canary")))
    assert [(one["name"], one["url"]) for one in pipe.cookies] == [(NAME, PROFILE.endpoints.signature)]
    asyncio.run(clear(pipe.cdp))
    assert pipe.cookies == []


def test_it_is_planted_only_where_it_is_asked_for() -> None:
    pipe = Pipe()
    asyncio.run(plant(pipe.cdp, PROFILE, with_tag("quick")))
    assert pipe.cookies == []


def test_a_browser_that_keeps_no_cookie_is_no_pass() -> None:
    with pytest.raises(RigFailed, match="did not keep the canary cookie for http://localhost:3003"):
        asyncio.run(plant(Pipe(keeps=False).cdp, PROFILE, with_tag("canary")))


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
    result = judge_scenario(SCENARIOS[record.scenario], profile, record, by_id(load_requirements()), ERROR_MS)
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


@pytest.mark.browser
def test_the_reference_sends_none(browser: Browser) -> None:
    profile = load_subject(bundled("fixtures", "extensions", "reference"), None)
    records = carry_out(browser, profile, SCENARIOS["canary-good"], SCENARIOS["impostor[sets-a-cookie]"])
    for record in records:
        found = finding(profile, record)
        assert found.verdict == "pass", found.reason
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
