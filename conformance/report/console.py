"""A result on a terminal: tables for a person who wants to know what does not hold, and where.

Fits 100 columns, says everything in words (colour only repeats it), and prints nothing that is not in
the result. Progress while a run goes on is progress.py's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from conformance.repeats import FLAKY
from conformance.report import view
from conformance.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console, RenderableType

    from conformance.results import RunResult, ScenarioResult, SubjectResult

STYLE = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.ERROR: "bold magenta",
    Verdict.UNSUPPORTED: "dim",
}
_FLAKY_STYLE = "bold red"  # it did wrong, too
_REPEATS_MAX = 25  # rows that fit a screen
_VERDICT_WIDTH = max(len(verdict.value) for verdict in Verdict)


def show(console: Console, result: RunResult, *, verbose: bool = False) -> None:
    """Print the whole result: every subject, then all of them side by side, then a line for each."""
    console.print(Text(_environment_line(result), style="dim"))
    if targets := view.targets_of(result):
        console.print(Text(targets, style="dim"))
    for subject in result.subjects:
        console.print()
        console.rule(Text(view.name_of(subject), style="bold"), align="left", style="dim")
        console.print(_subject(subject, verbose=verbose))
    if len(result.subjects) > 1:
        console.print()
        console.rule(Text("side by side", style="bold"), align="left", style="dim")
        console.print(side_by_side(result))
    console.print()
    console.print(summary(result.subjects))


def summary(subjects: Iterable[SubjectResult]) -> Table:
    """One line a subject."""
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    for subject in subjects:
        totals = [Text(str(total), style=STYLE[total.verdict]) for total in view.totals(subject)]
        scenarios = counts(subject.scenarios).append(f" of {len(subject.scenarios)}")
        table.add_row(Text(view.name_of(subject), style="bold"), Text("  ").join(totals), scenarios)
    return table


def counts(scenarios: Iterable[ScenarioResult]) -> Text:
    """``2 FAIL, 11 PASS``."""
    found = view.count_by_verdict(scenarios)
    return Text(", ").join(Text(f"{count} {view.word(each)}", style=STYLE[each]) for each, count in found.items())


def verdict_text(verdict: Verdict) -> Text:
    """A verdict as a coloured word."""
    return Text(view.word(verdict), style=STYLE[verdict])


def _environment_line(result: RunResult) -> str:
    made = result.environment
    jobs = _count(made.jobs, "job")
    error = f"times {view.error_of(result)}"
    return f"{made.browser} · {made.rig} rig, {jobs}, {_count(made.cpus, 'CPU')} · seed {made.seed} · {error}"


def _subject(subject: SubjectResult, *, verbose: bool) -> RenderableType:
    parts: list[RenderableType] = [requirement_table(subject)]
    if left_out := view.not_counted(subject):
        note = f"Not judged, because other failures kept them from coming up: {', '.join(left_out)}."
        parts.append(Padding(Text(note, style="dim"), (0, 0, 1, 1)))
    parts.append(scenario_table(subject) if verbose else family_table(subject))
    if view.troubled(subject):
        parts.append(trouble_list(subject, verbose=verbose))
    if subject.repeats:
        parts.append(repeat_table(subject, verbose=verbose))
    return Group(*parts)


def requirement_table(subject: SubjectResult) -> Table:
    """One line a requirement."""
    table = _table("id", "level", "verdict")
    table.add_column("scenarios", justify="right", no_wrap=True)
    table.add_column("what holds, or what was seen instead", ratio=1)
    for row in view.requirement_rows(subject):
        if row.verdict is Verdict.PASS:  # one line: the whole sentence is in `conform list requirements`
            says = Text(row.says.partition(" (")[0], style="dim", no_wrap=True, overflow="ellipsis")
        else:
            says = Text(row.says)
        table.add_row(row.id, row.level.value, verdict_text(row.verdict), row.count, says)
    return table


def family_table(subject: SubjectResult) -> Table:
    """One line a family of scenarios: where its cases went, and how soon."""
    table = _table("scenario")
    table.add_column("cases", justify="right", no_wrap=True)
    table.add_column("went to", no_wrap=True)
    table.add_column("connected in", justify="right", no_wrap=True)
    table.add_column("verdict")
    area = ""
    for group in view.families(subject):
        if group.area != area:
            area = group.area
            table.add_row(Text(area, style="italic"))
        alone = len(group.scenarios) == 1
        verdict = verdict_text(group.scenarios[0].verdict) if alone else counts(group.scenarios)
        table.add_row(f"  {group.name}", str(len(group.scenarios)), group.went_to, group.connect, verdict)
    return table


def scenario_table(subject: SubjectResult) -> Table:
    """One line a scenario: where it went, and how soon."""
    table = _table("scenario", "verdict", "went to")
    table.columns[0].overflow = "fold"
    table.add_column("connected in", justify="right", no_wrap=True)
    table.add_column("covers", ratio=1)
    for scenario in subject.scenarios:
        connect = "" if scenario.connect_ms is None else f"{scenario.connect_ms:.0f} ms"
        table.add_row(
            Text(view.scenario_name(scenario)),
            verdict_text(scenario.verdict),
            view.Group("", (scenario,)).went_to,
            connect,
            Text(", ".join(scenario.requirements), style="dim", no_wrap=True, overflow="ellipsis"),
        )
    return table


def trouble_list(subject: SubjectResult, *, verbose: bool) -> RenderableType:
    """The scenarios that did not pass, and what was found; cases that went wrong alike together, unless verbose."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, expand=True)
    table.add_column(width=_VERDICT_WIDTH + 1, no_wrap=True)
    table.add_column(ratio=1)
    groups = view.alike(subject)
    if verbose:
        groups = tuple(view.Group(group.name, (one,)) for group in groups for one in group.scenarios)
    for group in groups:
        first = group.scenarios[0]
        verdict = Text(" ").append_text(verdict_text(first.verdict))
        table.add_row(verdict, Group(_head(group), Padding(_found(subject, first, group), (0, 0, 0, 2))))
    return Group(Text(" Scenarios to look at", style="bold"), table)


