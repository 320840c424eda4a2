"""A rig and a judge for test_plugin.py's projects, loaded there with ``-p plugin_stand_ins``.

``verdicts.json`` in the project says what a scenario comes to and at which level (``fail:SHOULD``);
``calls.log`` is what the rigs were asked for, a process id and a call a line. A file ``interrupt`` makes
the first scenario end in Ctrl-C; a file ``kill`` names the scenarios in which their process is killed.
With a file ``elsewhere`` every target answers well and is not on this machine; with a file ``broken`` the harness
fails before anything is collected.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from conformance.errors import HarnessError
from conformance.events import ObservationEnded, Source, SubjectStarted
from conformance.model import Level, Outcome, Profile, Requirement, Scenario
from conformance.plan import PlanItem
from conformance.record import Calibration, Environment, RunRecord, ScenarioRecord
from conformance.results import RequirementResult, RunResult, ScenarioResult, SubjectResult
from conformance.rig.browsers import Browser
from conformance.rig.engine import RunSettings
from conformance.targets import Standing, TargetSpec
from conformance.timeline import Timeline
from conformance.verdict import Finding, Verdict, worst

TIMELINE = Timeline.of(
    [
        SubjectStarted(at_ms=0.0, source=Source.RIG, extension_id="abc", how="its worker was started"),
        ObservationEnded(at_ms=100.0, source=Source.RIG, reason="as expected", lag_ms=0.1),
    ]
)


@dataclass(frozen=True)
class StandIn:
    """The rig and the judge of one project."""

    project: Path

    def log(self, call: str) -> None:
        with (self.project / "calls.log").open("a") as file:
            file.write(f"{os.getpid()} {call}\n")

    # --- the rig ---

    @asynccontextmanager
    async def open_pool(self, settings: RunSettings, profiles: Iterable[Profile]) -> AsyncIterator[StandIn]:
        self.log(f"open jobs={settings.jobs} rig={settings.rig} {','.join(one.name for one in profiles)}")
        for target in settings.targets:
            self.log(f"target {target} ca={target.ca} owned={target.owned}")
        try:
            yield self
        finally:
            self.log("close")

    def holder(self) -> StandIn:
        return self

    async def look_at(self, specs: Iterable[TargetSpec], _: Sequence[Profile]) -> tuple[Standing, ...]:
        return tuple(Standing(spec, is_here=False) for spec in specs)

    async def run(self, item: PlanItem) -> ScenarioRecord:
        self.log(f"run {item.profile.name} {item.scenario.id}")
        if (self.project / "interrupt").exists():
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        kill = self.project / "kill"
        if kill.exists() and item.scenario.id in kill.read_text().splitlines():
            os.kill(os.getpid(), signal.SIGKILL)
        return ScenarioRecord(item.profile.name, item.scenario.id, timeline=TIMELINE, wall_ms=1.0)

    # --- the judge ---

    def judge_run(self, run: RunRecord) -> RunResult:
        subjects = tuple(self.subject_result(run, profile) for profile in run.profiles)
        return RunResult(run.run_id, worst(one.verdict for one in subjects), subjects, run.environment)

    def subject_result(self, run: RunRecord, profile: Profile) -> SubjectResult:
        levels = {one.id: one.level for one in run.requirements}
        scenarios = {one.id: one for one in run.scenarios}
        records = [one for one in run.records if one.subject == profile.name]
        results = tuple(self.scenario_result(one, scenarios[one.scenario], levels) for one in records)
        requirements = []
        for each in run.requirements:
            told = [(one, result) for result in results for one in result.findings if one.requirement == each.id]
            if told:
                verdict = worst(finding.verdict for finding, _ in told)
                names = tuple(result.scenario for _, result in told)
                requirements.append(RequirementResult(each.id, each.level, verdict, "as stated", names, each.says))
        verdict = worst(one.verdict for one in results)
        return SubjectResult(
            profile.name, profile.version, verdict, {Level.MUST: verdict}, tuple(requirements), results
        )

    def scenario_result(self, record: ScenarioRecord, scenario: Scenario, levels: dict[str, Level]) -> ScenarioResult:
        stated = json.loads((self.project / "verdicts.json").read_text()).get(scenario.id, "pass:MUST")
        name, level = stated.split(":")
        verdict = Verdict.UNSUPPORTED if record.unsupported else Verdict.ERROR if record.failure else Verdict(name)
        reason = record.unsupported or record.failure or "as stated"
        requirement = next((one for one in scenario.covers if levels[one] == level), scenario.covers[0])
        return ScenarioResult(
            scenario=scenario.id,
            repeat=0,
            verdict=verdict,
            findings=(Finding(requirement, verdict, reason, (0,)),),
            connected_to=Outcome.LOCAL,
            connect_ms=None if record.timeline is None else 12.0,
            reason=reason,
            wall_ms=1.0,
            family=scenario.family,
            says=scenario.says,
            requirements=scenario.covers,
            timeline=None if record.timeline is None else "timelines/x.jsonl",
        )


def missing() -> tuple[Requirement, ...]:
    raise HarnessError("scenarios is missing from this installation; install the package again")


def find_browser(explicit: str | None) -> Browser:
    return Browser(explicit or "/chromium", "Chromium", "156.0", "stand-in")


def describe_environment(settings: RunSettings, started_at: str, calibration: Calibration) -> Environment:
    browser, rig, error_ms = str(settings.browser), settings.rig.value, calibration.error_ms
    return Environment(browser, (), "0", "3", "here", 2, rig, settings.jobs, 0, started_at, error_ms, calibration)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Put everything in place before the plugin takes it."""
    if config.getoption("conform_subjects"):
        from conformance import pytest_session  # noqa: PLC0415 - without --subject it must stay unloaded

        stand_in = StandIn(config.rootpath)
        put = pytest.MonkeyPatch()
        config.add_cleanup(put.undo)  # the process may be another test's next
        for name in ("open_pool", "judge_run", *(("look_at",) if (config.rootpath / "elsewhere").exists() else ())):
            put.setattr(pytest_session, name, getattr(stand_in, name))
        put.setattr(pytest_session, "find_browser", find_browser)
        put.setattr(pytest_session, "describe_environment", describe_environment)
        if (config.rootpath / "broken").exists():
            put.setattr(pytest_session, "load_requirements", missing)
