"""``conform mutants``: whether the harness finds the fault of every mutant, and no other.

Every mutant, its base, extensions that conform in other styles and one that does nothing go through one pool
of warm rigs. What is looked at
in which scenario, and what the findings come to, is kills.py's; the run is recorded and judged like any other,
so ``--judge RUN`` gives the matrix again from its record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance import kills as k
from conformance.catalogue import by_id
from conformance.commands.crash import logged_in
from conformance.commands.options import OUTPUT, RunOptions, new_run_id
from conformance.commands.report_files import ReportFile
from conformance.commands.run import Carrier, carry_out, header_of
from conformance.commands.verdict import judged
from conformance.errors import ExitStatus, HarnessError
from conformance.files import load_requirements, load_scenarios
from conformance.gallery import (
    base_directory,
    do_nothing_directory,
    load_gallery,
    load_mutant,
    selected,
    stranger_directories,
    write_mutant,
)
from conformance.model import Profile, Requirement, Scenario
from conformance.mutants import Mutant
from conformance.plan import Plan, PlanItem
from conformance.report.kill_matrix import WRITERS, Matrix, looked_again, summary
from conformance.report.progress import progress_on
from conformance.rig.browsers import find_browser
from conformance.rig.calibrating import find_calibration
from conformance.rig.engine import RigMode, RunSettings
from conformance.rig.environment import describe_environment
from conformance.rig.scratch import temporary_directory
from conformance.store import RunWriter, create_run_dir
from conformance.subjects import load_subject

if TYPE_CHECKING:
    from conformance.record import RunRecord
    from conformance.results import RunResult

_STYLE = {
    ExitStatus.CONFORMS: "bold green",
    ExitStatus.FAILS: "bold red",
    ExitStatus.INCONCLUSIVE: "bold yellow",
    ExitStatus.HARNESS_FAILED: "bold magenta",
}

# The first look loads the machine as much as it bears, and a busy machine excuses faults of time.
# More than a run has: whoever fails waits until its scenario's time is up, and costs nothing meanwhile.
JOBS_PER_CPU = 12
SECOND_LOOK_JOBS = 2
SECOND_LOOK_SCENARIOS = 4  # of each mutant that needs it, the shortest, one after the other until it is seen


@dataclass(frozen=True, slots=True, kw_only=True)
class MutantsOptions:
    """Everything that ``conform mutants`` can be told."""

    globs: tuple[str, ...] = ()
    jobs: int = 0
    rig: RigMode = RigMode.WARM
    reports: tuple[ReportFile, ...] = ()
    browser: str | None = None
    output: Path = OUTPUT
    judge: Path | None = None
    write: Path | None = None
    list_only: bool = False


@dataclass(frozen=True, slots=True)
class Bench:
    """Who is judged in what: the gallery's mutants, those of them that are run, and everybody's profile."""

    mutants: tuple[Mutant, ...]
    runnable: tuple[Mutant, ...]
    base: Profile
    idle: Profile
    strangers: tuple[Profile, ...]
    profiles: dict[str, Profile]
    catalogue: tuple[Scenario, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What both looks share. ``error_ms``: the stated error of their times."""

    err: Console
    writer: RunWriter
    requirements: Mapping[str, Requirement]
    error_ms: float

    def carry_out(self, plan: Plan, settings: RunSettings) -> None:
        """Everything that is planned, with its progress."""
        with progress_on(self.err, len(plan.items)) as progress, logged_in(self.writer.directory):
            carrier = Carrier(self.writer, progress, self.requirements, self.error_ms, RunOptions())
            carry_out(plan, settings, carrier)


def mutants(out: Console, err: Console, options: MutantsOptions) -> ExitStatus:
    """Judge the gallery; the matrix goes to ``out``, progress to ``err``."""
    requirements = load_requirements()
    catalogue = load_scenarios(requirements=by_id(requirements))
    chosen = selected(load_gallery(by_id(requirements), catalogue), options.globs)
    if options.list_only:
        out.print(list_table(chosen, catalogue))
        return ExitStatus.CONFORMS
    if options.write is not None:
        for mutant in chosen:
            out.print(Text(str(write_mutant(mutant, base_directory(), options.write))), soft_wrap=True)
        return ExitStatus.CONFORMS
    if options.judge is not None:
        return _say(out, matrix_of(*judged(options.judge), chosen), options)
    with temporary_directory("conform-mutants-") as directory:
        bench = _bench(chosen, catalogue, options, Path(directory))
        began = datetime.now(UTC)
        run_dir, found = _carry_out(err, bench, requirements, options, began)
    took_s = (datetime.now(UTC) - began).total_seconds()
    status = _say(out, matrix_of(*found, chosen, took_s), options)
    out.print(Text(f"record in {run_dir}"))
    return status


