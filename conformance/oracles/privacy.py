"""PRIV: what the subject lets whom see.

Pure. Both sources are asked: the browser for what the subject tried, the fakes for what arrived.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from conformance.events import (
    CanaryPlanted,
    ConnectionAccepted,
    Event,
    FetchStarted,
    FrameReceived,
    JunkReceived,
    LookupStarted,
    PreconnectStarted,
    RequestReceived,
    SessionClosed,
    SessionOpened,
    SocketStarted,
    Source,
    TcpStarted,
    TlsFailed,
)
from conformance.model import Role, Shown, Side
from conformance.oracles.findings import evidence_of
from conformance.oracles.registry import oracle
from conformance.oracles.world import STAGES, Stage
from conformance.verdict import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.attempts import Attempt, Session, SocketTry
    from conformance.oracles.case import Case

# A fake may record what came in this much later than the browser sent it.
_DELIVERY_MS = 50.0

# What follows the end of a session may seem to come before it: the browser's log has whole milliseconds,
# and the server's side of a close is known to it a round trip later.
_CLOSE_MS = 5.0

_ARRIVALS = (ConnectionAccepted, RequestReceived, JunkReceived, TlsFailed, SessionOpened, FrameReceived)
_PARTING = ("close", "pong")  # ends a session, or is the browser's own answer: nothing of the subject's

_SECRET_WORDS = ("auth", "credential", "key", "password", "secret", "session", "token")


# --- PRIV-1 --------------------------------------------------------------------------------------


@oracle("PRIV-1", everywhere=True)
def local_is_private(case: Case) -> Finding | None:
    """It sends nothing to the public host while the local server is its choice."""
    if case.endpoints.public is None:
        return case.without_public("PRIV-1")
    windows = [_chosen(case, session) for session in case.sessions if session.side is Side.LOCAL]
    if not windows:
        return case.absent("PRIV-1", "the subject had no local session")
    if (leak := _leak(case, windows)) is not None:
        reason = f"{_told(leak)} at {leak.at_ms:.0f} ms, while its session was with the local server"
        return Finding("PRIV-1", Verdict.FAIL, reason, evidence_of(leak))
    exactly = [_chosen(replace(case, error_ms=0.0), session) for session in case.sessions if session.side is Side.LOCAL]
    if (leak := _leak(case, exactly)) is not None:
        reason = f"{_told(leak)} at {leak.at_ms:.0f} ms, as its local session ended"
        return Finding("PRIV-1", Verdict.INCONCLUSIVE, f"{reason}: {_within(case)}", evidence_of(leak))
    chosen_ms = sum(end_ms - start_ms for start_ms, end_ms in windows)
    evidence = evidence_of(*(session.opened for session in case.sessions if session.side is Side.LOCAL))
    reason = (
        f"no lookup, connection or byte for the public host in the {chosen_ms:.0f} ms in which the local server was "
        f"its choice, neither in the browser's log nor at the server"
    )
    return Finding("PRIV-1", Verdict.PASS, reason, evidence)


def _leak(case: Case, windows: Sequence[tuple[float, float]]) -> Event | None:
    """The first thing that went to the public host in one of these stretches."""
    public = [event for event in case.timeline if _is_public(case, event)]
    return next((event for low, high in windows for event in public if low < event.at_ms < high), None)


def _within(case: Case) -> str:
    return f"within the error of ±{case.error_ms:.0f} ms"


def _chosen(case: Case, session: Session) -> tuple[float, float]:
    """From the good signature to the end of the session, as early as either source has that end."""
    attempt = next(each for each in case.attempts if session.socket in each.sockets)
    start_ms = session.socket.started.at_ms
    if attempt.probe is not None and attempt.probe.ended is not None and attempt.sockets[0] == session.socket:
        start_ms = min(start_ms, attempt.probe.ended.at_ms)
    closed = case.timeline.first(SessionClosed, lambda event: event.source is Source.LOCAL, after=session.opened)
    ends = [case.end_ms if session.left_ms is None else session.left_ms]
    if closed is not None:
        ends.append(closed.at_ms)
    return start_ms, max(start_ms, min(ends) - max(case.error_ms, _CLOSE_MS))


def _is_public(case: Case, event: Event) -> bool:
    match event:
        case FetchStarted(url=url) | SocketStarted(url=url) | PreconnectStarted(url=url):
            return case.role(url).side is Side.PUBLIC
        case TcpStarted(side=side) | LookupStarted(side=side):
            return side is Side.PUBLIC
        case FrameReceived(source=Source.PUBLIC, opcode=opcode):
            return opcode not in _PARTING
    return event.source is Source.PUBLIC and isinstance(event, _ARRIVALS)


def _told(event: Event) -> str:
    match event:
        case FetchStarted(url=url) | SocketStarted(url=url) | PreconnectStarted(url=url):
            return f"it reached for {url}"
        case TcpStarted():
            return "the browser connected to the public host"
        case LookupStarted():
            return "the browser looked up the public host"
        case FrameReceived(opcode=opcode, size=size):
            return f"the public server received a {opcode} frame of {size} bytes"
        case RequestReceived(method=method, target=target):
            return f"the {event.source} server received {method} {target}"
    return f"the {event.source} server saw {type(event).__name__}"


# --- PRIV-2 --------------------------------------------------------------------------------------


@oracle("PRIV-2", everywhere=True)
def nothing_but_the_question(case: Case) -> Finding | None:
    """It sends nothing but the signature GET to a local server without a good signature."""
    asked = [attempt for attempt in case.attempts if _unsigned(case, attempt)]
    if (maybe := _sent(replace(case, error_ms=0.0))) is not None:
        if (sent := _sent(case)) is not None:
            reason = f"{_told(sent)} at {sent.at_ms:.0f} ms, and the local server had shown no good signature"
            return Finding("PRIV-2", Verdict.FAIL, reason, evidence_of(sent))
        reason = f"{_told(maybe)} at {maybe.at_ms:.0f} ms, as the local server lost its good signature"
        return Finding("PRIV-2", Verdict.INCONCLUSIVE, f"{reason}: {_within(case)}", evidence_of(maybe))
    questions = [attempt.probe.started for attempt in asked if attempt.probe is not None]
    if not questions:
        return case.absent("PRIV-2", "the subject asked no local server without a good signature")
    times = "once" if len(questions) == 1 else f"{len(questions)} times"
    watched_ms = case.end_ms - questions[0].at_ms
    reason = (
        f"it asked {times} for the signature, and neither its browser's log nor the local server has anything else "
        f"in the {watched_ms:.0f} ms since"
    )
    return Finding("PRIV-2", Verdict.PASS, reason, evidence_of(*questions))


def _sent(case: Case) -> Event | None:
    """The first thing that a local server without a good signature should not have been sent."""
    asked = [attempt for attempt in case.attempts if _unsigned(case, attempt)]
    return _sent_by_browser(case) or _tried_anyway(asked) or _received(case)


def _is_unsigned_at(case: Case, at_ms: float) -> bool:
    """Whether the local server showed no good signature then, and had shown the same for some time."""
    span = case.span_at(Side.LOCAL, at_ms)
    settled = at_ms - span.start_ms > case.error_ms + _DELIVERY_MS
    return settled and case.shown_at(at_ms) in (Shown.BAD, Shown.SILENT)


def _unsigned(case: Case, attempt: Attempt) -> bool:
    """Whether the attempt met a local server without a good signature, or never asked one at all."""
    if attempt.probe is None:
        return _is_unsigned_at(case, attempt.started.at_ms)
    shown = case.shown(attempt)
    # A silent server that answers after all, only late, has shown what it has to show.
    return shown is Shown.BAD or (shown is Shown.SILENT and not attempt.probe.delivered)


def _sent_by_browser(case: Case) -> Event | None:
    """A request of the subject's that is not the signature GET."""
    hops: set[int] = set()
    for event in case.timeline.all(FetchStarted):
        role = case.role(event.url)
        is_question = role is Role.PROBE and event.method == "GET"
        is_hop = event.request in hops  # the server chose where that goes
        hops.add(event.request)
        if role.side is Side.LOCAL and not is_question and not is_hop and _is_unsigned_at(case, event.at_ms):
            return event
    others = (event for event in case.timeline.all(SocketStarted) if case.role(event.url) is Role.LOCAL_OTHER)
    return next((event for event in others if _is_unsigned_at(case, event.at_ms)), None)


