"""The HTML report: one page that stands alone, with a picture of every scenario that did not pass.

``render`` is pure. Nothing is fetched from anywhere: styles are in the page, pictures are inline SVG, and
there is no script.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from conformance.catalogue_shapes import Family
from conformance.forecast import STORM_COLUMNS, WAIT_COLUMNS, forecast
from conformance.model import Level
from conformance.report import view
from conformance.report.output import put, utf8
from conformance.report.sequence import picture
from conformance.report.storm import picture as picture_of_storm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from conformance.forecast import Assumed
    from conformance.record import Environment, RunRecord
    from conformance.results import RunResult, ScenarioResult, SubjectResult
    from conformance.timeline import Timeline
    from conformance.verdict import Verdict

    Timelines = Mapping[tuple[str, str, int], Timeline | None]


def write(result: RunResult, record: RunRecord, path: Path, *, level: Level = Level.MUST) -> None:
    """Write ``path``. Both levels are told, so the gate's does not count."""
    del level
    put(path, utf8(render(result, record)))


def render(result: RunResult, record: RunRecord, crowds: Assumed | None = None) -> str:
    """The page. ``crowds``: what the forecast of a crowd assumes, where the run has one."""
    return "\n".join(_page(result, record, crowds)) + "\n"


def _page(result: RunResult, record: RunRecord, crowds: Assumed | None) -> Iterator[str]:
    timelines = {(one.subject, one.scenario, one.repeat): one.timeline for one in record.records}
    names = ", ".join(view.name_of(subject) for subject in result.subjects)
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>Conformance of {escape(names)}</title>"
    yield f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>"
    yield "<h1>Conformance</h1>"
    rows = [_summary(subject) for subject in result.subjects]
    yield from _table(("subject", *(level.value for level in Level), "scenarios"), rows)
    if len(result.subjects) > 1:
        yield "<h2>Requirement by subject</h2>"
        rows = [(row.id, row.level.value, *map(_badge, row.verdicts)) for row in view.matrix(result)]
        yield from _table(("requirement", "level", *(view.name_of(subject) for subject in result.subjects)), rows)
    for subject in result.subjects:
        yield from _subject(subject, timelines)
        yield from _crowd(subject, record, crowds)
    yield from _environment(result)
    yield "</main>\n</body>\n</html>"


def _summary(subject: SubjectResult) -> tuple[str, ...]:
    totals = {each.level: f"{_badge(each.verdict)} {each.held} of {each.judged}" for each in view.totals(subject)}
    counts = ", ".join(
        f"{count} {view.word(verdict)}" for verdict, count in view.count_by_verdict(subject.scenarios).items()
    )
    return (
        f"<strong>{escape(view.name_of(subject))}</strong>",
        *(totals.get(level, "") for level in Level),
        f"{len(subject.scenarios)} ({escape(counts)})",
    )


def _subject(subject: SubjectResult, timelines: Timelines) -> Iterator[str]:
    yield f"<h2>{escape(view.name_of(subject))}</h2>"
    rows = [
        (row.id, row.level.value, _badge(row.verdict), row.count, escape(row.says))
        for row in view.requirement_rows(subject)
    ]
    yield from _table(("requirement", "level", "verdict", "scenarios", "what holds, or what was seen instead"), rows)
    if left_out := view.not_counted(subject):
        yield f"<p>Not judged, because other failures kept them from coming up: {escape(', '.join(left_out))}.</p>"
    if troubled := view.troubled(subject):
        yield f"<h3>Scenarios to look at ({len(troubled)})</h3>"
        for scenario in troubled:
            yield from _scenario(subject, scenario, timelines.get((subject.name, scenario.scenario, scenario.repeat)))
    yield from _repeats(subject)
    yield f"<details><summary>All {len(subject.scenarios)} scenarios</summary>"
    rows = [
        (
            f"<code>{escape(view.scenario_name(one))}</code>",
            _badge(one.verdict),
            view.Group("", (one,)).went_to,
            "" if one.connect_ms is None else f"{one.connect_ms:.0f} ms",
            escape(", ".join(finding.requirement for finding in one.findings if finding.arose)),
        )
        for one in subject.scenarios
    ]
    yield from _table(("scenario", "verdict", "went to", "connect", "judged of it"), rows)
    yield "</details>"


def _repeats(subject: SubjectResult) -> Iterator[str]:
    if not subject.repeats:
        return
    yield "<h3>Repeats</h3>"
    if line := view.flaky_line(subject):
        yield f'<p class="badge flaky">{escape(line)}</p>'
    rows = [
        (
            f"<code>{escape(one.scenario)}</code>",
            f'<span class="badge {escape(one.verdict.lower())}">{escape(one.verdict)}</span>',
            *map(escape, (one.passed, *one.connects)),
        )
        for one in view.repeat_rows(subject)
    ]
    yield from _table(view.REPEAT_COLUMNS, rows)
    yield f'<p class="says">{escape(view.REPEAT_NOTE)}</p>'


def _scenario(subject: SubjectResult, scenario: ScenarioResult, timeline: Timeline | None) -> Iterator[str]:
    went = view.went_to(scenario)
    yield f"<details><summary>{_badge(scenario.verdict)} <code>{escape(view.scenario_name(scenario))}</code>"
    yield f"{f' → {escape(went)}' if went else ''}</summary>"
    yield f'<p class="says">{escape(scenario.says)}</p>'
    lines = view.finding_lines(subject, scenario) or (scenario.reason,)
    yield "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"
    if timeline is not None:
        evidence = {seq for finding in view.findings_to_show(scenario) for seq in finding.evidence}
        yield f'<div class="picture">{picture(timeline, evidence)}</div>'
    yield "</details>"


