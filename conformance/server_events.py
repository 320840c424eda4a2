"""What is seen of a server under test: events of their own, beside those of an extension's timeline.

Pure. Every one says what was sent by a name that the plan gave it, and what the server did. ``source`` is the
server's side. A finding rests on these and on nothing else, so a stored run of servers is judged again like any.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from conformance.events import Event


class Outcome(StrEnum):
    """What became of something that was sent."""

    ANSWERED = "answered"  # a whole HTTP answer, or the pong that shows a session alive
    OPEN = "open"  # a WebSocket, or a TLS connection
    ENDED = "ended"  # the server ended the session or the connection
    REFUSED = "refused"  # the connection itself, or the TLS handshake
    SILENT = "silent"  # nothing came while it was waited for
    BROKEN = "broken"  # something came that is no answer


class Wanted(StrEnum):
    """What a server that conforms does with it."""

    ANSWERED = "an answer"
    OPEN = "an open session"
    REFUSED = "a refusal"
    SURVIVED = "anything but a failure of its own"
    TAKEN = "an answer that is no failure of its own"
    KEPT = "the session kept"
    ENDED = "the session ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried(Event):
    """Something was sent to the server, and this came of it.

    ``status``: of the HTTP answer, 0 for none. ``code``: the close code that the server sent, 0 for none;
    ``code_wanted``: the only one that is right, 0 where several are.
    ``headers``: those that are judged, as ``name: value``. ``detail``: whatever explains the outcome.
    ``alike``: so many inputs came to the same, and this was the first of them. ``may_refuse``: it is no input that a
    requirement is about. ``wrong``: what the checks of the OpenAPI document say, by the check's name.
    """

    what: str
    wanted: str
    outcome: str
    status: int = 0
    code: int = 0
    code_wanted: int = 0
    origin: str = ""
    headers: tuple[str, ...] = ()
    body: str = ""
    detail: str = ""
    took_ms: float = 0.0
    alike: int = 1
    may_refuse: bool = False
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Event):
    """Times of many answers. ``floor_p99_ms``: of the smallest server there is, in the same minutes."""

    what: str
    samples: int
    p50_ms: float
    p99_ms: float
    floor_p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzzed(Event):
    """Drawn inputs were sent. ``ended`` of them ended their session or connection, as they had to.

    ``wrong``: the first of those that the server took otherwise than it must, with what it did.
    """

    what: str
    inputs: int
    ended: int
    wrong_count: int
    seed: int
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListensOn(Event):
    """The addresses on which this machine listens at the server's port."""

    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited(Event):
    """One client connected again and again, ``tried`` times within ``within_s``.

    ``accepted`` came through before the first 429 (``status`` 0: there was none). ``others``: whether another
    client was still let in afterwards; None where the harness has no other address to come from.
    """

    tried: int
    accepted: int
    status: int
    within_s: float
    others: bool | None = None
