"""The engine and rigs with networks of their own: in every mode, shared, replaced, and where there can be none."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conformance.bundle import bundled
from conformance.catalogue import by_id
from conformance.errors import Unsupported
from conformance.events import ConnectionAccepted, OnlineChanged, Source, TcpStarted
from conformance.files import load_requirements, load_scenarios
from conformance.judge import judge_scenario
from conformance.model import Profile, Side
from conformance.plan import Plan, PlanItem
from conformance.record import ScenarioRecord
from conformance.rig.browsers import Browser
from conformance.rig.calibrating import UNCALIBRATED
from conformance.rig.engine import RigHolder, RigMode, RunSettings, open_pool, run_plan
from conformance.rig.namespace import Namespace
from conformance.rig.rig import Rig
from conformance.rig.sanity import Sanity
from conformance.subjects import load_subject
from tests.rig.namespaces import namespace

REQUIREMENTS = by_id(load_requirements())
SCENARIOS = {scenario.id: scenario for scenario in load_scenarios()}
V6_ONLY = "localhost-answers[v6-only]"


def reference() -> Profile:
    return load_subject(bundled("fixtures", "extensions", "reference"), None)


async def carry_out(browser: Browser, *names: str, rig: RigMode = RigMode.WARM) -> list[ScenarioRecord]:
    records: list[ScenarioRecord] = []
    plan = Plan(tuple(PlanItem(reference(), SCENARIOS[name], number) for number, name in enumerate(names)))
    settings = RunSettings(browser, rig)
    await run_plan(plan, settings, on_start=lambda _: None, on_record=records.append, stop=lambda: False)
    return records


async def possible() -> None:
    """Skip the test where there can be no namespace."""
    async with namespace():
        pass


def judged(record: ScenarioRecord) -> str:
    assert record.timeline is not None, record.failure or record.unsupported
    scenario = SCENARIOS[record.scenario]
    result = judge_scenario(scenario, reference(), record, REQUIREMENTS, UNCALIBRATED.error_ms)
    return f"{result.verdict}: {result.reason}"


@pytest.mark.browser
@pytest.mark.parametrize("rig", list(RigMode))
def test_every_rig_reaches_the_real_port_on_its_own_loopback(browser: Browser, rig: RigMode) -> None:
    async def scene() -> list[ScenarioRecord]:
        await possible()
        return await carry_out(browser, V6_ONLY, rig=rig)

    (record,) = asyncio.run(scene())
    assert judged(record).startswith("pass")
    assert record.timeline is not None
    accepted = record.timeline.all(ConnectionAccepted)
    assert {event.address for event in accepted} == {"[::1]:3003"}
    assert {event.source for event in accepted} == {Source.LOCAL}


@pytest.mark.browser
def test_one_such_rig_serves_many_and_one_whose_network_was_away_serves_no_more(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bool] = []
    really_open = Rig.open.__func__  # type: ignore[attr-defined]  # a class method's function

    async def open_and_count(parts: object, directory: Path, **options: bool) -> Rig:
        opened.append(options["own_network"])
        rig = await really_open(Rig, parts, directory, **options)
        assert isinstance(rig, Rig)
        return rig

    monkeypatch.setattr(Rig, "open", open_and_count)

    async def scene() -> list[ScenarioRecord]:
        await possible()
        return await carry_out(browser, "localhost-empty", "offline-at-start-local-up", V6_ONLY)

    empty, offline, after = asyncio.run(scene())
    assert opened == [False, True, True]  # the first is the one that the sanity scenario looks at
    assert [judged(record).partition(":")[0] for record in (empty, offline, after)] == ["pass"] * 3
    assert empty.timeline is not None
    assert offline.timeline is not None
    tried = {event.address for event in empty.timeline.all(TcpStarted)}
    assert tried == {"[::1]:3003", "127.0.0.1:3003", "203.0.113.10:443"}  # the browser's own look-up of localhost
    assert [event.online for event in offline.timeline.all(OnlineChanged)][:1] == [False]  # and its own notice


def met(record: ScenarioRecord) -> tuple[list[str], list[str]]:
    """The public addresses that the browser tried, and those at which the server accepted, each once, in order."""
    assert record.timeline is not None, record.failure or record.unsupported
    tried = [event.address for event in record.timeline.all(TcpStarted) if event.side is Side.PUBLIC]
    accepted = [event.address for event in record.timeline.all(ConnectionAccepted) if event.source is Source.PUBLIC]
    return [*dict.fromkeys(tried)], [*dict.fromkeys(accepted)]


@pytest.mark.browser
@pytest.mark.parametrize("rig", [RigMode.WARM, RigMode.UNATTACHED])
def test_the_public_name_leads_to_both_its_addresses(browser: Browser, rig: RigMode) -> None:
    async def scene() -> list[ScenarioRecord]:
        await possible()
        return await carry_out(
            browser, *(f"public-answers[{case}]" for case in ("both", "v4-only", "v6-only")), rig=rig
        )

    both, v4_only, v6_only = asyncio.run(scene())
    v4, v6 = "203.0.113.10:443", "[2001:db8::10]:443"
    assert met(both) == ([v6], [v6])
    assert met(v4_only) == ([v6, v4], [v4])
    assert met(v6_only) == ([v6], [v6])
    assert [judged(record).partition(":")[0] for record in (both, v4_only, v6_only)] == ["pass"] * 3


@pytest.mark.browser
def test_where_home_has_no_names_of_its_own_only_what_needs_them_is_unsupported(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_open = Namespace.open.__func__  # type: ignore[attr-defined]  # a class method's function

    async def open_without() -> Namespace:
        made: Namespace = await really_open(Namespace)
        made.no_names = "a mount namespace (unshare): Operation not permitted"
        return made

    async def scene() -> list[ScenarioRecord]:
        await possible()
        monkeypatch.setattr(Namespace, "open", open_without)
        return await carry_out(browser, "public-answers[both]", "localhost-empty")

    both, empty = asyncio.run(scene())
    assert both.unsupported == (
        "the public name cannot have two addresses: a mount namespace (unshare): Operation not permitted"
    )
    assert judged(empty).startswith("pass")


def test_where_there_can_be_no_network_of_its_own_that_is_said_and_tried_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    async def refuse() -> Namespace:
        asked.append(1)
        raise Unsupported("no network namespace of its own: unshare: Operation not permitted")

    async def be_sane(*_: object) -> None:
        """Neither a browser nor the sanity scenario is in question here."""

    monkeypatch.setattr(Namespace, "open", refuse)
    monkeypatch.setattr(RigHolder, "_warm_up", be_sane)
    monkeypatch.setattr(Sanity, "ensure", be_sane)
    settings = RunSettings(Browser("/nowhere", "Chromium", "156", "a test"))

    async def scene() -> list[ScenarioRecord]:
        async with open_pool(settings, [reference()]) as pool:
            holders: list[RigHolder] = [pool.holder(), pool.holder()]
            return [await holder.run(PlanItem(reference(), SCENARIOS[V6_ONLY], 0)) for holder in holders]

    records = asyncio.run(scene())
    assert {record.unsupported for record in records} == {
        "no network namespace of its own: unshare: Operation not permitted"
    }
    assert [record.failure for record in records] == [None, None]
    assert len(asked) == 1
    result = judge_scenario(SCENARIOS[V6_ONLY], reference(), records[0], REQUIREMENTS, UNCALIBRATED.error_ms)
    assert result.verdict == "unsupported"
    assert {finding.verdict for finding in result.findings} == {"unsupported"}
