"""The browser's truth against the servers': whether the two sources tell one story.

Pure. What one saw and the other must have seen too is looked for within the error of the clocks. Where
it is missing, nothing that rests on either can be trusted, and the judge says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
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
    from collections.abc import Sequence

    from conformance.model import Endpoints
    from conformance.timeline import Timeline

One = TypeVar("One", bound=Event)
Other = TypeVar("Other", bound=Event)

# One event reaches the two sources this far apart: a round trip on loopback, and a busy harness that
# notes what it did a little after it did it.
SLACK_MS = 50.0

_SOURCE = {Side.LOCAL: Source.LOCAL, Side.PUBLIC: Source.PUBLIC}

# A handshake that the server had finished may end so in the browser: given up, or cut.
_GIVEN_UP = "ERR_ABORTED"
_CUT_SHORT = (_GIVEN_UP, "ERR_CONNECTION_RESET", "ERR_CONNECTION_CLOSED", "ERR_CONNECTION_ABORTED")


def disagreements(timeline: Timeline, endpoints: Endpoints, error_ms: float) -> tuple[str, ...]:
    """What one source saw and the other did not, in words; empty when they agree."""
    near_ms = error_ms + SLACK_MS
    told = [line for side in Side for line in _sessions(timeline, endpoints, side, near_ms)]
    return (*told, *_probes(timeline, endpoints, near_ms))


def _sessions(timeline: Timeline, endpoints: Endpoints, side: Side, near_ms: float) -> list[str]:
    urls = {event.request: event.url for event in timeline.all(SocketStarted)}

    def is_there(request: int) -> bool:
        return request in urls and role_of(urls[request], endpoints).side is side

    served = timeline.all(SessionOpened, lambda event: event.source is _SOURCE[side])
    opened = timeline.all(SocketOpened, lambda event: is_there(event.request))
    cut = timeline.all(SocketFailed, lambda event: is_there(event.request) and event.error in _CUT_SHORT)
    only_served, only_opened = _unmatched(served, opened, near_ms)
    told = [
        f"the {side.value} server opened a session at {event.at_ms:.0f} ms, the browser did not"
        for event in only_served
        if not _at_the_end(timeline, event, near_ms) and not any(_was_cut(event, one, near_ms) for one in cut)
    ]
    return told + [
        f"the browser opened a {side.value} session at {event.at_ms:.0f} ms, the server did not"
        for event in only_opened
        if not _at_the_end(timeline, event, near_ms)
    ]


def _was_cut(served: SessionOpened, cut: SocketFailed, near_ms: float) -> bool:
    """Whether this is the handshake that a server finished for a browser that had left, perhaps long before."""
    if cut.error == _GIVEN_UP:
        return cut.at_ms <= served.at_ms + near_ms
    return abs(cut.at_ms - served.at_ms) <= near_ms


def _unmatched(ones: Sequence[One], others: Sequence[Other], near_ms: float) -> tuple[list[One], list[Other]]:
    """What is left of two rows in order of time when each is paired with the first near one of the other."""
    left: list[One] = []
    rest = list(others)
    for one in ones:
        match = next((other for other in rest if abs(other.at_ms - one.at_ms) <= near_ms), None)
        if match is None:
            left.append(one)
        else:
            rest.remove(match)
    return left, rest


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
