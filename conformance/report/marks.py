"""A timeline in words: its main events as marks between three lanes, and all of it as text.

Pure. A mark is what a reader needs to see of an event: who did it, towards whom, and a few words.
Pictures, Allure steps and text attachments are made of marks; none of them looks at an event itself.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance import events as seen
from conformance.events import Source
from conformance.model import Side
from conformance.server_events import Tried
from conformance.throttle import held_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.events import Event
    from conformance.timeline import Timeline


class Lane(StrEnum):
    """Who: the local server, the subject in its browser, the public server."""

    LOCAL = "local"
    SUBJECT = "subject"
    PUBLIC = "public"


class Tone(StrEnum):
    """How a mark reads: as usual, something opened, something failed, or an act of the harness."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    RIG = "rig"


@dataclass(frozen=True, slots=True)
class Mark:
    """``to`` is None for what happens in one lane; otherwise the mark goes from ``lane`` to ``to``."""

    at_ms: float
    seq: int
    lane: Lane
    to: Lane | None
    says: str
    tone: Tone = Tone.PLAIN


# A shorter delay is lost among the other steps of a connect.
_SHOWN_MS = 50.0

_LANE = {Source.LOCAL: Lane.LOCAL, Source.PUBLIC: Lane.PUBLIC}
_SIDE = {Side.LOCAL: Lane.LOCAL, Side.PUBLIC: Lane.PUBLIC}


def marks(timeline: Timeline) -> tuple[Mark, ...]:
    """The main events in order; what only repeats another source's word is left out."""
    held = held_ms(timeline)
    drawn = ((_throttle(event, held), _starved(event), _mark(event)) for event in timeline)
    return tuple(mark for each in drawn for mark in each if mark is not None)


def _throttle(event: Event, held: Mapping[int, float]) -> Mark | None:
    """The browser's own delay of a WebSocket, where it may be long enough to be taken for the subject's wait."""
    most_ms = held.get(event.seq, 0.0)
    if most_ms < _SHOWN_MS:
        return None
    return _note(event, Lane.SUBJECT, f"held by the browser for up to {most_ms:.0f} ms")


def _starved(event: Event) -> Mark | None:
    """What a busy machine cost the browser, where it may be enough to be taken for the subject's wait, too."""
    if not isinstance(event, seen.BrowserStarved) or event.waited_ms < _SHOWN_MS:
        return None
    says = f"no processor for up to {event.waited_ms:.0f} of {event.over_ms:.0f} ms"
    return _note(event, Lane.SUBJECT, says, Tone.RIG)


def sentence(mark: Mark) -> str:
    """A mark as one line: ``83.1 ms  subject → local: GET /semantest-signature``."""
    who = mark.lane.value if mark.to is None else f"{mark.lane} → {mark.to}"
    return f"{mark.at_ms:.1f} ms  {who}: {mark.says}"


def _mark(event: Event) -> Mark | None:
    if isinstance(event, seen.FaultFellShort):
        return _note(event, _SIDE[event.side], f"{event.fault} fell short: {event.detail}", Tone.BAD)
    if event.source is Source.RIG:
        return _rig_mark(event)
    if isinstance(event, Tried):
        came = " ".join(str(part) for part in (event.status or event.outcome, event.code or "") if part)
        return Mark(event.at_ms, event.seq, Lane.SUBJECT, _LANE[event.source], f"{event.what}: {came}")
    return _browser_mark(event) if event.source is Source.BROWSER else _server_mark(event)


def _rig_mark(event: Event) -> Mark | None:
    match event:
        case seen.SubjectStarted():
            return _note(event, Lane.SUBJECT, f"started ({event.how})", Tone.RIG)
        case seen.WorldSet():
            return _note(event, _SIDE[event.side], ", ".join(event.faults) or "healthy", Tone.RIG)
        case seen.SessionsDropped():
            return _note(event, _SIDE[event.side], f"{event.fault} on {_count(event.count, 'session')}", Tone.RIG)
        case seen.StepTimedOut():
            return _note(event, Lane.SUBJECT, f"{event.step}: not within {event.within_ms:.0f} ms", Tone.BAD)
        case seen.ObservationEnded():
            return _note(event, Lane.SUBJECT, f"end of observation: {event.reason}", Tone.RIG)
        case _:
            return _life_mark(event)


def _life_mark(event: Event) -> Mark | None:
    match event:
        case seen.TargetStarted() | seen.TargetKilled():
            done = "killed" if isinstance(event, seen.TargetKilled) else "started"
            return _note(event, _SIDE[event.side], f"target {done}, process {event.pid}", Tone.RIG)
        case seen.WorkerStopped():
            says = "its worker is stopped"
        case seen.WorkerStarted():
            says = "its worker is woken"
        case seen.SubjectReloaded():
            says = f"loaded again, version {event.version}"
        case seen.BrowserClosed():
            says = "the browser is closed"
        case seen.BrowserStarted():
            says = f"the browser is up again: {event.how}"
        case seen.AccessSet():
            says = f"access to this machine: {event.access}"
        case seen.CanaryPlanted():
            says = f"planted: {', '.join(event.what)}"
        case _:
            return None
    return _note(event, Lane.SUBJECT, says, Tone.RIG)


