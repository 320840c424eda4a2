"""``conform run``: plan, carry out, judge, report.

Whatever ends a run early, what was observed until then is in its directory, and the message says so.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from conformance.catalogue import by_id
from conformance.commands.crash import logged_in
from conformance.commands.options import RunOptions, load_subjects, new_run_id
from conformance.commands.report_files import write_reports
from conformance.commands.verdict import judged, say
from conformance.errors import ConformError, ExitStatus, HarnessError, InputError
from conformance.files import load_requirements, load_scenarios
from conformance.judge import judge_scenario
from conformance.model import Profile, Requirement, Scenario
from conformance.plan import Plan, PlanItem, make_plan, unsupported
from conformance.record import RunRecord, ScenarioRecord
from conformance.report import view
from conformance.report.progress import Progress, progress_on
from conformance.results import RunResult
from conformance.rig.browsers import find_browser
from conformance.rig.calibrating import find_calibration
from conformance.rig.engine import RunSettings, run_plan
from conformance.rig.environment import describe_environment
from conformance.rig.targets import look_at
from conformance.store import RunWriter, create_run_dir
from conformance.targets import Standing, why_not
from conformance.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from conformance.record import Environment


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to be carried out. ``scenarios``: at least the plan's, in the order in which they are told."""

    plan: Plan
    scenarios: tuple[Scenario, ...]
    profiles: tuple[Profile, ...]
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """A run that was carried out and judged. ``footer``: how much, how long, where."""

    directory: Path
    record: RunRecord
    result: RunResult
    footer: str


def run(out: Console, err: Console, options: RunOptions) -> ExitStatus:
    """Judge the subjects; tables go to ``out``, progress to ``err``."""
    if options.list_only:
        planned = planned_of(options)
        for scenario in _chosen(planned.plan, planned.scenarios):
            out.print(Text(f"{scenario.id}  {', '.join(scenario.covers)}"), soft_wrap=True)
        return ExitStatus.CONFORMS
    done = perform(err, options)
    status = say(out, done.result, options.level, verbose=options.verbose)
    out.print(Text(done.footer))
    for file in write_reports(options.reports, done.result, done.record, options.level):
        out.print(Text(f"{file.format}: {file.path}"))
    return status


def planned_of(options: RunOptions) -> Planned:
    """What the options ask for. Raises InputError, DataError."""
    requirements = load_requirements()
    catalogue = load_scenarios(requirements=by_id(requirements))
    profiles = load_subjects(options.extensions, options.subjects)
    plan = make_plan(
        profiles,
        catalogue,
        scenario_globs=options.scenarios,
        requirements=options.requirements,
        tags=options.tags,
        repeat=options.repeat,
        seed=options.seed if options.shuffle else None,
    )
    return Planned(plan, catalogue, profiles, requirements)


def perform(err: Console, options: RunOptions, planned: Planned | None = None) -> Done:
    """Observe, keep and judge, without a word on it; progress goes to ``err``. ``planned``: else what options say."""
    planned = planned or planned_of(options)
    plan, requirements = planned.plan, planned.requirements
    started = datetime.now(UTC)
    settings = RunSettings(
        browser=find_browser(options.browser),
        rig=options.rig,
        jobs=options.jobs,
        headed=options.headed,
        seed=options.seed,
        fail_fast=options.fail_fast,
        targets=options.targets,
    )
    standing = _look_at(options, planned.profiles)
    calibration = find_calibration(options.calibration, settings.browser)
    begun_at = started.isoformat(timespec="seconds").replace("+00:00", "Z")
    environment = describe_environment(settings, begun_at, calibration)
    run_id = new_run_id(started)
    directory = create_run_dir(options.output, run_id)
    with RunWriter(directory) as writer:
        header = header_of(plan, run_id, environment, requirements, planned.scenarios)
        writer.header(replace(header, profiles=planned.profiles))  # as they were named, not as the plan has them
        with progress_on(err, len(plan.items)) as progress, logged_in(directory):
            carrier = Carrier(writer, progress, by_id(requirements), environment.error_ms, options, standing)
            carry_out(plan, settings, carrier)
        record, result = judged(directory)
        writer.results(result)
    return Done(directory, record, result, footer(plan, writer.kept, datetime.now(UTC) - started, directory))


def _look_at(options: RunOptions, profiles: tuple[Profile, ...]) -> tuple[Standing, ...]:
    """The targets, each seen to answer. Raises InputError, HarnessError."""
    if not options.targets:
        return ()
    try:
        standing = asyncio.run(look_at(options.targets, profiles))
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise HarnessError("interrupted before anything ran") from None
    for target in standing:
        if options.repeat > 1 and not target.is_here and not target.spec.owned:
            message = f"{target.spec.option}: it is not on this machine, and --repeat {options.repeat} is load"
            raise InputError(f"{message}; leave that out or, if it is yours, say so with --i-own-this-target")
    return standing


