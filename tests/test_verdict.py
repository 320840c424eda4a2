"""Verdicts: their order, and what becomes of several."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.verdict import Finding, Verdict, never_arose, worst

VERDICTS = st.lists(st.sampled_from(Verdict), max_size=6)


def test_the_order_is_the_stated_one() -> None:
    named = [Verdict.UNSUPPORTED, Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL, Verdict.ERROR]
    assert sorted(Verdict, key=lambda verdict: verdict.rank) == named


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], Verdict.INCONCLUSIVE),  # silence never passes
        ([Verdict.PASS], Verdict.PASS),
        ([Verdict.UNSUPPORTED], Verdict.UNSUPPORTED),
        ([Verdict.UNSUPPORTED, Verdict.PASS], Verdict.PASS),
        ([Verdict.PASS, Verdict.INCONCLUSIVE], Verdict.INCONCLUSIVE),
        ([Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS], Verdict.FAIL),
        ([Verdict.FAIL, Verdict.ERROR], Verdict.ERROR),
    ],
)
def test_the_worst_wins(verdicts: list[Verdict], expected: Verdict) -> None:
    assert worst(verdicts) is expected


@given(VERDICTS, VERDICTS)
def test_it_does_not_matter_how_they_are_put_together(some: list[Verdict], others: list[Verdict]) -> None:
    both = some + others
    assert worst(both) is worst(reversed(both))
    if some and others:
        assert worst(both) is worst([worst(some), worst(others)])


def test_a_condition_that_never_arose_is_no_pass_and_says_so() -> None:
    assert Finding("RETRY-3", Verdict.PASS, "it did").arose
    finding = never_arose("RETRY-3", "no second attempt")
    assert finding == Finding(
        "RETRY-3", Verdict.INCONCLUSIVE, "its condition never arose: no second attempt", arose=False
    )
