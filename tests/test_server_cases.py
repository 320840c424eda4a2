"""Inputs for servers: what they are by name is what they are by the standards' own parsers."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.server import ServerProtocol
from websockets.streams import StreamReader

from conformance import server_cases as cases
from conformance.rig.serving.model import Due, SessionModel
from conformance.server_cases import EXTENSION, Sent
from conformance.server_events import Wanted

HOST = "localhost:3003"


def status_of(sent: Sent) -> int:
    """What websockets' own server answers."""
    protocol = ServerProtocol()
    protocol.receive_data(sent.data)
    requests = protocol.events_received()
    if not requests or isinstance(requests[0], Frame):
        return 400
    return protocol.accept(requests[0]).status_code  # type: ignore[arg-type]  # a server receives requests


@pytest.mark.parametrize("sent", cases.good_handshakes("/", HOST, EXTENSION), ids=lambda sent: sent.name)
def test_good_handshakes_are_good(sent: Sent) -> None:
    assert sent.wanted is Wanted.OPEN
    assert status_of(sent) == 101


@pytest.mark.parametrize("sent", cases.bad_handshakes("/", HOST, EXTENSION), ids=lambda sent: sent.name)
def test_bad_handshakes_are_bad(sent: Sent) -> None:
    assert sent.wanted is Wanted.REFUSED
    assert status_of(sent) != 101


@pytest.mark.parametrize("sent", [*cases.GOOD_FRAMES, *cases.CLOSES, *cases.BAD_FRAMES], ids=lambda sent: sent.name)
def test_frames_are_what_they_are_called(sent: Sent) -> None:
    model = SessionModel()
    assert model.due(sent.data) is (Due.KEPT if sent.wanted is Wanted.KEPT else Due.ENDED)
    if sent.code:
        assert model.code == sent.code


def test_every_close_code_that_nobody_may_send_is_sent() -> None:
    names = {sent.name for sent in cases.BAD_FRAMES}
    assert {f"frames, close {code}" for code in (0, 999, 1005, 1006, 1015, 2999, 5000, 65535)} <= names


def test_refused_requests_are_none() -> None:
    """Those that a strict parser lets pass are refused for what is in them, which is named here."""
    lenient = {"a target of 100 kB", "a header of 100 kB"}
    for sent in cases.malformed_requests("/", HOST):
        if sent.wanted is not Wanted.REFUSED or sent.name.removeprefix("request, ") in lenient:
            continue
        parser = h11.Connection(h11.SERVER)
        parser.receive_data(sent.data)
        with pytest.raises(h11.RemoteProtocolError):
            parser.next_event()


@given(st.binary(max_size=70_000), st.binary(min_size=4, max_size=4))
def test_a_frame_is_read_as_it_was_written(payload: bytes, mask: bytes) -> None:
    reader = StreamReader()
    reader.feed_data(cases.frame(cases.BINARY, payload, mask=mask))
    parsing = Frame.parse(reader.read_exact, mask=True)
    with pytest.raises(StopIteration) as read:
        next(parsing)
    assert bytes(read.value.value.data) == payload


def test_names_tell_inputs_apart() -> None:
    every = [*cases.good_handshakes("/", HOST, EXTENSION), *cases.bad_handshakes("/", HOST, EXTENSION)]
    every += [*cases.malformed_requests("/", HOST), *cases.GOOD_FRAMES, *cases.CLOSES, *cases.BAD_FRAMES]
    every += cases.oversize_frames()
    assert len({sent.name for sent in every}) == len(every)


def test_a_handshake_may_leave_a_header_out() -> None:
    assert b"Sec-WebSocket-Key" not in cases.upgrade("/", HOST, "Sec-WebSocket-Key:")
