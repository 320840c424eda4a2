"""The rigs at work: real browser, real extension, in every mode and through every kind of trouble."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from conformance.bundle import bundled
from conformance.calibration import DEFAULT_ERROR_MS
from conformance.catalogue import by_id
from conformance.commands.options import default_jobs
from conformance.errors import SubjectError
from conformance.events import Event, ObservationEnded, RequestReceived, SessionOpened, Source, SubjectStarted
from conformance.files import load_requirements, load_scenarios
from conformance.judge import judge_scenario
from conformance.model import Profile, Scenario
from conformance.plan import Plan, PlanItem, expected_ms, make_plan, unsupported
from conformance.record import ScenarioRecord
from conformance.results import ScenarioResult
from conformance.rig import scratch
from conformance.rig.browsers import Browser
from conformance.rig.engine import RigMode, RunSettings, run_plan
from conformance.rig.sanity import SANITY
from conformance.rig.steps import Conductor
from conformance.subjects import load_subject
from conformance.verdict import Verdict
from tests.rig import extensions
from tests.rig.processes import PATIENCE_S, session_of, watched

pytestmark = pytest.mark.browser

REQUIREMENTS = by_id(load_requirements())
LONG_MS = 15_000
SCENARIOS = {scenario.id: scenario for scenario in load_scenarios()}


def reference() -> Profile:
    return load_subject(bundled("fixtures", "extensions", "reference"), None)


def carry_out(
    plan: Plan,
    browser: Browser,
    *,
    rig: RigMode = RigMode.WARM,
    jobs: int = 1,
    on_start: Callable[[PlanItem], None] = lambda _: None,
) -> list[ScenarioRecord]:
    records: list[ScenarioRecord] = []
    settings = RunSettings(browser, rig, jobs)
    asyncio.run(run_plan(plan, settings, on_start=on_start, on_record=records.append, stop=lambda: False))
    return records


def plan_of(profile: Profile, *names: str) -> Plan:
    return Plan(tuple(PlanItem(profile, SCENARIOS[name], number) for number, name in enumerate(names)))


def judged(profile: Profile, records: Iterable[ScenarioRecord]) -> list[ScenarioResult]:
    return [
        judge_scenario(SCENARIOS[record.scenario], profile, record, REQUIREMENTS, DEFAULT_ERROR_MS)
        for record in records
    ]


def events(record: ScenarioRecord) -> tuple[Event, ...]:
    assert record.timeline is not None, record.failure
    return record.timeline.events


def opened(record: ScenarioRecord) -> list[Source]:
    return [event.source for event in events(record) if isinstance(event, SessionOpened)]


@pytest.mark.parametrize("rig", list(RigMode))
def test_every_rig_sees_the_same_choice(browser: Browser, rig: RigMode) -> None:
    plan = plan_of(reference(), "local-up", "local-down", "wrong-signature[other-name]")
    records = carry_out(plan, browser, rig=rig)
    assert [opened(record) for record in records] == [[Source.LOCAL], [Source.PUBLIC], [Source.PUBLIC]]
    for result in judged(reference(), records):
        assert result.verdict == "pass", result.reason


@pytest.mark.parametrize("rig", [RigMode.WARM, RigMode.FRESH])
@pytest.mark.parametrize("make", [extensions.clicked, extensions.messaged], ids=["click", "message"])
def test_a_subject_waits_for_its_trigger(
    browser: Browser, tmp_path: Path, make: Callable[[Path], Path], rig: RigMode
) -> None:
    profile = load_subject(make(tmp_path / "triggered"), None)
    (record,) = carry_out(plan_of(profile, "both-up"), browser, rig=rig)
    assert opened(record) == [Source.LOCAL]
    started = next(event for event in events(record) if isinstance(event, SubjectStarted))
    assert str(profile.trigger.kind) in started.how
    assert not [event for event in events(record) if isinstance(event, RequestReceived) and event.at_ms < 0]


def test_other_endpoints_rule_and_no_public_server(browser: Browser, tmp_path: Path) -> None:
    profile = load_subject(extensions.elsewhere(tmp_path / "elsewhere"), None)
    up, wrong = carry_out(plan_of(profile, "both-up", "wrong-signature[number]"), browser)
    assert opened(up) == [Source.LOCAL]
    targets = [event.target for event in events(up) if isinstance(event, RequestReceived)]
    assert targets == ["/who", "/session"]
    assert opened(wrong) == []


def test_a_trigger_that_is_not_there_is_the_users_to_mend(browser: Browser, tmp_path: Path) -> None:
    directory = extensions.clicked(tmp_path / "clicked")
    text = (directory / "subject.toml").read_text().replace("#go", "#gone")
    (directory / "subject.toml").write_text(text)
    with pytest.raises(SubjectError, match=r"popup\.html.*#gone.*selector"):
        carry_out(plan_of(load_subject(directory, None), "local-up"), browser)


def test_an_extension_that_the_browser_refuses_is_the_users_to_mend(browser: Browser, tmp_path: Path) -> None:
    directory = extensions.write(tmp_path / "refused", manifest={"permissions": 7})
    with pytest.raises(SubjectError, match="the browser refuses this extension"):
        carry_out(plan_of(load_subject(directory, None), "local-up"), browser)


def browsers_of_this_process() -> list[int]:
    """Browser processes whose parent is this one."""
    children = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent == os.getpid():
            children.append(int(status.parent.name))
    return children


def test_a_browser_that_dies_between_two_scenarios_is_replaced(browser: Browser) -> None:
    def kill_before_second(item: PlanItem) -> None:
        if item.repeat == 1:
            for pid in browsers_of_this_process():
                os.kill(pid, signal.SIGKILL)

    plan = plan_of(reference(), "local-up", "local-down", "both-up")
    first, second, third = carry_out(plan, browser, on_start=kill_before_second)
    assert opened(first) == opened(third) == [Source.LOCAL]
    assert second.failure is None or "browser" in second.failure


def test_a_browser_that_dies_within_a_scenario_leaves_an_error(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    conduct = Conductor.conduct

    async def conduct_and_kill(self: Conductor, scenario: Scenario) -> str:
        for pid in browsers_of_this_process() if scenario.id != SANITY else []:
            os.kill(pid, signal.SIGKILL)
        return await conduct(self, scenario)

    monkeypatch.setattr(Conductor, "conduct", conduct_and_kill)
    (record,) = carry_out(plan_of(reference(), "both-down"), browser)
    assert record.timeline is None
    assert "SIGKILL" in str(record.failure)
    (result,) = judged(reference(), [record])
    assert result.verdict == "error"


@pytest.mark.parametrize("rig", [RigMode.WARM, RigMode.UNATTACHED])
def test_a_disk_that_fills_up_within_a_scenario_leaves_an_error(
    browser: Browser, rig: RigMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chromium goes on, and an updated subject, for one, is not started: nothing that it does is the subject's."""
    conduct = Conductor.conduct

    async def conduct_and_fill(self: Conductor, scenario: Scenario) -> str:
        if scenario.id != SANITY:
            monkeypatch.setattr(scratch, "_ROOM_BYTES_MIN", math.inf)
        return await conduct(self, scenario)

    monkeypatch.setattr(Conductor, "conduct", conduct_and_fill)
    (record,) = carry_out(plan_of(reference(), "both-up"), browser, rig=rig)
    assert record.timeline is None
    assert "says nothing of the subject; no space is left in " in str(record.failure)


