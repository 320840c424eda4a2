"""What a connection was sent, read as a client would read it."""

from __future__ import annotations

from math import inf

import pytest

from conformance.rig.http import chunked, response, response_head
from conformance.rig.traffic import SentFrame, Traffic


def sent(*pieces: tuple[bytes, float]) -> Traffic:
    traffic = Traffic(1000.0)
    for data, at_ms in pieces:
        traffic.sent(data, at_ms)
    return traffic


def test_nothing_at_all() -> None:
    traffic = sent((b"", 1003.0))
    assert (traffic.total, traffic.sends, traffic.waited_ms) == (0, 0, inf)
    assert traffic.head() is None
    assert traffic.body() is None
    assert list(traffic.frames()) == []


def test_bytes_and_times() -> None:
    traffic = sent((b"one", 1003.0), (b"three", 1010.5))
    assert (traffic.total, traffic.sends, traffic.last_size) == (8, 2, 5)
    assert (traffic.waited_ms, traffic.gap_ms) == (3.0, 7.5)
    assert traffic.data == b"onethree"


def test_of_very_much_the_beginning_is_kept_and_all_is_counted() -> None:
    traffic = sent(*[(b"x" * 1024 * 1024, 1000.0)] * 5)
    assert traffic.total == 5 * 1024 * 1024
    assert len(traffic.data) == 2 * 1024 * 1024


@pytest.mark.parametrize(
    ("framing", "whole"),
    [
        ("length", response(404, {"X-A": " b "}, b"body")),
        ("chunked", response_head(404, {"X-A": "b", "Transfer-Encoding": "chunked"}) + chunked(b"body", 3)),
        ("close", response_head(404, {"X-A": "b", "Connection": "close"}) + b"body"),
    ],
    ids=["length", "chunked", "close"],
)
def test_a_response_by_its_framing(framing: str, whole: bytes) -> None:
    traffic = sent((whole, 1001.0))
    head = traffic.head()
    assert head is not None
    assert (head.status, head.framing, head.headers["x-a"]) == (404, framing, "b")
    assert traffic.body() == b"body"
    assert traffic.body_sent == len(whole) - whole.index(b"\r\n\r\n") - 4


def test_a_response_that_is_not_whole() -> None:
    whole = response(200, {}, b"body")
    assert sent((whole[:10], 1001.0)).head() is None
    cut = sent((whole[:-1], 1001.0))
    assert cut.head() is not None
    assert cut.body() is None


@pytest.mark.parametrize("data", [b"SSH-2.0-x\r\n\r\n", b"\x15\x03\x01\r\n\r\n", b"HTTP/1.1 what\r\n\r\n"])
def test_what_is_no_response(data: bytes) -> None:
    assert sent((data, 1001.0)).head() is None


def test_a_switch_of_protocols_has_a_head() -> None:
    head = sent((response_head(101, {"Upgrade": "websocket"}), 1001.0)).head()
    assert head is not None
    assert (head.status, head.headers["upgrade"]) == (101, "websocket")


def test_frames_of_every_length_masked_or_not() -> None:
    long, longer = b"y" * 300, b"z" * 70_000
    data = b"\x89\x00" + b"\xf1\x82\0\0\0\0{}" + b"\x81\x7e" + len(long).to_bytes(2) + long
    data += b"\x82\x7f" + len(longer).to_bytes(8) + longer + b"\x88\x02\x03"  # the last is cut
    assert list(sent((data, 1001.0)).frames()) == [
        SentFrame(9, reserved=False, masked=False, size=0, payload=b""),
        SentFrame(1, reserved=True, masked=True, size=2, payload=b"{}"),
        SentFrame(1, reserved=False, masked=False, size=300, payload=long),
        SentFrame(2, reserved=False, masked=False, size=70_000, payload=longer),
        SentFrame(8, reserved=False, masked=False, size=2, payload=b"\x03"),
    ]
