"""Repeats: every run counts, and what comes out differently is flaky, not passed."""

from __future__ import annotations

import pytest

from conformance.intervals import Quantile
from conformance.model import Outcome
from conformance.repeats import Repeats, repeats_of
from conformance.results import ScenarioResult
from conformance.verdict import Finding, Verdict

PASS, FAIL, UNSURE, ERROR = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR


def result(
    verdict: Verdict, *findings: tuple[str, Verdict], connect: float | None = None, scenario: str = "a"
) -> ScenarioResult:
    said = tuple(Finding(requirement, each, "as seen") for requirement, each in findings)
    return ScenarioResult(scenario, 0, verdict, said, Outcome.LOCAL, connect, "why", 1.0)


def repeats(*verdicts: Verdict) -> Repeats:
    (found,) = repeats_of([result(verdict) for verdict in verdicts])
    return found


def test_what_was_run_once_is_no_repeat() -> None:
    both = [result(PASS), result(PASS, scenario="b"), result(FAIL, scenario="b")]
    assert [one.scenario for one in repeats_of(both)] == ["b"]
    assert repeats_of([]) == ()


def test_every_run_counts_the_worst_first() -> None:
    found = repeats(PASS, UNSURE, PASS, FAIL, ERROR)
    assert found.counts == ((ERROR, 1), (FAIL, 1), (UNSURE, 1), (PASS, 2))
    assert (found.runs, found.judged, found.passed) == (5, 4, 2)


def test_an_inconclusive_run_is_no_pass_and_an_error_is_not_the_subjects() -> None:
    assert (repeats(UNSURE, FAIL).passed, repeats(UNSURE, FAIL).judged) == (0, 2)
    assert repeats(PASS, PASS, UNSURE).interval == pytest.approx((0.0943, 0.9916), abs=1e-4)
    assert repeats(PASS, PASS, ERROR).interval == pytest.approx((0.1581, 1), abs=1e-4)
    assert repeats(ERROR, Verdict.UNSUPPORTED).interval is None


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        ((PASS, FAIL), "flaky"),
        ((FAIL,) + (PASS,) * 50, "flaky"),
        ((PASS, FAIL, ERROR), "flaky"),
        ((FAIL, FAIL), "fail"),
        ((PASS, PASS), "pass"),
        ((PASS, UNSURE), "inconclusive"),
        ((FAIL, UNSURE), "fail"),
        ((PASS, ERROR), "error"),
        ((Verdict.UNSUPPORTED, Verdict.UNSUPPORTED), "unsupported"),
    ],
)
def test_flaky_is_right_at_one_time_and_wrong_at_another(verdicts: tuple[Verdict, ...], told: str) -> None:
    assert repeats(*verdicts).verdict == told


def test_a_requirement_may_be_flaky_where_another_always_fails() -> None:
    one = result(FAIL, ("SEL-1", FAIL), ("SEL-2", PASS), ("SEL-3", PASS))
    other = result(FAIL, ("SEL-1", FAIL), ("SEL-2", FAIL), ("SEL-3", UNSURE))
    (found,) = repeats_of([one, other])
    assert (found.flaky, found.verdict) == (("SEL-2",), "flaky")


def test_connect_times_are_of_the_runs_that_had_a_session() -> None:
    runs = [result(PASS, connect=float(ms)) for ms in (30, 10, 20, 60, 50, 40)] + [result(FAIL)]
    (found,) = repeats_of(runs)
    assert found.connected == 6
    assert found.connects == (Quantile(0.5, 6, 30, 10, 60), Quantile(0.95, 72), Quantile(0.99, 368))


def test_without_any_session_there_is_no_time() -> None:
    assert (repeats(PASS, PASS).connects, repeats(PASS, PASS).connected) == ((), 0)
