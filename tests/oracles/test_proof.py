"""Faults that the subject met must have been seen at work."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from conformance.events import (
    ConnectionAccepted,
    Event,
    FaultFellShort,
    FaultTookEffect,
    SessionClosed,
    SessionOpened,
    SocketClosed,
    Source,
    WorldSet,
)
from conformance.model import Address, Change, FaultSpec, Outcome, Shown, Side
from conformance.oracles.proof import unproved
from tests.timelines import LOCAL, PUBLIC, REFUSED, Story, case, fault, scenario, story


def doubts(told: Story, *, local: tuple[FaultSpec, ...] = (), public: tuple[FaultSpec, ...] = ()) -> tuple[str, ...]:
    ended = deepcopy(told).end(at=20000)  # the same story may be told twice
    return unproved(case(ended, scenario(local=local, public=public, session=Outcome.PUBLIC, shown=Shown.BAD)))


# --- met and not proved --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "spec", "told"),
    [
        (LOCAL, REFUSED, story().refused(at=10)),
        (LOCAL, fault("blackhole"), story().probe(at=10, answered=None, ended=1500, error="ERR_CONNECTION_TIMED_OUT")),
        (LOCAL, fault("silent"), story().given_up(at=10, ended=1500)),
        (LOCAL, fault("tls_on_port"), story().given_up(at=10, ended=1500)),
        (LOCAL, fault("answer", status=500), story().probe(at=10, ended=15)),
        (LOCAL, fault("hang_upgrade"), story().probe(at=10, ended=15).socket(LOCAL, at=17)),
        (LOCAL, fault("close", code=1000), story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20)),
        (PUBLIC, fault("certificate", kind="expired"), story().socket(PUBLIC, at=10, failed=20)),
        (PUBLIC, fault("name_not_found"), story().socket(PUBLIC, at=10, failed=20)),
        (LOCAL, fault("gremlin"), story().probe(at=10, ended=15)),
    ],
    ids=lambda value: str(value) if isinstance(value, FaultSpec) else "",
)
def test_a_fault_that_was_met_needs_a_proof(side: Side, spec: FaultSpec, told: Story) -> None:
    local, public = ((spec,), ()) if side is LOCAL else ((), (spec,))
    (doubt,) = doubts(told, local=local, public=public)
    assert doubt.startswith(f"{side.value} {spec}, met at ")
    assert doubts(deepcopy(told).effect(side, str(spec), at=12), local=local, public=public) == ()


def test_an_independent_probe_of_the_port_is_a_proof() -> None:
    assert doubts(story().proved(LOCAL, "refused", at=-3).refused(at=10), local=(REFUSED,)) == ()


def test_another_faults_or_another_sides_proof_is_none() -> None:
    told = story().proved(LOCAL, "blackhole").proved(PUBLIC, "refused").effect(PUBLIC, "refused", at=12).refused(at=10)
    assert len(doubts(told, local=(REFUSED,))) == 1


def test_a_name_that_was_not_found_proves_itself() -> None:
    told = story().socket(PUBLIC, at=10, failed=20, error="ERR_NAME_NOT_RESOLVED")
    assert doubts(told, public=(fault("name_not_found"),)) == ()


def test_an_answer_that_was_held_back_proves_itself() -> None:
    slow = fault("slow_upgrade", delay_ms=4000)
    held = story().refused(at=10).socket(PUBLIC, at=15, failed=3000, error="ERR_ABORTED")
    assert doubts(held, public=(slow,)) == ()
    at_once = story().refused(at=10).socket(PUBLIC, at=15, opened=30)
    assert len(doubts(at_once, public=(slow,))) == 1


@pytest.mark.parametrize(("answered", "held"), [(20, False), (64, False), (66, True)])
def test_an_answer_of_a_short_delay_was_held_back_for_all_of_it(answered: float, *, held: bool) -> None:
    """Of 50 ms, too: the fake notes both ends by one clock, so no error of clocks is taken off."""
    told = story().refused(at=10).socket(PUBLIC, at=15, opened=answered)
    assert (doubts(told, public=(fault("slow_upgrade", delay_ms=50),)) == ()) is held


def test_the_proof_of_a_fault_with_another_parameter_is_none() -> None:
    told = story().probe(at=10, ended=15).effect(LOCAL, "answer(status=503)", at=12)
    assert len(doubts(told, local=(fault("answer", status=500),))) == 1


def test_a_fault_that_fell_short_is_doubted_though_it_was_proved() -> None:
    told = story().probe(at=10, ended=15).effect(LOCAL, "answer(status=500)", at=12)
    short = FaultFellShort(at_ms=90, source=Source.LOCAL, side=LOCAL, fault="answer(status=500)", detail="status 200")
    assert doubts(told.seen(short), local=(fault("answer", status=500),)) == ("local answer(status=500): status 200",)


V6 = replace(fault("hang_up"), on=Address.V6)


@pytest.mark.parametrize(("address", "doubted"), [("[::1]:3003", False), ("127.0.0.1:3003", True), ("", False)])
def test_a_fault_is_at_work_at_its_own_address(address: str, *, doubted: bool) -> None:
    told = story().given_up(at=10, ended=15).effect(LOCAL, "hang_up", at=12).without(ConnectionAccepted)
    (effect,) = [event for event in told._events if isinstance(event, FaultTookEffect)]
    number = effect.connection
    told.seen(ConnectionAccepted(at_ms=9, source=Source.LOCAL, connection=number, endpoint="a", address=address))
    assert (doubts(told, local=(V6,)) == ("local hang_up: it was at work at IPv4",)) is doubted
    assert (doubts(told, local=(V6,)) == ()) is not doubted


def test_a_proof_at_another_address_is_none() -> None:
    gone = replace(REFUSED, on=Address.V6)
    told = story().refused(at=10)
    assert doubts(told, local=(gone,)) == ("local refused on IPv6, met at 10 ms",)
    assert doubts(told.proved(LOCAL, "refused on IPv6"), local=(gone,)) == ()
    misplaced = "local refused on IPv4: it was at work at IPv4"
    assert doubts(told.proved(LOCAL, "refused on IPv4"), local=(gone,)) == (misplaced,)


@pytest.mark.parametrize(
    ("pings", "until", "paused"),
    [
        ([20, 5020, 10020], 12000, False),
        ([20, 5020], 12000, True),
        ([20, 10020], 12000, True),
        ([20, 5074], 10000, False),
        ([20, 5076], 10000, True),
    ],
)
def test_pings_that_go_on_are_seen_to_do_so(pings: list[float], until: float, *, paused: bool) -> None:
    """An interval, a fault's work, and the error of 5 ms."""
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20)
    for at in pings:
        told.effect(LOCAL, "ping_only(interval_ms=5000)", at=at)
    given = scenario(local=(fault("ping_only", interval_ms=5000),), session=Outcome.PUBLIC, shown=Shown.BAD)
    doubted = unproved(case(told.end(at=until), given))
    assert bool(doubted) is paused
    assert all("it paused for" in line for line in doubted)


