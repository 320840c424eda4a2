"""The model of a session and of a request: what is due, in what was sent before."""

from __future__ import annotations

import pytest

from conformance.rig.serving.model import Due, SessionModel, is_whole_request
from conformance.server_cases import CONT, TEXT, closing, frame


def test_half_a_message_stays_half_a_message() -> None:
    model = SessionModel()
    assert model.due(frame(TEXT, b"\xe2\x82", fin=False)) is Due.KEPT
    assert model.due(frame(CONT, b"\xac")) is Due.KEPT
    assert model.due(frame(CONT, b"a")) is Due.ENDED
    assert model.code == 1002


def test_what_comes_inside_of_a_frame_is_waited_for() -> None:
    assert SessionModel().due(frame(TEXT, b"ab", length=5000)) is Due.OPEN
    assert SessionModel().due(frame(TEXT)[:1]) is Due.OPEN


def test_text_has_to_be_text_and_bytes_need_not() -> None:
    assert SessionModel().due(frame(TEXT, b"\xff")) is Due.ENDED
    assert SessionModel().due(frame(2, b"\xff")) is Due.KEPT


def test_a_close_ends() -> None:
    model = SessionModel()
    assert model.due(closing(1011)) is Due.ENDED
    assert model.code == 1011  # echoed, and no failure of the server's own


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", False),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab", False),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", True),
        (b"\x16\x03\x01\r\n\r\n", True),
        (b"", False),
    ],
)
def test_whole_requests(data: bytes, whole: bool) -> None:
    assert is_whole_request(data) is whole
