"""LIFE: idle workers, stopped workers, reloads, updates and restarts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from conformance.attempts import sessions
from conformance.crosscheck import disagreements
from conformance.events import (
    BrowserClosed,
    BrowserStarted,
    Event,
    FrameReceived,
    Source,
    SubjectReloaded,
    WorkerStarted,
    WorkerStopped,
)
from conformance.model import Change, Outcome, Shown, World
from conformance.oracles import ORACLES
from conformance.verdict import Verdict
from tests.timelines import LOCAL, NEITHER, PROFILE, PUBLIC, REFUSED, Story, ask, case, fault, scenario, story

if TYPE_CHECKING:
    from collections.abc import Callable

RIG = Source.RIG


def stopped(at: float) -> Event:
    return WorkerStopped(at_ms=at, source=RIG)


def woken(at: float) -> Event:
    return WorkerStarted(at_ms=at, source=RIG)


def reloaded(at: float) -> Event:
    return SubjectReloaded(at_ms=at, source=RIG, version="1.0.1")


def closed(at: float) -> Event:
    return BrowserClosed(at_ms=at, source=RIG)


def started(at: float) -> Event:
    return BrowserStarted(at_ms=at, source=RIG, how="from its profile")


def local_session(told: Story, *, at: float, lost: float | None = None) -> Story:
    return told.probe(at=at, ended=at + 5).socket(LOCAL, at=at + 6, opened=at + 9, closed=lost, by="subject")


def held() -> Story:
    """A subject whose local session opened at 19 ms and stays."""
    return local_session(story(), at=10)


def orphaned(at: float) -> Story:
    """The same, and the browser closes it with the worker that held it."""
    return local_session(story(), at=10, lost=at + 3).seen(stopped(at))


# --- LIFE-1 --------------------------------------------------------------------------------------


def test_a_session_that_stays_past_the_idle_limit_is_kept() -> None:
    found = ask("LIFE-1", held().end(at=40_000))
    assert found.verdict is Verdict.PASS
    assert "stayed for 39981 ms" in found.reason
    assert found.evidence[-1] == len(held().end(at=40_000).build()) - 1


@pytest.mark.parametrize(("end", "arose"), [(30_020, False), (30_024, False), (30_025, True)])
def test_a_session_is_kept_once_it_was_left_alone_for_longer_than_the_limit_and_the_error(
    end: float, arose: bool
) -> None:
    assert ask("LIFE-1", held().end(at=end), error_ms=5).arose is arose


def test_a_session_that_is_soon_opened_again_is_as_good() -> None:
    told = local_session(local_session(story(), at=10, lost=30_000), at=31_000).end(at=40_000)
    found = ask("LIFE-1", told)
    assert (found.verdict, found.measured_ms) == (Verdict.PASS, 1009)


def test_a_session_that_is_lost_to_idleness_and_not_opened_again() -> None:
    found = ask("LIFE-1", local_session(story(), at=10, lost=30_019).end(at=46_000))
    assert found.verdict is Verdict.FAIL
    assert found.measured_ms == pytest.approx(15_981)
    assert "was lost after 30000 ms" in found.reason


def test_a_session_that_is_opened_again_too_late() -> None:
    told = local_session(local_session(story(), at=10, lost=30_000), at=42_000).end(at=43_000)
    assert ask("LIFE-1", told).verdict is Verdict.FAIL


def test_too_soon_to_say_whether_it_comes_back() -> None:
    assert ask("LIFE-1", local_session(story(), at=10, lost=30_000).end(at=36_000)).verdict is Verdict.INCONCLUSIVE


def test_idleness_is_not_judged_before_its_limit() -> None:
    assert not ask("LIFE-1", held().end(at=29_000)).arose
    assert not ask("LIFE-1", story().end(at=60_000)).arose


def test_the_limit_is_told() -> None:
    assert ask("LIFE-1", held().end(at=29_000)).reason.endswith("for longer than 30 s")


@pytest.mark.parametrize(
    "told",
    [
        held().drop(LOCAL, "reset_session", at=40_000),
        orphaned(40_000),
        local_session(story(), at=10, lost=32_000).socket(PUBLIC, at=100, opened=150),
        story().probe(at=10, ended=15).socket(LOCAL, at=16, opened=19, closed=21).socket(PUBLIC, at=25, opened=70),
    ],
    ids=["dropped by the rig", "its worker stopped", "there was another", "a refusal before"],
)
def test_what_is_not_lost_to_idleness_needs_not_be_opened_again(told: Story) -> None:
    found = ask("LIFE-1", told.end(at=60_000))
    assert found.verdict is Verdict.PASS
    assert " session stayed for " in found.reason


def test_what_the_scenario_took_is_not_lost_to_idleness() -> None:
    assert not ask("LIFE-1", held().drop(LOCAL, "reset_session", at=2000).end(at=60_000)).arose
    assert not ask("LIFE-1", orphaned(2000).end(at=60_000)).arose


def test_a_server_that_only_pings_is_a_server() -> None:
    pings = scenario(local=(fault("ping_only", interval_ms=5000),), public=(fault("refused"),))
    told = local_session(story(), at=10, lost=30_000).end(at=46_000)
    assert ask("LIFE-1", told, pings).verdict is Verdict.FAIL


# --- LIFE-2 --------------------------------------------------------------------------------------


def test_a_session_after_the_worker_is_woken() -> None:
    told = local_session(held().seen(stopped(2000)).seen(woken(2500)), at=2600).end(at=4000)
    found = ask("LIFE-2", told)
    assert (found.verdict, found.measured_ms) == (Verdict.PASS, 109)


def test_a_worker_that_was_back_before_it_was_woken_took_no_time() -> None:
    told = local_session(held().seen(stopped(2000)).seen(woken(2500)), at=2100).end(at=4000)
    found = ask("LIFE-2", told)
    assert (found.verdict, found.measured_ms) == (Verdict.PASS, 0)


def test_no_session_after_the_worker_is_woken() -> None:
    found = ask("LIFE-2", orphaned(2000).seen(woken(2500)).end(at=13_000))
    assert (found.verdict, found.measured_ms) == (Verdict.FAIL, 10_500)


def test_a_session_that_was_just_opening_when_the_worker_was_stopped_is_not_the_next_one() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=16, opened=30, closed=60).seen(stopped(25)).seen(woken(90))
    assert ask("LIFE-2", told.end(at=13_000)).verdict is Verdict.FAIL


def test_too_soon_to_say_what_the_woken_worker_does() -> None:
    assert ask("LIFE-2", orphaned(2000).seen(woken(2500)).end(at=9000)).verdict is Verdict.INCONCLUSIVE


def test_a_session_that_the_worker_did_not_hold_outlives_it() -> None:
    found = ask("LIFE-2", held().seen(stopped(2000)).seen(woken(2500)).end(at=14_000))
    assert found.verdict is Verdict.PASS
    assert "its local session outlived that" in found.reason


def test_a_session_that_is_lost_long_after_its_worker_was_stopped_is_lost_by_another_cause() -> None:
    told = local_session(story(), at=10, lost=9000).seen(stopped(2000)).seen(woken(2500)).end(at=20_000)
    (session,) = sessions(told.build(), PROFILE.endpoints)
    assert (session.left_ms, session.socket.bereft) == (9000, None)
    assert ask("LIFE-2", told).verdict is Verdict.FAIL


def test_a_worker_that_was_stopped_before_any_session() -> None:
    told = story().probe(at=10, answered=None).seen(stopped(100)).seen(woken(200))
    assert ask("LIFE-2", local_session(told, at=300).end(at=2000)).verdict is Verdict.PASS


@pytest.mark.parametrize("act", [stopped, woken])
def test_a_worker_is_judged_only_when_stopped_and_woken(act: object) -> None:
    assert callable(act)
    assert not ask("LIFE-2", held().seen(act(2000)).end(at=20_000)).arose


def test_nobody_is_there_to_open_a_session_with() -> None:
    assert not ask("LIFE-2", story().seen(stopped(100)).seen(woken(200)).end(at=20_000), NEITHER).arose
    assert not ask("LIFE-3", story().seen(reloaded(100)).end(at=20_000), NEITHER).arose


# --- LIFE-3 --------------------------------------------------------------------------------------


def test_a_session_after_a_reload() -> None:
    found = ask("LIFE-3", local_session(held().seen(reloaded(2000)), at=2050).end(at=3000))
    assert (found.verdict, found.measured_ms) == (Verdict.PASS, 59)
    assert "version 1.0.1" in found.reason


def test_no_session_after_a_reload() -> None:
    assert ask("LIFE-3", held().seen(reloaded(2000)).end(at=13_000)).verdict is Verdict.FAIL


def test_a_restart_is_measured_from_when_the_browser_is_up() -> None:
    told = local_session(held().seen(closed(2000)).seen(started(6000)), at=6500).end(at=8000)
    found = ask("LIFE-3", told)
    assert (found.verdict, found.measured_ms) == (Verdict.PASS, 509)


def test_a_session_before_the_browser_said_that_it_is_up_took_no_time() -> None:
    told = local_session(held().seen(closed(2000)).seen(started(3000)), at=2800).end(at=5000)
    assert (ask("LIFE-3", told).verdict, ask("LIFE-3", told).measured_ms) == (Verdict.PASS, 0)


def test_no_session_after_a_restart() -> None:
    told = held().seen(closed(2000)).seen(started(3000)).end(at=14_000)
    assert ask("LIFE-3", told).verdict is Verdict.FAIL


def test_a_browser_that_never_came_up_says_nothing() -> None:
    assert not ask("LIFE-3", held().seen(closed(2000)).end(at=20_000)).arose


@pytest.mark.parametrize("act", [started, closed])
def test_twice_up_or_twice_gone_is_no_restart(act: Callable[[float], Event]) -> None:
    assert not ask("LIFE-3", held().seen(act(2000)).seen(act(3000)).end(at=20_000)).arose


def test_a_server_that_left_within_the_time_for_it_excuses() -> None:
    given = scenario(public=(REFUSED,), when=(Change(LOCAL, (REFUSED,)),), shown=Shown.GOOD)
    told = held().seen(reloaded(2000)).world(LOCAL, "refused", at=3000).end(at=20_000)
    assert not ask("LIFE-3", told, given).arose


# --- what these acts do to the rest --------------------------------------------------------------


@pytest.mark.parametrize("requirement", ["LIFE-1", "LIFE-2", "LIFE-3"])
def test_nothing_at_all(requirement: str) -> None:
    assert not ask(requirement, story().end(at=150)).arose
    assert ORACLES[requirement].judge(case(story().end(at=150))) is None


@pytest.mark.parametrize("act", [stopped(2000), reloaded(2000), closed(2000)])
def test_a_session_ends_with_the_worker_that_held_it(act: Event) -> None:
    """Even if the browser had no time to write that down."""
    (session,) = sessions(held().seen(act).end(at=5000).build(), PROFILE.endpoints)
    assert session.left_ms == 2000
    assert session.socket.settled
    assert session.socket.bereft is not None


def test_a_session_that_the_scenario_ended_at_once_was_one_all_the_same() -> None:
    (session,) = sessions(held().seen(stopped(30)).end(at=5000).build(), PROFILE.endpoints)
    assert session.socket.settled


def test_two_sessions_with_a_restart_between_are_not_two_at_once() -> None:
    told = held().seen(closed(2000)).seen(started(3000)).refused(at=3100).socket(PUBLIC, at=3103, opened=3140)
    assert ask("SEL-5", told.end(at=5000)).verdict is Verdict.PASS
    assert ask("SEL-1", told).verdict is Verdict.PASS
    assert disagreements(told.build(), PROFILE.endpoints, 5) == ()


# --- LIFE-4 --------------------------------------------------------------------------------------

OFFLINE = scenario(
    local=(REFUSED,),
    when=(Change(PUBLIC, (fault("offline"),)), Change(PUBLIC, ())),
    session=Outcome.PUBLIC,
    shown=Shown.BAD,
)


def public_session(told: Story, *, at: float, lost: float | None = None) -> Story:
    return told.refused(at=at).socket(PUBLIC, at=at + 4, opened=at + 30, closed=lost, by="subject")


def away(told: Story, *, at: float, back: float) -> Story:
    return told.world(PUBLIC, "offline", at=at).proved(PUBLIC, "offline", at=at).world(PUBLIC, at=back)


def frame(at: float) -> Event:
    return FrameReceived(at_ms=at, source=Source.PUBLIC, connection=1, opcode="text", size=15)


def test_a_session_soon_after_the_network_is_back() -> None:
    told = away(public_session(story(), at=10, lost=3000), at=2000, back=6000)
    found = ask("LIFE-4", public_session(told, at=7000).end(at=9000), OFFLINE)
    assert (found.verdict, found.measured_ms, found.budget_ms) == (Verdict.PASS, 1030, 10_000)


def test_no_session_after_the_network_is_back() -> None:
    told = away(public_session(story(), at=10, lost=3000), at=2000, back=6000)
    found = ask("LIFE-4", told.end(at=17_000), OFFLINE)
    assert found.verdict is Verdict.FAIL
    assert "no session since" in found.reason


def test_no_session_yet_is_no_failure() -> None:
    told = away(public_session(story(), at=10, lost=3000), at=2000, back=6000)
    assert ask("LIFE-4", told.end(at=9000), OFFLINE).verdict is Verdict.INCONCLUSIVE


def test_a_session_too_long_after_the_network_is_back() -> None:
    told = away(public_session(story(), at=10, lost=3000), at=2000, back=6000)
    assert ask("LIFE-4", public_session(told, at=17_000).end(at=19_000), OFFLINE).verdict is Verdict.FAIL


def test_no_network_at_the_start_is_an_outage_too() -> None:
    given = scenario(local=(REFUSED,), public=(fault("offline"),), when=(Change(PUBLIC, ()),), session=Outcome.PUBLIC)
    told = story().world(PUBLIC, "offline", at=-5).refused(at=10).world(PUBLIC, at=4000)
    found = ask("LIFE-4", public_session(told, at=5000).end(at=7000), given)
    assert (found.verdict, found.measured_ms) == (Verdict.PASS, 1030)


def test_a_local_session_needs_no_network() -> None:
    given = scenario(when=OFFLINE.when)
    found = ask("LIFE-4", away(held(), at=2000, back=6000).end(at=9000), given)
    assert found.verdict is Verdict.PASS
    assert "local session stayed" in found.reason


def test_a_local_session_that_is_thrown_away_with_the_network_has_to_come_back() -> None:
    given = scenario(when=OFFLINE.when)
    told = away(local_session(story(), at=10, lost=2100), at=2000, back=6000)
    assert ask("LIFE-4", told.end(at=17_000), given).verdict is Verdict.FAIL


def test_a_public_session_has_outlived_the_outage_when_something_was_said_on_it() -> None:
    told = away(public_session(story(), at=10), at=2000, back=6000)
    found = ask("LIFE-4", told.seen(frame(6500)).end(at=9000), OFFLINE)
    assert found.verdict is Verdict.PASS
    assert "a frame came 500 ms after it" in found.reason


def test_a_public_session_that_only_seems_to_have_outlived_it_is_undecided() -> None:
    told = away(public_session(story(), at=10).seen(frame(60)), at=2000, back=6000)
    found = ask("LIFE-4", told.end(at=9000), OFFLINE)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.reason.endswith("nothing was said on it for 3000 ms since")


def test_a_local_session_that_was_opened_during_the_outage_took_no_time() -> None:
    given = replace(OFFLINE, given=World(), when=(*OFFLINE.when,))
    found = ask("LIFE-4", away(local_session(story(), at=3000), at=2000, back=6000).end(at=9000), given)
    assert (found.verdict, found.measured_ms) == (Verdict.PASS, 0)


@pytest.mark.parametrize(
    "told",
    [
        Story(started=False),
        story(),
        held().world(PUBLIC, "refused", at=2000),
        held().world(PUBLIC, "refused", at=2000).world(PUBLIC, at=4000),
        held().world(PUBLIC, "offline", at=2000).world(PUBLIC, "offline", at=4000),
    ],
)
def test_without_an_outage_of_the_network_nothing_is_said(told: Story) -> None:
    assert not ask("LIFE-4", told).arose


def test_a_network_that_stays_away_says_nothing() -> None:
    told = public_session(story(), at=10, lost=3000).world(PUBLIC, "offline", at=2000)
    assert not ask("LIFE-4", told.end(at=30_000), OFFLINE).arose
