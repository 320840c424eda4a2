"""What is sent to a server under test, by name, and what it must do: handshakes, requests, frames, origins.

Pure: names and bytes. Sending them is the rig's, judging what came of it the oracles'.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from conformance.server_events import Wanted

KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455, 1.3
ACCEPT: Final = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
EXTENSION: Final = f"chrome-extension://{'a' * 32}"  # stands for the configured one, where none is named
SIGNATURE_PATH: Final = "/semantest-signature"
HEALTH_PATH: Final = "/health"

# Origins that are no extension's. A page cannot forge its Origin, but may be called anything.
PAGES: Final = {
    "a web page": "https://page.example",
    "a page on this machine": "http://localhost:8080",
    "a sandboxed page": "null",
    "a page named like an extension": "https://chrome-extension.example",
}
OTHER_EXTENSION: Final = f"chrome-extension://{'p' * 32}"


@dataclass(frozen=True, slots=True)
class Sent:
    """One input: HTTP text before a session, or frames in one. ``code``: the close code that RFC 6455 has for it."""

    name: str
    wanted: Wanted
    data: bytes
    code: int = 0
    method: str = "GET"


# --- HTTP ----------------------------------------------------------------------------------------


def request(path: str, host: str, *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    """A request without a body, its head as it is."""
    return "\r\n".join([f"{method} {path} HTTP/{version}", f"Host: {host}", *headers, "", ""]).encode("latin-1")


def upgrade(path: str, host: str, *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    """A handshake: what the arguments do not say is as it should be."""
    lines = {
        "upgrade": "Upgrade: websocket",
        "connection": "Connection: Upgrade",
        "sec-websocket-key": f"Sec-WebSocket-Key: {KEY}",
        "sec-websocket-version": "Sec-WebSocket-Version: 13",
    }
    given = {header.partition(":")[0].lower(): header for header in headers}
    merged = [line for line in (lines | given).values() if not line.endswith(":")]
    return request(path, host, *merged, method=method, version=version)


def good_handshakes(path: str, host: str, origin: str) -> tuple[Sent, ...]:
    """What browsers send, and what else RFC 6455 allows."""
    by = f"Origin: {origin}"
    variants = {
        "plain": upgrade(path, host, by),
        "names in lower case": upgrade(path, host, "upgrade: websocket", "sec-websocket-version: 13", by),
        "two tokens in Connection": upgrade(path, host, "Connection: keep-alive, Upgrade", by),
        "other case in values": upgrade(path, host, "Upgrade: WebSocket", "Connection: upgrade", by),
        "a subprotocol nobody knows": upgrade(path, host, "Sec-WebSocket-Protocol: nobody.knows", by),
        "compression offered": upgrade(path, host, "Sec-WebSocket-Extensions: permessage-deflate", by),
    }
    return tuple(Sent(f"handshake, {name}", Wanted.OPEN, data) for name, data in variants.items())


def bad_handshakes(path: str, host: str, origin: str) -> tuple[Sent, ...]:
    """What RFC 6455, 4.2.1 forbids."""
    by = f"Origin: {origin}"
    variants = {
        "no key": upgrade(path, host, "Sec-WebSocket-Key:", by),
        "a short key": upgrade(path, host, "Sec-WebSocket-Key: c2hvcnQ=", by),
        "a key that is no base64": upgrade(path, host, "Sec-WebSocket-Key: !!!!", by),
        "no version": upgrade(path, host, "Sec-WebSocket-Version:", by),
        "version 8": upgrade(path, host, "Sec-WebSocket-Version: 8", by),
        "version 99": upgrade(path, host, "Sec-WebSocket-Version: 99", by),
        "no Connection": upgrade(path, host, "Connection:", by),
        "POST": upgrade(path, host, "Content-Length: 0", by, method="POST"),
        "HTTP/1.0": upgrade(path, host, by, version="1.0"),
    }
    return tuple(
        Sent(f"handshake, {name}", Wanted.REFUSED, data, method="POST" if name == "POST" else "GET")
        for name, data in variants.items()
    )


def malformed_requests(path: str, host: str) -> tuple[Sent, ...]:
    """What is no request (RFC 9112), and what only a broken or hostile client sends."""
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n"
    refused = {
        "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
        "half a request line": b"GET\r\n\r\n",
        "a version that is none": f"GET {path} HTTP/x.y\r\nHost: {host}\r\n\r\n".encode(),
        "a header without a colon": f"{head}broken\r\n\r\n".encode(),
        "a space before the colon": f"{head}X-Broken : 1\r\n\r\n".encode(),
        "a null in a header": f"{head}X-Broken: a\0b\r\n\r\n".encode(),
        "no Host": f"GET {path} HTTP/1.1\r\n\r\n".encode(),
        "two Hosts": f"{head}Host: other.example\r\n\r\n".encode(),
        "a length that is no number": f"{head}Content-Length: ten\r\n\r\n".encode(),
        "a negative length": f"{head}Content-Length: -1\r\n\r\n".encode(),
        "two lengths": f"{head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab".encode(),
        "a target of 100 kB": f"GET /{'a' * 100_000} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(),
        "a header of 100 kB": f"{head}X-Long: {'a' * 100_000}\r\n\r\n".encode(),
    }
    survived = {
        "a length and chunks": f"{head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode(),
        "a chunk that is none": f"{head}Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n".encode(),
        "5,000 headers": (head + "".join(f"X-{number}: 1\r\n" for number in range(5000)) + "\r\n").encode(),
        "an Expect that nobody can read": f"{head}Expect: ".encode() + b"\xf7\xff\r\n\r\n",
        "half a head, then nothing": head.encode(),
        "half a body, then nothing": f"{head}Content-Length: 1000\r\n\r\nabc".encode(),
    }
    found = [Sent(f"request, {name}", Wanted.REFUSED, data) for name, data in refused.items()]
    return (*found, *(Sent(f"request, {name}", Wanted.SURVIVED, data) for name, data in survived.items()))


# --- frames --------------------------------------------------------------------------------------

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_MASK: Final = b"\x37\xfa\x21\x3d"  # RFC 6455, 5.7
_SHORT_MAX: Final = 125
_MEDIUM_MAX: Final = 0xFFFF


def frame(  # noqa: PLR0913 - the fields of a frame
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = _MASK,
    length: int | None = None,
) -> bytes:
    """A client's frame (RFC 6455, 5.2). ``length``: what it says of itself, where that is not true."""
    said = len(payload) if length is None else length
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0 if mask is None else 0x80
    if said <= _SHORT_MAX:
        head = bytes([first, bit | said])
    elif said <= _MEDIUM_MAX:
        head = bytes([first, bit | 126]) + struct.pack("!H", said)
    else:
        head = bytes([first, bit | 127]) + struct.pack("!Q", said)
    return head + (payload if mask is None else mask + masked(payload, mask))