def test_nothing_is_left_when_a_run_ends(browser: Browser) -> None:
    carry_out(plan_of(reference(), "local-up"), browser, jobs=2)
    assert browsers_of_this_process() == []


def wrong(results: Iterable[ScenarioResult]) -> list[tuple[str, str, str]]:
    """What nobody may find in a subject that conforms, by a harness that works."""
    return [
        (result.scenario, finding.requirement, f"{finding.verdict}: {finding.reason}")
        for result in results
        for finding in result.findings
        if finding.verdict in (Verdict.FAIL, Verdict.ERROR)
    ]


def findings(results: Iterable[ScenarioResult]) -> dict[tuple[str, str], tuple[Verdict, str]]:
    """Verdict and reason of each scenario and requirement, without what a busy machine kept from being seen."""
    return {
        (result.scenario, finding.requirement): (finding.verdict, finding.reason)
        for result in results
        for finding in result.findings
        if not finding.reason.startswith("machine too busy")
    }


def shuffled(times: int, seed: int) -> Plan:
    """The whole catalogue so many times, in a seed's order; what takes long goes first, or all would wait for it."""
    plan = make_plan([reference()], tuple(SCENARIOS.values()), repeat=times, seed=seed)
    possible = [item for item in plan.items if not unsupported(item.profile, item.scenario, REQUIREMENTS)]
    return Plan(tuple(sorted(possible, key=lambda item: expected_ms(item.scenario) < LONG_MS)))


