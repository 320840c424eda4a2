"""The Allure report: a result file a scenario and subject, through Allure's own classes and logger.

``path`` is a results directory, as ``pytest --alluredir`` fills one; several runs may share it. Steps are
the timeline's marks, and the whole timeline is attached as text.
"""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import md5
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from allure_commons import model2
from allure_commons.logger import AllureFileLogger

from conformance.model import Level
from conformance.repeats import FLAKY
from conformance.report import marks, view
from conformance.report.output import put, storing, utf8
from conformance.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from conformance.record import RunRecord
    from conformance.results import RunResult, ScenarioResult, SubjectResult
    from conformance.timeline import Timeline

_STATUS = {
    Verdict.PASS: model2.Status.PASSED,
    Verdict.FAIL: model2.Status.FAILED,
    Verdict.INCONCLUSIVE: model2.Status.UNKNOWN,
    Verdict.ERROR: model2.Status.BROKEN,
    Verdict.UNSUPPORTED: model2.Status.SKIPPED,
}
_CATEGORIES = [
    {"name": "MUST not met", "matchedStatuses": ["failed"], "messageRegex": r"(?s).*\(MUST\).*"},
    {"name": "SHOULD not met", "matchedStatuses": ["failed"]},
    {"name": "could not be judged", "matchedStatuses": ["unknown"]},
    {"name": "the harness failed", "matchedStatuses": ["broken"]},
]


def write(result: RunResult, record: RunRecord, path: Path, *, level: Level = Level.MUST) -> None:
    """Add the run to the results directory ``path``. Severity tells the levels apart, so the gate's does not count."""
    del level
    timelines = {(one.subject, one.scenario, one.repeat): one.timeline for one in record.records}
    began_ms = _epoch_ms(result.environment.started_at)
    with storing(path):
        logger = _logger(path)
        for subject in result.subjects:
            for scenario in subject.scenarios:
                timeline = timelines.get((subject.name, scenario.scenario, scenario.repeat))
                test = test_result(subject, scenario, timeline, began_ms)
                if timeline is not None:
                    _attach(logger, test, marks.text(timeline, _evidence(scenario)))
                logger.report_result(test)
    put(path / "environment.properties", utf8(_environment(result)))
    put(path / "categories.json", utf8(json.dumps(_CATEGORIES, indent=1) + "\n"))


def add(test: model2.TestResult, path: Path) -> None:
    """Add one result to the results directory ``path``."""
    with storing(path):
        _logger(path).report_result(test)


def _logger(path: Path) -> Any:  # noqa: ANN401 - Allure's logger has no types
    return AllureFileLogger(str(path))  # type: ignore[no-untyped-call]  # as above


def test_result(
    subject: SubjectResult, scenario: ScenarioResult, timeline: Timeline | None, began_ms: int
) -> model2.TestResult:
    """One scenario as Allure has it, without its attachment. The record has no start of its own for it: the run's."""
    name = view.scenario_name(scenario)
    full_name = f"{subject.name}.{scenario.family}.{name}"
    test: model2.TestResult = model2.TestResult(
        uuid=str(uuid4()),
        name=name,
        fullName=full_name,
        historyId=identity(full_name),
        testCaseId=identity(f"{scenario.family}.{scenario.scenario}"),
        description=scenario.says,
        status=_STATUS[scenario.verdict],
        stage="finished",
        start=began_ms,
        stop=began_ms + round(scenario.wall_ms),
        labels=[model2.Label(name=key, value=value) for key, value in labels(subject, scenario)],
        parameters=[model2.Parameter(name="subject", value=view.name_of(subject))],
        steps=_steps(timeline, began_ms) if timeline is not None else [],
    )
    flaky = view.flaky(subject).get(scenario.scenario, "")
    if flaky or scenario.verdict is not Verdict.PASS:
        lines = [*view.finding_lines(subject, scenario)] or [scenario.reason]
        lines += [f"{FLAKY.upper()}: {flaky}"] if flaky else []
        details = model2.StatusDetails(flaky=bool(flaky) or None, message="\n".join(lines), trace=_where(scenario))
        test.statusDetails = details
    return test


def labels(subject: SubjectResult, scenario: ScenarioResult) -> Iterable[tuple[str, str]]:
    """Suites, severity by level, requirement ids as tags, and ``flaky`` as one more."""
    yield "parentSuite", "semantest conformance"
    yield "suite", view.name_of(subject)
    yield "subSuite", scenario.family
    yield "feature", scenario.family
    yield "severity", severity(subject, scenario)
    yield "framework", "semantest-conformance"
    for requirement in scenario.requirements:
        yield "tag", requirement
    if scenario.scenario in view.flaky(subject):
        yield "tag", FLAKY


def severity(subject: SubjectResult, scenario: ScenarioResult) -> str:
    """Of a failure, the level that failed; of anything else, the highest level that the scenario covers."""
    levels = view.level_of(subject)
    covered = {levels[one] for one in scenario.requirements if one in levels}
    at = view.levels_with(levels, scenario, Verdict.FAIL) or covered
    return "critical" if Level.MUST in at else "normal"


def _steps(timeline: Timeline, began_ms: int) -> list[model2.TestStepResult]:
    return [
        model2.TestStepResult(
            name=marks.sentence(mark),
            status=model2.Status.PASSED,
            start=began_ms + round(mark.at_ms),
            stop=began_ms + round(mark.at_ms),
        )
        for mark in marks.marks(timeline)
    ]


def _attach(logger: Any, test: model2.TestResult, text: str) -> None:  # noqa: ANN401 - Allure's logger has no types
    file_name = model2.ATTACHMENT_PATTERN.format(prefix=uuid4(), ext="txt")
    logger.report_attached_data(utf8(text), file_name)
    test.attachments = [model2.Attachment(name="timeline", source=file_name, type="text/plain")]


def _evidence(scenario: ScenarioResult) -> set[int]:
    return {seq for finding in view.findings_to_show(scenario) for seq in finding.evidence}


def _where(scenario: ScenarioResult) -> str:
    went = f"went to: {view.went_to(scenario) or 'nowhere'}"
    return f"{went}\ntimeline: {scenario.timeline}" if scenario.timeline else went


def _environment(result: RunResult) -> str:
    made = result.environment
    pairs = {
        "browser": made.browser,
        "harness": made.harness,
        "python": made.python,
        "platform": made.platform,
        "rig": f"{made.rig}, {made.jobs} jobs",
        "seed": str(made.seed),
        "error": f"{made.error_ms} ms",
        **({"targets": targets} if (targets := view.targets_of(result)) else {}),
        "run": result.run_id,
    }
    return "".join(f"{key} = {value}\n" for key, value in pairs.items())


def _epoch_ms(started_at: str) -> int:
    return round(datetime.fromisoformat(started_at).timestamp() * 1000)


def identity(text: str) -> str:
    """Allure's own way from a name to what it compares."""
    return md5(text.encode("utf-8", "backslashreplace"), usedforsecurity=False).hexdigest()
