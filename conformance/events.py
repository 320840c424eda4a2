"""The events a timeline is made of: everything the harness did, and everything it saw.

Pure. One frozen dataclass a kind. ``at_ms`` is milliseconds after the subject's start (negative
before it), on one monotonic clock for every source. ``source`` says who saw it:

    RIG      the harness's own acts
    LOCAL    the fake (or target) in the place of the local server
    PUBLIC   the fake (or target) in the place of the public server
    BROWSER  the browser's network log, without anything attached to the subject

``encode`` and ``decode`` are the record's format: one JSON object an event, ``kind`` first.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from conformance.model import Side


class Source(StrEnum):
    """Who saw an event."""

    RIG = "rig"
    LOCAL = "local"
    PUBLIC = "public"
    BROWSER = "browser"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing seen. ``seq`` is its place in its timeline, given when the timeline is built."""

    at_ms: float
    source: Source
    seq: int = -1


# --- the harness's own acts (Source.RIG) ---------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectStarted(Event):
    """The subject was loaded and triggered: zero of the timeline's clock."""

    extension_id: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSet(Event):
    """A side's faults from now on; empty means healthy. ``faults`` are written ``name(key=value)``."""

    side: Side
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultProved(Event):
    """An independent probe of the fake saw the fault in force before the subject could meet it."""

    side: Side
    fault: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultFellShort(Event):
    """A fault was not what the scenario states, whatever it said of itself. ``detail``: what was met instead.

    Seen by the probe of a port or a network (Source.RIG), or in what a ``connection`` was sent.
    """

    side: Side
    fault: str
    detail: str
    connection: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsDropped(Event):
    """The rig begins to apply ``fault`` to the ``count`` sessions that are open on ``side``; effects come after."""

    side: Side
    fault: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetStarted(Event):
    """The rig started the real server in the fake's place; it answers. ``pid``: its process."""

    side: Side
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetKilled(Event):
    """The rig killed the real server in the fake's place, with SIGKILL; that process is gone."""

    side: Side
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSet(Event):
    """The browser's permission to reach this machine, for whoever asks: granted, denied or prompt.

    ``told``: what a page at a public address was told of it then, which is the proof.
    """

    access: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryPlanted(Event):
    """The browser held secrets that nobody may be sent. ``what``: where they were seen to lie."""

    what: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStopped(Event):
    """The rig had the browser stop the subject's worker. What that worker held is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStarted(Event):
    """The rig woke the subject's worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectReloaded(Event):
    """The rig loaded the subject again in the place of itself. ``version``: its manifest's, from now on."""

    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserClosed(Event):
    """The rig ended the browser, as a user does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserStarted(Event):
    """The browser is up again with the same profile. ``how``: what brought the subject back."""

    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTimedOut(Event):
    """A step waited for something of the subject that did not come within ``within_ms``.

    ``changes_left``: how many steps were to change its world, its sessions or itself after that; 0 in records that
    were made before this was told.
    """

    step: str
    within_ms: float
    changes_left: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationEnded(Event):
    """Nothing later belongs to the timeline. ``lag_ms``: the longest the harness's own loop was late."""

    reason: str
    lag_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserStarved(Event):
    """In the ``over_ms`` until now, the browser's threads were ready and had no core for ``waited_ms`` at the most.

    On a machine of its own the subject would have been at most that much faster.
    """

    over_ms: float
    waited_ms: float


# --- what the servers saw (Source.LOCAL or Source.PUBLIC) ----------------------------------------
# ``connection`` numbers the TCP connections of one scenario on one side, from 1.


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionAccepted(Event):
    """A TCP connection came in. ``endpoint``: the ``host:port`` that the subject was made to believe in.

    ``address``: where it came to, in a network of the rig's own, e.g. ``[::1]:3003``.
    """

    connection: int
    endpoint: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFailed(Event):
    """The TLS handshake did not finish."""

    connection: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReceived(Event):
    """A whole request head came in. ``credentials``: names of headers that carry any, values redacted."""

    connection: int
    method: str
    target: str
    host: str
    origin: str | None
    upgrade: bool
    credentials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JunkReceived(Event):
    """Bytes came in that are no HTTP request."""

    connection: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseSent(Event):
    """A whole HTTP response was handed to the kernel (not a 101)."""

    connection: int
    status: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultTookEffect(Event):
    """A fault did its work on a connection of the subject: its own proof. ``detail``: what was done."""

    connection: int
    fault: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetAnswered(Event):
    """The target's answer to a request was there, after ``took_ms``; what the subject is sent of it follows."""

    connection: int
    took_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened(Event):
    """The server sent a right 101: from its side the WebSocket session is open."""

    connection: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameReceived(Event):
    """A WebSocket frame came from the subject. ``opcode``: text, binary, ping, pong, close, cont."""

    connection: int
    opcode: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionClosed(Event):
    """The session ended. ``by``: subject, server or lost (no close handshake). ``code``: RFC 6455 7.4."""

    connection: int
    code: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionClosed(Event):
    """The TCP connection ended. ``how``: subject, server, reset."""

    connection: int
    how: str