def repeat_table(subject: SubjectResult, *, verbose: bool) -> RenderableType:
    """One line a scenario that was run more than once; of many, only the flaky ones, unless verbose."""
    rows = view.repeat_rows(subject)
    shown = rows
    if len(rows) > _REPEATS_MAX and not verbose:
        shown = tuple(row for row in rows if row.verdict == FLAKY.upper())
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), header_style="bold")
    for column in view.REPEAT_COLUMNS:
        table.add_column(column, overflow="fold", no_wrap=column == "verdict")
    for row in shown:
        verdict = Text(row.verdict, style=_FLAKY_STYLE if row.verdict == FLAKY.upper() else "")
        table.add_row(Text(row.scenario), verdict, row.passed, *row.connects)
    parts: list[RenderableType] = [Text(" Repeats", style="bold")]
    if shown:
        parts += [table, Padding(Text(view.REPEAT_NOTE, style="dim"), (0, 0, 1, 1))]
    if len(shown) < len(rows):
        left = len(rows) - len(shown)
        parts.append(Padding(Text(f"{left} scenarios came to the same each time; --verbose lists them."), (0, 0, 0, 1)))
    if line := view.flaky_line(subject):
        parts.append(Padding(Text(line, style=_FLAKY_STYLE), (0, 0, 0, 1)))
    return Group(*parts)


def _head(group: view.Group) -> Text:
    head = Text(group.name, style="bold")
    if len(group.scenarios) == 1:
        head.append(group.cases[0])
    else:
        head.append(f" {' '.join(group.cases)}", style="not bold")
    return head.append(f"  → {group.ended}", style="not bold") if group.ended else head


def _found(subject: SubjectResult, scenario: ScenarioResult, group: view.Group) -> Text:
    """What was found in the first of the group, which speaks for the others."""
    levels = view.level_of(subject)
    lines = []
    for finding in view.findings_to_show(scenario):
        level = levels.get(finding.requirement)
        differs = view.word(finding.verdict) if finding.verdict is not scenario.verdict else ""
        words = (finding.requirement, level.value if level else "", differs)
        line = Text(" ".join(word for word in words if word), style=STYLE[finding.verdict])
        where = f"{group.cases[0]} " if len(group.scenarios) > 1 else ""
        lines.append(line.append(f"  {where}{view.printable(finding.reason)}", style="not bold default"))
    return Text("\n").join(lines or [Text(view.printable(scenario.reason))])


def side_by_side(result: RunResult) -> Table:
    """Requirement by subject."""
    table = _table("id", "level")
    for subject in result.subjects:
        table.add_column(view.name_of(subject), overflow="fold")
    for row in view.matrix(result):
        cells = [Text("not judged", style="dim") if each is None else verdict_text(each) for each in row.verdicts]
        table.add_row(row.id, row.level.value, *cells)
    return table


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
