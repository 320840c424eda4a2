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
from conformance.model import Address, Change, FaultSpec, Outcome, Shown, Side, Step
from conformance.oracles.proof import unproved
from tests.timelines import LOCAL, PUBLIC, REFUSED, Story, case, fault, scenario, story


def doubts(told: Story, *, local: tuple[FaultSpec, ...] = (), public: tuple[FaultSpec, ...] = ()) -> tuple[str, ...]:
    ended = deepcopy(told).end(at=20000)  # the same story may be told twice
    return unproved(case(ended, scenario(local=local, public=public, session=Outcome.PUBLIC, shown=Shown.BAD)))


def for_a_second(told: Story, spec: FaultSpec, side: Side = LOCAL) -> tuple[str, ...]:
    """The doubts where one side has the fault from 1000 to 2000 ms."""
    for at, faults in ((1000, (spec.name,)), (2000, ())):
        told.seen(WorldSet(at_ms=at, source=Source.RIG, side=side, faults=faults))
    return unproved(case(told.end(at=20000), scenario(when=(Change(side, (spec,)), Change(side, ())))))


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


@pytest.mark.parametrize(
    ("at", "met"), [(998, False), (1000, True), (1944, True), (1945, False)], ids=["too soon", "first", "last", "late"]
)
def test_a_fault_is_met_while_it_is_in_force_and_has_time_to_work(at: float, *, met: bool) -> None:
    """Its work takes 50 ms, and the error of the clocks is 5 ms."""
    assert for_a_second(story().refused(at=at), REFUSED) == ((f"local refused, met at {at} ms",) if met else ())


def test_a_connection_that_the_browser_alone_saw_meets_the_fault() -> None:
    told = story().given_up(at=10, ended=1500).without(ConnectionAccepted)
    assert len(doubts(told, local=(fault("silent"),))) == 1


@pytest.mark.parametrize(("at", "proved"), [(944, False), (945, True), (2054, True), (2055, False)])
def test_an_effect_may_come_a_little_before_and_after_its_fault(at: float, *, proved: bool) -> None:
    """By its work and the error of the clocks."""
    told = story().given_up(at=1500, ended=1600).effect(LOCAL, "hang_up", at=at)
    assert (for_a_second(told, fault("hang_up")) == ()) is proved


@pytest.mark.parametrize(("at", "proved"), [(499, False), (500, True), (1999, True), (2000, False)])
def test_a_probes_proof_may_come_since_the_world_before(at: float, *, proved: bool) -> None:
    """The rig probes a fault before it says that the fault is set, and never after it has set another."""
    worlds = {500: (), 1000: ("refused",), 2000: ()}
    given = scenario(when=(Change(LOCAL, ()), Change(LOCAL, (REFUSED,)), Change(LOCAL, ())))
    told = story().refused(at=1500).proved(LOCAL, "refused", at=at).end(at=3000)
    for since, faults in worlds.items():
        told.seen(WorldSet(at_ms=since, source=Source.RIG, side=LOCAL, faults=faults))
    assert (unproved(case(told, given)) == ()) is proved


@pytest.mark.parametrize(("effect", "proved"), [("stall(after=3)", True), ("stall", True), ("drip(every=3)", False)])
def test_a_fault_whose_parameters_are_not_known_is_proved_by_its_name(effect: str, *, proved: bool) -> None:
    told = story().probe(at=10, ended=15).world(LOCAL, "stall", at=1000).given_up(at=2000, ended=3000)
    assert (doubts(told.effect(LOCAL, effect, at=2002)) == ()) is proved


def test_an_independent_probe_of_the_port_is_a_proof() -> None:
    assert doubts(story().proved(LOCAL, "refused", at=-3).refused(at=10), local=(REFUSED,)) == ()


def test_another_faults_or_another_sides_proof_is_none() -> None:
    told = story().proved(LOCAL, "blackhole").proved(PUBLIC, "refused").effect(PUBLIC, "refused", at=12).refused(at=10)
    assert len(doubts(told, local=(REFUSED,))) == 1


def test_a_name_that_was_not_found_proves_itself() -> None:
    told = story().socket(PUBLIC, at=10, failed=20, error="ERR_NAME_NOT_RESOLVED")
    assert doubts(told, public=(fault("name_not_found"),)) == ()


@pytest.mark.parametrize(("at", "proved"), [(999, False), (1000, True), (1999, True), (2000, False)])
def test_a_name_is_not_found_while_the_fault_is_in_force(at: float, *, proved: bool) -> None:
    told = story().socket(PUBLIC, at=at - 10, failed=at, error="ERR_NAME_NOT_RESOLVED").socket(PUBLIC, at=1500)
    assert (for_a_second(told, fault("name_not_found"), PUBLIC) == ()) is proved


def test_an_answer_that_was_held_back_proves_itself() -> None:
    slow = fault("slow_upgrade", delay_ms=4000)
    held = story().refused(at=10).socket(PUBLIC, at=15, failed=3000, error="ERR_ABORTED")
    assert doubts(held, public=(slow,)) == ()
    at_once = story().refused(at=10).socket(PUBLIC, at=15, opened=30)
    assert len(doubts(at_once, public=(slow,))) == 1


@pytest.mark.parametrize(("answered", "held"), [(16, False), (20, False), (64, False), (65, True), (66, True)])
def test_an_answer_of_a_short_delay_was_held_back_for_all_of_it(answered: float, *, held: bool) -> None:
    """Of 50 ms, too: the fake notes both ends by one clock, so no error of clocks is taken off."""
    told = story().refused(at=10).socket(PUBLIC, at=15, opened=answered)
    assert (doubts(told, public=(fault("slow_upgrade", delay_ms=50),)) == ()) is held


