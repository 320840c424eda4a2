"""How a scenario's steps are carried out, and when its observation is over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.attempts import begun
from conformance.errors import Unsupported
from conformance.events import RequestReceived, Source, StepTimedOut
from conformance.model import (
    Act,
    Befall,
    Change,
    Drop,
    Hold,
    Outcome,
    RequestKind,
    Side,
    Until,
    UntilAttempts,
    UntilRequest,
)
from conformance.rig.faults import build, build_at
from conformance.rig.faults.base import SessionFault
from conformance.rig.recorder import Recorder, now_ms

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from conformance.model import Expectation, Profile, Scenario, Step
    from conformance.rig.fake import Fake

# A subject on the wrong server may be about to leave it. It has so much more than the time for that, or what a cold
# browser waits for a processor (0.2 s) would leave open whether it is late: 27 of 10,846 verdicts were, all of TIME-2.
_LATE_FOR_SURE_MS = 500
# Attempts that reach no server are in the browser's log only, which lags unless it is asked for.
_ATTEMPT_LOOK_MS = 250

_SOURCE = {Side.LOCAL: Source.LOCAL, Side.PUBLIC: Source.PUBLIC}
_WAITING = (Until, UntilAttempts, UntilRequest)
_CHANGING = (Change, Drop, Befall)


class Conductor:
    """Carries out one scenario's steps on one rig's fakes.

    ``flush`` brings the browser's log up to now. ``befall`` does to the subject what a scenario says; a rig
    that cannot has none.
    """

    def __init__(
        self,
        fake_of: Callable[[Side], Fake],
        recorder: Recorder,
        profile: Profile,
        flush: Callable[[], Awaitable[object]],
        befall: Callable[[Act], Awaitable[None]] | None = None,
    ) -> None:
        self._fake_of = fake_of
        self._recorder = recorder
        self._profile = profile
        self._flush = flush
        self._befall = befall
        self._changes_left = 0
        self._since = 0  # the place in the record at which the last step began that is no waiting

    async def conduct(self, scenario: Scenario) -> str:
        """Every step, then the expectation. Returns why the observation ended."""
        for place, step in enumerate(scenario.when):
            self._changes_left = sum(isinstance(later, _CHANGING) for later in scenario.when[place:])
            if not await self._do(step):
                # The world the scenario speaks of never came to be; what follows would judge another one.
                return "a step of the scenario was not reached"
        reason = await self._expect(scenario.then)
        await asyncio.sleep(scenario.then.hold_ms / 1000)
        return reason

    async def _do(self, step: Step) -> bool:
        if isinstance(step, _WAITING):
            return await self._wait(step)
        self._since = len(self._recorder.events)
        match step:
            case Change(side, faults):
                await self._fake_of(side).set_faults(build_at(faults))
            case Drop(side, spec):
                for fault in build([spec]):
                    if isinstance(fault, SessionFault):
                        await self._fake_of(side).drop_sessions(fault)
            case Hold(ms):
                await asyncio.sleep(ms / 1000)
            case Befall(act):
                await self._let_befall(act)
        return True

    async def _wait(self, step: Until | UntilAttempts | UntilRequest) -> bool:
        match step:
            case Until(session, within_ms):
                reached = await self._recorder.wait_until(lambda: self._has(session), now_ms() + within_ms)
                return reached or self._timed_out(f"until session {session}", within_ms)
            case UntilAttempts(count, within_ms):
                return await self._await_attempts(count, within_ms) or self._timed_out(
                    f"until {count} attempts", within_ms
                )
            case UntilRequest(side, kind, within_ms):
                came = await self._recorder.wait_until(lambda: self._was_asked(side, kind), now_ms() + within_ms)
                return came or self._timed_out(f"until request {side} {kind}", within_ms)

    async def _let_befall(self, act: Act) -> None:
        if self._befall is None:
            message = f"this rig cannot do '{act}' without an interface to its browser; use --rig warm"
            raise Unsupported(message)
        if act is not Act.START_WORKER:
            # Whoever held these sessions is about to be gone, whenever their ends are seen.
            for side in Side:
                for session in self._fake_of(side).sessions:
                    session.doomed = True
        await self._befall(act)

    def _was_asked(self, side: Side, kind: RequestKind) -> bool:
        path = urlsplit(self._profile.endpoints.signature).path or "/"
        return any(
            isinstance(event, RequestReceived)
            and event.source is _SOURCE[side]
            and event.upgrade == (kind is RequestKind.UPGRADE)
            and (event.upgrade or urlsplit(event.target).path == path)
            for event in self._recorder.events[self._since :]
        )

    def _timed_out(self, step: str, within_ms: float) -> bool:
        left = self._changes_left
        self._recorder.record(StepTimedOut, Source.RIG, step=step, within_ms=within_ms, changes_left=left)
        return False

    def _has(self, session: Outcome) -> bool:
        return any(session.admits(side) and self._fake_of(side).has_session() for side in Side)

    async def _await_attempts(self, count: int, within_ms: float) -> bool:
        deadline_ms = now_ms() + within_ms
        while begun(self._recorder.events, self._profile.endpoints) < count:
            if now_ms() >= deadline_ms:
                return False
            await self._flush()
            await asyncio.sleep(_ATTEMPT_LOOK_MS / 1000)
        return True

    async def _expect(self, then: Expectation) -> str:
        deadline_ms = now_ms() + then.within_ms
        if then.session is Outcome.NONE:
            await self._recorder.wait_until(lambda: self._has(Outcome.EITHER), deadline_ms)
            return "a session was opened" if self._has(Outcome.EITHER) else "the stated time without a session was over"
        while True:
            if not await self._recorder.wait_until(lambda: self._has(Outcome.EITHER), deadline_ms):
                return f"no session within {then.within_ms:.0f} ms"
            if self._has(then.session):
                return "the expected session was open"
            patience_ms = self._profile.budgets.fallback_ms + _LATE_FOR_SURE_MS
            wrong_until_ms = min(deadline_ms, now_ms() + patience_ms)
            left = await self._recorder.wait_until(
                lambda: self._has(then.session) or not self._has(Outcome.EITHER), wrong_until_ms
            )
            if not left:
                return "a session was open on the other side"
