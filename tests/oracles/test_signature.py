"""SIG: what it takes for a signature shows in what it opens next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.events import FetchAnswered, SocketStarted, Source
from conformance.model import Change, Outcome, Shown
from conformance.oracles import ORACLES
from conformance.verdict import Verdict
from tests.timelines import LOCAL, PUBLIC, Story, ask, case, fault, scenario, story

BAD_ONES = ["SIG-1", "SIG-2", "SIG-4", "SIG-5", "SIG-6"]
WRONG = fault("answer", signature="other-name")
SHOWN_WRONG = scenario(local=(WRONG,), session=Outcome.PUBLIC, shown=Shown.BAD)
SHOWN_GOOD = scenario(local=(fault("answer", signature="bom"),), session=Outcome.LOCAL, shown=Shown.GOOD)
EITHER = scenario(local=(fault("huge", mib=16),), session=Outcome.EITHER, shown=Shown.ARGUABLE)


# A question that left the browser ``at`` this time, and what that browser waited for a processor: with the 7 ms that
# pass until the subject goes on, its 1,000 ms may have been over.
LATE = pytest.mark.parametrize(
    ("at", "starved", "late"),
    [
        (1200, 993, True),
        (1200, 992, False),  # its question was not so late
        (992, 60_000, False),  # nor is it older than that
        (993, 60_000, True),
    ],
)


def turned_down() -> Story:
    return story().probe(at=10, ended=15).effect(LOCAL, "answer", at=12).socket(PUBLIC, at=17, opened=60)


def taken() -> Story:
    return story().probe(at=10, ended=15).effect(LOCAL, "answer", at=12).socket(LOCAL, at=17, opened=20)


@pytest.mark.parametrize("requirement", BAD_ONES)
def test_turning_a_bad_answer_down_passes(requirement: str) -> None:
    finding = ask(requirement, turned_down(), SHOWN_WRONG)
    assert finding.verdict is Verdict.PASS
    assert finding.reason == "it turned that answer down: public WebSocket 7 ms after it asked"


@LATE
def test_a_good_answer_to_a_late_question_may_come_when_its_time_is_over(
    at: float, starved: float, *, late: bool
) -> None:
    """It goes public 7 ms after its question left the browser; from its call, 1,000 ms may have passed."""
    told = (
        story().probe(at=at, ended=at + 5).effect(LOCAL, "answer", at=at + 2).socket(PUBLIC, at=at + 7, opened=at + 50)
    )
    finding = ask("SIG-3", told.end(at=3500, starved=starved), SHOWN_GOOD)
    assert finding.verdict is (Verdict.INCONCLUSIVE if late else Verdict.FAIL)
    assert "it turned a good signature down: public WebSocket 7 ms after it asked" in finding.reason


@pytest.mark.parametrize(("waited", "verdict"), [(999, Verdict.INCONCLUSIVE), (1000, Verdict.FAIL)])
def test_what_it_turned_down_after_its_time_it_turned_down(waited: float, verdict: Verdict) -> None:
    told = story().probe(at=1200, ended=1205).effect(LOCAL, "answer", at=1202).socket(PUBLIC, at=1200 + waited)
    assert ask("SIG-3", told.end(at=3500, starved=60_000), SHOWN_GOOD).verdict is verdict


@pytest.mark.parametrize("requirement", BAD_ONES)
@LATE
def test_a_bad_answer_to_a_late_question_may_have_been_turned_down_unread(
    requirement: str, at: float, starved: float, *, late: bool
) -> None:
    """A subject that takes anything for a signature went public, since its time was over before the answer came."""
    told = story().probe(at=at, ended=at + 5).effect(LOCAL, "answer", at=at + 2).socket(PUBLIC, at=at + 7)
    finding = ask(requirement, told.end(at=3500, starved=starved), SHOWN_WRONG)
    assert finding.verdict is (Verdict.INCONCLUSIVE if late else Verdict.PASS)
    assert "it turned that answer down: public WebSocket 7 ms after it asked" in finding.reason


def test_when_it_went_on_is_when_it_first_did() -> None:
    """However long it took to open a second one."""
    told = story().probe(at=1200, ended=1205).effect(LOCAL, "answer", at=1202).socket(PUBLIC, at=1207, opened=1250)
    told.socket(LOCAL, at=2900, opened=2950).end(at=3500, starved=60_000)
    assert ask("SIG-3", told, SHOWN_GOOD).verdict is Verdict.INCONCLUSIVE


def test_who_had_gone_on_before_the_body_began_was_not_stalled_by_it() -> None:
    """Its question was late, so its going public tells nothing; that it opened no more after that is no stall."""
    told = story().probe(at=1200, answered=None, ended=1207, error="ERR_ABORTED").effect(LOCAL, "endless", at=1209)
    told.socket(PUBLIC, at=1207, opened=1260).end(at=9000, starved=60_000)
    assert ask("SIG-6", told, ENDLESS).verdict is Verdict.INCONCLUSIVE


def test_where_either_is_right_a_late_question_is_no_matter() -> None:
    told = story().probe(at=1200, ended=1205).effect(LOCAL, "huge", at=1202).socket(PUBLIC, at=1207, opened=1250)
    assert ask("SIG-6", told.end(at=3500, starved=60_000), EITHER).verdict is Verdict.PASS


def test_a_bad_answer_taken_is_taken_however_late_the_question() -> None:
    told = story().probe(at=1200, ended=1205).effect(LOCAL, "answer", at=1202).socket(LOCAL, at=1207, opened=1210)
    assert ask("SIG-1", told.end(at=3500, starved=60_000), SHOWN_WRONG).verdict is Verdict.FAIL


@pytest.mark.parametrize("requirement", BAD_ONES)
def test_taking_a_bad_answer_fails(requirement: str) -> None:
    finding = ask(requirement, taken(), SHOWN_WRONG)
    assert finding.verdict is Verdict.FAIL
    assert finding.evidence


@pytest.mark.parametrize("requirement", BAD_ONES)
def test_trying_both_on_a_bad_answer_fails(requirement: str) -> None:
    assert ask(requirement, turned_down().socket(LOCAL, at=18, opened=22), SHOWN_WRONG).verdict is Verdict.FAIL


@pytest.mark.parametrize("requirement", ["SIG-3", "SIG-4"])
def test_taking_a_good_answer_passes(requirement: str) -> None:
    assert ask(requirement, taken(), SHOWN_GOOD).verdict is Verdict.PASS


def test_the_first_socket_tells_what_a_good_answer_was_taken_for() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, failed=20).socket(PUBLIC, at=22, opened=60)
    finding = ask("SIG-3", told, SHOWN_GOOD)
    assert (finding.verdict, finding.reason) == (
        Verdict.PASS,
        "it took that answer for a signature: local WebSocket 7 ms after it asked",
    )


def test_the_first_local_socket_tells_when_a_bad_answer_was_taken() -> None:
    told = story().probe(at=10, ended=15).socket(PUBLIC, at=17, opened=60).socket(LOCAL, at=18, opened=20)
    finding = ask("SIG-1", told.socket(LOCAL, at=19, opened=21), SHOWN_WRONG)
    assert finding.reason == "it took that answer for a signature: local WebSocket 8 ms after it asked"


@pytest.mark.parametrize("requirement", ["SIG-3", "SIG-4"])
def test_turning_a_good_answer_down_fails(requirement: str) -> None:
    assert ask(requirement, turned_down(), SHOWN_GOOD).verdict is Verdict.FAIL


@pytest.mark.parametrize(("told", "side"), [(taken(), "local"), (turned_down(), "public")])
def test_either_is_right_where_the_scenario_says_so(told: Story, side: str) -> None:
    finding = ask("SIG-5", told, EITHER)
    assert finding.verdict is Verdict.PASS
    assert f"it opened the {side} WebSocket" in finding.reason


@pytest.mark.parametrize("requirement", [*BAD_ONES, "SIG-3"])
def test_doing_nothing_tells_nothing(requirement: str) -> None:
    finding = ask(requirement, story().probe(at=10, ended=15).end(at=3000), SHOWN_WRONG)
    assert (finding.verdict, finding.arose) == (Verdict.INCONCLUSIVE, True)


@pytest.mark.parametrize("requirement", [*BAD_ONES, "SIG-3"])
@pytest.mark.parametrize(
    "told",
    [
        story(),
        story().socket(PUBLIC, at=10, opened=60),
        story().given_up(at=10, ended=20).socket(PUBLIC, at=21, opened=70),
    ],
    ids=["nothing", "never asked", "gave up before any answer"],
)
def test_an_answer_that_was_never_shown_tells_nothing(requirement: str, told: Story) -> None:
    assert not ask(requirement, told, SHOWN_WRONG).arose


def test_the_fault_at_work_shows_the_answer_as_well_as_its_head() -> None:
    told = story().given_up(at=10, ended=1500).effect(LOCAL, "answer", at=12).socket(PUBLIC, at=1510, opened=1560)
    assert ask("SIG-1", told, SHOWN_WRONG).verdict is Verdict.PASS


def test_an_answer_out_of_the_cache_is_an_earlier_one() -> None:
    told = story().probe(at=10, ended=15, cached=True).socket(LOCAL, at=17, opened=20)
    assert not ask("SIG-1", told, SHOWN_WRONG).arose


def test_of_several_heads_the_first_shows_the_answer_and_the_last_whether_it_is_new() -> None:
    told = story().probe(at=10, answered=None).redirected("http://localhost:3003/elsewhere", at=12)
    last = FetchAnswered(at_ms=14, source=Source.BROWSER, request=1, status=200)
    new = story().probe(at=10, answered=None).redirected("http://localhost:3003/elsewhere", at=12).seen(last)
    finding = ask("SIG-5", new.socket(PUBLIC, at=17, opened=60), SHOWN_WRONG)
    (head, _), (socket,) = new.build().all(FetchAnswered), new.build().all(SocketStarted)
    assert finding.evidence == (head.seq, socket.seq)
    told.seen(replace(last, from_cache=True)).socket(PUBLIC, at=17, opened=60)
    assert not ask("SIG-5", told, SHOWN_WRONG).arose


def test_the_fault_at_work_is_shown_once() -> None:
    told = story().given_up(at=10, ended=1500).effect(LOCAL, "answer", at=10).effect(LOCAL, "answer", at=12)
    finding = ask("SIG-1", told.socket(PUBLIC, at=1510, opened=1560), SHOWN_WRONG)
    assert (finding.verdict, len(finding.evidence)) == (Verdict.PASS, 2)


def test_an_attempt_that_did_not_ask_hides_no_other() -> None:
    told = story().socket(PUBLIC, at=2, failed=4).probe(at=10, ended=15).socket(PUBLIC, at=17, opened=60)
    assert ask("SIG-1", told, SHOWN_WRONG).verdict is Verdict.PASS


# --- the world changes ---------------------------------------------------------------------------

THEN_WRONG = scenario(when=(Change(LOCAL, (WRONG,)),), session=Outcome.PUBLIC)


def test_after_a_change_each_attempt_is_judged_by_what_it_was_shown() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=2000)
    told.world(LOCAL, "answer(signature=other-name)", at=1990)
    told.probe(at=3000, ended=3005).socket(PUBLIC, at=3010, opened=3060)
    assert ask("SIG-1", told, THEN_WRONG).verdict is Verdict.PASS


def test_after_a_change_taking_the_wrong_answer_fails() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=2000)
    told.world(LOCAL, "answer(signature=other-name)", at=1990)
    told.probe(at=3000, ended=3005).socket(LOCAL, at=3010, opened=3015)
    finding = ask("SIG-1", told, THEN_WRONG)
    assert finding.verdict is Verdict.FAIL
    assert "so 1 of 2 times" in finding.reason


def test_an_answer_given_while_the_world_changed_tells_nothing() -> None:
    told = story().probe(at=10, ended=50).world(LOCAL, "answer(signature=other-name)", at=30)
    assert not ask("SIG-1", told.socket(LOCAL, at=60, opened=70), THEN_WRONG).arose


def test_an_arguable_answer_is_as_the_scenario_says_even_with_changes() -> None:
    given = scenario(
        local=(fault("answer", status=500),),
        when=(Change(LOCAL, ()),),
        session=Outcome.PUBLIC,
        shown=Shown.ARGUABLE,
    )
    assert ask("SIG-4", taken(), given).verdict is Verdict.FAIL


def test_a_server_that_died_is_not_that_answer_any_more() -> None:
    given = scenario(local=(fault("die_after_signature"),), session=Outcome.PUBLIC, shown=Shown.GOOD)
    told = story().probe(at=10, ended=15).effect(LOCAL, "die_after_signature", at=14)
    told.socket(LOCAL, at=17, failed=18, error="ERR_CONNECTION_REFUSED").socket(PUBLIC, at=20, failed=30)
    told.refused(at=1000).socket(PUBLIC, at=1003, opened=1050)
    finding = ask("SIG-3", told, given)
    assert "of 2" not in finding.reason


# --- SIG-6: endless and huge bodies --------------------------------------------------------------

ENDLESS = scenario(local=(fault("endless"),), session=Outcome.PUBLIC, shown=Shown.SILENT)


def test_stalling_on_an_endless_body_fails() -> None:
    finding = ask("SIG-6", story().probe(at=10, answered=200).effect(LOCAL, "endless", at=12).end(at=6000), ENDLESS)
    assert finding.verdict is Verdict.FAIL
    assert "no WebSocket in 5987 ms after that body began" in finding.reason
    assert (finding.measured_ms, finding.budget_ms) == (None, None)


def test_reading_an_endless_body_for_a_while_is_undecided() -> None:
    told = story().probe(at=10, answered=200).effect(LOCAL, "endless", at=12).end(at=1000)
    assert ask("SIG-6", told, ENDLESS).verdict is Verdict.INCONCLUSIVE


def test_a_body_that_went_on_while_the_world_changed_tells_nothing() -> None:
    given = replace(ENDLESS, when=(Change(LOCAL, ()),))
    told = story().probe(at=10, answered=200).effect(LOCAL, "endless", at=12).world(LOCAL, at=30).end(at=6000)
    assert not ask("SIG-6", told, given).arose
    assert ORACLES["SIG-6"].judge(case(told, given, "SEL-1")) is None


def test_giving_an_endless_body_up_passes() -> None:
    told = story().probe(at=10, ended=1500, error="ERR_ABORTED").effect(LOCAL, "endless", at=12)
    assert ask("SIG-6", told.socket(PUBLIC, at=1510, opened=1560), ENDLESS).verdict is Verdict.PASS


@pytest.mark.parametrize("requirement", [*BAD_ONES, "SIG-3"])
def test_these_are_judged_only_where_a_scenario_names_them(requirement: str) -> None:
    assert not ORACLES[requirement].everywhere


def test_a_session_fault_at_work_is_no_answer() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=13, opened=60).effect(LOCAL, "half_open", at=20)
    finding = ask("SIG-1", told, SHOWN_WRONG)
    assert (finding.verdict, finding.arose) == (Verdict.INCONCLUSIVE, False)
    shown = told.effect(LOCAL, "stall", at=21)
    assert ask("SIG-1", shown, SHOWN_WRONG).verdict is Verdict.PASS


@pytest.mark.parametrize(("at", "arose"), [(9, False), (10, True), (62, True), (63, False)])
@pytest.mark.parametrize("error", [0, 1000])
def test_a_large_error_makes_no_evidence(at: float, error: float, arose: bool) -> None:
    told = story().refused(at=10).socket(PUBLIC, at=13, opened=60).effect(LOCAL, "stall", at=at)
    assert ask("SIG-1", told, SHOWN_WRONG, error_ms=error).arose is arose
