"""``conform servers``: examine servers, judge the record, report; without a URL, the bundled reference servers.

No browser is started. Everything after the record is as for ``conform run``: verdicts, reports, exit statuses, and
``conform judge`` reads the run again.
"""

from __future__ import annotations

import asyncio
import os
import platform
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.text import Text

from conformance.catalogue import by_id
from conformance.commands.crash import logged_in
from conformance.commands.options import OUTPUT, new_run_id
from conformance.commands.report_files import ReportFile, write_reports
from conformance.commands.run import interrupted
from conformance.commands.verdict import judged, say
from conformance.errors import ExitStatus, HarnessError, InputError, did_you_mean
from conformance.files import load_requirements
from conformance.judge import judge_scenario
from conformance.model import Level, Requirement, Side
from conformance.record import Environment, RunRecord, ScenarioRecord
from conformance.report.progress import Progress, progress_on
from conformance.results import file_name
from conformance.rig.calibrating import UNCALIBRATED
from conformance.rig.environment import harness_version
from conformance.rig.scratch import temporary_directory
from conformance.rig.serving.bundled import running
from conformance.rig.serving.examination import Settings
from conformance.rig.serving.examine import Subject, check_there, examine, version_of
from conformance.rig.serving.wire import check_ca, find
from conformance.server_plan import SERVER_SCENARIOS, ServerScenario, scenarios_of
from conformance.store import RunWriter, create_run_dir

if TYPE_CHECKING:
    from rich.console import Console


_BUNDLED_HEARTBEAT_S: Final = "2"  # so that half-open clients are dropped while somebody waits for it


@dataclass(frozen=True, slots=True, kw_only=True)
class ServersOptions:
    """Everything that ``conform servers`` can be told. No URL at all: the bundled servers."""

    local: str | None = None
    public: str | None = None
    public_unhealthy: str | None = None
    ca: Path | None = None
    scenarios: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    settings: Settings = field(default_factory=Settings)
    owned: bool = False
    level: Level = Level.MUST
    reports: tuple[ReportFile, ...] = ()
    output: Path = OUTPUT
    list_only: bool = False
    verbose: bool = False


def servers(out: Console, err: Console, options: ServersOptions) -> ExitStatus:
    """Judge the servers; tables go to ``out``, progress to ``err``."""
    chosen = choose(options)
    if options.list_only:
        for one in chosen:
            out.print(Text(f"{one.scenario.id}  {', '.join(one.scenario.covers)}"), soft_wrap=True)
        return ExitStatus.CONFORMS
    started = datetime.now(UTC)
    run_id = new_run_id(started)
    try:
        directory, record_size = asyncio.run(_carry_out(err, options, chosen, run_id, started))
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise HarnessError(_interrupted(options.output / file_name(run_id), len(chosen))) from None
    record, result = judged(directory)
    with RunWriter(directory) as writer:
        writer.results(result)
    status = say(out, result, options.level, verbose=options.verbose)
    took_s = (datetime.now(UTC) - started).total_seconds()
    out.print(Text(f"{record_size} scenarios in {took_s:.0f} s · record in {directory}"))
    for file in write_reports(options.reports, result, record, options.level):
        out.print(Text(f"{file.format}: {file.path}"))
    return status


def _interrupted(directory: Path, planned: int) -> str:
    if not directory.is_dir():
        return "interrupted before anything was examined; run again"
    return interrupted(RunWriter(directory), planned)


def choose(options: ServersOptions) -> tuple[ServerScenario, ...]:
    """The scenarios that are asked for, in order."""
    sides = [side for side, url in ((Side.LOCAL, options.local), (Side.PUBLIC, options.public)) if url]
    found = scenarios_of(sides or Side)
    names = [one.scenario.id for one in found]
    for glob in options.scenarios:
        if not any(fnmatchcase(name, glob) for name in names):
            raise InputError(f"--scenario '{glob}': no such scenario of a server{did_you_mean(glob, names)}")
    covered = sorted({id_ for one in found for id_ in one.scenario.covers})
    for id_ in options.requirements:
        if id_ not in covered:
            raise InputError(
                f"--requirement '{id_}': no scenario of these servers covers it{did_you_mean(id_, covered)}"
            )
    return tuple(
        one
        for one in found
        if (not options.scenarios or any(fnmatchcase(one.scenario.id, glob) for glob in options.scenarios))
        and (not options.requirements or set(options.requirements) & set(one.scenario.covers))
    )


