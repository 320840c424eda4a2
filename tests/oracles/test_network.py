"""NET: both addresses of localhost, and the browser's own check of the subject's requests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.access import ASKS, STOPPED
from conformance.events import ConnectionAccepted, Source, SubjectStarted
from conformance.model import Access, Address, Endpoints, FaultSpec, Outcome, Scenario, Shown, World
from conformance.oracles import ORACLES
from conformance.verdict import Verdict
from tests.timelines import LOCAL, PROFILE, PUBLIC, REFUSED, Story, ask, case, scenario, story

DENIED = replace(scenario(), given=World(access=Access.DENIED))


def test_requests_that_were_let_through_pass() -> None:
    told = story().probe(at=10, ended=15).access("allowed-no-less-public", at=11)
    told.socket(LOCAL, at=17, opened=20).access("allowed-potentially-trustworthy-same-origin", at=18)
    finding = ask("NET-2", told)
    assert finding.verdict is Verdict.PASS
    assert finding.reason.endswith(
        "2 requests through: allowed-no-less-public, allowed-potentially-trustworthy-same-origin"
    )


def test_one_request_is_told_as_one() -> None:
    finding = ask("NET-2", story().probe(at=10, ended=15).access("allowed-no-less-public", at=11))
    assert finding.reason == "the browser let 1 request through: allowed-no-less-public"


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


def test_one_request_that_was_stopped_is_told_alone() -> None:
    told = story().probe(at=10, ended=12, answered=None, error=STOPPED).access("insecure-local-network", at=11)
    assert ask("NET-2", told).reason.endswith(": insecure-local-network")


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


@pytest.mark.parametrize(("end", "verdict"), [(5999, Verdict.INCONCLUSIVE), (6000, Verdict.FAIL)])
def test_a_prompt_may_be_answered_within_a_second(end: float, verdict: Verdict) -> None:
    told = story().probe(at=4990, answered=None).access(ASKS, at=5000).end(at=end)
    assert ask("NET-2", told).verdict is verdict


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


# --- NET-1 ---------------------------------------------------------------------------------------

V4, V6 = Address.V4, Address.V6
WRONG = FaultSpec("answer", {"signature": "other-name"})


def apart(*local: FaultSpec, session: Outcome = Outcome.LOCAL, shown: Shown = Shown.GOOD) -> Scenario:
    """A scenario whose rig has a network of its own."""
    return replace(scenario(local=local, session=session, shown=shown), namespace=True)


def started_at(at: float) -> Story:
    return Story(started=False).seen(SubjectStarted(at_ms=at, source=Source.RIG, extension_id="subject", how="told"))


def found_local(told: Story) -> Story:
    return told.probe(at=10, ended=15).socket(LOCAL, at=17, opened=20)


def went_public(told: Story, *, opened: float = 40) -> Story:
    return told.probe(at=10, ended=15).socket(PUBLIC, at=17, opened=opened)


@pytest.mark.parametrize(
    "local",
    [(), (replace(REFUSED, on=V4),), (replace(REFUSED, on=V6),), (replace(WRONG, on=V4),)],
    ids=["both", "::1 only", "127.0.0.1 only", "127.0.0.1 wrong"],
)
def test_the_server_of_localhost_is_found_wherever_it_is(local: tuple[FaultSpec, ...]) -> None:
    finding = ask("NET-1", found_local(story()), apart(*local))
    assert finding.verdict is Verdict.PASS
    assert finding.reason.startswith("local session 20 ms after its start")


def test_the_address_that_answered_is_named() -> None:
    came = ConnectionAccepted(at_ms=16, source=Source.LOCAL, connection=9, endpoint="l", address="[::1]:3003")
    finding = ask("NET-1", found_local(story()).without(ConnectionAccepted).seen(came), apart(replace(REFUSED, on=V4)))
    assert "local session at [::1]:3003" in finding.reason
    assert "refused on IPv4" in finding.reason


def test_going_public_past_a_good_server_fails() -> None:
    finding = ask("NET-1", went_public(story()).end(at=3000), apart(replace(REFUSED, on=V4)))
    assert finding.verdict is Verdict.FAIL
    assert "opened a public session, although localhost has a good server" in finding.reason


def test_giving_a_good_server_up_unanswered_fails_with_the_time_it_took() -> None:
    told = story().given_up(at=900, ended=1720).socket(PUBLIC, at=1721, opened=1900).end(at=3000)
    finding = ask("NET-1", told, apart(replace(REFUSED, on=V4)))
    assert (finding.verdict, finding.measured_ms, finding.budget_ms) == (Verdict.FAIL, 1720, 1000)
    assert finding.reason.endswith("it gave up 1720 ms after its start, unanswered")


def test_the_time_after_which_it_gave_up_is_the_subjects_own() -> None:
    told = started_at(100).given_up(at=1000, ended=1820).socket(PUBLIC, at=1821, opened=2000).end(at=3000)
    assert ask("NET-1", told, apart(replace(REFUSED, on=V4))).measured_ms == 1720


@pytest.mark.parametrize(
    "told", [story().refused(at=10), story().probe(at=10, ended=15), story()], ids=["refused", "answered", "unasked"]
)
def test_what_no_time_decided_has_no_time(told: Story) -> None:
    told.socket(PUBLIC, at=400, opened=420).end(at=3000)
    finding = ask("NET-1", told, apart(replace(REFUSED, on=V4)))
    assert (finding.verdict, finding.measured_ms) == (Verdict.FAIL, None)


def test_a_good_server_behind_a_wrong_one_is_out_of_sight() -> None:
    given = apart(replace(WRONG, on=V6), session=Outcome.EITHER, shown=Shown.ARGUABLE)
    assert ask("NET-1", went_public(story()).end(at=3000), given).verdict is Verdict.PASS
    assert ask("NET-1", found_local(story()).end(at=3000), given).verdict is Verdict.PASS


def test_no_session_at_all_fails_when_there_was_time_for_one() -> None:
    given = apart(replace(REFUSED, on=V4))
    told = story().refused(at=10)
    assert ask("NET-1", told.end(at=9000), given).verdict is Verdict.FAIL
    assert ask("NET-1", story().refused(at=10).end(at=900), given).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("starved", "verdict"), [(5704, Verdict.INCONCLUSIVE), (900, Verdict.FAIL)])
def test_a_question_that_a_starved_browser_did_not_send_in_time_is_undecided(starved: float, verdict: Verdict) -> None:
    told = story().socket(PUBLIC, at=2154, opened=2300).probe(at=2195, answered=None, ended=2228)
    finding = ask("NET-1", told.end(at=3500, starved=starved), apart(replace(REFUSED, on=V4)))
    assert finding.verdict is verdict
    assert "although localhost has a good server" in finding.reason


@pytest.mark.parametrize(
    ("end", "verdict"), [(5098, Verdict.INCONCLUSIVE), (5105, Verdict.INCONCLUSIVE), (5106, Verdict.FAIL)]
)
def test_it_has_the_time_for_any_session_and_the_error(end: float, verdict: Verdict) -> None:
    told = started_at(100).refused(at=110).end(at=end)
    finding = ask("NET-1", told, apart(replace(REFUSED, on=V4)), error_ms=5)
    assert finding.verdict is verdict
    assert finding.reason.startswith(f"no session {end - 100} ms after its start")
    if verdict is Verdict.FAIL:
        assert finding.evidence == (0, len(told.build()) - 1)


def test_the_time_is_the_subjects_own() -> None:
    told = started_at(100).probe(at=110, ended=115).socket(LOCAL, at=117, opened=120)
    assert " 20 ms after its start" in ask("NET-1", told, apart()).reason


def test_a_subject_that_asks_for_one_address_by_number_misses_the_other() -> None:
    by_number = replace(
        PROFILE, endpoints=Endpoints("http://127.0.0.1:3003/semantest-signature", "ws://127.0.0.1:3003")
    )
    told = story().fetch("http://127.0.0.1:3003/semantest-signature", at=10).socket(PUBLIC, at=17, opened=40)
    v6_only = apart(replace(REFUSED, on=V4))
    finding = ask("NET-1", told.end(at=3000), v6_only, profile=by_number)
    assert finding.verdict is Verdict.FAIL
    asked = case(told, v6_only, profile=by_number)
    assert [asked.shown_at(20), case(told, v6_only).shown_at(20)] == [Shown.BAD, Shown.GOOD]
    v4_only = apart(replace(REFUSED, on=V6))
    assert case(told, v4_only, profile=by_number).shown_at(20) is Shown.GOOD


@pytest.mark.parametrize("given", [scenario(), apart(REFUSED, shown=Shown.BAD)], ids=["one address", "no server"])
def test_nothing_is_said_where_localhost_is_not_two_addresses_with_a_server(given: Scenario) -> None:
    assert not ask("NET-1", found_local(story()), given).arose


def test_an_empty_timeline_says_nothing_of_localhost() -> None:
    assert not ask("NET-1", Story(started=False), apart()).arose
    assert ask("NET-1", story(), apart()).verdict is Verdict.INCONCLUSIVE