def masked(payload: bytes, mask: bytes) -> bytes:
    """The payload under its mask; the same again takes it off."""
    size = len(payload)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")


def closing(code: int, reason: bytes = b"") -> bytes:
    """A close frame."""
    return frame(CLOSE, struct.pack("!H", code) + reason)


_WORD: Final = b'{"type":"ping"}'
_EURO: Final = "€uro".encode()

GOOD_FRAMES: Final = tuple(
    Sent(f"frames, {name}", Wanted.KEPT, data)
    for name, data in {
        "a text": frame(TEXT, _WORD),
        "an empty text": frame(TEXT),
        "a text of 126 bytes": frame(TEXT, b"a" * 126),
        "a text of 20 kB": frame(TEXT, b"a" * 20_000),
        "a text in three frames": frame(TEXT, b"{", fin=False) + frame(CONT, b"}", fin=False) + frame(CONT),
        "a ping between two frames": frame(TEXT, b"a", fin=False) + frame(PING, b"x") + frame(CONT, b"b"),
        "empty frames of a text": frame(TEXT, fin=False) + frame(CONT, fin=False) + frame(CONT, b"a"),
        "a character in two frames": frame(TEXT, _EURO[:2], fin=False) + frame(CONT, _EURO[2:]),
        "a ping of 125 bytes": frame(PING, b"p" * 125),
        "a pong nobody asked for": frame(PONG, b"?"),
        "a mask of zeros": frame(TEXT, _WORD, mask=bytes(4)),
    }.items()
)

CLOSES: Final = (
    Sent("frames, close without a code", Wanted.ENDED, frame(CLOSE)),
    *(Sent(f"frames, close {code}", Wanted.ENDED, closing(code, b"bye"), code) for code in (1000, 1001, 3000, 4999)),
)

_BAD_TEXT: Final = {
    "a byte that begins nothing": b"\x80",
    "an overlong slash": b"\xc0\xaf",
    "half of a surrogate pair": b"\xed\xa0\x80",
    "a character past the last": b"\xf4\x90\x80\x80",
    "a character cut off": "€".encode()[:2],
    "a byte that UTF-8 has not": b"\xff",
}

BAD_FRAMES: Final = tuple(
    Sent(f"frames, {name}", Wanted.ENDED, data, code)
    for name, (data, code) in {
        "no mask": (frame(TEXT, _WORD, mask=None), 1002),
        **{f"reserved bit {4 - bit}": (frame(TEXT, _WORD, rsv=1 << (bit - 1)), 1002) for bit in (3, 2, 1)},
        **{f"opcode {code}": (frame(code, b"x"), 1002) for code in (3, 7, 11, 15)},
        "a ping in two frames": (frame(PING, b"a", fin=False) + frame(CONT, b"b"), 1002),
        "a ping of 126 bytes": (frame(PING, b"p" * 126), 1002),
        "a continuation of nothing": (frame(CONT, b"a"), 1002),
        "a text inside a text": (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
        "a text after an empty beginning": (frame(TEXT, fin=False) + frame(TEXT, b"b"), 1002),
        "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
        **{f"close {code}": (closing(code), 1002) for code in (0, 999, 1005, 1006, 1015, 2999, 5000, 65535)},
        "a close with a broken reason": (closing(1000, b"\xff"), 1007),
        **{f"text with {name}": (frame(TEXT, text), 1007) for name, text in _BAD_TEXT.items()},
        "broken text in two frames": (frame(TEXT, b"a\xf0\x9f", fin=False) + frame(CONT, b"b"), 1007),
        "a length of 2^63": (frame(BINARY, length=1 << 63), 0),  # 1002 and 1009 are both right
    }.items()
)

_HUGE: Final = 16 * 1024 * 1024


def oversize_frames() -> tuple[Sent, ...]:
    """Messages that are too long for anybody. Made anew: they are 16 MiB, and hardly anybody needs them."""
    return (
        Sent("frames, a terabyte announced", Wanted.ENDED, frame(TEXT, b"a", length=1 << 40), 1009),
        Sent("frames, a text of 16 MiB", Wanted.ENDED, frame(TEXT, b"a" * _HUGE), 1009),
    )


def endless_fragments(count: int, size: int) -> bytes:
    """A message that goes on and on, no frame of it too large."""
    piece = frame(CONT, b"a" * size, fin=False)
    return frame(TEXT, b"a" * size, fin=False) + piece * count