# --- what the browser saw (Source.BROWSER) -------------------------------------------------------
# ``request`` is the network log's own number for a request; only the subject's requests are kept.


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchStarted(Event):
    """The subject asked for an http(s) URL. A redirect starts again with the same ``request``."""

    request: int
    url: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchAnswered(Event):
    """A response head arrived, or came from the browser's cache."""

    request: int
    status: int
    from_cache: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchEnded(Event):
    """The request is over. ``error``: ``""`` when the body came whole, else Chromium's net error name.

    ``ERR_ABORTED`` means that the subject gave it up.
    """

    request: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketStarted(Event):
    """The subject made a WebSocket: the browser began to connect it."""

    request: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketOpened(Event):
    """The browser took the handshake as good: the subject sees ``open``."""

    request: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketFailed(Event):
    """The WebSocket failed before it was open. ``error``: Chromium's net error name; ERR_ABORTED: given up."""

    request: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketClosed(Event):
    """An open WebSocket is gone, whoever ended it."""

    request: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketFrameSent(Event):
    """The browser sent a frame of the subject's."""

    request: int
    opcode: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpStarted(Event):
    """The browser sent a SYN to one of the rig's ports. ``address``: which, as its log writes it."""

    socket: int
    side: Side
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpEnded(Event):
    """That connect attempt ended. ``error``: ``""`` for connected, else Chromium's net error name."""

    socket: int
    side: Side
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRejected(Event):
    """The browser refused the public server's certificate. ``flags``: Chromium's cert status names."""

    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChecked(Event):
    """The browser's local-network-access check of a request. ``result``: Chromium's word for it.

    ``client`` and ``resource``: the address spaces of who asked and of who was asked (public, local, loopback).
    """

    request: int
    result: str
    client: str = ""
    resource: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessAnswered(Event):
    """The permission that such a check asked for was given or not. ``answer``: granted, denied."""

    request: int
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupStarted(Event):
    """The browser looked up the name of one of the two servers, with or without a request for it."""

    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineChanged(Event):
    """The browser noticed that this machine has a network again, or none any more (``navigator.onLine``)."""

    online: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PreconnectStarted(Event):
    """The browser opened a connection ahead of any request, to a host of the subject's."""

    url: str


# --- the record's format -------------------------------------------------------------------------


def _kinds() -> dict[str, type[Event]]:
    return {kind.__name__: kind for kind in Event.__subclasses__()}


def encode(event: Event) -> dict[str, Any]:
    """An event as JSON-ready data, ``kind`` first; enums as their values, tuples as lists."""
    data: dict[str, Any] = {"kind": type(event).__name__}
    for field in fields(event):
        value = getattr(event, field.name)
        data[field.name] = list(value) if isinstance(value, tuple) else value
    return data


_ENUMS: dict[str, type[StrEnum]] = {"source": Source, "side": Side}


def decode(data: dict[str, Any]) -> Event:
    """The event that ``encode`` gave ``data`` for. Unknown kinds and fields raise ValueError."""
    rest = dict(data)
    name = rest.pop("kind", None)
    kind = _kinds().get(str(name))
    if kind is None:
        raise ValueError(f"no event of kind {name!r}")
    known = {field.name for field in fields(kind)}
    if unknown := rest.keys() - known:
        raise ValueError(f"{name} has no field {sorted(unknown)}")
    for key, enum in _ENUMS.items():
        if key in rest:
            rest[key] = enum(rest[key])
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in rest.items()}
    return kind(**values)
