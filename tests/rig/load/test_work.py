"""What one worker does: every session and message at its time, every end counted, nothing hidden by waiting."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from conformance.load import Counts, LoadPlan, Measured
from conformance.rig.load import work as working
from conformance.rig.load.session import LoadSession
from conformance.rig.load.work import Chat, Work
from tests.rig.load.servers import PATIENCE_S, plan_on, serving


def carried_out(plan: LoadPlan) -> Measured:
    """One worker's whole load."""
    work = Work(plan)
    threads = [threading.Thread(target=work.run_session) for _ in range(plan.sessions)]
    for thread in threads:
        thread.start()
    work.begin(range(plan.sessions))
    for thread in threads:
        thread.join(PATIENCE_S)
    return work.told().measured()


def test_every_message_is_sent_and_answered() -> None:
    with serving() as place:
        found = carried_out(plan_on(place))
    expected = Counts(opened=4, finished=4, sent=20, answered=20, storm_s=found.counts.storm_s)
    assert found.counts == expected
    counts = (found.connect.count, found.answer.count, found.connect_lag.count, found.send_lag.count)
    assert counts == (4, 20, 4, 20)


def test_the_storm_takes_its_time() -> None:
    with serving() as place:
        found = carried_out(plan_on(place, rate=0.0, connects=10.0))
    assert found.counts.storm_s >= 0.3
    assert found.counts.sent == 0
    assert found.counts.lost == 0


def test_what_was_told_is_not_told_again() -> None:
    with serving() as place:
        work = Work(plan_on(place))
    work.count("sent")
    assert work.told().counts == Counts(sent=1)
    assert work.told().counts == Counts()


def test_every_session_comes_from_an_address_of_its_own() -> None:
    with serving() as place:
        work = Work(plan_on(replace(place, own_addresses=True)))
        assert len({work._source(number) for number in range(20_000)}) == 20_000
        assert {work._source(number).split(".")[0] for number in range(20_000)} == {"127"}
        assert Work(plan_on(place))._source(7) == ""
        assert carried_out(work.plan).counts.opened == 4


# --- a bad server --------------------------------------------------------------------------------


def test_sessions_that_are_not_opened() -> None:
    with serving(status=429) as place:
        found = carried_out(plan_on(place)).counts
    assert (found.failed, found.opened, found.sent, found.unsent, found.finished) == (4, 0, 0, 20, 4)
    assert found.errors == {"the handshake was answered 429": 4}


def test_sessions_that_are_lost() -> None:
    async def tire(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.close(1013)

    with serving(tire) as place:
        found = carried_out(plan_on(place)).counts
    assert (found.opened, found.lost, found.answered) == (4, 4, 0)
    assert found.errors == {"closed with 1013": 4}
    assert found.sent + found.unsent == 20
    assert found.unanswered == found.sent


def test_answers_that_never_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "DRAIN_S", 0.1)

    async def other(connection: ServerConnection) -> None:
        async for _ in connection:
            await connection.send("something else")

    with serving(other) as place:
        found = carried_out(plan_on(place)).counts
    assert (found.sent, found.answered, found.unanswered, found.lost) == (20, 0, 20, 0)


def test_where_no_answer_is_wanted_none_is_missed() -> None:
    async def swallow(connection: ServerConnection) -> None:
        async for _ in connection:
            pass

    with serving(swallow) as place:
        found = carried_out(plan_on(place, reply="")).counts
    assert (found.sent, found.answered, found.unanswered) == (20, 0, 0)


def test_late_answers_are_waited_for_and_measured_from_when_their_messages_were_due() -> None:
    """The server answers nothing before the last message has come: the first one has waited longest."""

    async def hoard(connection: ServerConnection) -> None:
        for _ in range(10):
            await connection.recv()
        for _ in range(10):
            await connection.send("pong")
        await connection.wait_closed()

    with serving(hoard) as place:
        found = carried_out(plan_on(place, sessions=1, rate=20.0))
    assert found.counts.answered == 10
    assert found.answer.max_ms >= 450
    assert found.answer.p50_ms >= 200


def test_a_bug_is_no_servers_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("mine")

    monkeypatch.setattr(LoadSession, "open", broken)
    with serving() as place:
        found = carried_out(plan_on(place)).counts
    assert found.broken == {"KeyError: 'mine'": 4}
    assert (found.finished, found.failed) == (4, 0)


# --- no coordinated omission ---------------------------------------------------------------------


class Clock:
    """A clock that stands where it is put."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_an_answers_time_counts_from_when_its_message_was_due() -> None:
    """However late it was sent: the second message was due at 5.0, and nobody came to send it before 7.0."""
    with serving() as place:
        clock = Clock(7.0)
        work = Work(plan_on(place), clock)
        session: Any = None
        chat = Chat(work, session)
        chat._waited_for.extend([6.8, 5.0])
        work.wait_until(5.0, "send_lag")
        for _ in range(2):
            chat._take(b"pong")
    found = work.told().measured()
    assert (found.answer.p50_ms, found.answer.max_ms) == pytest.approx((200, 2000), rel=1e-3)
    assert found.send_lag.max_ms == pytest.approx(2000, rel=1e-3)
    assert found.counts == Counts(answered=2, late=1)


def test_what_nobody_waits_for_is_no_answer() -> None:
    with serving() as place:
        work = Work(plan_on(place))
        session: Any = None
        Chat(work, session)._take(b"pong")
    assert work.told().counts == Counts()


def test_a_connects_time_counts_from_when_it_was_due() -> None:
    async def scene() -> Measured:
        with serving() as place:
            work = Work(plan_on(place))
            late = work._open(0, work.clock() - 3.0)
            assert late is not None
            late.drop()
            return work.told().measured()

    found = asyncio.run(scene())
    assert found.connect.max_ms >= 3000
    assert found.connect_lag.max_ms >= 3000
