"""FALL: what the subject does when the server it chose fails it.

Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.events import Event, SessionClosed, SessionsDropped, SocketFrameSent
from conformance.model import FaultSpec, Shown, Side
from conformance.oracles.case import SOURCE
from conformance.oracles.findings import Budget, evidence_of, gather
from conformance.oracles.registry import oracle
from conformance.oracles.world import DIES, HALF_OPEN, STAGES, Stage, name_of
from conformance.verdict import Finding, Verdict

if TYPE_CHECKING:
    from conformance.attempts import Attempt, Session, SocketTry
    from conformance.oracles.case import Case

# Two sources' times of one close differ by a round trip and the harness's own work.
_SAME_CLOSE_MS = 50.0


# --- FALL-1 --------------------------------------------------------------------------------------


@oracle("FALL-1")
def falls_back(case: Case) -> Finding | None:
    """It falls back when the signature is good and the local WebSocket is refused, hangs, or closes at once."""
    if case.endpoints.public is None:
        return case.without_public("FALL-1")
    attempt = next((each for each in case.attempts if _let_down(case, each)), None)
    if attempt is None:
        return case.absent("FALL-1", "the subject opened no local WebSocket that fails after a good signature")
    local = attempt.tries(Side.LOCAL)[0]
    later = (session for session in case.sessions if session.opened.seq > local.started.seq and session.socket.settled)
    found = next((session for session in later if _is_rescue(case, session)), None)
    if found is not None:
        taken_ms = found.opened_ms - local.started.at_ms
        reason = f"{found.side.value} session {taken_ms:.0f} ms after it tried the local WebSocket ({_fate(local)})"
        return Finding("FALL-1", Verdict.PASS, reason, evidence_of(local.started, local.left, found.opened))
    return _stranded(case, local)


def _let_down(case: Case, attempt: Attempt) -> bool:
    """Whether it opened a local WebSocket after a good signature, where that is faulty from the start."""
    local = attempt.tries(Side.LOCAL)
    if not local or case.shown(attempt) is not Shown.GOOD:
        return False
    span = case.span_at(Side.LOCAL, local[0].started.at_ms)
    return any(_fails_late(spec) for spec in span.faults)


def _is_rescue(case: Case, session: Session) -> bool:
    """A public session is; a local one where the scenario admits it, because its server was only slow."""
    return session.side is Side.PUBLIC or case.scenario.then.session.admits(Side.LOCAL)


def _fails_late(spec: FaultSpec) -> bool:
    return spec.name == DIES or STAGES.get(spec.name) in (Stage.WEBSOCKET, Stage.SESSION)


def _fate(socket: SocketTry) -> str:
    if socket.failed is not None:
        return socket.failed.error
    if socket.opened is None:
        return "never opened"
    return "closed" if socket.left is not None else "open"


def _stranded(case: Case, local: SocketTry) -> Finding:
    tried = next((event for event in case.socket_starts() if case.role(event.url).side is Side.PUBLIC), None)
    waited_ms = case.end_ms - local.started.at_ms
    evidence = evidence_of(local.started, local.left, tried)
    reason = f"no public session {waited_ms:.0f} ms after it tried the local WebSocket ({_fate(local)})"
    if not case.serves(Side.PUBLIC, local.started.at_ms, case.end_ms):
        return Finding("FALL-1", Verdict.INCONCLUSIVE, f"{reason}, but the public server was not up", evidence)
    patience_ms = case.profile.budgets.seamless_ms
    if waited_ms > patience_ms + case.error_ms:
        return Finding("FALL-1", Verdict.FAIL, reason, evidence, measured_ms=waited_ms, budget_ms=patience_ms)
    return Finding("FALL-1", Verdict.INCONCLUSIVE, f"{reason}; only {patience_ms:.0f} ms would tell", evidence)


# --- FALL-2 --------------------------------------------------------------------------------------


@oracle("FALL-2")
def reconnects(case: Case) -> Finding | None:
    """It finds the next session soon when its server goes away in mid-session."""
    budget = Budget("FALL-2", case.profile.budgets.reconnect_ms, case.error_ms)
    found = gather(_reconnects(case, budget, session) for session in case.sessions)
    return found or case.absent("FALL-2", "no server went away in mid-session with another one there")


def _reconnects(case: Case, budget: Budget, lost: Session) -> Finding | None:
    end = lost.socket.left
    if end is None or not _server_went(case, lost, end):
        return None
    following = next((each for each in case.sessions if each.opened.seq > end.seq and each.socket.settled), None)
    until_ms = case.end_ms if following is None else following.opened_ms
    window = (end.at_ms, min(until_ms, end.at_ms + budget.ms))
    if not any(case.serves(side, *window) for side in Side) or case.engaged(end.at_ms):
        return None
    if following is None:
        waited_ms = until_ms - end.at_ms
        return budget.still_waiting(waited_ms, f"no session since the {lost.side.value} one was lost", end)
    taken_ms = until_ms - end.at_ms
    what = f"{following.side.value} session {taken_ms:.0f} ms after the {lost.side.value} one was lost"
    return budget.at_most(taken_ms, what, end, following.opened)


def _server_went(case: Case, lost: Session, end: Event) -> bool:
    """Whether the server ended it in mid-session, and not silently (that is FALL-3's)."""
    if isinstance(end, SessionsDropped):
        return name_of(end.fault) != HALF_OPEN
    if lost.socket.bereft is not None:
        return False  # the rig ended the worker that held it; that the server saw it go is no act of the server's
    near = case.error_ms + _SAME_CLOSE_MS
    closes = case.timeline.all(
        SessionClosed, lambda event: event.source is SOURCE[lost.side] and abs(event.at_ms - end.at_ms) <= near
    )
    return lost.socket.settled and any(event.by != "subject" for event in closes)


# --- FALL-3 --------------------------------------------------------------------------------------


@oracle("FALL-3")
def notices_half_open(case: Case) -> Finding | None:
    """It notices a half-open session: closes it and tries again, or opens another."""
    budget = Budget("FALL-3", case.profile.budgets.half_open_ms, case.error_ms)
    drops = case.timeline.all(SessionsDropped, lambda event: name_of(event.fault) == HALF_OPEN and event.count > 0)
    found = gather(_notices(case, budget, drop) for drop in drops)
    return found or case.absent("FALL-3", "no session of the subject's went silent")


def _notices(case: Case, budget: Budget, drop: SessionsDropped) -> Finding:
    silent = [session.socket for session in case.sessions if session.socket.dropped == drop]
    requests = {socket.started.request for socket in silent}
    farewells = case.timeline.all(
        SocketFrameSent, lambda event: event.request in requests and event.opcode == "close", after=drop
    )
    ends: list[Event] = [*farewells, *(socket.closed for socket in silent if socket.closed is not None)]
    left = min(ends, key=lambda event: event.seq, default=None)
    opened = [session.opened for session in case.sessions if session.opened.seq > drop.seq]
    tried = left is not None and any(attempt.started.seq > left.seq for attempt in case.attempts)
    if left is not None and not tried and not opened:
        # The browser closes the sockets of a worker that it ends for idleness: nobody noticed anything.
        what = f"its silent session was closed after {left.at_ms - drop.at_ms:.0f} ms, and nothing came of it"
        return budget.still_waiting(case.end_ms - drop.at_ms, what, drop, left)
    signs = [*opened, *([left] if left is not None and tried else [])]
    noticed = min(signs, key=lambda event: event.seq, default=None)
    if noticed is None:
        return budget.still_waiting(case.end_ms - drop.at_ms, "its silent session had not been noticed", drop)
    taken_ms = noticed.at_ms - drop.at_ms
    return budget.at_most(taken_ms, f"it noticed the silent session after {taken_ms:.0f} ms", drop, noticed)
