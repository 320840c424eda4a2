"""NET-2: the browser's own check of the subject's requests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.access import ASKS, STOPPED
from conformance.model import Access, World
from conformance.oracles import ORACLES
from conformance.verdict import Verdict
from tests.timelines import LOCAL, Story, ask, case, scenario, story

DENIED = replace(scenario(), given=World(access=Access.DENIED))


def test_requests_that_were_let_through_pass() -> None:
    told = story().probe(at=10, ended=15).access("allowed-no-less-public", at=11)
    told.socket(LOCAL, at=17, opened=20).access("allowed-potentially-trustworthy-same-origin", at=18)
    finding = ask("NET-2", told)
    assert finding.verdict is Verdict.PASS
    assert finding.reason.endswith(
        "2 requests through: allowed-no-less-public, allowed-potentially-trustworthy-same-origin"
    )


def test_whoever_needs_no_permission_passes_without_one() -> None:
    finding = ask("NET-2", story().probe(at=10, ended=15).access("allowed-no-less-public", at=11), DENIED)
    assert finding.verdict is Verdict.PASS
    assert finding.reason.endswith("; the permission was denied, and none was asked for")


def test_a_permission_that_was_given_passes_and_is_told() -> None:
    told = story().probe(at=10, ended=15).access(ASKS, at=11, answer="granted", answered=12)
    finding = ask("NET-2", told)
    assert finding.verdict is Verdict.PASS
    assert finding.reason.endswith("; the permission was asked for once and given")


def test_a_request_that_was_stopped_fails() -> None:
    told = story().probe(at=10, ended=12, answered=None, error=STOPPED).access("insecure-local-network", at=11)
    finding = ask("NET-2", told.probe(at=600, ended=605).access("allowed-no-less-public", at=601))
    assert finding.verdict is Verdict.FAIL
    assert "semantest-signature at 10 ms: insecure-local-network" in finding.reason
    assert len(finding.evidence) == 3


def test_a_permission_that_was_denied_fails() -> None:
    told = story()
    for at in (10, 1000):
        told.probe(at=at, ended=at + 5, answered=None, error=STOPPED)
        told.access(ASKS, at=at + 1, answer="denied", answered=at + 2)
    finding = ask("NET-2", told, DENIED)
    assert finding.verdict is Verdict.FAIL
    assert finding.reason.endswith("it asked for a permission, which was denied (and 1 more)")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (story().given_up(at=10, ended=1710).access(ASKS, at=12), "held the request for 1698 ms, unanswered"),
        (story().probe(at=10, answered=None).access(ASKS, at=12).end(at=5012), "for 5000 ms, unanswered"),
    ],
    ids=["given up", "waiting"],
)
def test_a_prompt_that_nobody_answers_fails(told: Story, said: str) -> None:
    finding = ask("NET-2", told)
    assert finding.verdict is Verdict.FAIL
    assert said in finding.reason


def test_a_prompt_that_has_just_come_up_is_undecided() -> None:
    finding = ask("NET-2", story().probe(at=10, answered=None).access(ASKS, at=12).end(at=500))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "when watching ended" in finding.reason


def test_a_result_that_nobody_knows_is_undecided() -> None:
    finding = ask("NET-2", story().probe(at=10, ended=15).access("a-new-word", at=11))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "'a-new-word', which this harness does not know" in finding.reason


def test_what_is_worse_is_told_first() -> None:
    told = story().probe(at=10, ended=15).access("a-new-word", at=11)
    told.given_up(at=100, ended=1800).access(ASKS, at=101)
    told.probe(at=2000, ended=2005, answered=None, error=STOPPED).access(ASKS, at=2001, answer="denied", answered=2002)
    finding = ask("NET-2", told)
    assert (finding.verdict, "denied (and 2 more)" in finding.reason) == (Verdict.FAIL, True)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (story(), "the subject made no request to either server"),
        (story().fetch("https://elsewhere.example/", at=5).access("blocked", at=6), "made no request to either server"),
        (story().refused(at=10), "no request of the subject's (1) came so far as to be checked"),
    ],
    ids=["nothing", "elsewhere", "refused"],
)
def test_no_check_says_nothing_but_why(told: Story, said: str) -> None:
    finding = ask("NET-2", told)
    assert not finding.arose
    assert said in finding.reason
    assert ORACLES["NET-2"].everywhere
    assert ORACLES["NET-2"].judge(case(told)) is None
