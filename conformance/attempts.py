"""From events to what the subject did: its probes, its sockets, its attempts and its sessions.

Pure. Everything here is the browser's truth, joined by the network log's request numbers; only the
drops that the rig itself made are taken from elsewhere. What the servers saw is crosscheck.py's
business, and what an attempt means for a requirement is the oracles'.

An attempt begins with a probe, or with a socket where the attempt before it is over. It has the
sockets that start until the next probe. It is over when a public socket or a settled session is; a
local socket that fails, or whose session ends at once, is still followed by the same attempt's public
socket.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from conformance.events import (
    BrowserClosed,
    Event,
    FetchAnswered,
    FetchEnded,
    FetchStarted,
    SessionsDropped,
    SocketClosed,
    SocketFailed,
    SocketFrameSent,
    SocketOpened,
    SocketStarted,
    SubjectReloaded,
    WorkerStopped,
)
from conformance.model import Endpoints, Role, Side, role_of
from conformance.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# A session that ends sooner than this was a refusal, not a session: long enough for a server that
# accepts only to close at once (one round trip), short beside any real use.
SETTLED_MS = 1000.0

# The sockets of a worker that was stopped are gone this much later at the latest. One that is not is held by
# another part of the subject, an offscreen document above all, and has outlived the worker.
_ORPHAN_MS = 5000.0

# The browser's log has whole milliseconds, so what follows within one may seem to come before.
_CLOCKS_MS = 1.0

_SESSION_SIDE = {Role.LOCAL_SESSION: Side.LOCAL, Role.PUBLIC_SESSION: Side.PUBLIC}
# What ends a worker, and with it every socket of the subject's: the scenario's doing, not the subject's.
Bereavement: TypeAlias = WorkerStopped | SubjectReloaded | BrowserClosed

_PREFLIGHT = "OPTIONS"  # the browser's own question before a fetch; the fetch itself follows


@dataclass(frozen=True, slots=True)
class Probe:
    """One GET of the signature. ``hops``: where redirects led it. ``answers``: one a hop, in order."""

    started: FetchStarted
    hops: tuple[FetchStarted, ...] = ()
    answers: tuple[FetchAnswered, ...] = ()
    ended: FetchEnded | None = None

    @property
    def status(self) -> int | None:
        """The last answer's status."""
        return self.answers[-1].status if self.answers else None

    @property
    def cached(self) -> bool:
        """Whether the browser answered it out of its cache, so that no server was asked."""
        return bool(self.answers) and all(answer.from_cache for answer in self.answers)

    @property
    def delivered(self) -> bool:
        """Whether a 2xx answer came to its end, so that the subject could read all of it."""
        whole = self.ended is not None and self.ended.error == ""
        return whole and self.status is not None and self.status // 100 == 2  # noqa: PLR2004 - RFC 9110, 15


@dataclass(frozen=True, slots=True)
class SocketTry:
    """One WebSocket. ``left``: when it was no longer the subject's session, whoever ended it first.

    That is its failure, its end, the subject's own close frame (the browser may wait a minute for the
    answer to that), or the rig's act. ``dropped``: the rig's drop of it. ``bereft``: the rig ended the worker
    that held it.
    """

    started: SocketStarted
    side: Side
    opened: SocketOpened | None = None
    failed: SocketFailed | None = None
    closed: SocketClosed | None = None
    left: Event | None = None
    dropped: SessionsDropped | None = None
    bereft: Bereavement | None = None

    @property
    def settled(self) -> bool:
        """Whether it was a session that stayed, for the subject's part and the server's."""
        if self.opened is None:
            return False
        if self.left is None or self.dropped is not None or self.bereft is not None:
            return True
        return self.left.at_ms - self.opened.at_ms >= SETTLED_MS


class Ending(StrEnum):
    """What an attempt came to."""

    OPENED = "opened"  # a session that stayed
    FAILED = "failed"  # every part of it failed, and there was no session
    CHECKED = "checked"  # it opened nothing, and had no need: another attempt's session was open
    UNFINISHED = "unfinished"  # something was still to come when the observation ended