# --- not met -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "spec", "told"),
    [
        (LOCAL, fault("hang_upgrade"), story().probe(at=10, ended=15)),
        (LOCAL, fault("close", code=1000), story().probe(at=10, ended=15).socket(LOCAL, at=17, failed=20)),
        (LOCAL, fault("answer", status=500), story().refused(at=10)),
        (LOCAL, fault("answer", status=500), story().probe(at=10, ended=15, method="OPTIONS", target="/other")),
        (LOCAL, fault("silent"), story().refused(at=10)),
        (PUBLIC, REFUSED, story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20)),
        (PUBLIC, fault("certificate", kind="expired"), story()),
        (LOCAL, REFUSED, story().refused(at=19990)),
    ],
    ids=lambda value: str(value) if isinstance(value, FaultSpec) else "",
)
def test_a_fault_that_was_not_met_needs_none(side: Side, spec: FaultSpec, told: Story) -> None:
    local, public = ((spec,), ()) if side is LOCAL else ((), (spec,))
    assert doubts(told, local=local, public=public) == ()


# --- changes and drops ---------------------------------------------------------------------------


def test_each_stretch_of_a_fault_needs_its_own_proof() -> None:
    given = scenario(local=(REFUSED,), when=(Change(LOCAL, ()), Change(LOCAL, (REFUSED,))))
    told = story().proved(LOCAL, "refused").refused(at=10).world(LOCAL, at=100).probe(at=500, ended=505)
    told.refused(at=2000).end(at=3000)
    told.seen(WorldSet(at_ms=1000, source=Source.RIG, side=LOCAL, faults=("refused",)))
    assert unproved(case(told, given)) == ("local refused, met at 2000 ms",)
    assert unproved(case(told.proved(LOCAL, "refused", at=1003), given)) == ()


def test_a_change_without_proof_is_doubted() -> None:
    given = scenario(when=(Change(LOCAL, (fault("stall"),)),))
    told = story().probe(at=10, ended=15).world(LOCAL, "stall", at=1000).given_up(at=2000, ended=3000)
    assert unproved(case(told, given)) == ("local stall, met at 2001 ms",)


def in_session(closed: float | None = None) -> Story:
    return story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=closed)


@pytest.mark.parametrize("name", ["half_open", "reset_session", "close(code=1000)"])
def test_a_drop_is_proved_by_its_effect(name: str) -> None:
    assert doubts(in_session().drop(LOCAL, name, at=2000)) == ()


@pytest.mark.parametrize(("at", "proved"), [(1944, False), (1945, True)])
def test_a_drop_may_seem_to_work_before_it_by_the_error(at: float, proved: bool) -> None:
    """Its work, and the error of the clocks, which is 5 ms here."""
    told = in_session().drop(LOCAL, "half_open", at=2000).without(FaultTookEffect).effect(LOCAL, "half_open", at=at)
    assert (doubts(told) == ()) is proved


@pytest.mark.parametrize(
    "event",
    [
        SessionClosed(at_ms=2001, source=Source.PUBLIC, connection=9, code=1000, by="server"),
        SessionOpened(at_ms=2001, source=Source.LOCAL, connection=9),
        SocketClosed(at_ms=2001, source=Source.BROWSER, request=9),
    ],
    ids=["of the other server", "no end", "of another socket"],
)
def test_a_drop_is_not_proved_by_what_befell_another_session(event: Event) -> None:
    told = in_session().drop(LOCAL, "reset_session", at=2000).without(FaultTookEffect).seen(event)
    assert doubts(told) == ("local drop reset_session at 2000 ms",)


@pytest.mark.parametrize("name", ["half_open", "reset_session"])
def test_a_drop_that_did_nothing_is_doubted(name: str) -> None:
    told = in_session().drop(LOCAL, name, at=2000).without(FaultTookEffect)
    assert doubts(told) == (f"local drop {name} at 2000 ms",)


@pytest.mark.parametrize("unseen", [SocketClosed, SessionClosed])
def test_a_drop_is_proved_by_the_end_of_the_session_in_either_source(unseen: type) -> None:
    told = in_session(closed=2002).drop(LOCAL, "reset_session", at=2000).without(FaultTookEffect, unseen)
    assert doubts(told) == ()


def test_a_drop_of_nothing_needs_no_proof() -> None:
    assert doubts(in_session().drop(PUBLIC, "reset_session", at=2000, count=0)) == ()
