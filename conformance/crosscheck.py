"""The browser's truth against the servers': whether the two sources tell one story.

Pure. What one saw and the other must have seen too is looked for where it must lie, give or take the
error of the clocks. Where it is missing, nothing that rests on either can be trusted, and the judge says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.attempts import Probe, probes
from conformance.events import (
    Event,
    ObservationEnded,
    RequestReceived,
    SessionOpened,
    SocketFailed,
    SocketOpened,
    SocketStarted,
    Source,
)
from conformance.model import Side, role_of

if TYPE_CHECKING:
    from conformance.model import Endpoints
    from conformance.timeline import Timeline

# One event reaches the two sources this far apart: a round trip on loopback, and a busy harness that
# notes what it did a little after it did it.
SLACK_MS = 50.0

_SOURCE = {Side.LOCAL: Source.LOCAL, Side.PUBLIC: Source.PUBLIC}

# A handshake that the server had finished may end so in the browser: given up, or cut.
_GIVEN_UP = "ERR_ABORTED"
_CUT_SHORT = (_GIVEN_UP, "ERR_CONNECTION_RESET", "ERR_CONNECTION_CLOSED", "ERR_CONNECTION_ABORTED")


@dataclass(slots=True)
class _Handshake:
    """A WebSocket's opening as the browser saw it."""

    started: SocketStarted
    opened: SocketOpened | None = None
    failed: SocketFailed | None = None


@dataclass(frozen=True, slots=True)
class _Match:
    """One side's sessions: as the browser opened them, each with its server's if there is one, and the others."""

    handshakes: tuple[_Handshake, ...]
    pairs: tuple[tuple[SocketOpened, SessionOpened | None], ...]
    alone: tuple[SessionOpened, ...]


def disagreements(timeline: Timeline, endpoints: Endpoints, error_ms: float) -> tuple[str, ...]:
    """What one source saw and the other did not, in words; empty when they agree."""
    near_ms = error_ms + SLACK_MS
    told = [line for side in Side for line in _sessions(timeline, endpoints, side, near_ms)]
    return (*told, *_probes(timeline, endpoints, near_ms))


def lateness_ms(timeline: Timeline, endpoints: Endpoints, error_ms: float) -> float:
    """The longest by which the browser knew of a session later than its server: the scenario's own check of its times.

    A server's 101 is on its way for well under a millisecond here; what is more was the machine's.
    """
    matches = [_matched(timeline, endpoints, side, error_ms + SLACK_MS) for side in Side]
    pairs = [pair for match in matches for pair in match.pairs]
    return max([0.0, *(opened.at_ms - served.at_ms for opened, served in pairs if served is not None)])


def _sessions(timeline: Timeline, endpoints: Endpoints, side: Side, near_ms: float) -> list[str]:
    """Each session that one source saw open and the other did not.

    A server opens a session before the browser takes it as open, and not before the browser asked: on a
    starved machine the browser may be late by any time, but never early.
    """
    match = _matched(timeline, endpoints, side, near_ms)
    told = [
        f"the browser opened a {side.value} session at {opened.at_ms:.0f} ms, the server did not"
        for opened, served in match.pairs
        if served is None and not _at_the_end(timeline, opened, near_ms)
    ]
    return told + [
        f"the {side.value} server opened a session at {event.at_ms:.0f} ms, the browser did not"
        for event in match.alone
        if not _at_the_end(timeline, event, near_ms)
        and not any(_was_cut(event, each, near_ms) for each in match.handshakes)
    ]


def _matched(timeline: Timeline, endpoints: Endpoints, side: Side, near_ms: float) -> _Match:
    alone = timeline.all(SessionOpened, lambda event: event.source is _SOURCE[side])
    handshakes = _handshakes(timeline, endpoints, side)
    pairs: list[tuple[SocketOpened, SessionOpened | None]] = []
    for handshake in handshakes:
        if handshake.opened is not None:
            partner = next((event for event in alone if _belongs(event, handshake, near_ms)), None)
            if partner is not None:
                alone.remove(partner)
            pairs.append((handshake.opened, partner))
    return _Match(tuple(handshakes), tuple(pairs), tuple(alone))


def _handshakes(timeline: Timeline, endpoints: Endpoints, side: Side) -> list[_Handshake]:
    found: dict[int, _Handshake] = {}
    for event in timeline:
        match event:
            case SocketStarted(request=request, url=url) if role_of(url, endpoints).side is side:
                found[request] = _Handshake(event)
            case SocketOpened(request=request) if request in found:
                found[request].opened = event
            case SocketFailed(request=request) if request in found:
                found[request].failed = event
            case _:
                pass
    return list(found.values())


def _belongs(served: SessionOpened, handshake: _Handshake, near_ms: float) -> bool:
    opened_ms = served.at_ms if handshake.opened is None else handshake.opened.at_ms
    return handshake.started.at_ms - near_ms <= served.at_ms <= opened_ms + near_ms


def _was_cut(served: SessionOpened, handshake: _Handshake, near_ms: float) -> bool:
    """Whether this is the handshake that a server finished for a browser that had left, perhaps long before."""
    cut = handshake.failed
    if cut is None or cut.error not in _CUT_SHORT or served.at_ms < handshake.started.at_ms - near_ms:
        return False
    return cut.error == _GIVEN_UP or abs(cut.at_ms - served.at_ms) <= near_ms


def _probes(timeline: Timeline, endpoints: Endpoints, near_ms: float) -> list[str]:
    """Each signature GET that arrived must have been made. Not the reverse: one may be refused, or cached."""
    path = urlsplit(endpoints.signature).path or "/"
    arrived = timeline.all(
        RequestReceived,
        lambda event: (
            event.source is Source.LOCAL
            and event.method == "GET"
            and not event.upgrade
            and (urlsplit(event.target).path or "/") == path
        ),
    )
    made = probes(timeline, endpoints)
    return [
        f"a signature GET arrived at {event.at_ms:.0f} ms, the browser made none"
        for event in arrived
        if not any(_under_way(probe, event, near_ms) for probe in made) and not _at_the_end(timeline, event, near_ms)
    ]


def _under_way(probe: Probe, event: RequestReceived, near_ms: float) -> bool:
    begun = probe.started.at_ms - near_ms <= event.at_ms
    return begun and (probe.ended is None or event.at_ms <= probe.ended.at_ms + near_ms)


def _at_the_end(timeline: Timeline, event: Event, near_ms: float) -> bool:
    """What happened as watching ended may have reached one source only."""
    ended = timeline.first(ObservationEnded)
    return ended is not None and event.at_ms > ended.at_ms - near_ms