@dataclass(frozen=True, slots=True)
class Attempt:
    """One connect. ``ended_at_ms``: its last failure, or the end of its session; None while it lasts."""

    index: int
    started: FetchStarted | SocketStarted
    probe: Probe | None
    sockets: tuple[SocketTry, ...]
    ended_at_ms: float | None
    outcome: Ending

    def tries(self, side: Side) -> tuple[SocketTry, ...]:
        """Its sockets to one side."""
        return tuple(each for each in self.sockets if each.side is side)


@dataclass(frozen=True, slots=True)
class Session:
    """An open WebSocket. ``left_ms``: see ``SocketTry.left``; ``closed_ms``: gone from the browser."""

    side: Side
    opened_ms: float
    closed_ms: float | None
    left_ms: float | None
    socket: SocketTry

    @property
    def opened(self) -> SocketOpened:
        """The event that opened it."""
        if self.socket.opened is None:  # by construction
            raise ValueError("a session whose socket never opened")
        return self.socket.opened

    def open_at(self, at_ms: float) -> bool:
        """Whether the subject held it at that time."""
        return self.opened_ms <= at_ms and (self.left_ms is None or at_ms < self.left_ms)


_Part: TypeAlias = Probe | SocketTry


def attempts(timeline: Timeline, endpoints: Endpoints) -> tuple[Attempt, ...]:
    """The subject's attempts, in order."""
    groups: list[list[_Part]] = []
    for part in _parts(timeline, endpoints):
        if isinstance(part, Probe) or not groups or _is_over(groups[-1], part):
            groups.append([part])
        else:
            groups[-1].append(part)
    held = sessions(timeline, endpoints)
    return tuple(_attempt(index, group, held) for index, group in enumerate(groups))


def begun(events: Iterable[Event], endpoints: Endpoints) -> int:
    """How many attempts have begun; ``events`` in any order, as they come in."""
    return len(attempts(Timeline.of(events), endpoints))


def sessions(timeline: Timeline, endpoints: Endpoints) -> tuple[Session, ...]:
    """The subject's sessions, in the order in which they opened."""
    found = [
        Session(
            side=each.side,
            opened_ms=each.opened.at_ms,
            closed_ms=None if each.closed is None else each.closed.at_ms,
            left_ms=None if each.left is None else each.left.at_ms,
            socket=each,
        )
        for each in socket_tries(timeline, endpoints)
        if each.opened is not None
    ]
    return tuple(sorted(found, key=lambda session: session.opened.seq))


def socket_tries(timeline: Timeline, endpoints: Endpoints) -> tuple[SocketTry, ...]:
    """The subject's WebSockets to the session endpoints of its profile, in the order of their start."""
    tries: dict[int, SocketTry] = {}
    ends = {event.request: event.at_ms for event in timeline if isinstance(event, SocketClosed | SocketFailed)}
    end_ms = timeline.events[-1].at_ms if len(timeline) else 0.0
    for event in timeline:
        match event:
            case SocketStarted(request=request, url=url):
                side = _SESSION_SIDE.get(role_of(url, endpoints))
                if side is not None:
                    tries[request] = SocketTry(event, side)
            case SessionsDropped(side=side):
                _drop(tries, side, event)
            case WorkerStopped(at_ms=at_ms) if at_ms + _ORPHAN_MS < end_ms:
                orphans = {key: known for key, known in tries.items() if ends.get(key, end_ms) <= at_ms + _ORPHAN_MS}
                tries |= _bereaved(orphans, event)
            case WorkerStopped() | SubjectReloaded() | BrowserClosed():
                tries |= _bereaved(tries, event)
            case SocketOpened() | SocketFailed() | SocketClosed() | SocketFrameSent():
                if (known := tries.get(event.request)) is not None:
                    tries[event.request] = _further(known, event)
            case _:
                pass
    return tuple(tries.values())