# --- carrying out --------------------------------------------------------------------------------


def _bench(chosen: tuple[Mutant, ...], catalogue: tuple[Scenario, ...], options: MutantsOptions, into: Path) -> Bench:
    """What awaits its scenarios is left out, unless it is asked for by its whole name."""
    runnable = tuple(each for each in chosen if not each.awaits or each.name in options.globs)
    base, idle = load_subject(base_directory(), None), load_subject(do_nothing_directory(), None)
    profiles = {each.name: load_mutant(each, base_directory(), into) for each in runnable}
    strangers = tuple(load_subject(each, None) for each in stranger_directories())
    return Bench(chosen, runnable, base, idle, strangers, profiles, catalogue)


def plan_of(bench: Bench) -> Plan:
    """Everybody in everything that is looked at, longest first."""
    shared = k.common(bench.catalogue)
    by_nobody = [(None, bench.base, each) for each in (*shared, k.BOGUS)]
    by_nobody += [(None, profile, each) for profile in (bench.idle, *bench.strangers) for each in shared]
    by_mutants = [
        (each, bench.profiles[each.name], scenario)
        for each in bench.runnable
        for scenario in k.chosen(each, bench.catalogue)
    ]
    ranked = sorted((*by_nobody, *by_mutants), key=lambda row: -k.cost_ms(row[0], row[2]))
    return Plan(tuple(PlanItem(profile, each, 0, k.may_fail(mutant, each)) for mutant, profile, each in ranked))


def second_look(bench: Bench, matrix: Matrix, result: RunResult, place: int) -> Plan:
    """Once more, with hardly any load of our own, where what a mutant breaks was not seen to fail.

    One scenario each: the shortest that may tell, the next one (``place``) if that did not; last of all those in which
    the first look saw it pass. Nothing is taken back by that: the worst verdict of all looks holds, so it can only
    add a failure. Whoever is to pass is looked at again, once, where that could not be judged.
    """
    rows = _not_seen_to_pass(bench, result) if place == 0 else []
    subjects = {subject.name: subject for subject in result.subjects}
    for kill in matrix.kills:
        missing = {id_ for id_, cell in kill.cells.items() if cell.mark in (k.Mark.SURVIVED, k.Mark.UNSEEN)}
        looked = k.chosen(kill.mutant, bench.catalogue) if missing else ()
        telling = [each for each in looked if each.id in kill.mutant.shows_in or not missing.isdisjoint(each.covers)]
        passed = k.passed_at_first(subjects.get(kill.mutant.name), missing)
        telling.sort(key=lambda scenario: (scenario.id in passed, k.cost_ms(None, scenario)))
        rows += [(bench.profiles[kill.mutant.name], scenario) for scenario in telling[place : place + 1]]
    return Plan(tuple(PlanItem(profile, scenario, 1) for profile, scenario in rows))


def _not_seen_to_pass(bench: Bench, result: RunResult) -> list[tuple[Profile, Scenario]]:
    unjudged = {subject.name: k.unjudged(subject) for subject in result.subjects}
    return [
        (profile, scenario)
        for profile in (bench.base, *bench.strangers)
        for scenario in k.common(bench.catalogue)
        if scenario.id in unjudged.get(profile.name, ())
    ]


