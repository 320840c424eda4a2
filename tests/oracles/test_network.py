"""NET-2: the browser's own check of the subject's requests."""

from __future__ import annotations

import pytest

from conformance.oracles import ORACLES
from conformance.verdict import Verdict
from tests.timelines import LOCAL, Story, ask, case, story


def test_requests_that_were_let_through_pass() -> None:
    told = story().probe(at=10, ended=15).access("allowed-no-less-public", at=11)
    told.socket(LOCAL, at=17, opened=20).access("allowed-by-target-ip-address-space", at=18)
    finding = ask("NET-2", told)
    assert finding.verdict is Verdict.PASS
    assert finding.reason.endswith("2 requests through: allowed-by-target-ip-address-space, allowed-no-less-public")


def test_a_request_that_was_stopped_fails() -> None:
    told = story().probe(at=10, ended=12, answered=None, error="ERR_BLOCKED").access("blocked-by-policy-block", at=11)
    finding = ask("NET-2", told.probe(at=600, ended=605).access("allowed-no-less-public", at=601))
    assert finding.verdict is Verdict.FAIL
    assert "at 11 ms: blocked-by-policy-block" in finding.reason


def test_a_result_that_nobody_knows_is_undecided() -> None:
    assert (
        ask("NET-2", story().probe(at=10, ended=15).access("permission-prompt", at=11)).verdict is Verdict.INCONCLUSIVE
    )


@pytest.mark.parametrize(
    "told",
    [
        story(),
        story().probe(at=10, ended=15),
        story().fetch("https://elsewhere.example/", at=5).access("blocked", at=6),
    ],
    ids=["nothing", "no check", "elsewhere"],
)
def test_no_check_says_nothing(told: Story) -> None:
    assert not ask("NET-2", told).arose
    assert ORACLES["NET-2"].everywhere
    assert ORACLES["NET-2"].judge(case(told)) is None
