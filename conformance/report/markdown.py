"""The Markdown report: for a pull request's comment or a CI server's summary page.

``render`` is pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.model import Level
from conformance.report import view
from conformance.report.output import put, utf8
from conformance.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from conformance.record import RunRecord
    from conformance.results import RunResult, SubjectResult

_SIGN = {
    Verdict.PASS: "✅",
    Verdict.FAIL: "❌",
    Verdict.INCONCLUSIVE: "❔",
    Verdict.ERROR: "💥",
    Verdict.UNSUPPORTED: "⚪",
}


def write(result: RunResult, record: RunRecord, path: Path, *, level: Level = Level.MUST) -> None:
    """Write ``path``. Both levels are told, so the gate's does not count."""
    del record, level
    put(path, utf8(render(result)))


def render(result: RunResult) -> str:
    """The document."""
    return "\n".join(_lines(result)) + "\n"


def _lines(result: RunResult) -> Iterator[str]:
    made = result.environment
    yield "# Conformance"
    yield ""
    yield from _table(
        ("subject", *(level.value for level in Level), "scenarios"), (_summary(subject) for subject in result.subjects)
    )
    if len(result.subjects) > 1:
        yield "## Requirement by subject"
        yield ""
        names = [view.name_of(subject) for subject in result.subjects]
        rows = ((row.id, row.level.value, *map(_cell, row.verdicts)) for row in view.matrix(result))
        yield from _table(("requirement", "level", *names), rows)
    for subject in result.subjects:
        yield from _subject(subject)
    if targets := view.targets_of(result):
        yield f"{_escaped(targets)}"
        yield ""
    yield f"Run `{result.run_id}` · {made.browser} · {made.rig} rig · seed {made.seed} · times {view.error_of(result)}"


def _summary(subject: SubjectResult) -> tuple[str, ...]:
    totals = {total.level: f"{_cell(total.verdict)} {total.held}/{total.judged}" for total in view.totals(subject)}
    return (view.name_of(subject), *(totals.get(level, "") for level in Level), str(len(subject.scenarios)))


def _subject(subject: SubjectResult) -> Iterator[str]:
    yield f"## {_escaped(view.name_of(subject))}"
    yield ""
    rows = (
        (row.id, row.level.value, _cell(row.verdict), row.count, row.says) for row in view.requirement_rows(subject)
    )
    yield from _table(("requirement", "level", "verdict", "scenarios", "what holds, or what was seen instead"), rows)
    if left_out := view.not_counted(subject):
        yield f"Not judged, because other failures kept them from coming up: {', '.join(left_out)}."
        yield ""
    if troubled := view.troubled(subject):
        yield f"<details><summary>Scenarios to look at: {len(troubled)}</summary>"
        yield ""
        lines = (
            (
                view.scenario_name(one),
                _cell(one.verdict),
                view.went_to(one),
                "<br>".join(view.finding_lines(subject, one)) or one.reason,
            )
            for one in troubled
        )
        yield from _table(("scenario", "verdict", "went to", "found"), lines)
        yield "</details>"
        yield ""
    if subject.repeats:
        yield "### Repeats"
        yield ""
        if line := view.flaky_line(subject):
            yield f"**{_escaped(line)}**"
            yield ""
        told = ((one.scenario, one.verdict, one.passed, *one.connects) for one in view.repeat_rows(subject))
        yield from _table(view.REPEAT_COLUMNS, told)
        yield view.REPEAT_NOTE
        yield ""


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(map(_escaped, columns))} |"
    yield "|" + " --- |" * len(columns)
    for row in rows:
        yield f"| {' | '.join(map(_escaped, row))} |"
    yield ""


def _cell(verdict: Verdict | None) -> str:
    return "not judged" if verdict is None else f"{_SIGN[verdict]} {view.word(verdict)}"


def _escaped(text: str) -> str:
    """Text that stays in its cell; ``<br>`` is ours, every other ``<`` is the subject's."""
    for mark in "\\`*_[]|":
        text = text.replace(mark, f"\\{mark}")
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace("&lt;br>", "<br>")
    return " ".join(text.split())
