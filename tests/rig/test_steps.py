"""A scenario's steps in their order, and why its observation ends; fakes and browser are stand-ins."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import pytest

from conformance.errors import Unsupported
from conformance.events import (
    ConnectionAccepted,
    Event,
    FetchEnded,
    FetchStarted,
    RequestReceived,
    Source,
    StepTimedOut,
)
from conformance.model import (
    Act,
    Address,
    Befall,
    Change,
    Drop,
    Expectation,
    FaultSpec,
    Hold,
    Outcome,
    Profile,
    RequestKind,
    Scenario,
    Shown,
    Side,
    Step,
    Until,
    UntilAttempts,
    UntilRequest,
    World,
    written_on,
)
from conformance.rig import steps
from conformance.rig.fake import Fake
from conformance.rig.faults.base import Fault
from conformance.rig.recorder import Recorder
from conformance.rig.steps import Conductor

LOCAL, PUBLIC = Side.LOCAL, Side.PUBLIC
PROFILE = Profile("tested", "1", "/nowhere")
REFUSED = FaultSpec("refused")
LONG_MS = 60_000  # never waited for: the test fails by pytest's clock, not by this one
PATIENCE_S = 10.0


@dataclass
class Held:
    """A session as far as a conductor looks at it."""

    doomed: bool = False


class StandIn:
    """One side's fake: notes what is done to it, and has a session when it is told so."""

    def __init__(self, side: Side, log: list[str]) -> None:
        self._side = side
        self._log = log
        self.is_open = False
        self.sessions: list[Held] = []

    def has_session(self) -> bool:
        return self.is_open

    async def set_faults(self, faults: Mapping[Address | None, Sequence[Fault]]) -> None:
        names = [f"{fault}{written_on(address)}" for address, each in faults.items() for fault in each]
        self._log.append(f"{self._side} is {', '.join(names) or 'healthy'}")

    async def drop_sessions(self, fault: Fault) -> None:
        self._log.append(f"{self._side} drops by {fault}")


class Stage:
    """Fakes, recorder and conductor; ``later`` happens between two turns of the conductor's waiting."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.recorder = Recorder()
        self.fakes = {side: StandIn(side, self.log) for side in Side}
        self.on_flush: Callable[[], None] = lambda: None
        self.befall: Callable[[Act], Awaitable[None]] | None = self._befall

    async def _befall(self, act: Act) -> None:
        doomed = [session.doomed for fake in self.fakes.values() for session in fake.sessions]
        self.log.append(f"{act}, doomed: {doomed}")

    async def flush(self) -> None:
        self.log.append("flush")
        self.on_flush()

    def now(self, side: Side | None) -> None:
        """The subject's session is on this side, or nowhere."""
        for each, fake in self.fakes.items():
            fake.is_open = each is side
        self.note(ConnectionAccepted(at_ms=0, source=Source.RIG, connection=1, endpoint=""))

    def note(self, event: Event) -> None:
        self.recorder.add(event)

    async def conduct(self, then: Expectation, *when: Step, later: Sequence[Side | None] = ()) -> str:
        scenario = Scenario("a", "Choosing", "", (), World(), when, then)
        conductor = Conductor(
            lambda side: cast("Fake", self.fakes[side]), self.recorder, PROFILE, self.flush, self.befall
        )
        async with asyncio.timeout(PATIENCE_S):
            conducting = asyncio.create_task(conductor.conduct(scenario))
            for side in later:
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                self.now(side)
            return await conducting


def expect(session: Outcome, within_ms: float = LONG_MS, hold_ms: float = 0) -> Expectation:
    return Expectation(session, Shown.GOOD, within_ms, hold_ms)


