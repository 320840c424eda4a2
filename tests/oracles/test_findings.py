"""Figures against budgets, and one finding for many."""

from __future__ import annotations

import pytest

from conformance.events import Source, StepTimedOut
from conformance.oracles.findings import Budget, evidence_of, gather
from conformance.verdict import Finding, Verdict, never_arose

BUDGET = Budget("TIME-9", 1000, 5)
FIRST = StepTimedOut(at_ms=1, source=Source.RIG, seq=7, step="a", within_ms=1)
SECOND = StepTimedOut(at_ms=2, source=Source.RIG, seq=3, step="b", within_ms=1)


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (0, Verdict.PASS),
        (995, Verdict.PASS),
        (995.1, Verdict.INCONCLUSIVE),
        (1000, Verdict.INCONCLUSIVE),
        (1005, Verdict.INCONCLUSIVE),
        (1005.1, Verdict.FAIL),
    ],
)
def test_at_most(measured: float, verdict: Verdict) -> None:
    finding = BUDGET.at_most(measured, "it took so long", FIRST)
    assert (finding.verdict, finding.measured_ms, finding.budget_ms) == (verdict, measured, 1000)
    assert finding.reason.startswith("it took so long; at most 1000 ms allowed")


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (2000, Verdict.PASS),
        (1005, Verdict.PASS),
        (1000, Verdict.INCONCLUSIVE),
        (995, Verdict.INCONCLUSIVE),
        (994, Verdict.FAIL),
    ],
)
def test_at_least(measured: float, verdict: Verdict) -> None:
    assert BUDGET.at_least(measured, "it lasted", FIRST).verdict is verdict


def test_without_error_the_budget_itself_is_kept() -> None:
    exact = Budget("TIME-9", 1000, 0)
    assert exact.at_most(1000, "it took", FIRST).verdict is Verdict.PASS
    assert exact.at_least(1000, "it lasted", FIRST).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("waited", "verdict"), [(1006, Verdict.FAIL), (1005, Verdict.INCONCLUSIVE), (10, Verdict.INCONCLUSIVE)]
)
def test_still_waiting_fails_only_past_the_budget(waited: float, verdict: Verdict) -> None:
    assert BUDGET.still_waiting(waited, "nothing", FIRST).verdict is verdict


@pytest.mark.parametrize(
    ("waited", "verdict"),
    [
        (10, Verdict.FAIL),
        (994, Verdict.FAIL),
        (995, Verdict.INCONCLUSIVE),
        (1005, Verdict.INCONCLUSIVE),
        (1006, Verdict.FAIL),
    ],
)
def test_giving_up_fails_on_either_side_of_the_budget(waited: float, verdict: Verdict) -> None:
    finding = BUDGET.gave_up(waited, "it gave up", FIRST)
    assert (finding.verdict, finding.measured_ms, finding.budget_ms) == (verdict, waited, 1000)
    assert finding.evidence == (7,)


def test_a_figure_within_its_error_says_so() -> None:
    assert "within the error of ±5 ms" in BUDGET.at_most(1000, "it took", FIRST).reason


def test_evidence_is_in_order_and_each_once() -> None:
    assert evidence_of(FIRST, None, SECOND, FIRST) == (3, 7)


# --- gathering -----------------------------------------------------------------------------------

GOOD, BETTER = BUDGET.at_most(900, "slow", FIRST), BUDGET.at_most(100, "fast", FIRST)
BAD = BUDGET.at_most(2000, "too slow", FIRST)
UNSURE = Finding("TIME-9", Verdict.INCONCLUSIVE, "who knows")


def test_nothing_gathers_to_nothing() -> None:
    assert gather([]) is None
    assert gather([None, None]) is None


def test_one_is_itself() -> None:
    assert gather([None, GOOD]) == GOOD


@pytest.mark.parametrize(
    ("findings", "reason"),
    [
        ([BETTER, GOOD], "slow; at most 1000 ms allowed (the worst of 2)"),
        ([GOOD, BAD, UNSURE], "too slow; at most 1000 ms allowed (so 1 of 3 times)"),
        ([GOOD, UNSURE], "who knows (so 1 of 2 times)"),
        ([never_arose("TIME-9", "never"), GOOD], "slow; at most 1000 ms allowed (so 1 of 2 times)"),
    ],
)
def test_the_worst_speaks_for_all(findings: list[Finding], reason: str) -> None:
    gathered = gather(findings)
    assert gathered is not None
    assert gathered.reason == reason


def test_any_figure_is_longer_than_none() -> None:
    found = gather([Finding("TIME-9", Verdict.PASS, "somehow"), BUDGET.at_most(0.5, "fast", FIRST)])
    assert found is not None
    assert found.measured_ms == 0.5


def test_of_least_values_the_shortest_speaks() -> None:
    found = gather([BUDGET.at_least(3000, "long", FIRST), BUDGET.at_least(2000, "short", FIRST)], shortest=True)
    assert found is not None
    assert found.measured_ms == 2000
