"""LIFE: what becomes of the session when the browser ends the subject's worker, the subject, or itself.

Pure. How soon a session has to be there again is the budget for a session that is lost,
``reconnect_ms``: to its user it is all the same who ended it. Only what the scenario itself did to the
worker is LIFE-2's and LIFE-3's; what the browser does to an idle one is LIFE-1's, and the network LIFE-4's.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from conformance.events import (
    BrowserClosed,
    BrowserStarted,
    FrameReceived,
    Source,
    SubjectReloaded,
    WorkerStarted,
    WorkerStopped,
    WorldSet,
)
from conformance.model import Side
from conformance.oracles.findings import Budget, evidence_of, gather
from conformance.oracles.registry import oracle
from conformance.oracles.world import OFFLINE, name_of
from conformance.verdict import Finding, Verdict

if TYPE_CHECKING:
    from conformance.attempts import Session
    from conformance.events import Event
    from conformance.oracles.case import Case

# The browser ends a worker this long after its last event (Chromium's service_worker_version.cc, kIdleWorkerTimeout).
IDLE_MS = 30_000.0


# --- LIFE-1 --------------------------------------------------------------------------------------


@oracle("LIFE-1")
def outlives_idleness(case: Case) -> Finding | None:
    """It keeps or re-opens its session past the idle limit of its worker."""
    first = next((session for session in case.sessions if session.socket.settled), None)
    calm_ms = 0.0 if first is None else _calm_until_ms(case) - first.opened_ms
    if first is None or calm_ms <= IDLE_MS + case.error_ms:
        return case.absent("LIFE-1", f"no session was left to itself for longer than {IDLE_MS / 1000:.0f} s")
    budget = Budget("LIFE-1", case.profile.budgets.reconnect_ms, case.error_ms)
    found = gather(_reopens(case, budget, session) for session in case.sessions)
    if found is not None:
        return found
    reason = f"its {first.side.value} session stayed for {calm_ms:.0f} ms"
    return Finding("LIFE-1", Verdict.PASS, reason, evidence_of(first.opened, case.timeline.events[-1]))


def _calm_until_ms(case: Case) -> float:
    """When the scenario first took a session away: until then what is lost is lost to idleness."""
    acts = [session.left_ms for session in case.sessions if session.socket.dropped or session.socket.bereft]
    return min((at_ms for at_ms in acts if at_ms is not None), default=case.end_ms)


def _reopens(case: Case, budget: Budget, lost: Session) -> Finding | None:
    """What followed a session that ended by itself."""
    end = lost.socket.left
    if end is None or lost.socket.dropped or lost.socket.bereft or not lost.socket.settled or case.engaged(end.at_ms):
        return None
    what = f"its {lost.side.value} session was lost after {end.at_ms - lost.opened_ms:.0f} ms"
    return _back(case, budget, end, end, what)


# --- LIFE-2 --------------------------------------------------------------------------------------


@oracle("LIFE-2")
def survives_stops(case: Case) -> Finding | None:
    """It re-opens its session after its worker was stopped, when it is next woken."""
    budget = Budget("LIFE-2", case.profile.budgets.reconnect_ms, case.error_ms)
    stops = case.timeline.all(WorkerStopped)
    found = gather(_wakes(case, budget, stop) for stop in stops)
    return found or case.absent("LIFE-2", "its worker was never stopped and woken with a server there")


def _wakes(case: Case, budget: Budget, stop: WorkerStopped) -> Finding | None:
    again = case.timeline.first(WorkerStopped, after=stop)
    woken = case.timeline.first(WorkerStarted, after=stop, before=again)
    if woken is None:
        return None
    outlived = next((each for each in case.sessions if each.opened.seq < stop.seq and each.open_at(case.end_ms)), None)
    if outlived is not None:
        reason = f"its worker was stopped, and its {outlived.side.value} session outlived that"
        return Finding("LIFE-2", Verdict.PASS, reason, evidence_of(outlived.opened, stop, woken))
    return _back(case, budget, stop, woken, "its worker was stopped and woken")


# --- LIFE-3 --------------------------------------------------------------------------------------


@oracle("LIFE-3")
def comes_back(case: Case) -> Finding | None:
    """It connects by itself after a browser restart, a reload and an update."""
    budget = Budget("LIFE-3", case.profile.budgets.reconnect_ms, case.error_ms)
    found = gather([*_after_reloads(case, budget), *_after_restarts(case, budget)])
    return found or case.absent("LIFE-3", "neither it nor its browser was started again with a server there")


def _after_reloads(case: Case, budget: Budget) -> list[Finding | None]:
    return [
        _back(case, budget, reload, reload, f"it was loaded again (version {reload.version})")
        for reload in case.timeline.all(SubjectReloaded)
    ]


def _after_restarts(case: Case, budget: Budget) -> list[Finding | None]:
    """From when the browser was up: how long a cold launch takes is not the subject's doing."""
    acts = case.timeline.all(BrowserClosed) + case.timeline.all(BrowserStarted)
    acts.sort(key=lambda event: event.seq)
    return [
        _back(case, budget, closed, started, "the browser was restarted")
        for closed, started in pairwise(acts)
        if isinstance(closed, BrowserClosed) and isinstance(started, BrowserStarted)
    ]


