"""Chromium's network log as events: what the browser tried, with nothing attached to the subject.

Pure: text lines in, events out. ``at_ms`` of an event is the machine's monotonic clock in
milliseconds (Chromium's TimeTicks and Python's ``time.monotonic()`` are both CLOCK_MONOTONIC on
Linux); the rig moves it to the timeline's zero. The log cuts its times to whole milliseconds, so half of
one is put back: what is left is an error of at most 0.5 ms either way.

Source: Chromium ``net/log/net_log_event_type_list.h`` for the names below; the numbers come from the
log's own first line, so that another version of Chromium is read by name.
"""

from __future__ import annotations

import errno
import json
from dataclasses import dataclass
from enum import IntEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from conformance.events import (
    AccessAnswered,
    AccessChecked,
    CertificateRejected,
    Event,
    FetchAnswered,
    FetchEnded,
    FetchStarted,
    LookupStarted,
    OnlineChanged,
    PreconnectStarted,
    SocketClosed,
    SocketFailed,
    SocketFrameSent,
    SocketOpened,
    SocketStarted,
    Source,
    TcpEnded,
    TcpStarted,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.model import Side

_SOCKET_SCHEMES = ("ws", "wss")
_OPCODES = {0: "cont", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
# The handshake's request is cancelled with this error when the connection turns into a WebSocket.
_UPGRADED = "ERR_WS_UPGRADE"
# A request that its maker dropped ends without an error in the log; CANCELLED before the end tells.
_GIVEN_UP = "ERR_ABORTED"
# An answer that may not be read (CORS) is cancelled as well, and the log has no error for it (Chromium 156). But its
# CORS_REQUEST ends while it is being handed over; that of one that may be read ends later, with its body or its maker.
_KEPT_BACK = "ERR_BLOCKED_BY_CORS"
_CUT_OFF_MS = 0.5
# Chromium ``net/base/net_errors_posix.cc``, MapSystemError.
_OS_ERRORS = {
    errno.ECONNREFUSED: "ERR_CONNECTION_REFUSED",
    errno.ECONNRESET: "ERR_CONNECTION_RESET",
    errno.ETIMEDOUT: "ERR_CONNECTION_TIMED_OUT",
    errno.EHOSTUNREACH: "ERR_ADDRESS_UNREACHABLE",
    errno.ENETUNREACH: "ERR_ADDRESS_UNREACHABLE",
    errno.ENETDOWN: "ERR_INTERNET_DISCONNECTED",
}


class _Phase(IntEnum):
    """``logEventPhase``: fixed since the log's format 1."""

    NONE = 0
    BEGIN = 1
    END = 2


@dataclass(slots=True)
class _Request:
    """What is known of one URL_REQUEST so far."""

    url: str = ""
    initiator: str = ""
    is_socket: bool = False
    started: bool = False
    in_hand: bool = False  # its answer is being handed over to who asked, or kept back
    kept_back: bool = False
    stored_ms: float | None = None  # when the cache's copy was read, which may be used or not
    opened: bool = False
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """An event with the origin that caused it; ``""`` where the log does not tell."""

    initiator: str
    event: Event


class NetLogParser:
    """Lines of one browser's network log → events.

    ``sides`` maps ``host:port`` of the rig's own listeners to the side they stand for. The first line
    (constants) must come first; lines that are no event are passed over.
    """

    def __init__(self, sides: Mapping[str, Side]) -> None:
        self._sides = sides
        self._handlers: dict[int, Callable[[float, int, int, dict[str, Any]], list[Seen]]] = {}
        self._errors: dict[int, str] = {}
        self._cert_flags: dict[str, int] = {}
        self._requests: dict[int, _Request] = {}
        self._channels: dict[int, int] = {}  # WEBSOCKET_CHANNEL → URL_REQUEST
        self._open_channel: int | None = None
        self._attempts: dict[int, Side] = {}
        self.marked_ms = 0.0  # when a cookie was last set, in the log's own whole milliseconds: a mark, see mark.py

    def feed(self, line: bytes) -> list[Seen]:
        """The events that one line of the log stands for: none, one or more."""
        if not self._handlers:
            if line.startswith(b'{"constants"'):
                self._learn(json.loads(line.strip().rstrip(b",") + b"}")["constants"])
            return []
        # Nine lines in ten are of no interest: the type stands last, so look there before parsing.
        at = line.rfind(b'"type":')
        if at < 0:
            return []
        digits = line[at + 7 :].split(b"}", 1)[0]
        handler = self._handlers.get(int(digits)) if digits.isdigit() else None
        if handler is None:
            return []
        entry = json.loads(line.strip().rstrip(b","))
        return handler(
            float(entry["time"]) + _CUT_OFF_MS, entry["source"]["id"], entry["phase"], entry.get("params") or {}
        )

    def _learn(self, constants: dict[str, Any]) -> None:
        numbers: dict[str, int] = constants["logEventTypes"]
        self._errors = {number: name for name, number in constants["netError"].items()}
        self._cert_flags = constants.get("certStatusFlag", {})
        by_name = {
            "REQUEST_ALIVE": self._request_alive,
            "URL_REQUEST_START_JOB": self._request_started,
            "HTTP_TRANSACTION_READ_RESPONSE_HEADERS": self._headers_read,
            "HTTP_CACHE_READ_INFO": self._cache_read,
            "URL_REQUEST_DELEGATE_RESPONSE_STARTED": self._response_handed_over,
            "CORS_REQUEST": self._cors_request,
            "CANCELLED": self._cancelled,
            "LOCAL_NETWORK_ACCESS_CHECK": self._access_checked,
            "LOCAL_NETWORK_ACCESS_PERMISSION_REQUESTED": self._access_answered,  # logged when it has its answer
            "WEBSOCKET_ALIVE": self._channel_alive,
            "WEBSOCKET_SENT_FRAME_HEADER": self._frame_sent,
            "TCP_CONNECT_ATTEMPT": self._tcp_attempt,
            "CERT_VERIFIER_JOB": self._certificate_verified,
            "NETWORK_CONNECTIVITY_CHANGED": self._network_changed,
            "HTTP_STREAM_JOB_CONTROLLER": self._stream_wanted,
            "COOKIE_STORE_COOKIE_ADDED": self._cookie_added,
            "HOST_RESOLVER_MANAGER_REQUEST": self._looked_up,
        }
        self._handlers = {numbers[name]: handler for name, handler in by_name.items() if name in numbers}

    def _error(self, params: dict[str, Any]) -> str:
        number = params.get("net_error", 0)
        return self._errors.get(number, f"ERR_{number}") if number else ""

    # --- requests

    def _request_alive(self, at_ms: float, request: int, phase: int, params: dict[str, Any]) -> list[Seen]:
        if phase == _Phase.BEGIN:
            url = params.get("url", "")
            known = self._requests[request] = _Request(url=url, is_socket=urlsplit(url).scheme in _SOCKET_SCHEMES)
            if known.is_socket and self._open_channel is not None:
                # The network thread makes the channel and, in the same breath, its request.
                self._channels[self._open_channel] = request
                self._open_channel = None
            return []
        ended = self._requests.get(request)
        if ended is None or not ended.started:
            self._requests.pop(request, None)
            return []
        error = self._error(params) or (_GIVEN_UP if ended.cancelled else "")
        if not ended.is_socket:
            del self._requests[request]
            error = _KEPT_BACK if ended.kept_back else error
            return self._seen(ended, FetchEnded(at_ms=at_ms, source=Source.BROWSER, request=request, error=error))
        if error == _UPGRADED:
            ended.opened = True
            return self._seen(ended, SocketOpened(at_ms=at_ms, source=Source.BROWSER, request=request))
        del self._requests[request]
        return self._seen(
            ended, SocketFailed(at_ms=at_ms, source=Source.BROWSER, request=request, error=error or "ERR_FAILED")
        )

    def _request_started(self, at_ms: float, request: int, phase: int, params: dict[str, Any]) -> list[Seen]:
        known = self._requests.get(request)
        if phase == _Phase.END and known is not None and known.started:
            return self._answered_from_cache(request, known, params)
        if phase != _Phase.BEGIN or known is None:
            return []
        known.url = params.get("url", known.url)
        known.initiator = str(params.get("initiator", ""))
        known.started = True
        known.stored_ms = None
        if known.is_socket:
            return self._seen(known, SocketStarted(at_ms=at_ms, source=Source.BROWSER, request=request, url=known.url))
        method = str(params.get("method", "GET"))
        return self._seen(
            known, FetchStarted(at_ms=at_ms, source=Source.BROWSER, request=request, url=known.url, method=method)
        )

    def _headers_read(self, at_ms: float, request: int, _phase: int, params: dict[str, Any]) -> list[Seen]:
        known = self._requests.get(request)
        if known is None or known.is_socket or not known.started:
            return []
        head = (params.get("headers") or [""])[0].split()
        status = int(head[1]) if len(head) > 1 and head[1].isdigit() else 0
        if status == HTTPStatus.NOT_MODIFIED and known.stored_ms is not None:
            status = HTTPStatus.OK.value  # the browser asked so by itself; the subject is given the stored answer
        known.stored_ms = None
        return self._seen(known, FetchAnswered(at_ms=at_ms, source=Source.BROWSER, request=request, status=status))

    def _cache_read(self, at_ms: float, request: int, phase: int, params: dict[str, Any]) -> list[Seen]:
        known = self._requests.get(request)
        if phase == _Phase.END and known is not None and known.started and not params.get("net_error"):
            known.stored_ms = at_ms
        return []

    def _answered_from_cache(self, request: int, known: _Request, params: dict[str, Any]) -> list[Seen]:
        """The job has its answer: the stored one, unless the browser went on to ask the server all the same."""
        stored_ms, known.stored_ms = known.stored_ms, None
        if stored_ms is None or params.get("net_error"):
            return []
        # Chromium keeps only whole 200 answers of a fetch like this one (RFC 9111, 3); the log has no status line here.
        stored = FetchAnswered(at_ms=stored_ms, source=Source.BROWSER, request=request, status=200, from_cache=True)
        return self._seen(known, stored)

    def _response_handed_over(self, _at_ms: float, request: int, phase: int, _params: dict[str, Any]) -> list[Seen]:
        if (known := self._requests.get(request)) is not None:
            known.in_hand = phase == _Phase.BEGIN
        return []

    def _cors_request(self, _at_ms: float, request: int, phase: int, _params: dict[str, Any]) -> list[Seen]:
        if (known := self._requests.get(request)) is not None and phase == _Phase.END:
            known.kept_back = known.in_hand
        return []

    def _cancelled(self, _at_ms: float, request: int, _phase: int, _params: dict[str, Any]) -> list[Seen]:
        if (known := self._requests.get(request)) is not None:
            known.cancelled = True
        return []

    def _access_checked(self, at_ms: float, request: int, _phase: int, params: dict[str, Any]) -> list[Seen]:
        known = self._requests.get(request)
        if known is None:
            return []
        result, client, resource = (
            str(params.get(name, "")) for name in ("result", "client_address_space", "resource_address_space")
        )
        check = AccessChecked(
            at_ms=at_ms, source=Source.BROWSER, request=request, result=result, client=client, resource=resource
        )
        return self._seen(known, check)

    def _access_answered(self, at_ms: float, request: int, _phase: int, params: dict[str, Any]) -> list[Seen]:
        known = self._requests.get(request)
        if known is None:
            return []
        answer = str(params.get("result", ""))
        return self._seen(known, AccessAnswered(at_ms=at_ms, source=Source.BROWSER, request=request, answer=answer))

    # --- WebSockets

    def _channel_alive(self, at_ms: float, channel: int, phase: int, _params: dict[str, Any]) -> list[Seen]:
        if phase == _Phase.BEGIN:
            self._open_channel = channel
            return []
        request = self._channels.pop(channel, -1)
        known = self._requests.get(request)
        if known is None or not known.opened:
            return []  # it never opened; the end of its request, before or after this, says why
        del self._requests[request]
        return self._seen(known, SocketClosed(at_ms=at_ms, source=Source.BROWSER, request=request))

    def _frame_sent(self, at_ms: float, request: int, _phase: int, params: dict[str, Any]) -> list[Seen]:
        known = self._requests.get(request)
        if known is None:
            return []
        opcode = _OPCODES.get(params.get("opcode", -1), str(params.get("opcode")))
        size = int(params.get("payload_length", 0))
        return self._seen(
            known, SocketFrameSent(at_ms=at_ms, source=Source.BROWSER, request=request, opcode=opcode, size=size)
        )

    # --- connections

    def _tcp_attempt(self, at_ms: float, socket: int, phase: int, params: dict[str, Any]) -> list[Seen]:
        if phase == _Phase.BEGIN:
            address = params.get("address", "")
            side = self._sides.get(address)
            if side is None:
                return []
            self._attempts[socket] = side
            begun = TcpStarted(at_ms=at_ms, source=Source.BROWSER, socket=socket, side=side, address=address)
            return [Seen("", begun)]
        side = self._attempts.pop(socket, None)
        if side is None:
            return []
        error = self._error(params) if "net_error" in params else _os_error(params)
        return [Seen("", TcpEnded(at_ms=at_ms, source=Source.BROWSER, socket=socket, side=side, error=error))]

    def _certificate_verified(self, at_ms: float, _source: int, phase: int, params: dict[str, Any]) -> list[Seen]:
        status = params.get("cert_status", 0)
        if phase != _Phase.END or not params.get("net_error") or not status:
            return []
        flags = tuple(sorted(name for name, bit in self._cert_flags.items() if status & bit))
        return [Seen("", CertificateRejected(at_ms=at_ms, source=Source.BROWSER, flags=flags))]

    def _stream_wanted(self, at_ms: float, _source: int, phase: int, params: dict[str, Any]) -> list[Seen]:
        if phase != _Phase.BEGIN or not params.get("is_preconnect"):
            return []
        return [Seen("", PreconnectStarted(at_ms=at_ms, source=Source.BROWSER, url=str(params.get("url", ""))))]

    def _cookie_added(self, at_ms: float, _source: int, _phase: int, _params: dict[str, Any]) -> list[Seen]:
        self.marked_ms = at_ms - _CUT_OFF_MS
        return []

    def _looked_up(self, at_ms: float, _source: int, phase: int, params: dict[str, Any]) -> list[Seen]:
        # Mapping comes first: the name is that of the rig's own port, with or without a scheme before it.
        side = self._sides.get(str(params.get("host", "")).rpartition("//")[2])
        if phase != _Phase.BEGIN or side is None:
            return []
        return [Seen("", LookupStarted(at_ms=at_ms, source=Source.BROWSER, side=side))]

    @staticmethod
    def _network_changed(at_ms: float, _source: int, _phase: int, params: dict[str, Any]) -> list[Seen]:
        online = params.get("new_connection_type") != "CONNECTION_NONE"
        return [Seen("", OnlineChanged(at_ms=at_ms, source=Source.BROWSER, online=online))]

    @staticmethod
    def _seen(request: _Request, event: Event) -> list[Seen]:
        return [Seen(request.initiator, event)]


def _os_error(params: dict[str, Any]) -> str:
    """TCP_CONNECT_ATTEMPT ends with the system's errno where it failed; named as Chromium names it elsewhere."""
    number = params.get("os_error", 0)
    return _OS_ERRORS.get(number, f"OS_ERROR_{number}") if number else ""