def conducted(stage: Stage, then: Expectation, *when: Step, later: Sequence[Side | None] = ()) -> str:
    return asyncio.run(stage.conduct(then, *when, later=later))


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Milliseconds that were to be slept; none are."""
    asked: list[float] = []
    turn = asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds:
            asked.append(round(seconds * 1000))
        await turn(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return asked


# --- the expectation -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("session", "later"),
    [
        (Outcome.LOCAL, [LOCAL]),
        (Outcome.PUBLIC, [PUBLIC]),
        (Outcome.EITHER, [PUBLIC]),
        (Outcome.LOCAL, [PUBLIC, LOCAL]),  # from the wrong side at once to the right one
        (Outcome.LOCAL, [PUBLIC, None, LOCAL]),  # away from the wrong one, and later to the right one
    ],
)
def test_it_ends_when_the_expected_session_is_open(
    stage: Stage, session: Outcome, later: Sequence[Side | None]
) -> None:
    assert conducted(stage, expect(session), later=later) == "the expected session was open"


def test_it_ends_when_a_session_on_the_other_side_is_late_for_sure(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It did at the end of the time itself, too soon for a judge who cannot tell late from a browser that waited."""
    monkeypatch.setattr(steps, "now_ms", lambda: 1000.0)
    left_ms: list[float] = []

    async def stays(_recorder: Recorder, holds: Callable[[], bool], deadline_ms: float) -> bool:
        left_ms.append(deadline_ms - 1000)
        stage.now(PUBLIC)
        return holds()

    monkeypatch.setattr(Recorder, "wait_until", stays)
    assert conducted(stage, expect(Outcome.LOCAL, within_ms=6000)) == "a session was open on the other side"
    assert left_ms == [6000, PROFILE.budgets.fallback_ms + 500]
    assert conducted(stage, expect(Outcome.LOCAL, within_ms=1200)) == "a session was open on the other side"
    assert left_ms[2:] == [1200, 1200]


@pytest.mark.parametrize("later", [[], [PUBLIC, None]], ids=["never", "lost"])
def test_it_ends_in_time_without_a_session(stage: Stage, later: Sequence[Side | None]) -> None:
    assert conducted(stage, expect(Outcome.LOCAL, within_ms=30), later=later) == "no session within 30 ms"


def test_none_is_watched_for_its_whole_time(stage: Stage) -> None:
    assert conducted(stage, expect(Outcome.NONE, within_ms=1)) == "the stated time without a session was over"


def test_none_ends_at_once_when_a_session_opens_all_the_same(stage: Stage) -> None:
    assert conducted(stage, expect(Outcome.NONE), later=[LOCAL]) == "a session was opened"


def test_it_goes_on_watching_for_the_stated_time(stage: Stage, slept: list[float]) -> None:
    stage.now(LOCAL)
    conducted(stage, expect(Outcome.LOCAL, hold_ms=150), Hold(3000))
    assert slept == [3000, 150]


# --- the steps -----------------------------------------------------------------------------------


def test_steps_are_done_in_their_order(stage: Stage) -> None:
    stage.now(LOCAL)
    drop = FaultSpec("close", {"code": 1001})
    conducted(stage, expect(Outcome.LOCAL), Change(LOCAL, (REFUSED,)), Drop(PUBLIC, drop), Change(LOCAL, ()))
    assert stage.log[:3] == ["local is refused", "public drops by close(code=1001)", "local is healthy"]


def test_a_session_that_was_waited_for_lets_the_next_step_be_done(stage: Stage) -> None:
    reason = conducted(
        stage, expect(Outcome.EITHER), Until(Outcome.PUBLIC, LONG_MS), Change(PUBLIC, ()), later=[LOCAL, PUBLIC]
    )
    assert reason == "the expected session was open"
    assert stage.log[0] == "public is healthy"


def test_a_step_that_is_not_reached_ends_it(stage: Stage) -> None:
    """What follows would judge a world that never came to be."""
    stage.now(LOCAL)
    reason = conducted(stage, expect(Outcome.LOCAL), Until(Outcome.PUBLIC, 1), Change(PUBLIC, (REFUSED,)))
    assert reason == "a step of the scenario was not reached"
    assert stage.log == []
    (timed_out,) = [event for event in stage.recorder.events if isinstance(event, StepTimedOut)]
    assert (timed_out.step, timed_out.within_ms, timed_out.source) == ("until session public", 1, Source.RIG)


@pytest.mark.parametrize(
    ("later", "left"),
    [
        ((), 0),
        ((Hold(5), Until(Outcome.LOCAL, 1)), 0),
        ((Change(PUBLIC, (REFUSED,)), Hold(5), Drop(LOCAL, FaultSpec("half_open")), Befall(Act.STOP_WORKER)), 3),
    ],
    ids=["nothing", "more to wait for", "changes"],
)
def test_a_step_that_is_not_reached_tells_how_much_was_to_change_after_it(
    stage: Stage, later: tuple[Step, ...], left: int
) -> None:
    stage.now(LOCAL)
    conducted(stage, expect(Outcome.LOCAL), Change(LOCAL, ()), Until(Outcome.PUBLIC, 1), *later)
    assert [event.changes_left for event in stage.recorder.events if isinstance(event, StepTimedOut)] == [left]


