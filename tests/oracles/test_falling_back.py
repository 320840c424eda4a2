"""FALL: what it does when the server it chose fails it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.events import SessionClosed, SocketFrameSent, Source, WorkerStopped
from conformance.model import Budgets, Change, Drop, Endpoints, FaultSpec, Outcome, Scenario
from conformance.oracles import ORACLES
from conformance.verdict import Verdict
from tests.timelines import DOWN, LOCAL, PROFILE, PUBLIC, REFUSED, Story, ask, fault, scenario, story

REFUSING = fault("refuse_upgrade", status=404)
LATE = scenario(local=(REFUSING,), session=Outcome.PUBLIC)
LOCAL_ONLY = replace(PROFILE, endpoints=Endpoints(public=None))


def let_down() -> Story:
    """A good signature, and a local WebSocket that fails."""
    return story().probe(at=10, ended=15).socket(LOCAL, at=17, failed=25)


def in_session() -> Story:
    return story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20)


# --- FALL-1: falls back --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "late",
    [REFUSING, fault("hang_upgrade"), fault("wrong_accept"), fault("close", code=1000), fault("die_after_signature")],
    ids=str,
)
def test_a_public_session_after_a_local_socket_that_fails_passes(late: FaultSpec) -> None:
    finding = ask(
        "FALL-1", let_down().socket(PUBLIC, at=27, opened=80), scenario(local=(late,), session=Outcome.PUBLIC)
    )
    assert finding.verdict is Verdict.PASS
    assert "public session 63 ms after it tried the local WebSocket (ERR_INVALID_HTTP_RESPONSE)" in finding.reason


def test_a_public_session_after_a_local_one_that_was_closed_at_once_passes() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=22).socket(PUBLIC, at=30, opened=80)
    finding = ask("FALL-1", told, scenario(local=(fault("close", code=1011),), session=Outcome.PUBLIC))
    assert finding.verdict is Verdict.PASS
    assert finding.reason.endswith("(closed)")


def test_a_public_session_beside_a_local_one_that_never_says_anything_passes() -> None:
    told = in_session().socket(PUBLIC, at=30, opened=80)
    finding = ask("FALL-1", told, scenario(local=(fault("half_open"),), session=Outcome.PUBLIC))
    assert finding.verdict is Verdict.PASS
    assert finding.reason.endswith("(open)")


def two_at_once() -> Story:
    return story().probe(at=10, ended=15).socket(LOCAL, at=17, failed=300).socket(LOCAL, at=150, failed=310)


def test_the_first_of_two_local_sockets_starts_the_clock_and_has_the_fault() -> None:
    given = replace(LATE, when=(Change(LOCAL, ()),))
    told = two_at_once().world(LOCAL, at=100).socket(PUBLIC, at=320, opened=380)
    assert "public session 363 ms after" in ask("FALL-1", told, given).reason


def test_a_public_session_that_ends_at_once_is_no_rescue() -> None:
    assert (
        ask("FALL-1", let_down().socket(PUBLIC, at=27, opened=80, closed=82).end(at=6100), LATE).verdict is Verdict.FAIL
    )


def test_never_falling_back_fails() -> None:
    finding = ask("FALL-1", let_down().end(at=6100), LATE)
    assert finding.verdict is Verdict.FAIL
    assert "no public session 6083 ms after it tried the local WebSocket" in finding.reason


def test_a_public_socket_that_came_to_nothing_is_told_of() -> None:
    finding = ask("FALL-1", let_down().socket(PUBLIC, at=27, failed=30).end(at=6100), LATE)
    assert (finding.verdict, len(finding.evidence)) == (Verdict.FAIL, 3)


@pytest.mark.parametrize(
    ("end", "verdict"), [(5015, Verdict.INCONCLUSIVE), (5022, Verdict.INCONCLUSIVE), (5023, Verdict.FAIL)]
)
def test_it_has_the_time_for_any_session_and_the_error_to_fall_back(end: float, verdict: Verdict) -> None:
    assert ask("FALL-1", let_down().end(at=end), LATE, error_ms=5).verdict is verdict


def test_hanging_on_to_the_local_socket_fails() -> None:
    finding = ask("FALL-1", story().probe(at=10, ended=15).socket(LOCAL, at=17).end(at=6100), LATE)
    assert finding.verdict is Verdict.FAIL
    assert "(never opened)" in finding.reason


def test_coming_back_to_the_local_server_again_and_again_fails() -> None:
    told = story()
    for at in range(10, 12000, 1000):
        told.probe(at=at, ended=at + 5).socket(LOCAL, at=at + 7, opened=at + 9, closed=at + 10)
    given = scenario(local=(fault("close", code=1000),), session=Outcome.PUBLIC)
    assert ask("FALL-1", told.end(at=12000), given).verdict is Verdict.FAIL


def test_not_yet_having_fallen_back_is_undecided() -> None:
    assert ask("FALL-1", let_down().end(at=1000), LATE).verdict is Verdict.INCONCLUSIVE


def test_without_a_public_server_to_fall_back_on_it_is_undecided() -> None:
    given = scenario(local=(REFUSING,), public=(REFUSED,), session=Outcome.NONE)
    finding = ask("FALL-1", let_down().socket(PUBLIC, at=27, failed=28).end(at=8000), given)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "the public server was not up" in finding.reason


@pytest.mark.parametrize(
    ("told", "given"),
    [
        (story(), LATE),
        (story().probe(at=10, ended=15).socket(PUBLIC, at=17, opened=60), LATE),
        (in_session(), scenario()),
    ],
    ids=["nothing", "no local socket", "a healthy one"],
)
def test_no_failing_local_socket_nothing_said(told: Story, given: Scenario) -> None:
    assert not ask("FALL-1", told, given).arose


def test_a_local_server_that_is_only_slow_may_be_waited_for() -> None:
    given = scenario(local=(fault("slow_upgrade", delay_ms=500),), session=Outcome.EITHER)
    assert ask("FALL-1", story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=520), given).verdict is Verdict.PASS


def test_a_subject_without_a_public_server_is_not_asked_to_fall_back() -> None:
    assert ask("FALL-1", let_down(), LATE, profile=LOCAL_ONLY).verdict is Verdict.UNSUPPORTED


# --- FALL-2: reconnects --------------------------------------------------------------------------

DROPPED = scenario(when=(Drop(LOCAL, fault("reset_session")),))


def lost(at: float = 2000) -> Story:
    return (
        story()
        .probe(at=10, ended=15)
        .socket(LOCAL, at=17, opened=20, closed=at + 2)
        .drop(LOCAL, "reset_session", at=at)
    )


def test_the_next_session_soon_passes() -> None:
    finding = ask("FALL-2", lost().probe(at=3000, ended=3005).socket(LOCAL, at=3008, opened=3012), DROPPED)
    assert (finding.verdict, finding.measured_ms, finding.budget_ms) == (Verdict.PASS, 1012, 10000)
    assert "local session 1012 ms after the local one was lost" in finding.reason


def test_the_next_session_on_the_other_side_passes() -> None:
    assert ask("FALL-2", lost().refused(at=3000).socket(PUBLIC, at=3008, opened=3050), DROPPED).verdict is Verdict.PASS


def test_the_next_session_too_late_fails() -> None:
    told = lost().probe(at=13000, ended=13005).socket(LOCAL, at=13008, opened=13012)
    assert ask("FALL-2", told, DROPPED).verdict is Verdict.FAIL


@pytest.mark.parametrize(("end", "verdict", "seen"), [(14000, Verdict.FAIL, 12000), (8000, Verdict.INCONCLUSIVE, None)])
def test_no_next_session_counts_from_the_loss(end: float, verdict: Verdict, seen: float | None) -> None:
    finding = ask("FALL-2", lost().end(at=end), DROPPED)
    assert (finding.verdict, finding.measured_ms) == (verdict, seen)
    assert "no session since the local one was lost" in finding.reason


def test_a_session_that_ends_at_once_is_not_the_next_one() -> None:
    told = lost().probe(at=3000, ended=3005).socket(LOCAL, at=3008, opened=3012, closed=3013).end(at=14000)
    assert ask("FALL-2", told, DROPPED).verdict is Verdict.FAIL


def test_a_session_that_its_server_closed_is_lost_too() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=2000).end(at=14000)
    assert ask("FALL-2", told).verdict is Verdict.FAIL


def server_closed(at: float, side: Source = Source.LOCAL) -> SessionClosed:
    return SessionClosed(at_ms=at, source=side, connection=9, code=1001, by="server")


@pytest.mark.parametrize(("at", "arose"), [(1945, True), (1944, False), (2055, True), (2056, False)])
def test_the_servers_close_and_the_browsers_are_one_within_the_error(at: float, arose: bool) -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=2000).without(SessionClosed)
    assert ask("FALL-2", told.seen(server_closed(at)).end(at=14000), error_ms=5).arose is arose


def test_another_session_that_a_server_closed_is_not_this_one() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=2000, by="subject")
    told.seen(server_closed(500)).seen(server_closed(2000, Source.PUBLIC))
    assert not ask("FALL-2", told.end(at=14000)).arose


@pytest.mark.parametrize(
    "told",
    [
        story(),
        in_session(),
        story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=2000, by="subject").end(at=14000),
        in_session().drop(LOCAL, "half_open", at=2000).end(at=14000),
        in_session().drop(PUBLIC, "reset_session", at=2000, count=0).end(at=14000),
        story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=22).end(at=14000),
    ],
    ids=["nothing", "none lost", "closed by itself", "half open", "nothing to drop", "closed at once"],
)
def test_no_lost_session_nothing_said(told: Story) -> None:
    assert not ask("FALL-2", told, DROPPED).arose


def test_with_no_server_there_nothing_is_said() -> None:
    told = lost().world(LOCAL, "refused", at=2000).world(PUBLIC, "refused", at=2000).end(at=14000)
    assert not ask("FALL-2", told, DROPPED).arose


def test_a_second_session_that_was_there_already_needs_no_reconnect() -> None:
    told = lost().socket(PUBLIC, at=100, opened=150).end(at=14000)
    assert not ask("FALL-2", told, DROPPED).arose


# --- FALL-3: half open ---------------------------------------------------------------------------


def silent() -> Story:
    return in_session().drop(LOCAL, "half_open", at=2000)


def test_closing_the_silent_session_is_noticing() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20).farewell(at=27000)
    finding = ask("FALL-3", told.drop(LOCAL, "half_open", at=2000).refused(at=28000))
    assert (finding.verdict, finding.measured_ms, finding.budget_ms) == (Verdict.PASS, 25000, 60000)


def test_opening_another_session_is_noticing() -> None:
    told = silent().probe(at=30000, ended=30005).socket(LOCAL, at=30008, opened=30012)
    assert ask("FALL-3", told).measured_ms == 28012


def test_the_browsers_end_of_it_is_noticing() -> None:
    told = (
        story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=40000).drop(LOCAL, "half_open", at=2000)
    )
    assert ask("FALL-3", told.refused(at=41000)).measured_ms == 38000


def test_a_session_that_was_on_its_way_when_the_silent_one_ended_is_what_shows() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=30000)
    told.drop(LOCAL, "half_open", at=2000).refused(at=28000).socket(PUBLIC, at=28005, opened=31000)
    assert ask("FALL-3", told).measured_ms == 29000


@pytest.mark.parametrize(("request_", "opcode"), [(2, "text"), (9, "close")], ids=["no close", "not on this socket"])
def test_another_frame_is_no_farewell(request_: int, opcode: str) -> None:
    frame = SocketFrameSent(at_ms=5000, source=Source.BROWSER, request=request_, opcode=opcode, size=2)
    finding = ask("FALL-3", silent().seen(frame).refused(at=5100).end(at=70000))
    assert finding.verdict is Verdict.FAIL
    assert "had not been noticed" in finding.reason


@pytest.mark.parametrize(
    ("end", "verdict", "seen"), [(77000, Verdict.FAIL, 75000), (60000, Verdict.INCONCLUSIVE, None)]
)
def test_a_worker_that_the_browser_ends_has_noticed_nothing(end: float, verdict: Verdict, seen: float | None) -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=30000).farewell(at=30000)
    finding = ask("FALL-3", told.drop(LOCAL, "half_open", at=2000).end(at=end))
    assert (finding.verdict, finding.measured_ms) == (verdict, seen)
    assert "its silent session was closed after 28000 ms, and nothing came of it" in finding.reason


def test_asking_alone_is_not_noticing() -> None:
    finding = ask("FALL-3", silent().probe(at=5000, ended=5005).end(at=70000))
    assert finding.verdict is Verdict.FAIL
    assert "had not been noticed after 68000 ms; at most 60000 ms allowed" in finding.reason


def test_noticing_too_late_fails() -> None:
    profile = replace(PROFILE, budgets=Budgets(half_open_ms=10000))
    told = silent().probe(at=30000, ended=30005).socket(LOCAL, at=30008, opened=30012)
    assert ask("FALL-3", told, profile=profile).verdict is Verdict.FAIL


def test_not_yet_having_noticed_is_undecided() -> None:
    assert ask("FALL-3", silent().end(at=30000)).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("told", [story(), lost(), in_session().drop(LOCAL, "half_open", at=2000, count=0)])
def test_no_silent_session_nothing_said(told: Story) -> None:
    assert not ask("FALL-3", told, DOWN).arose


def test_none_of_them_is_judged_everywhere() -> None:
    assert not any(ORACLES[id_].everywhere for id_ in ("FALL-1", "FALL-2", "FALL-3"))


def test_a_session_that_went_with_its_worker_was_not_ended_by_its_server() -> None:
    """The server sees it close a moment later, which says nothing of who ended it."""
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=2002, by="lost")
    told.seen(WorkerStopped(at_ms=2001, source=Source.RIG)).end(at=30_000)
    finding = ask("FALL-2", told)
    assert (finding.verdict, finding.arose) == (Verdict.INCONCLUSIVE, False)
    lost = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=2002, by="lost").end(at=30_000)
    assert ask("FALL-2", lost).verdict is Verdict.FAIL