# --- LIFE-4 --------------------------------------------------------------------------------------


@oracle("LIFE-4")
def outlives_outages(case: Case) -> Finding | None:
    """It recovers after the network goes and comes back."""
    budget = Budget("LIFE-4", case.profile.budgets.reconnect_ms, case.error_ms)
    found = gather(_online_again(case, budget, *outage) for outage in _outages(case))
    return found or case.absent("LIFE-4", "the network never went and came back with a server there")


def _outages(case: Case) -> list[tuple[WorldSet, WorldSet]]:
    """When the network went, and when it came back; it goes with the public server's world."""
    worlds = case.timeline.all(WorldSet, lambda event: event.side is Side.PUBLIC)
    return [(gone, back) for gone, back in pairwise(worlds) if _is_offline(gone) and not _is_offline(back)]


def _is_offline(world: WorldSet) -> bool:
    return any(name_of(fault) == OFFLINE for fault in world.faults)


def _online_again(case: Case, budget: Budget, gone: WorldSet, back: WorldSet) -> Finding | None:
    held = next((each for each in case.sessions if each.open_at(gone.at_ms) and each.open_at(back.at_ms)), None)
    if held is None or held.left_ms is not None:
        return _back(case, budget, gone, back, "the network went and came back")
    if held.side is Side.LOCAL:
        reason = "its local session stayed while the network was away"
        return Finding("LIFE-4", Verdict.PASS, reason, evidence_of(gone, back, held.opened))
    spoke = case.timeline.first(FrameReceived, lambda event: event.source is Source.PUBLIC, after=back)
    if spoke is not None:
        reason = f"its public session outlived the outage: a frame came {spoke.at_ms - back.at_ms:.0f} ms after it"
        return Finding("LIFE-4", Verdict.PASS, reason, evidence_of(gone, back, spoke))
    waited_ms = case.end_ms - back.at_ms
    reason = f"its public session seems to have stayed, but nothing was said on it for {waited_ms:.0f} ms since"
    return Finding("LIFE-4", Verdict.INCONCLUSIVE, reason, evidence_of(gone, back))


# --- all of them ---------------------------------------------------------------------------------


def _back(case: Case, budget: Budget, gone: Event, since: Event, what: str) -> Finding | None:
    """The first session that was begun after ``gone``, measured from ``since``; None where no server was there."""
    later = (session for session in case.sessions if session.socket.started.seq > gone.seq)
    following = next((session for session in later if session.socket.settled), None)
    until_ms = case.end_ms if following is None else max(following.opened_ms, since.at_ms)
    if not any(case.serves(side, since.at_ms, min(until_ms, since.at_ms + budget.ms)) for side in Side):
        return None
    taken_ms = until_ms - since.at_ms
    if following is None:
        return budget.still_waiting(taken_ms, f"{what}; no session since", gone, since)
    told = f"{what}; {following.side.value} session {taken_ms:.0f} ms after that"
    return budget.at_most(taken_ms, told, gone, since, following.opened)