@pytest.mark.parametrize(("delay", "proved"), [(0, False), (1, True)])
def test_silence_proves_no_fault_that_holds_nothing_back(delay: float, *, proved: bool) -> None:
    told = story().probe(at=10, answered=None, ended=3000, error="ERR_ABORTED")
    assert (doubts(told, local=(fault("answer", status=500, delay_ms=delay),)) == ()) is proved


def test_silence_proves_no_fault_that_is_not_known_to_hold_an_answer_back() -> None:
    told = story().given_up(at=10, ended=3000)
    assert doubts(told, local=(fault("gremlin", delay_ms=200),)) == ("local gremlin(delay_ms=200), met at 10 ms",)


@pytest.mark.parametrize(
    ("told", "proved"),
    [
        (story().socket(PUBLIC, at=500, opened=530).socket(PUBLIC, at=1500), True),
        (story().socket(PUBLIC, at=500).socket(PUBLIC, at=1500, opened=1530), False),
        (story().socket(PUBLIC, at=999), True),
    ],
    ids=["answered before, and then not", "not before, and then answered", "asked at its very start"],
)
def test_it_is_an_answer_of_its_own_time_that_a_fault_holds_back(told: Story, *, proved: bool) -> None:
    assert (for_a_second(deepcopy(told), fault("slow_upgrade", delay_ms=4000), PUBLIC) == ()) is proved


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


@pytest.mark.parametrize(
    ("local", "when", "doubted"),
    [
        ((), (Change(LOCAL, (V6,)),), False),
        ((), (Change(LOCAL, (fault("hang_up"),)),), False),
        ((V6,), (Change(PUBLIC, (fault("hang_up"),)),), False),
        ((), (Change(PUBLIC, (fault("hang_up"),)),), True),
    ],
    ids=["a change's", "a change's everywhere", "the given world's", "the other side's"],
)
def test_the_address_is_one_that_the_scenario_states_for_that_side(
    local: tuple[FaultSpec, ...], when: tuple[Step, ...], *, doubted: bool
) -> None:
    told = story().seen(ConnectionAccepted(at_ms=9, source=Source.LOCAL, connection=7, endpoint="a", address="[::1]:1"))
    told.seen(FaultTookEffect(at_ms=12, source=Source.LOCAL, connection=7, fault="hang_up", detail="done"))
    doubt = ("local hang_up: it was at work at IPv6",)
    assert unproved(case(told.end(at=900), scenario(local=local, when=when))) == (doubt if doubted else ())


def test_a_proof_at_another_address_is_none() -> None:
    gone = replace(REFUSED, on=Address.V6)
    told = story().refused(at=10)
    assert doubts(told, local=(gone,)) == ("local refused on IPv6, met at 10 ms",)
    assert doubts(told.proved(LOCAL, "refused on IPv6"), local=(gone,)) == ()
    misplaced = "local refused on IPv4: it was at work at IPv4"
    assert doubts(told.proved(LOCAL, "refused on IPv4"), local=(gone,)) == (misplaced,)


PINGS = fault("ping_only", interval_ms=5000)


@pytest.mark.parametrize(
    ("pings", "until", "paused"),
    [
        ([20, 5020, 10020], 12000, False),
        ([20, 5020], 12000, True),
        ([20, 10020], 12000, True),
        ([20, 5074], 10000, False),
        ([20, 5075], 10000, False),
        ([20, 5076], 10000, True),
    ],
)
def test_pings_that_go_on_are_seen_to_do_so(pings: list[float], until: float, *, paused: bool) -> None:
    """An interval, a fault's work, and the error of 5 ms."""
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20)
    for at in pings:
        told.effect(LOCAL, str(PINGS), at=at)
    doubted = unproved(case(told.end(at=until), scenario(local=(PINGS,))))
    assert bool(doubted) is paused
    assert all("it paused for" in line for line in doubted)


def pinged(*pings: float, closed: float | None = None) -> Story:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=closed)
    for at in pings:
        told.effect(LOCAL, str(PINGS), at=at)
    return told


@pytest.mark.parametrize(
    "told",
    [
        pinged(20, 5020, closed=7000),
        pinged(20, closed=20),
        pinged(20, 5020).drop(LOCAL, "reset_session", at=7000),
        pinged(20, 5020, 10020).drop(LOCAL, "reset_session", at=10019),
    ],
    ids=["closed", "closed at once", "dropped", "dropped just before a ping was noted"],
)
def test_pings_go_on_as_long_as_their_session(told: Story) -> None:
    assert doubts(told, local=(PINGS,)) == ()


@pytest.mark.parametrize(
    "told",
    [
        pinged(20, 5020).seen(SessionClosed(at_ms=7000, source=Source.LOCAL, connection=9, code=1000, by="server")),
        pinged(20, 5020).drop(PUBLIC, "half_open", at=7000),
        pinged(20, 5020).drop(LOCAL, "reset_session", at=7000, count=0),
    ],
    ids=["another's end", "a drop on the other side", "a drop of nothing"],
)
def test_pings_do_not_end_with_another_session(told: Story) -> None:
    assert doubts(told, local=(PINGS,)) == (f"local {PINGS}: it paused for 14980 ms",)


# --- not met -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "spec", "told"),
    [
        (LOCAL, fault("hang_upgrade"), story().probe(at=10, ended=15)),
        (LOCAL, fault("close", code=1000), story().probe(at=10, ended=15).socket(LOCAL, at=17, failed=20)),
        (LOCAL, fault("answer", status=500), story().refused(at=10)),
        (LOCAL, fault("answer", status=500), story().probe(at=10, ended=15, method="OPTIONS", target="/other")),
        (LOCAL, fault("silent"), story().refused(at=10)),
        (LOCAL, fault("silent"), story().refused(at=10).socket(PUBLIC, at=15, opened=30)),
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
