"""Scenarios as pytest items: how they are collected, ordered, and what a verdict is to pytest.

    FAIL at the level       failed, in the words of the finding
    FAIL below the level    passed, with a section of its own; the summary at the end lists it
    INCONCLUSIVE            failed: silence never passes
    ERROR                   an error, not a failure
    UNSUPPORTED             skipped

An item's node id is ``conformance::<subject>::<scenario>[<case>]``. Who carries a scenario out, and who
sums up, is pytest_session.py's.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pytest

from conformance import events
from conformance.errors import ConformError, HarnessError
from conformance.model import Level
from conformance.record import ScenarioRecord
from conformance.report import marks, view
from conformance.results import SubjectResult
from conformance.timeline import Timeline
from conformance.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from conformance.plan import PlanItem
    from conformance.results import ScenarioResult

ROOT_NAME = "conformance"
CASE = "case"  # Allure's parameter
EXCERPT_LINES_MAX = 40  # of a timeline, in a failure: what fits a screen

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Judged:
    """One scenario's record and what it comes to at the level that was asked for."""

    record: ScenarioRecord
    subject: SubjectResult
    level: Level

    @property
    def scenario(self) -> ScenarioResult:
        """The scenario's own result."""
        return self.subject.scenarios[0]

    @property
    def verdict(self) -> Verdict:
        """The verdict at the level."""
        return view.verdict_at(view.level_of(self.subject), self.scenario, self.level)


class Runner(Protocol):
    """Who carries scenarios out and judges them: pytest_session.py."""

    def run(self, item: PlanItem) -> Judged:
        """Carry out one scenario."""


# --- collecting ----------------------------------------------------------------------------------


class Root(pytest.Collector):
    """Everything of ours, in a place of its own beside the project's files."""

    def __init__(self, *, items: Sequence[PlanItem], runner: Runner, **rest: Any) -> None:  # noqa: ANN401 - pytest's
        super().__init__(**rest)
        self._items = items
        self._runner = runner

    @classmethod
    def of(cls, session: pytest.Session, items: Sequence[PlanItem], runner: Runner) -> Root:
        """The root of a session."""
        root: Root = cls.from_parent(session, name=ROOT_NAME, nodeid=ROOT_NAME, items=items, runner=runner)
        return root

    def collect(self) -> Iterator[pytest.Collector]:
        """A node a subject."""
        names = dict.fromkeys(item.profile.name for item in self._items)
        for name in names:
            items = [item for item in self._items if item.profile.name == name]
            yield SubjectNode.from_parent(self, name=_node_name(name), items=items, runner=self._runner)


class SubjectNode(pytest.Collector):
    """One subject's scenarios."""

    def __init__(self, *, items: Sequence[PlanItem], runner: Runner, **rest: Any) -> None:  # noqa: ANN401 - pytest's
        super().__init__(**rest)
        self._items = items
        self._runner = runner

    def collect(self) -> Iterator[pytest.Item]:
        """An item a scenario."""
        for item in self._items:
            yield ScenarioItem.from_parent(self, name=item.scenario.id, planned=item, runner=self._runner)


