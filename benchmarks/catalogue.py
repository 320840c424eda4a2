"""The whole catalogue: how long a run takes, and whether every run says the same.

Each run is what ``conform run`` does: new rigs, the same plan, the same judge. Verdicts are compared
one by one, of every scenario and of every requirement in it.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.measure import counted, differing, met, table
from benchmarks.shell import Progress, arguments, at_least_one, machine, main, subject_and_browser
from conformance.catalogue import by_id
from conformance.commands.options import default_jobs
from conformance.files import load_requirements, load_scenarios
from conformance.judge import judge_run
from conformance.plan import Plan, make_plan, unsupported
from conformance.record import RunRecord, ScenarioRecord
from conformance.rig.engine import RigMode, RunSettings, run_plan
from conformance.rig.environment import describe_environment
from conformance.verdict import Verdict

if TYPE_CHECKING:
    import argparse

    from conformance.model import Profile, Requirement, Scenario
    from conformance.results import RunResult

WALL_S_MAX = 120.0
WHOLE = "(scenario)"  # stands for the scenario's own verdict among its requirements'

Said = dict[tuple[str, str], str]


class Catalogue:
    """One subject, the selected scenarios, one way to run them."""

    def __init__(self, profile: Profile, settings: RunSettings, globs: list[str]) -> None:
        self._requirements: tuple[Requirement, ...] = load_requirements()
        self._profile = profile
        self._settings = settings
        plan = make_plan([profile], load_scenarios(), scenario_globs=globs)
        known = by_id(self._requirements)
        self._scenarios: tuple[Scenario, ...] = tuple(item.scenario for item in plan.items)
        self._plan = Plan(tuple(item for item in plan.items if not unsupported(profile, item.scenario, known)))

    @property
    def size(self) -> int:
        """Scenarios a run."""
        return len(self._plan.items)

    async def run(self, progress: Progress) -> tuple[float, RunResult]:
        """Wall time in seconds, and what the run came to."""
        started = datetime.now(UTC).isoformat(timespec="seconds")
        records: list[ScenarioRecord] = []

        def keep(record: ScenarioRecord) -> None:
            records.append(record)
            progress.step(note=record.scenario)

        begun_s = time.monotonic()
        await run_plan(self._plan, self._settings, on_start=lambda _: None, on_record=keep, stop=lambda: False)
        wall_s = time.monotonic() - begun_s
        environment = describe_environment(self._settings, started)
        header = (self._requirements, (self._profile,), self._scenarios)
        return wall_s, judge_run(RunRecord(started, environment, *header, tuple(records)))


def said(result: RunResult) -> Said:
    """Every verdict of a run: (scenario, requirement) → verdict, and (scenario, WHOLE) → the scenario's own."""
    found: Said = {}
    for subject in result.subjects:
        for scenario in subject.scenarios:
            found[scenario.scenario, WHOLE] = str(scenario.verdict)
            found.update({(scenario.scenario, one.requirement): str(one.verdict) for one in scenario.findings})
    return found


def reasons(result: RunResult) -> Said:
    """Every reason of a run, under the same keys."""
    found: Said = {}
    for subject in result.subjects:
        for scenario in subject.scenarios:
            found[scenario.scenario, WHOLE] = scenario.reason
            found.update({(scenario.scenario, one.requirement): one.reason for one in scenario.findings})
    return found


def report(walls_s: list[float], results: list[RunResult], *, is_whole: bool) -> str:
    """A row a run, the targets, and everything that differed."""
    runs = [said(result) for result in results]
    verdicts = [Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.ERROR, Verdict.UNSUPPORTED]
    rows = []
    for number, (wall_s, run) in enumerate(zip(walls_s, runs, strict=True), 1):
        own = [verdict for (_, requirement), verdict in run.items() if requirement == WHOLE]
        rows.append((f"run {number}", f"{wall_s:.1f}", *(str(own.count(str(verdict))) for verdict in verdicts)))
    differ = differing(runs)
    contrary = [values for values in differ.values() if len(set(values) - {None}) > 1]
    apart = f"verdicts that differ between {len(runs)} runs: {len(contrary)}, {met(len(contrary), at_most=0)}"
    lines = [
        table(("scenarios' verdicts", "wall, s", *(str(verdict) for verdict in verdicts)), rows),
        f"slowest run: {max(walls_s):.1f} s" + (f", {met(max(walls_s), at_most=WALL_S_MAX)}" if is_whole else ""),
        f"{apart}; judged in some runs only: {len(differ) - len(contrary)}",
    ]
    why = [reasons(result) for result in results]
    for key, values in differ.items():
        lines.append(f"- {key[0]} {key[1]}: {counted(values)}")
        told = {value: one.get(key, "") for value, one in zip(values, why, strict=True) if value is not None}
        lines += [f"    {value}: {reason}" for value, reason in told.items()]
    return "\n".join([lines[0], "", *lines[1:]])


async def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    profile, browser = subject_and_browser(options)
    print(machine(browser), end="\n\n", flush=True)
    settings = RunSettings(browser, options.rig, options.jobs)
    catalogue = Catalogue(profile, settings, options.scenario)
    print(f"{catalogue.size} scenarios, {settings.jobs} rigs ({settings.rig})", end="\n\n", flush=True)
    progress = Progress("catalogue", catalogue.size * options.runs)
    walls_s, results = [], []
    for _ in range(options.runs):
        wall_s, result = await catalogue.run(progress)
        walls_s.append(wall_s)
        results.append(result)
    print(report(walls_s, results, is_whole=not options.scenario))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = arguments(__doc__, subject="reference")
    parser.add_argument("--runs", type=at_least_one, default=1, help="whole runs to compare; default: 1")
    parser.add_argument(
        "--jobs", type=at_least_one, default=default_jobs(), help="rigs at once; default: conform's own"
    )
    parser.add_argument("--rig", type=RigMode, choices=list(RigMode), default=RigMode.WARM, help="default: warm")
    parser.add_argument("--scenario", action="append", default=[], metavar="GLOB", help="only these; default: all")
    return parser.parse_args()


if __name__ == "__main__":
    arguments_given = parse()
    sys.exit(main(lambda: run(arguments_given)))
