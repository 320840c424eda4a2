"""Judging at its edges: what mutation testing showed that no other test would notice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.errors import DataError
from conformance.events import Source, StepTimedOut, TargetAnswered
from conformance.judge import judge_run, judge_scenario
from conformance.model import Endpoints, Level, Outcome
from conformance.record import RunRecord, ScenarioRecord
from conformance.verdict import Verdict
from tests.test_judge import (
    FALLS,
    UP,
    fallback,
    judged,
    local_session,
    named,
    requirement,
    run,
    said,
    slow,
)
from tests.timelines import DOWN, ENVIRONMENT, LOCAL, PROFILE, PUBLIC, REQUIREMENTS, recorded, scenario, story

# --- targets ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("took", "verdict"),
    [
        ((99,), Verdict.FAIL),
        ((100,), Verdict.INCONCLUSIVE),
        ((101,), Verdict.INCONCLUSIVE),
        ((40, 1, 40, 40), Verdict.INCONCLUSIVE),
        ((30, 30, 30, 30, 30), Verdict.FAIL),  # an attempt waits for three answers and no more
    ],
)
def test_a_target_that_took_its_time_is_not_the_subjects_fault(took: tuple[float, ...], verdict: Verdict) -> None:
    told = slow()
    for number, took_ms in enumerate(took):
        told.seen(TargetAnswered(at_ms=100, source=Source.PUBLIC, connection=number, took_ms=took_ms))
    finding = next(each for each in judged(told, DOWN, "TIME-2").findings if each.requirement == "TIME-2")
    assert (finding.verdict, finding.measured_ms) == (verdict, 1100)
    excuse = f"the targets took up to {sum(sorted(took)[-3:])} ms to answer: "
    assert finding.reason.startswith(excuse) is (verdict is Verdict.INCONCLUSIVE)


def test_what_was_in_time_before_a_slow_target_was_in_time() -> None:
    told = fallback().seen(TargetAnswered(at_ms=100, source=Source.PUBLIC, connection=1, took_ms=5000))
    assert said(judged(told, DOWN, "TIME-2"))["TIME-2"] is Verdict.PASS


# --- one scenario --------------------------------------------------------------------------------


def missed(changes_left: int = 2) -> StepTimedOut:
    return StepTimedOut(
        at_ms=400, source=Source.RIG, step="until session local", within_ms=6000.0, changes_left=changes_left
    )


def test_a_scenario_that_did_not_come_to_its_changes_passes_nothing_that_it_covers() -> None:
    """The subject is where it should be, and never stood where the scenario was to try it."""
    result = judged(local_session().seen(missed()).end(at=500), scenario(), "SEL-1", "PRIV-3")
    assert said(result) == {**said(result), "SEL-1": Verdict.INCONCLUSIVE, "PRIV-3": Verdict.INCONCLUSIVE}
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason.startswith(
        "PRIV-3: 'until session local' was not reached within 6000 ms, so what follows it never was"
        " (else it were pass: "
    )


def test_what_is_judged_everywhere_passes_without_the_changes() -> None:
    assert said(judged(local_session().seen(missed()).end(at=500), scenario(), "PRIV-3"))["SEL-1"] is Verdict.PASS


@pytest.mark.parametrize(
    ("covered", "verdict"),
    [(("SEL-6", "PRIV-3"), Verdict.PASS), (("PRIV-3",), Verdict.INCONCLUSIVE)],
    ids=["covered", "not covered"],
)
def test_a_failure_of_what_it_covers_is_why_a_scenario_did_not_come_to_its_changes(
    covered: tuple[str, ...], verdict: Verdict
) -> None:
    """seed-literal never comes back, so the second and third loss of a session never were; it held one at a time."""
    two = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20).socket(LOCAL, at=30, opened=40)
    result = judge_scenario(scenario(*covered), PROFILE, recorded(two.seen(missed()).end(at=500)), REQUIREMENTS, 5)
    assert (said(result)["SEL-6"], said(result)["PRIV-3"]) == (Verdict.FAIL, verdict)


def test_where_nothing_was_to_change_any_more_a_step_that_was_not_reached_only_means_less_to_see() -> None:
    """A subject that tries once is watched until its second attempt: whom it trusted the first tells."""
    assert said(judged(local_session().seen(missed(0)).end(at=500), scenario(), "SEL-1"))["SEL-1"] is Verdict.PASS


def test_how_soon_is_until_the_first_session() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20).socket(LOCAL, at=500, opened=700)
    assert judged(told, scenario(), "SEL-2").connect_ms == 20


@pytest.mark.parametrize(
    ("session", "arrived"), [(Outcome.EITHER, True), (Outcome.PUBLIC, True), (Outcome.LOCAL, False)]
)
def test_either_server_is_right_where_the_scenario_says_so(session: Outcome, arrived: bool) -> None:
    result = judged(fallback(), replace(DOWN, then=replace(DOWN.then, session=session)), "SEL-3")
    assert (result.verdict is Verdict.PASS) is arrived
    nowhere = judged(story().probe(at=10, ended=15).end(at=300), scenario(session=Outcome.EITHER), "PRIV-3")
    assert said(nowhere)["PRIV-3"] is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("starved", "verdict"), [(99.9, Verdict.FAIL), (100, Verdict.INCONCLUSIVE), (100.1, Verdict.INCONCLUSIVE)]
)
def test_starved_for_just_as_long_as_it_was_late_is_excused(starved: float, verdict: Verdict) -> None:
    assert said(judged(slow(starved=starved), DOWN, "TIME-2"))["TIME-2"] is verdict


@pytest.mark.parametrize(
    ("at", "verdict"),
    [(1112, Verdict.INCONCLUSIVE), (600, Verdict.INCONCLUSIVE), (12, Verdict.FAIL), (1999, Verdict.FAIL)],
    ids=["till it opened", "in between", "before it was refused", "after it opened"],
)
def test_only_what_the_browser_waited_meanwhile_excuses(at: float, verdict: Verdict) -> None:
    """The 1,100 ms were over when it waited, or had not begun."""
    told = story().proved(LOCAL, "refused").refused(at=10).socket(PUBLIC, at=15, opened=1112)
    told.starved(300, at=at, over=300)
    assert said(judged(told.end(at=2000), DOWN, "TIME-2"))["TIME-2"] is verdict


@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        (3000, Verdict.INCONCLUSIVE),
        (5500, Verdict.INCONCLUSIVE),
        (0, Verdict.INCONCLUSIVE),  # its evidence may as well be the end of a wait
        (-5600, Verdict.FAIL),
    ],
)
def test_a_wait_that_did_not_end_is_excused_by_what_was_waited_in_it(at: float, verdict: Verdict) -> None:
    """Only its start is evidence; it is as long as the figure says."""
    told = story().proved(LOCAL, "refused").refused(at=10).starved(700, at=at, over=700)
    assert said(judged(told.end(at=5600), DOWN, "TIME-4"))["TIME-4"] is verdict


@pytest.mark.parametrize(
    ("late", "lag", "busy"), [(40, 50, False), (40, 50.5, True), (100, 99.5, False), (100, 100, True)]
)
def test_a_machine_is_too_busy_where_it_was_late_by_more_than_usual_and_by_as_much(
    late: float, lag: float, busy: bool
) -> None:
    told = story().proved(LOCAL, "refused").refused(at=10).socket(PUBLIC, at=15, opened=1012 + late)
    result = judged(told.end(at=2000, lag=lag), DOWN, "TIME-2")
    (reason,) = (finding.reason for finding in result.findings if finding.requirement == "TIME-2")
    assert reason.startswith("machine too busy, the harness was up to ") is busy


def test_the_least_lateness_is_excused_by_the_least_starving() -> None:
    told = story().proved(LOCAL, "refused").refused(at=10).socket(PUBLIC, at=15, opened=1012.5)
    assert said(judged(told.end(at=2000), DOWN, "TIME-2", error_ms=0))["TIME-2"] is Verdict.FAIL
    told = story().proved(LOCAL, "refused").refused(at=10).socket(PUBLIC, at=15, opened=1012.5)
    starved = judged(told.end(at=2000, starved=1), DOWN, "TIME-2", error_ms=0)
    assert said(starved)["TIME-2"] is Verdict.INCONCLUSIVE
    told = story().proved(LOCAL, "refused").refused(at=10).socket(PUBLIC, at=15, opened=1012.5)
    told.seen(TargetAnswered(at_ms=100, source=Source.PUBLIC, connection=1, took_ms=1))
    assert said(judged(told.end(at=2000), DOWN, "TIME-2", error_ms=0))["TIME-2"] is Verdict.INCONCLUSIVE


def test_a_feature_that_is_there_is_judged_even_without_a_public_server() -> None:
    lonely = replace(PROFILE, endpoints=Endpoints(public=None))
    asks = {**REQUIREMENTS, "SEL-2": replace(REQUIREMENTS["SEL-2"], feature="reconnect")}
    given = replace(scenario(), covers=("SEL-2",))
    found = judge_scenario(given, lonely, recorded(local_session()), asks, 5)
    assert said(found)["SEL-2"] is Verdict.PASS
    public = {**asks, "SEL-2": replace(asks["SEL-2"], feature="public")}
    assert said(judge_scenario(given, lonely, recorded(local_session()), public, 5))["SEL-2"] is Verdict.UNSUPPORTED


# --- put together --------------------------------------------------------------------------------


def test_a_requirement_is_judged_by_its_own_findings_and_not_by_its_scenarios() -> None:
    """SEL-1 holds where TIME-2 fails, and is undecided where it never was asked: it is undecided."""
    failing = (named(DOWN, "slow", "TIME-2", "SEL-1"), slow().end(at=2000))
    doubtful = (replace(FALLS, id="unproved"), story().refused(at=10).socket(PUBLIC, at=15, opened=95))
    result = run(failing, doubtful)
    assert result.subjects[0].scenarios[0].verdict is Verdict.FAIL
    assert requirement(result, "SEL-1").verdict is Verdict.INCONCLUSIVE


def test_what_arose_anywhere_arose() -> None:
    result = run((named(DOWN, "down", "SEL-2", "SEL-3"), fallback()), (UP, local_session()))
    assert requirement(result, "SEL-2").arose
    assert requirement(result, "SEL-2").scenarios == ("up",)


def test_of_several_reasons_why_it_never_arose_the_first_is_told() -> None:
    unasked, given_up = story().socket(PUBLIC, at=10, opened=60), story().given_up(at=10, ended=20)
    result = run((named(DOWN, "one", "SIG-1"), unasked), (named(DOWN, "two", "SIG-1"), given_up))
    assert "the subject never asked for the signature" in requirement(result, "SIG-1").reason
    result = run((named(DOWN, "two", "SIG-1"), given_up), (named(DOWN, "one", "SIG-1"), unasked))
    assert "that answer never reached the subject" in requirement(result, "SIG-1").reason


def test_the_first_of_several_unknown_scenarios_is_named() -> None:
    strangers = tuple(recorded(fallback(), name) for name in ("one", "two"))
    with pytest.raises(DataError, match="no scenario 'one'"):
        judge_run(RunRecord("a-run", ENVIRONMENT, (), (PROFILE,), (), strangers))


def test_a_level_is_of_what_was_judged_and_not_of_what_is_unsupported() -> None:
    none = ScenarioRecord("subject", "down", unsupported="not here")
    result = run((named(DOWN, "down", "SEL-3"), none), (UP, local_session()))
    assert requirement(result, "SEL-3").verdict is Verdict.UNSUPPORTED
    assert result.subjects[0].levels[Level.MUST] is Verdict.PASS


def test_where_all_is_unsupported_so_is_the_scenario() -> None:
    asks = {"SEL-2": replace(REQUIREMENTS["SEL-2"], feature="reconnect")}
    absent = replace(PROFILE, absent=("reconnect",))
    found = judge_scenario(replace(scenario(), covers=("SEL-2",)), absent, recorded(local_session()), asks, 5)
    assert found.verdict is Verdict.UNSUPPORTED
