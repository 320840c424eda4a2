"""What a connection was sent since it met a fault, as it went out: by this a fault's word is weighed, not by its own.

No I/O: link.py tells it what was handed to the kernel, and when. It is read as a client would, responses by
http.client, and knows nothing of what was meant.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from conformance.rig.http import Request

CLOCK_MS = 1.0  # timers and clocks are rounded: a wait may be this much shorter than it was stated

_KEPT_BYTES_MAX = 2 * 1024 * 1024  # of what is longer the beginning tells enough
_HEAD_END = b"\r\n\r\n"
_LENGTH_16, _LENGTH_64 = 126, 127
_OPCODE, _RESERVED, _MASKED, _LENGTH = 0x0F, 0x70, 0x80, 0x7F
_MASK_BYTES = 4


@dataclass(frozen=True, slots=True)
class Head:
    """A response's status and headers. ``framing``: how its body ends, as the answer fault has it."""

    status: int
    headers: dict[str, str]  # names in lower case
    framing: str


@dataclass(frozen=True, slots=True)
class SentFrame:
    """A WebSocket frame (RFC 6455, 5.2). ``size``: what its head states, of which ``payload`` is what was kept."""

    opcode: int
    reserved: bool
    masked: bool
    size: int
    payload: bytes


class Traffic:
    """One connection's, from the moment it met one fault on.

    ``ended``: by ``reset`` or by ``server`` (FIN). ``done``: the fault's work is over, and it says that it did it all.
    """

    def __init__(self, began_ms: float, request: Request | None = None) -> None:
        self.request = request
        self.total = 0
        self.sends = 0
        self.last_size = 0
        self.gap_ms = 0.0  # between the last two
        self.ended = ""
        self.done = False
        self._began_ms = began_ms
        self._first_ms: float | None = None
        self._last_ms = began_ms
        self._kept = bytearray()

    def sent(self, data: bytes, at_ms: float) -> None:
        """So much went out then."""
        if not data:
            return
        self._kept += data[: _KEPT_BYTES_MAX - len(self._kept)]
        self.total += len(data)
        self.sends += 1
        self.last_size = len(data)
        self.gap_ms, self._last_ms = at_ms - self._last_ms, at_ms
        if self._first_ms is None:
            self._first_ms = at_ms

    @property
    def data(self) -> bytes:
        """What went out, or its beginning."""
        return bytes(self._kept)

    @property
    def waited_ms(self) -> float:
        """From the fault's being met to the first byte; for ever where there was none."""
        return float("inf") if self._first_ms is None else self._first_ms - self._began_ms

    # --- as a response

    @property
    def head_size(self) -> int:
        """Bytes of the response's head, the empty line included; 0: it is not whole."""
        at = self._kept.find(_HEAD_END)
        return 0 if at < 0 else at + len(_HEAD_END)

    @property
    def body_sent(self) -> int:
        """Bytes after the head."""
        return self.total - self.head_size if self.head_size else 0

    def head(self) -> Head | None:
        """The response's head; None: no such thing was sent."""
        response = self._response(bytes(self._kept[: self.head_size]))  # not all: asked at every piece of a body
        if response is None:
            return None
        headers = {name.lower(): value.strip() for name, value in response.getheaders()}
        framing = "chunked" if response.chunked else "length" if "content-length" in headers else "close"
        return Head(response.status, headers, framing)

    def body(self) -> bytes | None:
        """The response's body, its framing taken off; None: it is not whole."""
        response = self._response(self.data)
        try:
            return None if response is None else response.read()
        except (HTTPException, ValueError):
            return None

    @staticmethod
    def _response(data: bytes) -> HTTPResponse | None:
        response = HTTPResponse(cast("socket.socket", _Bytes(data)), method="GET")
        try:
            response.begin()
        except (HTTPException, OSError, ValueError):
            return None
        return response

    # --- as frames

    def frames(self) -> Iterator[SentFrame]:
        """The frames that were sent, as far as they were kept."""
        data, at = self.data, 0
        while len(data) - at > 1:
            first, second, size, at = data[at], data[at + 1], data[at + 1] & _LENGTH, at + 2
            if size >= _LENGTH_16:
                more = 2 if size == _LENGTH_16 else 8
                size, at = int.from_bytes(data[at : at + more]), at + more
            masked = bool(second & _MASKED)
            at += _MASK_BYTES if masked else 0
            yield SentFrame(first & _OPCODE, bool(first & _RESERVED), masked, size, data[at : at + size])
            at += size


# --- what a shortfall says of it ------------------------------------------------------------------


def sent_so_much(size: int) -> str:
    """What a shortfall says of bytes."""
    return f"it was sent {size} byte{'s' if size != 1 else ''}"


def sent_any(traffic: Traffic) -> str:
    """What a peer that was to be told nothing was told."""
    return sent_so_much(traffic.total) if traffic.total else ""


def cut_not(traffic: Traffic, size: int, how: str) -> str:
    """That it was not cut off after ``size`` bytes, or ended otherwise than ``how``."""
    return (sent_so_much(traffic.total) if traffic.total != size else "") or ended_not(traffic, how)


def ended_not(traffic: Traffic, how: str) -> str:
    """How the connection ended instead of ``how``: ``reset``, or ``server`` for a FIN."""
    return "" if traffic.ended == how else f"the connection ended by {traffic.ended}" if traffic.ended else "no end"


def status_not(traffic: Traffic, status: int) -> str:
    """What was answered instead of ``status``."""
    head = traffic.head()
    if head is None:
        return "no HTTP response was sent"
    return "" if head.status == status else f"status {head.status} was sent"


def sooner(traffic: Traffic, delay_ms: float) -> str:
    """That the first byte did not wait for so long."""
    waited_ms = traffic.waited_ms
    return "" if waited_ms >= delay_ms - CLOCK_MS else f"the answer came after {waited_ms:.0f} ms"


class _Bytes:
    """As much of a socket as http.client reads a response from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_how: Any) -> io.BytesIO:  # noqa: ANN401 - socket's own signature
        """All of it."""
        return io.BytesIO(self._data)