def _server_mark(event: Event) -> Mark | None:  # noqa: PLR0911 - one a kind of event
    lane = _LANE[event.source]
    match event:
        case seen.RequestReceived():
            what = "WebSocket upgrade" if event.upgrade else event.method
            return Mark(event.at_ms, event.seq, Lane.SUBJECT, lane, f"{what} {event.target}")
        case seen.ResponseSent():
            tone = Tone.PLAIN if event.status < 400 else Tone.BAD  # noqa: PLR2004 - RFC 9110 15.5
            return Mark(event.at_ms, event.seq, lane, Lane.SUBJECT, f"{event.status}, {_bytes(event.size)}", tone)
        case seen.SessionOpened():
            return Mark(event.at_ms, event.seq, lane, Lane.SUBJECT, "101: session open", Tone.GOOD)
        case seen.SessionClosed():
            how = "session lost" if event.by == "lost" else f"session closed by the {event.by}"
            return _note(event, lane, f"{how}, code {event.code}")
        case seen.FaultTookEffect():
            return _note(event, lane, f"{event.fault}: {event.detail}", Tone.RIG)
        case seen.TlsFailed():
            return _note(event, lane, f"TLS failed: {event.detail}", Tone.BAD)
        case seen.JunkReceived():
            return _note(event, lane, f"{_bytes(event.size)} that are no request", Tone.BAD)
        case seen.FrameReceived():
            return Mark(event.at_ms, event.seq, Lane.SUBJECT, lane, f"{event.opcode} frame, {_bytes(event.size)}")
        case seen.ConnectionClosed(how="reset"):
            return _note(event, lane, "connection reset", Tone.BAD)
        case _:
            return None


def _browser_mark(event: Event) -> Mark | None:  # noqa: PLR0911 - one a kind of event
    match event:
        case seen.FetchStarted():
            return _note(event, Lane.SUBJECT, f"fetch {_short(event.url)}")
        case seen.FetchAnswered(from_cache=True):
            return _note(event, Lane.SUBJECT, f"answered from the cache: {event.status}", Tone.BAD)
        case seen.FetchEnded() if event.error:
            return _note(event, Lane.SUBJECT, f"fetch: {_error(event.error)}", Tone.BAD)
        case seen.SocketStarted():
            return _note(event, Lane.SUBJECT, f"new WebSocket {_short(event.url)}")
        case seen.SocketOpened():
            return _note(event, Lane.SUBJECT, "WebSocket open", Tone.GOOD)
        case seen.SocketFailed():
            return _note(event, Lane.SUBJECT, f"WebSocket: {_error(event.error)}", Tone.BAD)
        case seen.SocketClosed():
            return _note(event, Lane.SUBJECT, "WebSocket closed")
        case seen.TcpEnded() if event.error:
            return Mark(event.at_ms, event.seq, Lane.SUBJECT, _SIDE[event.side], _error(event.error), Tone.BAD)
        case seen.CertificateRejected():
            return _note(event, Lane.SUBJECT, f"certificate refused: {', '.join(event.flags)}", Tone.BAD)
        case _:
            return _access_mark(event)


def _access_mark(event: Event) -> Mark | None:
    """The browser's local-network-access check, where it says more than that it let the request pass."""
    match event:
        case seen.AccessChecked() if not event.result.startswith("allowed"):
            return _note(event, Lane.SUBJECT, f"access check: {event.result}", Tone.BAD)
        case seen.AccessAnswered():
            tone = Tone.GOOD if event.answer == "granted" else Tone.BAD
            return _note(event, Lane.SUBJECT, f"access was {event.answer}", tone)
        case _:
            return _browser_news(event)


def _browser_news(event: Event) -> Mark | None:
    """What the browser noticed, whoever it was for."""
    if not isinstance(event, seen.OnlineChanged):
        return None
    return _note(event, Lane.SUBJECT, f"the browser takes itself for {'on line' if event.online else 'off line'}")


def _note(event: Event, lane: Lane, says: str, tone: Tone = Tone.PLAIN) -> Mark:
    return Mark(event.at_ms, event.seq, lane, None, says, tone)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _bytes(size: int) -> str:
    return _count(size, "byte")


def _error(name: str) -> str:
    return (
        "given up"
        if name == "ERR_ABORTED"
        else name.removeprefix("net::").removeprefix("ERR_").lower().replace("_", " ")
    )


def _short(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


# --- as text -------------------------------------------------------------------------------------

_COMMON = ("at_ms", "source", "seq")


def text(timeline: Timeline, evidence: Iterable[int] = ()) -> str:
    """Every event on a line of its own; ``>`` before those that a verdict rests on."""
    pointed = set(evidence)
    return "".join(f"{'>' if event.seq in pointed else ' '} {_text_line(event)}\n" for event in timeline)


def _text_line(event: Event) -> str:
    details = " ".join(
        f"{field.name}={_value(getattr(event, field.name))}" for field in fields(event) if field.name not in _COMMON
    )
    return f"{event.seq:4d} {event.at_ms:10.1f} ms  {event.source:<8}{type(event).__name__} {details}".rstrip()


def _value(value: object) -> str:
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, tuple) else str(value)