@pytest.mark.alone
def test_nothing_leaks_from_one_scenario_to_the_next(browser: Browser) -> None:
    """The whole catalogue twice, shuffled, on warm rigs: each scenario comes after others the second time.

    Both times in one run, so that the one's waits are the other's time to work.
    """
    every = carry_out(shuffled(2, seed=1), browser, jobs=default_jobs())
    seen = []
    for time in (0, 1):
        records = [record for record in every if record.repeat == time]
        records = [record for record in records if not record.unsupported]  # this machine gives no namespaces
        assert not [(record.scenario, record.failure) for record in records if record.failure]
        records = [record for record in records if record.unsupported is None]  # what this machine cannot stage
        assert all(isinstance(events(record)[-1], ObservationEnded) for record in records)
        results = judged(reference(), records)
        assert wrong(results) == []  # in both orders alike were no agreement to be content with
        seen.append(findings(results))
    first, second = seen
    both = first.keys() & second.keys()
    differ = {key: (first[key], second[key]) for key in both if first[key][0] is not second[key][0]}
    assert differ == {}
    # What a busy machine kept from being seen in one order says nothing; most must have been seen in both.
    assert len(both) > 0.95 * len(first.keys() | second.keys())


OPEN_AND_WAIT = """
import asyncio, sys
from pathlib import Path
from conformance.files import load_scenarios
from conformance.plan import PlanItem
from conformance.rig.browsers import Browser
from conformance.rig.engine import RunSettings, open_pool
from conformance.subjects import load_subject

async def main():
    settings = RunSettings(Browser(sys.argv[1], "Chromium", "156", "a test"))
    profile = load_subject(Path(sys.argv[2]), None)
    async with open_pool(settings, [profile]) as pool:
        holder = pool.holder()
        record = await holder.run(PlanItem(profile, load_scenarios()[0], 0))
        assert record.timeline, record.failure
        print(holder._rig._chromium.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def test_a_harness_that_is_killed_leaves_no_browser(browser: Browser) -> None:
    extension = str(bundled("fixtures", "extensions", "reference"))
    command = [sys.executable, "-c", OPEN_AND_WAIT, browser.path, extension]
    # A short path, unlike pytest's own: Chromium makes a socket in it. What the killed one leaves goes with it.
    with tempfile.TemporaryDirectory() as directory:
        environment = {**os.environ, "TMPDIR": directory}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as harness:  # noqa: S603
            assert harness.stdout is not None
            pid = int(harness.stdout.readline())
            with watched(*session_of(pid)) as processes:
                assert pid in processes.left()
                assert len(processes.left()) > 3
                harness.send_signal(signal.SIGKILL)
                assert processes.left(PATIENCE_S) == set()