def _tried_anyway(asked: list[Attempt]) -> SocketStarted | None:
    tries = (socket for attempt in asked for socket in attempt.tries(Side.LOCAL))
    return next((socket.started for socket in tries), None)


def _received(case: Case) -> Event | None:
    """What came in at the local fake that no session of the subject's good attempts explains."""
    for event in case.timeline:
        if event.source is not Source.LOCAL or not _is_unsigned_at(case, event.at_ms):
            continue
        match event:
            case RequestReceived():
                wrong = not _is_question(case, event) and not _explained(case, event)
            case JunkReceived():
                wrong = not _reads_no_http(case, event.at_ms)
            case _:
                wrong = False
        if wrong:
            return event
    return None


def _reads_no_http(case: Case, at_ms: float) -> bool:
    """Whether a fault was in force that takes the question itself for junk."""
    stages = {STAGES.get(spec.name) for spec in case.span_at(Side.LOCAL, at_ms).faults}
    return not stages.isdisjoint((Stage.CONNECTION, Stage.TLS))


def _is_question(case: Case, event: RequestReceived) -> bool:
    path = urlsplit(event.target).path or "/"
    return event.method == "GET" and not event.upgrade and path == (urlsplit(case.endpoints.signature).path or "/")


def _explained(case: Case, event: RequestReceived) -> bool:
    """A redirect that was followed, or the WebSocket of an attempt that had been shown a good signature."""
    near = _DELIVERY_MS + case.error_ms
    if event.upgrade:
        return any(
            _covers(socket, event.at_ms, near)
            for attempt in case.attempts
            if not _unsigned(case, attempt)
            for socket in attempt.tries(Side.LOCAL)
        )
    hops = [hop for attempt in case.attempts if attempt.probe is not None for hop in attempt.probe.hops]
    return any(hop.at_ms - near <= event.at_ms for hop in hops)


