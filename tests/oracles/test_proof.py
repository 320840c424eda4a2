"""Faults that the subject met must have been seen at work."""

from __future__ import annotations

from copy import deepcopy

import pytest

from conformance.events import Event, FaultTookEffect, SessionClosed, SessionOpened, SocketClosed, Source, WorldSet
from conformance.model import Change, FaultSpec, Outcome, Shown, Side
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