def _crowd(subject: SubjectResult, record: RunRecord, crowds: Assumed | None) -> Iterator[str]:
    """What a crowd of this subject would do, where the run has an outage to tell it from."""
    profile = next((one for one in record.profiles if one.name == subject.name), None)
    outages = {one.id for one in record.scenarios if one.family == Family.CROWDS}
    seen = any(one.scenario in outages and one.timeline for one in record.records if one.subject == subject.name)
    if profile is None or profile.endpoints.public is None or not seen:
        return
    yield "<h3>A crowd of them, when the public server returns</h3>"
    found = forecast(record, profile, crowds)
    if found is None:
        yield "<p>It never tried again in an outage, so there is no wait to reckon with: they stay away.</p>"
        return
    yield f"<p><strong>{escape(found.sentence)}.</strong></p>"
    yield f'<div class="picture">{picture_of_storm(profile.name, found)}</div>'
    yield from _table(STORM_COLUMNS, found.storm_table)
    yield f"<p>It waits {escape(str(found.backoff))}: told from {escape(found.told_from)}.</p>"
    yield "<details><summary>The waits as measured, and the browser's part of them</summary>"
    yield from _table(WAIT_COLUMNS, found.wait_table)
    yield "</details>"


def _environment(result: RunResult) -> Iterator[str]:
    made = result.environment
    yield "<h2>Made with</h2>"
    rows = [
        ("run", escape(result.run_id)),
        ("started", escape(made.started_at)),
        ("browser", escape(made.browser)),
        ("browser flags", f"<code>{escape(' '.join(made.browser_flags))}</code>"),
        ("harness", escape(f"{made.harness}, Python {made.python}, {made.platform}, {made.cpus} CPUs")),
        ("rig", escape(f"{made.rig}, {made.jobs} jobs, seed {made.seed}")),
        *([("real servers", escape(targets))] if (targets := view.targets_of(result)) else []),
        ("error of every time", escape(view.error_of(result))),
        ("calibrated", escape(_calibrated(made))),
    ]
    yield from _table(("", ""), rows)


def _calibrated(made: Environment) -> str:
    if made.calibration is None or not made.calibration.made_at:
        return "never on this machine with this browser: conform calibrate"
    return f"{made.calibration.made_at}, {made.calibration.times} known delays"


def _table(columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """``rows`` are HTML, ``columns`` are text."""
    heads = "".join(f"<th>{escape(column)}</th>" for column in columns)
    yield f"<table><thead><tr>{heads}</tr></thead><tbody>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>"
    yield "</tbody></table>"


def _badge(verdict: Verdict | None) -> str:
    if verdict is None:
        return '<span class="unsupported">not judged</span>'
    return f'<span class="badge {verdict.value}">{view.word(verdict)}</span>'


# --- looks: light and dark; verdicts are told apart by their words as well --------------------------

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2026; --dim: #667080; --line: #d8dde4; --page: #fff; --band: #fff3bf;
  --pass: #15803d; --fail: #b91c1c; --inconclusive: #a16207; --error: #7e22ce; --rig: #1d4ed8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7ec; --dim: #98a2b3; --line: #343b46; --page: #14171c; --band: #4a3d08;
    --pass: #4ade80; --fail: #f87171; --inconclusive: #facc15; --error: #c084fc; --rig: #93c5fd; } }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 24px; }
h1 { font-size: 26px; margin: 0 0 12px; } h2 { font-size: 20px; margin: 36px 0 10px; } h3 { margin: 24px 0 8px; }
table { border-collapse: collapse; margin: 8px 0; }
th { text-align: left; font-weight: 600; color: var(--dim); }
th, td { padding: 4px 18px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
code { font: 13px ui-monospace, monospace; overflow-wrap: anywhere; }
details { border-bottom: 1px solid var(--line); padding: 5px 0; } summary { cursor: pointer; }
.badge { font-weight: 700; font-size: 13px; } .says { color: var(--dim); margin: 6px 0; }
.pass { color: var(--pass); } .fail { color: var(--fail); } .inconclusive { color: var(--inconclusive); }
.flaky { color: var(--fail); }
.error { color: var(--error); } .unsupported { color: var(--dim); }
.picture { overflow-x: auto; }
svg.plot { max-width: 100%; height: auto; }
svg.sequence { max-width: 100%; height: auto; font: 12px ui-monospace, monospace; }
svg.sequence text { fill: var(--ink); } svg.sequence line { stroke: var(--ink); }
svg.sequence text.lane { font-weight: 700; } svg.sequence line.lane { stroke: var(--line); }
svg.sequence text.time, svg.sequence text.pause { fill: var(--dim); }
svg.sequence line.session { stroke: var(--pass); stroke-width: 5; opacity: .45; }
svg.sequence circle, svg.sequence path.tip { fill: var(--ink); }
svg.sequence rect.evidence { fill: var(--band); }
svg.sequence .good text:not(.time) { fill: var(--pass); } svg.sequence .good line { stroke: var(--pass); }
svg.sequence .good circle, svg.sequence .good path { fill: var(--pass); }
svg.sequence .bad text:not(.time) { fill: var(--fail); } svg.sequence .bad line { stroke: var(--fail); }
svg.sequence .bad circle, svg.sequence .bad path { fill: var(--fail); }
svg.sequence .rig text:not(.time) { fill: var(--rig); } svg.sequence .rig circle { fill: var(--rig); }
"""
