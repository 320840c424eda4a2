"""``conform crosscheck``: whether warm, fresh and unattached rigs find the same.

Each rig makes a run of its own, kept like any other; what they say of each other is agreement.py's.
Where they differ, the harness is not to be trusted (or the subject is flaky), and the scenario is named.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.text import Text

from conformance.agreement import Agreement, Gap, agreement, labels
from conformance.bundle import bundled
from conformance.commands.options import default_jobs
from conformance.commands.run import perform
from conformance.commands.verdict import judged
from conformance.errors import ExitStatus, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from conformance.commands.options import RunOptions
    from conformance.results import RunResult
    from conformance.rig.engine import RigMode

_SUBJECTS = ("reference", "seed-literal")  # one that does it right, one that does not


def crosscheck(out: Console, err: Console, options: RunOptions, rigs: Sequence[RigMode]) -> ExitStatus:
    """One run a rig, and the comparison. Without subjects: the two bundled ones. ``jobs`` of 0: what each rig bears."""
    if len(set(rigs)) < 2:  # noqa: PLR2004 - it takes two to differ
        raise InputError(f"--rig {rigs[0]}: one rig has nothing to be compared with; name two or more, or none")
    if not options.extensions and not options.subjects:
        options = replace(options, extensions=tuple(bundled("fixtures", "extensions", name) for name in _SUBJECTS))
    results = []
    for rig in dict.fromkeys(rigs):
        done = perform(err, replace(options, rig=rig, jobs=options.jobs or default_jobs(rig=rig)))
        out.print(Text(f"{rig}: {done.footer}"), soft_wrap=True)
        results.append(done.result)
    return told(out, results)


def compare(out: Console, directories: Sequence[Path]) -> ExitStatus:
    """Runs that were made before, judged anew."""
    if len(directories) < 2:  # noqa: PLR2004 - as above
        raise InputError(f"{directories[0]}: one run has nothing to be compared with; name two or more")
    return told(out, [judged(directory)[1] for directory in directories])


def told(out: Console, results: Sequence[RunResult]) -> ExitStatus:
    """Say what the runs say of each other; the exit status."""
    found = agreement(results)
    for gap in found.failed:
        out.print(Text(f"ERROR {gap.run}: {gap.subject}: {gap.scenario}: {gap.reason}", style="bold magenta"))
    for each in found.differences:
        out.print(Text(f"DIFFERS {each}", style="bold red"))
    for each in found.undecided:
        out.print(Text(f"UNDECIDED {each}", style="yellow"))
    for line in unsupported_lines(found.unsupported):
        out.print(Text(line, style="dim"))
    out.print(Text(conclusion(found, labels(results)), style="bold"))
    return status_of(found)


def status_of(found: Agreement) -> ExitStatus:
    """Rigs that differ cannot be trusted; rigs that compared nothing have shown nothing."""
    if found.differences or found.failed:
        return ExitStatus.HARNESS_FAILED
    return ExitStatus.INCONCLUSIVE if found.undecided or not found.compared else ExitStatus.CONFORMS


def conclusion(found: Agreement, names: Sequence[str]) -> str:
    """All of it in one sentence."""
    who = ", ".join(names)
    more = f"; {len(found.undecided)} undecided" if found.undecided else ""
    if found.failed:
        return f"ERROR: the harness failed in {len(found.failed)} scenarios, see above; {who} are not all compared"
    if found.differences:
        scenarios = ", ".join(dict.fromkeys(each.scenario for each in found.differences))
        return f"DIFFER: {who} do not find the same in {scenarios} ({len(found.differences)} verdicts){more}"
    if not found.compared:
        return f"INCONCLUSIVE: {who} have no verdict in common"
    return f"AGREE: {who} found the same, {found.compared} verdicts{more}"


def unsupported_lines(gaps: Sequence[Gap]) -> list[str]:
    """What a rig cannot stage, by name; scenarios with one reason together."""
    counts = Counter((gap.run, gap.subject, gap.reason) for gap in gaps)
    lines = []
    for run, subject, reason in counts:
        names = [gap.scenario for gap in gaps if (gap.run, gap.subject, gap.reason) == (run, subject, reason)]
        lines.append(f"UNSUPPORTED in {run}: {subject}: {', '.join(names)}: {reason}")
    return lines