def _carry_out(
    err: Console, bench: Bench, requirements: tuple[Requirement, ...], options: MutantsOptions, began: datetime
) -> tuple[Path, tuple[RunRecord, RunResult]]:
    """The run's directory, and what is in it."""
    plan = plan_of(bench)
    settings = RunSettings(browser=find_browser(options.browser), rig=options.rig, jobs=options.jobs)
    begun_at = began.isoformat(timespec="seconds").replace("+00:00", "Z")
    environment = describe_environment(settings, begun_at, find_calibration(None, settings.browser))
    run_id = f"{new_run_id(began)}-mutants"
    directory = create_run_dir(options.output, run_id)
    with RunWriter(directory) as writer:
        header = header_of(plan, run_id, environment, requirements, (*bench.catalogue, k.BOGUS))
        everybody = (bench.base, bench.idle, *bench.strangers, *(bench.profiles[each.name] for each in bench.runnable))
        writer.header(replace(header, profiles=everybody))
        look = Look(err, writer, by_id(requirements), environment.error_ms)
        look.carry_out(plan, settings)
        fewer = replace(settings, jobs=min(settings.jobs, SECOND_LOOK_JOBS))
        found = judged(directory)
        for place in range(SECOND_LOOK_SCENARIOS):
            again = second_look(bench, matrix_of(*found, bench.mutants), found[1], place)
            if not again.items:
                break
            look.carry_out(again, fewer)
            found = judged(directory)
        writer.results(found[1])
    return directory, found


# --- what came of it -----------------------------------------------------------------------------


def matrix_of(record: RunRecord, result: RunResult, chosen: tuple[Mutant, ...], took_s: float = 0.0) -> Matrix:
    """The matrix from a run's record and its results."""
    subjects = {subject.name: subject for subject in result.subjects}
    found = [k.kill_of(mutant, subjects.get(mutant.name)) for mutant in chosen]
    base, idle, *strangers = _names()
    if base not in subjects or idle not in subjects:
        raise HarnessError(f"{record.run_id} is no run of `conform mutants`: it has no subject '{base}' and '{idle}'")
    others = [subjects[name] for name in strangers if name in subjects]
    checks = [
        k.passing_check("base", "the base of all mutants passes the common scenarios", [subjects[base]]),
        k.passing_check("strangers", f"{len(others)} extensions that conform in other styles pass them too", others),
        k.bogus_check(subjects[base]),
        k.idle_check(subjects[idle]),
    ]
    columns = [one.id for one in record.requirements if one.of == "extension"]
    again = sorted({each.subject for each in record.records if each.repeat})
    return Matrix(found, checks, columns, record.environment, took_s, again)


def _names() -> list[str]:
    """Who is judged beside the mutants: the base, the extension that does nothing, the strangers."""
    directories = (base_directory(), do_nothing_directory(), *stranger_directories())
    return [load_subject(each, None).name for each in directories]


def _say(out: Console, matrix: Matrix, options: MutantsOptions) -> ExitStatus:
    out.print(kill_table(matrix))
    for check in matrix.checks:
        out.print(Text(check.sentence or f"{check.name}: {check.says}", style="red" if check.sentence else "dim"))
    for kill in matrix.awaited():
        why = kill.mutant.awaits or "scenarios that this machine can stage"
        out.print(Text(f"not judged: {kill.mutant.name} awaits {why}", style="yellow"))
    for kill in matrix.kills:
        for sentence in kill.sentences:
            out.print(Text(sentence, style="red"))
    if matrix.again:
        out.print(Text(looked_again(matrix), style="dim"))
    status = k.status_of(matrix.kills, matrix.checks)
    out.print(Text(summary(matrix), style=_STYLE[status]))
    for file in options.reports:
        WRITERS[file.format](matrix, file.path)
        out.print(Text(f"{file.format}: {file.path}"))
    return status


def kill_table(matrix: Matrix) -> Table:
    """A row a mutant."""
    table = _table("mutant", "breaks", "falls with it", "scenarios", "fate")
    for kill in matrix.judged():
        seen = ", ".join(id_ for id_, cell in kill.cells.items() if cell.mark is k.Mark.IMPLIED)
        style = "" if kill.fate is k.Fate.KILLED else "red"
        cells = (kill.mutant.name, ", ".join(kill.mutant.breaks), seen, str(kill.scenarios), kill.fate.value)
        table.add_row(*cells, style=style)
    return table


def list_table(chosen: tuple[Mutant, ...], catalogue: tuple[Scenario, ...]) -> Table:
    """A row a mutant, with the scenarios that it goes through."""
    table = _table(f"{len(chosen)} mutants", "breaks", "scenarios", "says")
    for mutant in chosen:
        says = f"{mutant.says} (awaits {mutant.awaits})" if mutant.awaits else mutant.says
        table.add_row(mutant.name, ", ".join(mutant.breaks), str(len(k.chosen(mutant, catalogue))), says)
    return table


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    table.columns[0].no_wrap = True
    return table
