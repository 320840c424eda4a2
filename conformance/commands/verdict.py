"""From a run directory to its verdict: judge the record, keep the results, say them, and the exit status.

``conform run`` ends here, and ``conform judge`` and ``conform report`` begin here: what is said of a run
comes from its record on disk and from nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from conformance.errors import ExitStatus, InputError, StorageFailed
from conformance.gate import gate
from conformance.judge import judge_run
from conformance.model import Level
from conformance.report import console as tables
from conformance.report import view
from conformance.store import RESULTS, RunWriter, read_run, results_bytes
from conformance.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from conformance.record import RunRecord
    from conformance.results import RunResult, SubjectResult

_STYLE = {
    ExitStatus.CONFORMS: "bold green",
    ExitStatus.FAILS: "bold red",
    ExitStatus.INCONCLUSIVE: "bold yellow",
    ExitStatus.HARNESS_FAILED: "bold magenta",
}


def judged(directory: Path) -> tuple[RunRecord, RunResult]:
    """The record in ``directory``, and what it comes to."""
    record = read_run(directory)
    if not record.records:
        raise InputError(
            f"{directory}: no scenario was carried out in this run, so there is nothing to judge; run again"
        )
    return record, judge_run(record)


def compare_with_stored(directory: Path, result: RunResult) -> str:
    """What re-judging says about the results that were stored; results that were never stored are stored now."""
    stored = directory / RESULTS
    if not stored.is_file():
        try:
            RunWriter(directory).results(result)
        except StorageFailed as error:  # a verdict is not worth less for it
            return f"the run was cut short before it was judged, and its results could not be stored: {error}"
        return f"the run was cut short before it was judged; its results are now in {stored}"
    before, now = stored.read_bytes(), results_bytes(result)
    if before == now:
        return "same verdicts as when it was run"
    return f"not what was stored: {first_difference(before, now)}; {stored} is left as it was"


def first_difference(before: bytes, now: bytes) -> str:
    """Where two results differ, for a person."""
    old, new = before.decode(errors="replace").splitlines(), now.decode(errors="replace").splitlines()
    differing = [number for number, (one, other) in enumerate(zip(old, new, strict=False), start=1) if one != other]
    if not differing:
        return f"{len(old)} lines were stored, {len(new)} come out now"
    first = differing[0]
    count = len(differing) + abs(len(old) - len(new))
    return f"line {first} was {old[first - 1].strip()} and is {new[first - 1].strip()} ({count} lines differ)"


def conclusion(result: RunResult, level: Level, status: ExitStatus) -> str:
    """The run in one sentence: does it conform at this level, and what was found below it."""
    names = ", ".join(view.name_of(subject) for subject in result.subjects)
    wanted = "every MUST" if level is Level.MUST else "every MUST and SHOULD"
    if status is ExitStatus.CONFORMS:
        return f"CONFORMS: {names} {'meets' if len(result.subjects) == 1 else 'meet'} {wanted}{_below(result, level)}"
    if status is ExitStatus.FAILS:
        return f"DOES NOT CONFORM: {_named(result, level, Verdict.FAIL, 'fails')}"
    if status is ExitStatus.INCONCLUSIVE:
        named = _named(result, level, Verdict.INCONCLUSIVE, "could not be judged on")
        return f"INCONCLUSIVE: {named}; that is no pass"
    return "ERROR: the harness failed in some scenarios, which says nothing about the subject; see ERROR above"


def _ids(subject: SubjectResult, level: Level, verdict: Verdict) -> list[str]:
    return [one.id for one in view.counted(subject) if one.level is level and one.verdict is verdict]


def _below(result: RunResult, level: Level) -> str:
    if level is Level.SHOULD:
        return ""
    counts = [(subject.name, len(_ids(subject, Level.SHOULD, Verdict.FAIL))) for subject in result.subjects]
    found = [f"{name} {count}" for name, count in counts if count]
    return f"; SHOULD failures: {', '.join(found)} (--level should makes them count)" if found else ""


def _named(result: RunResult, level: Level, verdict: Verdict, verb: str) -> str:
    levels = (Level.MUST,) if level is Level.MUST else (Level.MUST, Level.SHOULD)
    parts = [
        f"{subject.name} {verb} {each} {', '.join(ids)}"
        for each in levels
        for subject in result.subjects
        if (ids := _ids(subject, each, verdict))
    ]
    return "; ".join(parts) or "see above"


def say(console: Console, result: RunResult, level: Level, *, verbose: bool) -> ExitStatus:
    """Print the result and its conclusion; the exit status by the gate."""
    tables.show(console, result, verbose=verbose)
    status = gate(result, level)
    console.print(Text(conclusion(result, level, status), style=_STYLE[status]))
    return status
