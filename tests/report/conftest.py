"""One run with every verdict in it, for the reports to be tried on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.events import (
    ConnectionClosed,
    FaultProved,
    FetchEnded,
    FetchStarted,
    ObservationEnded,
    RequestReceived,
    ResponseSent,
    SessionClosed,
    SessionOpened,
    SocketOpened,
    SocketStarted,
    Source,
    SubjectStarted,
    TcpEnded,
    WorldSet,
)
from conformance.model import Level, Outcome, Profile, Side
from conformance.record import Environment, RunRecord, ScenarioRecord
from conformance.repeats import repeats_of
from conformance.results import RequirementResult, RunResult, ScenarioResult, SubjectResult, timeline_path
from conformance.timeline import Timeline
from conformance.verdict import Finding, Verdict

RIG, LOCAL, PUBLIC, BROWSER = Source.RIG, Source.LOCAL, Source.PUBLIC, Source.BROWSER


@pytest.fixture
def timeline() -> Timeline:
    """The local server answers 500, and the subject goes there all the same, until it is dropped."""
    return Timeline.of(
        (
            WorldSet(at_ms=-20.0, source=RIG, side=Side.LOCAL, faults=("answer(status=500)",)),
            FaultProved(at_ms=-10.0, source=RIG, side=Side.LOCAL, fault="answer", detail="seen"),
            SubjectStarted(at_ms=0.0, source=RIG, extension_id="abc", how="loaded"),
            FetchStarted(at_ms=11.0, source=BROWSER, request=7, url="http://localhost:3003/sig?x=1", method="GET"),
            RequestReceived(
                at_ms=14.0,
                source=LOCAL,
                connection=1,
                method="GET",
                target="/<sig>",
                host="localhost",
                origin=None,
                upgrade=False,
            ),
            ResponseSent(at_ms=15.5, source=LOCAL, connection=1, status=500, size=1),
            SocketStarted(at_ms=20.0, source=BROWSER, request=8, url="ws://localhost:3003"),
            SessionOpened(at_ms=30.0, source=LOCAL, connection=2),
            SocketOpened(at_ms=31.0, source=BROWSER, request=8),
            SessionClosed(at_ms=2031.0, source=LOCAL, connection=2, code=1006, by="lost"),
            ConnectionClosed(at_ms=2031.0, source=LOCAL, connection=2, how="reset"),
            FetchEnded(at_ms=2040.0, source=BROWSER, request=9, error="ERR_ABORTED"),
            TcpEnded(at_ms=2041.0, source=BROWSER, socket=4, side=Side.PUBLIC, error="ERR_CONNECTION_REFUSED"),
            ObservationEnded(at_ms=2500.0, source=RIG, reason="done", lag_ms=0.4),
        )
    )


def _scenario(name: str, verdict: Verdict, *findings: Finding, **more: object) -> ScenarioResult:
    reason = findings[0].reason if findings else str(more.pop("reason", ""))
    values: dict[str, object] = {
        "connected_to": Outcome.LOCAL,
        "connect_ms": 31.04,
        "wall_ms": 2500.0,
        "family": "Choosing",
        "says": "what <it> says",
        "requirements": ("SEL-2", "SIG-4"),
        "timeline": timeline_path("mine & yours", name),
    }
    values |= more
    return ScenarioResult(scenario=name, repeat=0, verdict=verdict, findings=findings, reason=reason, **values)  # type: ignore[arg-type]


@pytest.fixture
def subject() -> SubjectResult:
    """Every verdict once: MUST fails in one scenario, SHOULD in another."""
    asked = Finding("SEL-2", Verdict.PASS, "opened after a good signature")
    scenarios = (
        _scenario("local-up", Verdict.PASS, asked),
        _scenario("status[500]", Verdict.FAIL, Finding("SIG-4", Verdict.FAIL, "took status <500>", (4, 5, 7))),
        _scenario(
            "local-good",
            Verdict.FAIL,
            Finding("SEL-2", Verdict.FAIL, "never opened \x00 local", (3,)),
            connected_to=Outcome.NONE,
            connect_ms=None,
        ),
        _scenario("slow[1990]", Verdict.INCONCLUSIVE, Finding("TIME-1", Verdict.INCONCLUSIVE, "within its error")),
        _scenario(
            "reset",
            Verdict.ERROR,
            reason="the fake | died",
            timeline=None,
            connect_ms=None,
            connected_to=Outcome.NONE,
        ),
        _scenario(
            "public-down",
            Verdict.UNSUPPORTED,
            reason="no public server",
            timeline=None,
            connect_ms=None,
            connected_to=Outcome.NONE,
        ),
    )
    requirements = (
        RequirementResult(
            "SEL-2",
            Level.MUST,
            Verdict.FAIL,
            "local-good: never opened local",
            ("local-up", "local-good"),
            "opens the local one",
        ),
        RequirementResult("SIG-1", Level.MUST, Verdict.PASS, "", ("local-up",), "accepts only a good signature"),
        RequirementResult(
            "SIG-4", Level.SHOULD, Verdict.FAIL, "status[500]: took status 500", ("status[500]",), "wants a 2xx"
        ),
        RequirementResult(
            "TIME-1", Level.SHOULD, Verdict.INCONCLUSIVE, "within its error", ("slow[1990]",), "gives up in time"
        ),
        RequirementResult(
            "LIFE-1",
            Level.SHOULD,
            Verdict.INCONCLUSIVE,
            "its condition never arose; not counted",
            (),
            "lives on",
            arose=False,
            counts=False,
        ),
    )
    levels = {Level.MUST: Verdict.FAIL, Level.SHOULD: Verdict.FAIL}
    return SubjectResult("mine & yours", "1.0", Verdict.ERROR, levels, requirements, scenarios)


@pytest.fixture
def result(subject: SubjectResult) -> RunResult:
    """A run on two subjects, the other of which conforms."""
    passed = (
        RequirementResult("SEL-2", Level.MUST, Verdict.PASS, "", ("local-up",), "opens the local one"),
        RequirementResult("LIFE-1", Level.SHOULD, Verdict.PASS, "", ("local-up",), "lives on"),
    )
    levels = {Level.MUST: Verdict.PASS, Level.SHOULD: Verdict.PASS}
    other = SubjectResult("reference", "2.0", Verdict.PASS, levels, passed, subject.scenarios[:1])
    environment = Environment(
        browser="Chromium 156.0",
        browser_flags=("--headless",),
        harness="0.1",
        python="3.11",
        platform="Linux",
        cpus=2,
        rig="warm",
        jobs=4,
        seed=7,
        started_at="2026-01-31T12:00:00Z",
        error_ms=2.5,
    )
    return RunResult("20260131T120000Z-1f2e", Verdict.ERROR, (subject, other), environment)


@pytest.fixture
def record(result: RunResult, timeline: Timeline) -> RunRecord:
    """The record that belongs to it, as far as reports look: the timelines."""
    records = tuple(
        ScenarioRecord(subject.name, one.scenario, one.repeat, timeline=timeline)
        for subject in result.subjects
        for one in subject.scenarios
        if one.timeline is not None
    )
    profiles = tuple(Profile(subject.name, subject.version, "/x") for subject in result.subjects)
    return RunRecord(result.run_id, result.environment, (), profiles, (), records)


@pytest.fixture
def repeated(result: RunResult) -> RunResult:
    """Two scenarios run 80 times each: one passes three times in four, one always does; and one run twice."""
    base = _scenario("steady", Verdict.PASS, Finding("SEL-2", Verdict.PASS, "it did"))
    wrong = Finding("SIG-4", Verdict.FAIL, "it did not")
    runs = []
    for number in range(80):
        runs.append(replace(base, repeat=number, connect_ms=100.0 + number))
        late = replace(base, scenario="some|times[<case>]", repeat=number, connect_ms=None)
        right = Finding("SIG-4", Verdict.PASS, "it did")
        runs.append(
            replace(late, findings=(right,)) if number % 4 else replace(late, findings=(wrong,), verdict=wrong.verdict)
        )
    runs += [
        replace(base, scenario="twice", repeat=number, verdict=Verdict.ERROR, connect_ms=None) for number in (0, 1)
    ]
    subject = replace(result.subjects[0], scenarios=tuple(runs), repeats=repeats_of(runs))
    return replace(result, subjects=(subject, *result.subjects[1:]))