def attempt(stage: Stage, number: int) -> None:
    """The subject probes and fails, as the browser's log tells when it is asked."""
    url = PROFILE.endpoints.signature
    stage.note(FetchStarted(at_ms=number, source=Source.BROWSER, request=number, url=url, method="GET"))
    stage.note(FetchEnded(at_ms=number, source=Source.BROWSER, request=number, error="ERR_CONNECTION_REFUSED"))


def test_attempts_that_reach_no_server_are_asked_of_the_browser(stage: Stage, slept: list[float]) -> None:
    stage.on_flush = lambda: attempt(stage, stage.log.count("flush"))
    conducted(stage, expect(Outcome.NONE, within_ms=1), UntilAttempts(3, LONG_MS), Change(LOCAL, ()))
    assert stage.log[:4] == ["flush", "flush", "flush", "local is healthy"]
    assert len(slept) == 3


def test_attempts_that_do_not_come_end_it(stage: Stage, slept: list[float]) -> None:
    attempt(stage, 1)
    reason = conducted(stage, expect(Outcome.LOCAL), UntilAttempts(2, 1), Change(LOCAL, ()))
    assert reason == "a step of the scenario was not reached"
    assert "local is healthy" not in stage.log
    assert [event.step for event in stage.recorder.events if isinstance(event, StepTimedOut)] == ["until 2 attempts"]
    assert set(slept) <= {steps._ATTEMPT_LOOK_MS}


def asked(stage: Stage, source: Source, target: str = "/semantest-signature", *, upgrade: bool = False) -> None:
    """The subject asks one of the servers."""
    stage.note(
        RequestReceived(
            at_ms=0, source=source, connection=1, method="GET", target=target, host="", origin=None, upgrade=upgrade
        )
    )


@pytest.mark.parametrize(
    ("side", "kind", "reached"),
    [
        (LOCAL, RequestKind.PROBE, True),
        (LOCAL, RequestKind.UPGRADE, False),
        (PUBLIC, RequestKind.UPGRADE, True),
        (PUBLIC, RequestKind.PROBE, False),
    ],
)
def test_a_request_is_waited_for_by_its_kind_and_server(
    stage: Stage, side: Side, kind: RequestKind, *, reached: bool
) -> None:
    asked(stage, Source.LOCAL)
    asked(stage, Source.LOCAL, "/favicon.ico")
    asked(stage, Source.PUBLIC, "/", upgrade=True)
    conducted(stage, expect(Outcome.NONE, within_ms=1), UntilRequest(side, kind, 1), Change(LOCAL, ()))
    assert ("local is healthy" in stage.log) is reached


def test_a_request_from_before_the_last_change_is_not_the_one(stage: Stage) -> None:
    asked(stage, Source.LOCAL)
    steps_ = (Change(LOCAL, ()), UntilRequest(LOCAL, RequestKind.PROBE, 1))
    assert conducted(stage, expect(Outcome.LOCAL), *steps_) == "a step of the scenario was not reached"
    assert stage.recorder.events[-1] == StepTimedOut(
        at_ms=stage.recorder.events[-1].at_ms, source=Source.RIG, step="until request local probe", within_ms=1
    )


@pytest.mark.parametrize("act", Act)
def test_sessions_no_longer_count_when_their_worker_is_about_to_go(stage: Stage, act: Act) -> None:
    stage.fakes[LOCAL].sessions = [Held()]
    conducted(stage, expect(Outcome.NONE, within_ms=1), Befall(act))
    assert stage.log[0] == f"{act}, doomed: {[act is not Act.START_WORKER]}"


def test_a_rig_that_cannot_says_so(stage: Stage) -> None:
    stage.befall = None
    with pytest.raises(Unsupported, match="this rig cannot do 'browser: restart'"):
        conducted(stage, expect(Outcome.LOCAL), Befall(Act.RESTART))
