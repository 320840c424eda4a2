"""Just enough HTTP/1.1 for a fake: read a request, write a response, byte for byte as asked.

Requests are parsed by h11. Responses are written by hand on purpose: a fault's response is often
one that no library would agree to send.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

import h11

_HEAD_BYTES_MAX = 64 * 1024
_BODY_BYTES_MAX = 1024 * 1024
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})")
_STATES_LIFETIME: Final = re.compile(rb"(?im)^(?:cache-control|expires|last-modified|etag):")
_NO_STORE: Final = re.compile(rb"(?im)^cache-control:[^\r\n]*\bno-store\b")
_FRESH_FOR_EVER: Final = (300, 301, 308, 410)
# Headers that carry who somebody is. Their names are evidence; their values are nobody's business.
_CREDENTIALS = ("cookie", "authorization", "proxy-authorization", "x-api-key", "x-auth-token")
# The canary's value (canary.py): whoever sends it, in whatever header or URL, sends a secret.
SECRET = "conform-canary-5d0b7c9e"  # noqa: S105 - nobody's


@dataclass(frozen=True, slots=True)
class Request:
    """A request head. Header names are lower case. ``raw`` is the head as it came, ``body`` what followed it."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""
    body: bytes = b""

    @property
    def is_upgrade(self) -> bool:
        """Whether it asks for a WebSocket."""
        return self.headers.get("upgrade", "").lower() == "websocket"

    @property
    def credentials(self) -> tuple[str, ...]:
        """Names of headers that carry credentials, and where else the canary is."""
        named = [name for name in _CREDENTIALS if name in self.headers]
        named += [f"the canary in {name}" for name, value in self._others() if SECRET in value]
        return (*named, *(["the canary in its URL"] if SECRET in self.target else []))

    def _others(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self.headers.items() if name not in _CREDENTIALS]


class NotHttp(Exception):
    """The bytes are no HTTP request; ``size`` of them came."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes that are no HTTP request")
        self.size = size


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request, its body with it. None at a clean end. Raises NotHttp, ConnectionError."""
    first = await reader.read(1)
    if not first:
        return None
    if not first.isalpha():  # a TLS greeting, say: no request line will ever come
        raise NotHttp(len(first) + len(await reader.read(_HEAD_BYTES_MAX)))
    try:
        head = first + await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        raise NotHttp(len(first) + len(error.partial)) from None
    except asyncio.LimitOverrunError as error:
        raise NotHttp(error.consumed) from None
    parser = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES_MAX)
    parser.receive_data(head)
    try:
        event = parser.next_event()
    except h11.RemoteProtocolError:
        raise NotHttp(len(head)) from None
    if not isinstance(event, h11.Request):
        raise NotHttp(len(head))
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in event.headers}
    length = int(headers.get("content-length", "0"))
    if length > _BODY_BYTES_MAX:
        raise NotHttp(len(head) + length)
    body = await reader.readexactly(length) if length else b""
    return Request(event.method.decode("ascii"), event.target.decode("latin-1"), headers, head, body)


def response_head(status: int, headers: dict[str, str] | None = None) -> bytes:
    """Status line and headers, with the empty line after them."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}", f"Date: {formatdate(usegmt=True)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def has_body(status: int) -> bool:
    """Whether a response with this status has one (RFC 9110, 15.3.5, 15.4.5)."""
    return status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


def response(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """A whole response, with its body where there may be one."""
    if not has_body(status):
        return response_head(status, headers)
    return response_head(status, {**(headers or {}), "Content-Length": str(len(body))}) + body


def may_be_cached(data: bytes) -> bool:
    """Whether ``data`` begins a response that a browser may use again (RFC 9111, 4.2 and 4.3).

    It may where a lifetime or a validator is stated, and by its status alone: Chromium takes four of them to hold for
    ever (``net/http/http_response_headers.cc``, GetFreshnessLifetimes).
    """
    status = _STATUS.match(data)
    if status is None:
        return False
    head = data.partition(b"\r\n\r\n")[0]
    lives = int(status[1]) in _FRESH_FOR_EVER or _STATES_LIFETIME.search(head) is not None
    return lives and _NO_STORE.search(head) is None


def chunked(body: bytes, size: int = 16) -> bytes:
    """``body`` in the chunked transfer coding (RFC 9112, 7.1)."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"


def preflight(request: Request) -> dict[str, str]:
    """The headers that let a browser ask what it asked leave for (Fetch, 4.8), beside its origin's."""
    return {
        "Access-Control-Allow-Methods": "GET",
        "Access-Control-Allow-Headers": request.headers.get("access-control-request-headers", "*"),
        "Access-Control-Allow-Private-Network": "true",
    }