class ScenarioItem(pytest.Item):
    """One scenario on one subject."""

    def __init__(self, *, planned: PlanItem, runner: Runner, **rest: Any) -> None:  # noqa: ANN401 - pytest's
        super().__init__(**rest)
        self.planned = planned
        self.judged: Judged | None = None
        self._runner = runner
        self.extra_keyword_matches.update(planned.scenario.covers, planned.scenario.tags, [planned.scenario.family])

    def runtest(self) -> None:
        """Carry the scenario out, judge it, and say so as pytest's outcome."""
        for_allure = bool(self.config.getoption("allure_report_dir", None))
        if for_allure:
            _name_case_for_allure(self.planned)
        judged = self.judged = self._runner.run(self.planned)
        self.user_properties += [("verdict", judged.scenario.verdict.value), ("went_to", view.went_to(judged.scenario))]
        if for_allure:
            _tell_allure(judged)
        _conclude(self, judged)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ANN401
        """Say what happened, without the harness's own frames unless it is the harness's bug."""
        if isinstance(excinfo.value, ConformError):
            return excinfo.getrepr(style="value")
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Headline of a failure, and the place that verbose output shows."""
        return self.config.rootpath / ROOT_NAME, None, _headline(self.planned)


def _node_name(subject: str) -> str:
    return subject.replace("::", ":")


def _headline(planned: PlanItem) -> str:
    return f"{planned.profile.name}: {planned.scenario.id}"


def node_id(planned: PlanItem) -> str:
    """The node id of its item, where there is no item: in the process that distributes them to workers."""
    return f"{ROOT_NAME}::{_node_name(planned.profile.name)}::{planned.scenario.id}"


def deal(items: Sequence[T], hands: int) -> list[T]:
    """``items``, longest first, in ``hands`` runs of equal length that are each longest first.

    pytest-xdist's work stealing gives each worker one run to begin with, and takes from a run's end.
    """
    return [item for hand in range(hands) for item in items[hands - 1 - hand :: hands]]


# --- a verdict as pytest's outcome ---------------------------------------------------------------


def _conclude(item: pytest.Item, judged: Judged) -> None:
    scenario = judged.scenario
    match judged.verdict:
        case Verdict.PASS:
            if below := view.finding_lines(judged.subject, scenario):
                item.add_report_section("call", f"below {judged.level}", "\n".join(below))
        case Verdict.UNSUPPORTED:
            pytest.skip(scenario.reason)
        case Verdict.ERROR:
            raise HarnessError(scenario.reason)
        case _:
            pytest.fail(failure_text(judged), pytrace=False)


def failure_text(judged: Judged) -> str:
    """Why it failed, the worst first, then what was seen."""
    scenario = judged.scenario
    lines = list(view.finding_lines(judged.subject, scenario)) or [scenario.reason]
    if judged.verdict is Verdict.INCONCLUSIVE:
        lines[0] = f"INCONCLUSIVE, which is no pass: {lines[0]}"
    lines += ["", f"{scenario.scenario}: {scenario.says}", f"went to: {view.went_to(scenario) or 'nowhere'}"]
    if judged.record.timeline is not None:
        evidence = {seq for finding in view.findings_to_show(scenario) for seq in finding.evidence}
        lines += ["", *excerpt(judged.record.timeline, evidence)]
    return "\n".join(lines)


def excerpt(timeline: Timeline, evidence: set[int], lines_max: int = EXCERPT_LINES_MAX) -> list[str]:
    """The timeline in words, ``>`` before what the verdict rests on; the middle of a long one is left out."""
    lines = [f"{'>' if mark.seq in evidence else ' '} {marks.sentence(mark)}" for mark in marks.marks(timeline)]
    if len(lines) <= lines_max:
        return lines
    head, tail = lines[: lines_max // 2], lines[-lines_max // 2 :]
    kept = [line for line in lines[len(head) : -len(tail)] if line.startswith(">")][:lines_max]
    left_out = len(lines) - len(head) - len(tail) - len(kept)
    return [*head, *kept, f"  … {left_out} more …", *tail]


def _name_case_for_allure(planned: PlanItem) -> None:
    """Tell the cases of a family apart: without a parameter Allure takes them for retries of one test."""
    import allure  # noqa: PLC0415 - only where its report was asked for

    if case := view.case_of(planned.scenario.id):
        allure.dynamic.parameter(CASE, case)


def _tell_allure(judged: Judged) -> None:
    import allure  # noqa: PLC0415 - only where its report was asked for

    from conformance.report.allure import labels  # noqa: PLC0415

    dynamic: Any = allure.dynamic  # its methods carry no types
    dynamic.description(judged.scenario.says)
    for name, value in labels(judged.subject, judged.scenario):
        if name != "framework":  # that is pytest's here
            dynamic.label(name, value)
    if judged.record.timeline is not None:
        allure.attach(marks.text(judged.record.timeline), "timeline", allure.attachment_type.TEXT)


# --- a worker of pytest-xdist that died -----------------------------------------------------------


def error_of_death(planned: PlanItem, report: pytest.TestReport) -> ScenarioRecord:
    """The record of the scenario in which a worker died; ``report``, which is xdist's, becomes an error's."""
    worker = getattr(report, "node").gateway.id  # noqa: B009 - xdist puts it there, and pytest's type knows nothing of it
    why = f"the worker {worker} died in it, killed or crashed; it says nothing of the subject, run it again"
    report.when, report.longrepr = "setup", why
    report.location = ROOT_NAME, None, _headline(planned)
    return ScenarioRecord(planned.profile.name, planned.scenario.id, planned.repeat, failure=why)


def tell_allure_of_death(directory: Path, judged: Judged) -> None:
    """Write the result that allure-pytest could not, since it died, too; with the identity that it gives."""
    from conformance.report.allure import add, identity, test_result  # noqa: PLC0415 - only where it was asked for

    name, case = judged.scenario.scenario, view.case_of(judged.scenario.scenario)
    result = test_result(judged.subject, judged.scenario, None, round(time.time() * 1000))
    result.fullName = f"{ROOT_NAME}.{_node_name(judged.subject.name)}#{view.family_of(name)}"
    result.testCaseId = identity(result.fullName)
    result.historyId = identity(f"{result.fullName}'{case}'" if case else result.fullName)  # as of that parameter
    add(result, directory)


# --- a record as text, from a worker to the process that reports ---------------------------------


def encode_record(record: ScenarioRecord) -> str:
    """The record as one JSON text."""
    found = None if record.timeline is None else [events.encode(event) for event in record.timeline]
    names = ("subject", "scenario", "repeat", "failure", "unsupported", "wall_ms")
    return json.dumps({name: getattr(record, name) for name in names} | {"timeline": found})


def decode_record(text: str) -> ScenarioRecord:
    """The record that ``encode_record`` gave ``text`` for."""
    data = json.loads(text)
    found = data.pop("timeline")
    timeline = None if found is None else Timeline(tuple(events.decode(each) for each in found))
    return ScenarioRecord(**data, timeline=timeline)