def _further(known: SocketTry, event: SocketOpened | SocketFailed | SocketClosed | SocketFrameSent) -> SocketTry:
    match event:
        case SocketOpened():
            return replace(known, opened=event)
        case SocketFailed():
            return replace(known, failed=event, left=known.left or event)
        case SocketClosed():
            return replace(known, closed=event, left=known.left or event)
        case SocketFrameSent(opcode="close"):
            return replace(known, left=known.left or event)
    return known


def _drop(tries: dict[int, SocketTry], side: Side, drop: SessionsDropped) -> None:
    for request, known in tries.items():
        if known.side is side and known.opened is not None and drop.count and _held_until(known, drop):
            tries[request] = replace(known, left=drop, dropped=drop)


def _bereaved(tries: Mapping[int, SocketTry], act: Bereavement) -> dict[int, SocketTry]:
    return {
        request: replace(known, left=act, bereft=act) for request, known in tries.items() if _held_until(known, act)
    }


def _held_until(known: SocketTry, act: Event) -> bool:
    """Whether the rig's act ended it, even if the browser's answer to that seems to have come a moment before."""
    return known.left is None or (known.failed is None and act.at_ms - known.left.at_ms <= _CLOCKS_MS)


def _parts(timeline: Timeline, endpoints: Endpoints) -> list[_Part]:
    parts: list[_Part] = [*probes(timeline, endpoints), *socket_tries(timeline, endpoints)]
    return sorted(parts, key=lambda part: part.started.seq)


def probes(timeline: Timeline, endpoints: Endpoints) -> tuple[Probe, ...]:
    """The subject's requests for the local signature, in the order of their start."""
    found: dict[int, Probe] = {}
    for event in timeline:
        match event:
            case FetchStarted(request=request, url=url, method=method):
                if request in found:  # a redirect starts again with the same number
                    found[request] = replace(found[request], hops=(*found[request].hops, event))
                elif role_of(url, endpoints) is Role.PROBE and method != _PREFLIGHT:
                    found[request] = Probe(event)
            case FetchAnswered(request=request) if request in found:
                found[request] = replace(found[request], answers=(*found[request].answers, event))
            case FetchEnded(request=request) if request in found:
                found[request] = replace(found[request], ended=event)
            case _:
                pass
    return tuple(found.values())


def _is_over(group: list[_Part], following: SocketTry) -> bool:
    """Whether the attempt that ``group`` makes was over when ``following`` started."""
    tries = [part for part in group if isinstance(part, SocketTry)]
    if not tries or any(each.left is None or each.left.seq > following.started.seq for each in tries):
        return False
    if any(each.side is Side.PUBLIC for each in tries) or following.side is Side.LOCAL:
        return True
    # A local session that the rig dropped within SETTLED_MS looks to the subject like one that its
    # server closed at once, so going on to the public server is the same attempt there too.
    return any(
        each.opened is not None and each.left is not None and each.left.at_ms - each.opened.at_ms >= SETTLED_MS
        for each in tries
    )


def _attempt(index: int, group: list[_Part], held: tuple[Session, ...]) -> Attempt:
    probe = group[0] if isinstance(group[0], Probe) else None
    tries = tuple(part for part in group if isinstance(part, SocketTry))
    ends = [each.left for each in tries] if tries else [probe.ended if probe else None]
    ended_at_ms = None if None in ends else max(end.at_ms for end in ends if end is not None)
    return Attempt(index, group[0].started, probe, tries, ended_at_ms, _outcome(tries, ended_at_ms, held))


def _outcome(tries: tuple[SocketTry, ...], ended_at_ms: float | None, held: tuple[Session, ...]) -> Ending:
    if any(each.settled for each in tries):
        return Ending.OPENED
    if ended_at_ms is None:
        return Ending.UNFINISHED
    beside = any(session.open_at(ended_at_ms) for session in held if session.socket not in tries)
    return Ending.CHECKED if beside else Ending.FAILED