def _covers(socket: SocketTry, at_ms: float, near_ms: float) -> bool:
    end_ms = at_ms if socket.left is None else socket.left.at_ms
    return socket.started.at_ms - near_ms <= at_ms <= end_ms + near_ms


# --- PRIV-3 --------------------------------------------------------------------------------------


@oracle("PRIV-3", everywhere=True)
def no_credentials(case: Case) -> Finding | None:
    """It sends no cookies, tokens or other credentials with the signature GET."""
    arrived = case.timeline.all(
        RequestReceived, lambda event: event.source is Source.LOCAL and _is_question(case, event)
    )
    if not arrived:
        return case.absent("PRIV-3", "no signature GET reached the local server")
    for event in arrived:
        carried = (*event.credentials, *_secrets(event.target))
        if carried:
            reason = f"the signature GET at {event.at_ms:.0f} ms carried {', '.join(carried)}"
            return Finding("PRIV-3", Verdict.FAIL, reason, evidence_of(event))
    count = "1 signature GET" if len(arrived) == 1 else f"{len(arrived)} signature GETs"
    reason = f"{count} arrived without any credentials"
    planted = case.timeline.first(CanaryPlanted)
    if planted is not None:
        reason = f"{reason}, and there were some to send: {', '.join(planted.what)}"
    return Finding("PRIV-3", Verdict.PASS, reason, evidence_of(*arrived, planted))


def _secrets(target: str) -> tuple[str, ...]:
    """The names in the query that say that their value is a secret."""
    names = (name for name, _ in parse_qsl(urlsplit(target).query, keep_blank_values=True))
    return tuple(f"{name} in its URL" for name in names if any(word in name.lower() for word in _SECRET_WORDS))
