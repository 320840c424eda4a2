"""The fixture that asks from a web page: the browser's own check stops it where nobody gives the permission."""

from __future__ import annotations

import asyncio
import shutil

import pytest

from conformance.access import Passage, checked
from conformance.bundle import bundled
from conformance.calibration import DEFAULT_ERROR_MS
from conformance.catalogue import by_id
from conformance.events import AccessSet, RequestReceived, Source
from conformance.files import load_requirements, load_scenarios
from conformance.judge import judge_scenario
from conformance.model import Access, Trigger, TriggerKind, Web
from conformance.plan import PlanItem
from conformance.record import ScenarioRecord
from conformance.rig.browsers import Browser
from conformance.rig.engine import RigMode, RunSettings, open_pool
from conformance.subjects import load_subject
from conformance.verdict import Finding, Verdict

PAGE_PROBE = load_subject(bundled("fixtures", "extensions", "page-probe"), None)
SCENARIOS = {one.id: one for one in load_scenarios()}
GRANTED, DENIED, IGNORED = (f"local-network-access[{case}]" for case in ("granted", "denied", "ignored"))


def carry_out(browser: Browser, *names: str, rig: RigMode = RigMode.WARM) -> list[ScenarioRecord]:
    async def run() -> list[ScenarioRecord]:
        async with open_pool(RunSettings(browser, rig), [PAGE_PROBE]) as pool:
            holder = pool.holder()
            return [await holder.run(PlanItem(PAGE_PROBE, SCENARIOS[name], 0)) for name in names]

    return asyncio.run(run())


def net_2(record: ScenarioRecord) -> Finding:
    result = judge_scenario(
        SCENARIOS[record.scenario], PAGE_PROBE, record, by_id(load_requirements()), DEFAULT_ERROR_MS
    )
    return next(one for one in result.findings if one.requirement == "NET-2")


def passages(record: ScenarioRecord) -> list[Passage]:
    assert record.timeline is not None, record.failure
    return [each.passage for each in checked(record.timeline, PAGE_PROBE.endpoints)]


def test_its_profile_says_where_it_asks_from() -> None:
    assert PAGE_PROBE.trigger == Trigger(TriggerKind.VISIT)
    assert PAGE_PROBE.web == Web("https://www.example.org/")


def test_every_way_in_which_the_permission_may_stand_is_a_scenario() -> None:
    assert [SCENARIOS[name].given.access for name in (GRANTED, DENIED, IGNORED)] == list(Access)
    assert all("NET-2" in SCENARIOS[name].covers for name in (GRANTED, DENIED, IGNORED))


@pytest.mark.browser
def test_it_passes_with_the_permission_and_fails_without(browser: Browser) -> None:
    """One after the other on one warm rig, and the last one where nothing was said: nothing is left of the first."""
    granted, denied, unsaid = carry_out(browser, GRANTED, DENIED, "both-up")
    assert passages(granted)[0] is Passage.PERMITTED
    assert net_2(granted).verdict is Verdict.PASS
    assert "the permission was asked for once and given" in net_2(granted).reason
    assert passages(denied)[0] is passages(unsaid)[0] is Passage.DENIED
    assert net_2(denied).verdict is Verdict.FAIL
    for record in (denied, unsaid):
        assert record.timeline is not None
        arrived = record.timeline.all(RequestReceived, lambda event: event.source is Source.LOCAL)
        assert arrived == []  # what the browser stops never comes to the server
    assert denied.timeline is not None
    assert [event.access for event in denied.timeline.all(AccessSet)] == ["denied"]


@pytest.mark.browser
def test_a_question_that_nobody_answers_needs_a_screen(browser: Browser) -> None:
    (record,) = carry_out(browser, IGNORED)
    if shutil.which("Xvfb") is None:
        assert "install Xvfb" in str(record.unsupported)
        return
    assert passages(record)[0] is Passage.UNANSWERED
    assert net_2(record).verdict is Verdict.FAIL
    assert "unanswered" in net_2(record).reason


@pytest.mark.parametrize("name", [GRANTED, DENIED, IGNORED])
def test_a_browser_that_nobody_can_talk_to_cannot_have_it(name: str) -> None:
    nowhere = Browser("/nowhere", "Chromium", "156.0", "a test")
    (record,) = carry_out(nowhere, name, rig=RigMode.UNATTACHED)
    assert record.failure is None
    assert record.unsupported is not None
