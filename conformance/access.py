"""What became of a request at the browser's local-network-access check: let through, asked about, stopped.

Pure. A request that was stopped is one that was made: whoever never tried has no check and no error. The
words are Chromium's (``local_network_access_check_result.cc``), and what it says to a permission that a
check asks for is an event of its own. A prompt that nobody answers leaves the request where it is, until
the subject gives it up.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from conformance.events import (
    AccessAnswered,
    AccessChecked,
    Event,
    FetchEnded,
    FetchStarted,
    SocketFailed,
    SocketOpened,
    SocketStarted,
)
from conformance.model import role_of

if TYPE_CHECKING:
    from conformance.model import Endpoints
    from conformance.timeline import Timeline

ASKS = "lna-permission-required"
# What a request ends with that the check stopped, whether or not the check itself was seen.
STOPPED = "ERR_BLOCKED_BY_LOCAL_NETWORK_ACCESS_CHECKS"
_ALLOWED = ("allowed-", "lna-allowed-")
_BLOCKED = ("blocked-", "insecure-")


class Passage(StrEnum):
    """How a request came past the check."""

    FREE = "free"  # nothing had to be asked
    PERMITTED = "permitted"  # the permission was asked for, and given
    BLOCKED = "blocked"
    DENIED = "denied"  # the permission was asked for, and refused
    UNANSWERED = "unanswered"  # the permission was asked for, and nobody answered
    UNKNOWN = "unknown"  # the browser's word is none that is known here

    @property
    def is_through(self) -> bool:
        """Whether the request went on to the server."""
        return self in (Passage.FREE, Passage.PERMITTED)


@dataclass(frozen=True, slots=True)
class Checked:
    """One request of the subject's to one of the two servers that the check had a word for.

    ``check``: None where the log has none, as of a WebSocket (Chromium 156): there the answer tells, or the end.
    ``ended``: what shows how it came out; None while it waits.
    """

    started: FetchStarted | SocketStarted
    check: AccessChecked | None
    answer: AccessAnswered | None
    ended: Event | None

    @property
    def passage(self) -> Passage:
        """How it came past."""
        error = self.ended.error if isinstance(self.ended, FetchEnded | SocketFailed) else ""
        if self.answer is not None:
            return Passage.PERMITTED if self.answer.answer == "granted" else Passage.DENIED
        if self.check is None:
            return Passage.BLOCKED
        if self.check.result == ASKS:
            if error == STOPPED:
                return Passage.DENIED
            came = isinstance(self.ended, SocketOpened) or (isinstance(self.ended, FetchEnded) and not error)
            return Passage.PERMITTED if came else Passage.UNANSWERED
        if error == STOPPED or self.check.result.startswith(_BLOCKED):
            return Passage.BLOCKED
        return Passage.FREE if self.check.result.startswith(_ALLOWED) else Passage.UNKNOWN

    @property
    def events(self) -> tuple[Event, ...]:
        """What tells it."""
        told = (self.started, self.check, self.answer, None if self.passage.is_through else self.ended)
        return tuple(event for event in told if event is not None)


def checked(timeline: Timeline, endpoints: Endpoints) -> tuple[Checked, ...]:
    """The subject's requests to the two servers that came to the check, in the order of their start.

    Of a request that was checked more than once, as after a redirect, the last check counts.
    """
    started: dict[int, FetchStarted | SocketStarted] = {}
    checks: dict[int, AccessChecked] = {}
    answers: dict[int, AccessAnswered] = {}
    ends: dict[int, Event] = {}
    for event in timeline:
        match event:
            case FetchStarted(request=request, url=url) | SocketStarted(request=request, url=url):
                if role_of(url, endpoints).side is not None:
                    started.setdefault(request, event)
            case AccessChecked(request=request):
                checks[request] = event
                answers.pop(request, None)
            case AccessAnswered(request=request):
                answers[request] = event
            case FetchEnded(request=request) | SocketFailed(request=request) | SocketOpened(request=request):
                ends[request] = event
            case _:
                pass
    return tuple(
        Checked(event, checks.get(request), answers.get(request), ends.get(request))
        for request, event in started.items()
        if request in checks or request in answers or _was_stopped(ends.get(request))
    )


def _was_stopped(ended: Event | None) -> bool:
    return isinstance(ended, FetchEnded | SocketFailed) and ended.error == STOPPED
