"""``conform crosscheck``: whether warm, fresh and unattached rigs find the same.

Each rig makes a run of its own, kept like any other; what they say of each other is agreement.py's.
Where they differ or cannot tell, each looks again with hardly any load of ours: a machine that is kept busy makes a
browser late, and a subject of short patience fails for it. No look is taken back. Where rigs still differ, the
harness is not to be trusted, and the scenario is named; a subject that says both in one rig is flaky, and named too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from rich.console import Console
from rich.text import Text

from conformance.agreement import Agreement, Gap, agreement, named
from conformance.bundle import bundled
from conformance.catalogue import by_id
from conformance.commands.options import RunOptions, default_jobs
from conformance.commands.run import Planned, perform, planned_of
from conformance.commands.verdict import judged
from conformance.errors import ExitStatus, InputError
from conformance.files import load_requirements, load_scenarios
from conformance.gallery import load_gallery, restored
from conformance.plan import Plan, PlanItem
from conformance.results import RunResult
from conformance.rig.engine import RigMode
from conformance.rig.scratch import temporary_directory

if TYPE_CHECKING:
    from conformance.record import RunRecord

AGAIN = 3  # looks more, at the most, where rigs do not agree at the first
_AGAIN_JOBS = (2, 1)  # rigs at once in the first look again, and in those after it: two browsers may starve each other
_SUBJECTS = ("reference", "seed-literal")  # one that does it right, one that does not

Looks: TypeAlias = Sequence[tuple[str, RunResult]]  # the rig (of runs of one rig: the run), what it found


@dataclass(frozen=True, slots=True)
class Crosscheck:
    """What all looks share."""

    out: Console
    err: Console
    options: RunOptions

    def first(self, planned: Planned, rigs: Sequence[RigMode]) -> Looks:
        """Each rig's run of all that is planned, with as many rigs as it bears unless told."""
        jobs = {rig: self.options.jobs or default_jobs(rig=rig) for rig in rigs}
        return [self._look(planned, rig, jobs[rig]) for rig in dict.fromkeys(rigs)]

    def again(self, planned: Planned, looks: Looks, most: int) -> Looks:
        """The looks, and up to ``most`` more of each rig where they are not settled by then."""
        looks = list(looks)
        for number in range(most):
            jobs = _AGAIN_JOBS[min(number, len(_AGAIN_JOBS) - 1)]
            wanted = unsettled(agreement(looks))
            if not wanted:
                break
            for rig, scenarios in wanted.items():
                items = tuple(each for each in planned.plan.items if (each.profile.name, each.scenario.id) in scenarios)
                only = replace(planned, plan=Plan(items))
                looks.append(self._look(only, RigMode(rig), min(self.options.jobs or jobs, jobs)))
        return looks

    def _look(self, planned: Planned, rig: RigMode, jobs: int) -> tuple[str, RunResult]:
        done = perform(self.err, replace(self.options, rig=rig, jobs=jobs), planned)
        self.out.print(Text(f"{rig}: {done.footer}"), soft_wrap=True)
        return rig, done.result


def crosscheck(
    out: Console, err: Console, options: RunOptions, rigs: Sequence[RigMode], again: int = AGAIN
) -> ExitStatus:
    """One run a rig, looks again, and the comparison. Without subjects: the two bundled ones."""
    if len(set(rigs)) < 2:  # noqa: PLR2004 - it takes two to differ
        raise InputError(f"--rig {rigs[0]}: one rig has nothing to be compared with; name two or more, or none")
    if not options.extensions and not options.subjects:
        options = replace(options, extensions=tuple(bundled("fixtures", "extensions", name) for name in _SUBJECTS))
    planned = planned_of(options)
    check = Crosscheck(out, err, options)
    return told(out, check.again(planned, check.first(planned, rigs), again))


def compare(out: Console, err: Console, options: RunOptions, directories: Sequence[Path], again: int = 0) -> ExitStatus:
    """Runs that were made before, judged anew; ``again``: how often to look again where they do not agree."""
    if len(directories) < 2:  # noqa: PLR2004 - as above
        raise InputError(f"{directories[0]}: one run has nothing to be compared with; name two or more")
    found = [judged(directory) for directory in directories]
    looks: Looks = named([result for _, result in found])
    if again:
        if len({rig for rig, _ in looks} - set(RigMode)):
            raise InputError(f"--again {again}: the runs are all of one rig; name runs of two or more")
        with temporary_directory("conform-crosscheck-") as directory:
            planned = _planned_before([record for record, _ in found], Path(directory))
            looks = Crosscheck(out, err, options).again(planned, looks, again)
    return told(out, looks)


