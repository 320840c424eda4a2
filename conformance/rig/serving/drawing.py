"""Inputs for servers, drawn by Hypothesis and then broken by hand, the same for the same seed.

Hypothesis draws what has structure: requests along the grammar of the API, and frames with every field free. Each
drawing is followed by some that are it with bytes flipped, cut, doubled or put in, which costs next to nothing.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from conformance.rig.scratch import scratching
from conformance.server_cases import BINARY, CLOSE, CONT, PING, PONG, TEXT, frame, request, upgrade

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.rig.serving.wire import Target

T = TypeVar("T")

BROKEN_A_DRAWING: Final = 4  # so many broken ones follow each whole one
_PAYLOAD_MAX: Final = 300


# --- frames --------------------------------------------------------------------------------------

_PAYLOADS: Final = st.one_of(
    st.binary(max_size=_PAYLOAD_MAX),
    st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")),
    st.sampled_from([b"", b'{"type":"ping"}', b"\xff", b"\xed\xa0\x80", "€".encode()[:2]]),
)
_CODES: Final = st.one_of(
    st.sampled_from([1000, 1001, 1005, 1006, 1011, 1015, 3000, 4999, 5000]), st.integers(0, 65535)
)
_CLOSES: Final = st.builds(
    lambda code, reason: frame(CLOSE, code.to_bytes(2, "big") + reason), _CODES, st.binary(max_size=30)
)
_VALID: Final = st.one_of(
    st.builds(frame, st.sampled_from([TEXT, BINARY]), _PAYLOADS),
    st.builds(frame, st.sampled_from([PING, PONG]), st.binary(max_size=125)),
    st.lists(st.binary(max_size=20), min_size=1, max_size=4).map(
        lambda parts: b"".join(
            frame(CONT if place else BINARY, part, fin=place == len(parts) - 1) for place, part in enumerate(parts)
        )
    ),
    _CLOSES,
)
_ANY: Final = st.builds(
    frame,
    st.integers(0, 15),
    _PAYLOADS,
    fin=st.booleans(),
    rsv=st.one_of(st.just(0), st.integers(0, 7)),
    mask=st.one_of(st.binary(min_size=4, max_size=4), st.none()),
    length=st.one_of(st.none(), st.sampled_from([0, 125, 126, 127, 65535, 65536, 1 << 32, 1 << 63])),
)
# Text of any bytes in sound frames: nothing is wrong with it but, mostly, its UTF-8.
_TEXTS: Final = st.builds(
    lambda head, tail, parts: (
        frame(TEXT, head + tail) if parts == 1 else frame(TEXT, head, fin=False) + frame(CONT, tail)
    ),
    _PAYLOADS,
    _PAYLOADS,
    st.integers(1, 2),
)
FRAMES: Final = st.one_of(
    _TEXTS,
    st.lists(_VALID, min_size=1, max_size=4).map(b"".join),
    st.lists(st.one_of(_VALID, _ANY), min_size=1, max_size=4).map(b"".join),
)


# --- requests ------------------------------------------------------------------------------------

_TOKENS: Final = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_", min_size=1, max_size=20)
_VALUES: Final = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60)
_HEADERS: Final = st.one_of(
    st.builds("{}: {}".format, _TOKENS, _VALUES),
    st.builds(
        "{}: {}".format,
        st.sampled_from(
            [
                "Origin",
                "Accept",
                "Content-Length",
                "Transfer-Encoding",
                "Connection",
                "Upgrade",
                "Expect",
                "Cookie",
                "Range",
                "If-None-Match",
                "Content-Encoding",
                "Sec-WebSocket-Key",
                "X-Forwarded-For",
                "Host",
            ]
        ),
        st.one_of(_VALUES, st.sampled_from(["null", "*", "0", "-1", "chunked", "close", "websocket", "100-continue"])),
    ),
)
_METHODS: Final = st.one_of(
    st.sampled_from(["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PRI"]), _TOKENS
)


def requests_to(target: Target) -> st.SearchStrategy[bytes]:
    """Requests to the paths of the API, and to others; handshakes among them."""
    known = [target.signature_path, target.health_path, target.session_path]
    text = st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=40)
    paths = st.one_of(
        st.sampled_from(known),
        st.builds("{}?{}".format, st.sampled_from(known), text),
        st.builds("/{}".format, text),
        st.sampled_from(["*", "//", "/..", "/%00", "/%2e%2e/health", "http://other.example/", "/health/", "/HEALTH"]),
    )
    versions = st.sampled_from(["1.1", "1.1", "1.1", "1.0", "2.0", "0.9", "1.10"])

    def whole(method: str, path: str, headers: Sequence[str], body: bytes, version: str) -> bytes:
        return request(path, target.host, *headers, method=method, version=version) + body

    plain = st.builds(whole, _METHODS, paths, st.lists(_HEADERS, max_size=5), st.binary(max_size=80), versions)
    shakes = st.builds(
        lambda headers: upgrade(target.session_path, target.host, *headers), st.lists(_HEADERS, max_size=3)
    )
    return st.one_of(plain, plain, shakes)


# --- drawing -------------------------------------------------------------------------------------


def draw(strategy: st.SearchStrategy[bytes], count: int, seed: int) -> list[bytes]:
    """``count`` inputs: whole ones, each followed by broken ones."""
    found: list[bytes] = []
    random = Random(seed)  # noqa: S311 - variety, not secrecy
    for whole in _whole(strategy, -(-count // (BROKEN_A_DRAWING + 1)), seed):
        found.append(whole)
        found += [broken(whole, random) for _ in range(BROKEN_A_DRAWING)]
    return found[:count]


def _whole(strategy: st.SearchStrategy[T], count: int, seed: int) -> list[T]:
    found: list[T] = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=max(1, count),
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(strategy)
    def collect(drawn: T) -> None:
        found.append(drawn)

    _keep_house_elsewhere()
    collect()
    return found


def _keep_house_elsewhere() -> None:
    """Hypothesis keeps a directory where it is run, unless told another; ours is nobody's working directory."""
    if not Path(".hypothesis").is_dir():
        with scratching():  # not an OSError, which would be taken for the server's
            home = Path(tempfile.gettempdir())
        hypothesis.configuration.set_hypothesis_home_dir(home / ".conform-hypothesis")


def broken(data: bytes, random: Random) -> bytes:
    """The same with one to three accidents."""
    made = bytearray(data)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(made) + 1)
        match random.randrange(8):
            case 0 | 1 | 2 | 3 if at < len(made):
                made[at] ^= 1 << random.randrange(8)
            case 4:
                del made[at : at + random.randint(1, 12)]
            case 5:
                made[at:at] = made[at : at + random.randint(1, 12)]
            case 6:
                made[at:at] = random.randbytes(random.randint(1, 6))
            case _:
                del made[at:]
    return bytes(made)