async def _carry_out(
    err: Console, options: ServersOptions, chosen: tuple[ServerScenario, ...], run_id: str, started: datetime
) -> tuple[Path, int]:
    async with AsyncExitStack() as stack:
        subjects = await _subjects(stack, options, {one.side for one in chosen})
        directory = create_run_dir(options.output, run_id)
        wanted = {id_ for one in SERVER_SCENARIOS for id_ in one.scenario.covers}
        requirements = tuple(one for one in load_requirements() if one.id in wanted)
        with RunWriter(directory) as writer, logged_in(directory):
            scenarios = tuple(one.scenario for one in chosen)
            profiles = tuple(subject.profile for subject in subjects)
            environment = describe(options.settings, started)
            writer.header(RunRecord(run_id, environment, requirements, profiles, scenarios, ()))
            with progress_on(err, len(chosen)) as progress:
                keeper = _Keeper(writer, progress, chosen, by_id(requirements))
                for subject in subjects:
                    keeper.subject = subject
                    await examine(subject, keeper.on_record, progress.started, lambda one: one in chosen)
            return directory, writer.kept


@dataclass(slots=True)
class _Keeper:
    """Takes each record as it is there: kept, and judged for the display."""

    writer: RunWriter
    progress: Progress
    chosen: tuple[ServerScenario, ...]
    requirements: dict[str, Requirement]
    subject: Subject | None = None

    def on_record(self, record: ScenarioRecord) -> None:
        self.writer.add(record)
        scenario = next(one.scenario for one in self.chosen if one.scenario.id == record.scenario)
        if self.subject is not None:
            result = judge_scenario(scenario, self.subject.profile, record, self.requirements, UNCALIBRATED.error_ms)
            self.progress.ended(scenario.id, result.verdict)


async def _subjects(stack: AsyncExitStack, options: ServersOptions, sides: set[Side]) -> list[Subject]:
    """The servers that are asked for, there and allowed; else the bundled ones, started."""
    check_ca(options.ca)
    if not options.local and not options.public:
        return [await _bundled(stack, side, options) for side in Side if side in sides]
    unhealthy = None
    if options.public_unhealthy:
        unhealthy = await find(options.public_unhealthy, Side.PUBLIC, options.ca)
    found = []
    for side, url in ((Side.LOCAL, options.local), (Side.PUBLIC, options.public)):
        if url is None:
            continue
        target = await find(url, side, options.ca)
        for one in filter(None, (target, unhealthy)):
            if not one.is_loopback and not options.owned:
                raise InputError(
                    f"--{side} {one.url}: {one.address} is not this machine, and examining a server sends it malformed "
                    "and hostile traffic; if it is yours, say so with --i-own-this-target"
                )
            await check_there(one)
        settings = replace(options.settings, unhealthy=unhealthy)
        found.append(Subject(target, settings, f"{side} server", await version_of(target)))
    return found


async def _bundled(stack: AsyncExitStack, side: Side, options: ServersOptions) -> Subject:
    common = ("--heartbeat", _BUNDLED_HEARTBEAT_S)
    settings = options.settings
    if side is Side.LOCAL:
        target = await find(await stack.enter_async_context(running(side, *common)), side)
    else:
        ca = Path(stack.enter_context(temporary_directory()), "ca.pem")
        own = (*common, "--quiet", "--origin", settings.origin)
        url = await stack.enter_async_context(running(side, *own, "--ca", str(ca)))
        sick_ca = ca.with_name("sick.pem")
        sick = await stack.enter_async_context(running(side, *own, "--ca", str(sick_ca), "--table-down"))
        target = await find(url, side, ca)
        settings = replace(settings, unhealthy=await find(sick, side, sick_ca))
    return Subject(target, settings, f"reference {side} server", await version_of(target))


def describe(settings: Settings, started: datetime) -> Environment:
    """What the run was made with: no browser."""
    return Environment(
        browser="no browser",
        browser_flags=(),
        harness=harness_version(),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpus=os.cpu_count() or 1,
        rig="server",
        jobs=1,
        seed=settings.seed,
        started_at=started.isoformat(timespec="seconds").replace("+00:00", "Z"),
        error_ms=UNCALIBRATED.error_ms,
    )