def footer(plan: Plan, kept: int, took: timedelta, directory: Path) -> str:
    """How much was done, how long it took, where the record is."""
    left = f" of {len(plan.items)}, stopped at the first failure," if kept < len(plan.items) else ""
    return f"{kept}{left} scenarios in {took.total_seconds():.0f} s · record in {directory}"


def header_of(
    plan: Plan,
    run_id: str,
    environment: Environment,
    requirements: tuple[Requirement, ...],
    catalogue: tuple[Scenario, ...],
) -> RunRecord:
    """The record without its records: the plan's subjects, and its scenarios in the catalogue's order."""
    profiles = {item.profile.name: item.profile for item in plan.items}
    return RunRecord(run_id, environment, requirements, tuple(profiles.values()), _chosen(plan, catalogue), ())


def _chosen(plan: Plan, catalogue: tuple[Scenario, ...]) -> tuple[Scenario, ...]:
    """The plan's scenarios, in the catalogue's order."""
    ids = {item.scenario.id for item in plan.items}
    return tuple(scenario for scenario in catalogue if scenario.id in ids)


# --- carrying out --------------------------------------------------------------------------------


@dataclass(slots=True)
class Carrier:
    """Takes what the engine reports: keeps it, judges it for the display, and says when to stop."""

    writer: RunWriter
    progress: Progress
    requirements: Mapping[str, Requirement]
    error_ms: float
    options: RunOptions
    targets: tuple[Standing, ...] = ()
    failure: ConformError | None = None  # what went wrong in a callback: the engine must end its own way first
    stopping: bool = False
    items: dict[tuple[str, str], PlanItem] = field(default_factory=dict)

    def on_start(self, item: PlanItem) -> None:
        """A scenario begins."""
        self.progress.started(self._name(item.profile.name, item.scenario.id, item.repeat))

    def on_record(self, record: ScenarioRecord) -> None:
        """A scenario is over."""
        if self.failure is not None:
            return  # the disk is full: nothing more can be kept
        try:
            self.writer.add(record)
        except ConformError as failure:
            self.failure, self.stopping = failure, True
            return
        item = self.items[record.subject, record.scenario]
        result = judge_scenario(item.scenario, item.profile, record, self.requirements, self.error_ms)
        self.progress.ended(self._name(record.subject, record.scenario, record.repeat), result.verdict)
        levels = {one.id: one.level for one in self.requirements.values()}
        counted = view.verdict_at(levels, result, self.options.level)
        self.stopping |= self.options.fail_fast and counted in (Verdict.FAIL, Verdict.ERROR)

    def stop(self) -> bool:
        """Whether no further scenario is to begin."""
        return self.stopping

    def _name(self, subject: str, scenario: str, repeat: int) -> str:
        alone = len({name for name, _ in self.items}) == 1
        return (scenario if alone else f"{subject}: {scenario}") + (f" ({repeat + 1})" if repeat else "")


def carry_out(plan: Plan, settings: RunSettings, carrier: Carrier) -> None:
    """Run the plan; ``carrier`` gets every record. Raises ConformError, with what is kept until then."""
    carrier.items.update({(item.profile.name, item.scenario.id): item for item in plan.items})
    planned = carrier.writer.kept + len(plan.items)  # with those of an earlier plan of the same run
    possible = _without_unsupported(plan, carrier)
    try:
        if possible.items:
            asyncio.run(_until_done_or_told(possible, settings, carrier))
    except asyncio.CancelledError:
        raise HarnessError(interrupted(carrier.writer, planned)) from None
    except ConformError as error:
        kept = f"{carrier.writer.kept} of {planned} results so far are kept in {carrier.writer.directory}"
        raise type(error)(f"{error}; {kept}") from error
    if carrier.failure is not None:
        raise carrier.failure


def interrupted(writer: RunWriter, planned: int) -> str:
    """What a run that was interrupted leaves, and who reads it."""
    kept = f"interrupted; {writer.kept} of {planned} results kept in {writer.directory}"
    return f"{kept}; `conform judge {writer.directory}` reads them"


def _without_unsupported(plan: Plan, carrier: Carrier) -> Plan:
    """The items that can be carried out; why the others cannot is recorded here and now."""
    possible = []
    for item in plan.items:
        reason = unsupported(item.profile, item.scenario, carrier.requirements)
        reason = reason or why_not(item.scenario, carrier.targets)
        if reason is None:
            possible.append(item)
        else:
            carrier.on_record(ScenarioRecord(item.profile.name, item.scenario.id, item.repeat, unsupported=reason))
    return Plan(tuple(possible))


async def _until_done_or_told(plan: Plan, settings: RunSettings, carrier: Carrier) -> None:
    """Run the plan; SIGINT and SIGTERM cancel it, and the engine cleans up on its way out."""
    work = asyncio.ensure_future(
        run_plan(plan, settings, on_start=carrier.on_start, on_record=carrier.on_record, stop=carrier.stop)
    )
    with _signals_cancel(work):
        await work


@contextmanager
def _signals_cancel(work: asyncio.Future[None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