def _planned_before(records: Sequence[RunRecord], scratch: Path) -> Planned:
    """All that the records speak of, once. Raises InputError where a subject is gone."""
    profiles = {profile.name: profile for record in records for profile in record.profiles}
    scenarios = {scenario.id: scenario for record in records for scenario in record.scenarios}
    requirements = by_id(load_requirements())
    gallery = load_gallery(requirements, load_scenarios(requirements=requirements))
    present = {name: restored(profile, gallery, scratch) for name, profile in profiles.items()}
    pairs = dict.fromkeys((each.subject, each.scenario) for record in records for each in record.records)
    items = tuple(PlanItem(present[subject], scenarios[scenario], 0) for subject, scenario in pairs)
    return Planned(Plan(items), tuple(scenarios.values()), tuple(present.values()), records[0].requirements)


def unsettled(found: Agreement) -> Mapping[str, set[tuple[str, str]]]:
    """Rig → subject and scenario that it is to look at again: all that differ, and who has not decided."""
    wanted: dict[str, set[tuple[str, str]]] = {}
    for each in found.differences:
        for rig, _ in each.said:
            wanted.setdefault(rig, set()).add((each.subject, each.scenario))
    for each in found.undecided:
        for rig in each.silent:
            wanted.setdefault(rig, set()).add((each.subject, each.scenario))
    return wanted


def told(out: Console, looks: Looks) -> ExitStatus:
    """Say what the runs say of each other; the exit status."""
    found = agreement(looks)
    for gap in found.failed:
        out.print(Text(f"ERROR {gap.run}: {gap.subject}: {gap.scenario}: {gap.reason}", style="bold magenta"))
    for word, comparisons, style in (
        ("DIFFERS", found.differences, "bold red"),
        ("FLAKY", found.flaky, "red"),
        ("UNDECIDED", found.undecided, "yellow"),
    ):
        for each in comparisons:
            out.print(Text(f"{word} {each}", style=style), soft_wrap=True)
    for line in unsupported_lines(found.unsupported):
        out.print(Text(line, style="dim"), soft_wrap=True)
    out.print(Text(conclusion(found, tuple(dict.fromkeys(name for name, _ in looks))), style="bold"), soft_wrap=True)
    return status_of(found)


def status_of(found: Agreement) -> ExitStatus:
    """Rigs that differ cannot be trusted; what is flaky or undecided, or compared with nothing, has shown nothing."""
    if found.differences or found.failed:
        return ExitStatus.HARNESS_FAILED
    is_open = found.flaky or found.undecided or not found.compared
    return ExitStatus.INCONCLUSIVE if is_open else ExitStatus.CONFORMS


def conclusion(found: Agreement, names: Sequence[str]) -> str:
    """All of it in one sentence."""
    who = ", ".join(names)
    open_ = ((len(found.flaky), "flaky"), (len(found.undecided), "undecided"))
    more = "".join(f"; {count} {word}" for count, word in open_ if count)
    if more:
        more += "; `conform run --scenario NAME --repeat 10` says more of one"
    if found.failed:
        return f"ERROR: the harness failed in {len(found.failed)} scenarios, see above; {who} are not all compared"
    if found.differences:
        scenarios = ", ".join(dict.fromkeys(each.scenario for each in found.differences))
        return f"DIFFER: {who} do not find the same in {scenarios} ({len(found.differences)} verdicts){more}"
    if not found.compared:
        return f"INCONCLUSIVE: {who} have no verdict in common"
    if more:
        return f"INCONCLUSIVE: {who} differ in none of {found.compared} verdicts{more}"
    return f"AGREE: {who} found the same, {found.compared} verdicts"


def unsupported_lines(gaps: Sequence[Gap]) -> list[str]:
    """What a rig cannot stage, by name; scenarios with one reason together."""
    lines = []
    for run, subject, reason in dict.fromkeys((gap.run, gap.subject, gap.reason) for gap in gaps):
        names = [gap.scenario for gap in gaps if (gap.run, gap.subject, gap.reason) == (run, subject, reason)]
        lines.append(f"UNSUPPORTED in {run}: {subject}: {', '.join(names)}: {reason}")
    return lines
