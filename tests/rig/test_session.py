"""A fake's WebSocket session, with another implementation's client and with bytes by hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from conformance.events import (
    Event,
    FaultFellShort,
    FaultTookEffect,
    FrameReceived,
    SessionClosed,
    SessionOpened,
)
from conformance.model import FaultSpec, Json, Side
from conformance.rig.faults import build
from conformance.rig.faults.base import SessionFault
from conformance.rig.recorder import now_ms
from conformance.rig.session import Session
from conformance.server_cases import CONT, TEXT, frame
from tests.rig.servers import PATIENCE_S, UPGRADE, Staged, staged

PING = b"\x89\x80\x00\x00\x00\x00"
PONG = b"\x8a\x00"
TEXT_PING = b"\x81\x84\x00\x00\x00\x00ping"  # the profile's heartbeat, masked with zeros
TEXT_PONG = b"\x81\x04pong"
CLOSE_1000 = b"\x88\x82\x00\x00\x00\x00\x03\xe8"


def frames(stage: Staged) -> list[tuple[str, int]]:
    return [(event.opcode, event.size) for event in stage.recorder.events if isinstance(event, FrameReceived)]


def closed(stage: Staged) -> list[tuple[int, str]]:
    return [(event.code, event.by) for event in stage.recorder.events if isinstance(event, SessionClosed)]


async def until_closed(stage: Staged) -> tuple[int, str]:
    """How the one session was closed, when it is."""
    assert await stage.recorder.wait_until(lambda: bool(closed(stage)), now_ms() + PATIENCE_S * 1000)
    (end,) = closed(stage)
    return end


def only_session(stage: Staged) -> Session:
    (session,) = stage.fake().sessions
    return session


@asynccontextmanager
async def client(stage: Staged) -> AsyncIterator[ClientConnection]:
    address = next(address for address, side in stage.servers.sides.items() if side is Side.LOCAL)
    async with connect(f"ws://{address}/", proxy=None, close_timeout=0.1, ping_interval=None) as socket:
        yield socket


async def upgraded(stage: Staged) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await stage.connect()
    writer.write(UPGRADE)
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Everything until the end of the connection."""
    async with asyncio.timeout(PATIENCE_S):
        return await reader.read()


def test_a_right_upgrade_opens_a_session() -> None:
    async def scene() -> tuple[bool, int]:
        async with staged() as stage, client(stage):
            opened = [event for event in stage.recorder.events if isinstance(event, SessionOpened)]
            return stage.fake().has_session(), len(opened)

    assert asyncio.run(scene()) == (True, 1)


def test_the_heartbeat_is_answered_and_nothing_else_is() -> None:
    async def scene() -> tuple[list[str | bytes], list[tuple[str, int]]]:
        async with staged() as stage, client(stage) as socket, asyncio.timeout(PATIENCE_S):
            await socket.send("hello")
            await socket.send(b"ping")  # the heartbeat is text
            await socket.send('{"type": "ping"}')
            await (await socket.ping())  # everything before it has been answered
            received = frames(stage)
            await only_session(stage).close(1000)
            return [message async for message in socket], received

    answers, received = asyncio.run(scene())
    assert answers == ["pong"]
    assert received == [("text", 5), ("binary", 4), ("text", 16), ("ping", 4)]


def test_a_subject_that_closes_is_seen_to() -> None:
    async def scene() -> tuple[tuple[int, str], bool]:
        async with staged() as stage:
            async with client(stage) as socket:
                await socket.close(1001)
            return await until_closed(stage), stage.fake().has_session()

    assert asyncio.run(scene()) == ((1001, "subject"), False)


def test_a_server_that_closes_is_seen_to() -> None:
    async def scene() -> tuple[tuple[int, str], int]:
        async with staged() as stage, client(stage) as socket:
            await only_session(stage).close(1011)
            assert not stage.fake().has_session()
            with pytest.raises(ConnectionClosed) as caught:
                async with asyncio.timeout(PATIENCE_S):
                    await socket.recv()
            assert caught.value.rcvd is not None
            return await until_closed(stage), caught.value.rcvd.code

    assert asyncio.run(scene()) == ((1011, "server"), 1011)


def test_a_subject_that_vanishes_is_lost() -> None:
    async def scene() -> tuple[int, str]:
        async with staged() as stage, client(stage) as socket:
            socket.transport.abort()
            return await until_closed(stage)

    assert asyncio.run(scene()) == (1006, "lost")


def test_a_reset_is_the_servers() -> None:
    async def scene() -> tuple[int, str]:
        async with staged() as stage:
            reader, _ = await upgraded(stage)
            only_session(stage).reset()
            with pytest.raises(ConnectionResetError):
                await rest(reader)
            return await until_closed(stage)

    assert asyncio.run(scene()) == (1006, "server")


def test_a_session_that_is_being_closed_sends_nothing_more() -> None:
    """RFC 6455, 5.5.1: after its close frame an endpoint sends no more data frames."""

    async def scene() -> tuple[bytes, tuple[int, str]]:
        async with staged() as stage:
            reader, writer = await upgraded(stage)
            await only_session(stage).close(1001)
            writer.write(TEXT_PING + CLOSE_1000)
            return await rest(reader), await until_closed(stage)

    got, end = asyncio.run(scene())
    assert got == b"\x88\x02\x03\xe9"
    assert end == (1000, "server")


def test_a_silent_peer_takes_everything_and_answers_nothing() -> None:
    async def scene() -> tuple[bytes, list[tuple[str, int]], tuple[int, str]]:
        async with staged() as stage:
            reader, writer = await upgraded(stage)
            only_session(stage).fall_silent()
            assert not stage.fake().has_session()
            writer.write(PING + TEXT_PING + CLOSE_1000)
            writer.write_eof()
            return await rest(reader), frames(stage), await until_closed(stage)

    got, received, end = asyncio.run(scene())
    assert got == b""
    assert received == [("ping", 0), ("text", 4), ("close", 2)]
    assert end == (1000, "subject")


def test_a_live_peer_answers_the_same_frames() -> None:
    """What the test above must not see."""

    async def scene() -> bytes:
        async with staged() as stage:
            reader, writer = await upgraded(stage)
            writer.write(PING + TEXT_PING)
            async with asyncio.timeout(PATIENCE_S):
                answers = await reader.readexactly(len(PONG + TEXT_PONG))
            writer.write(CLOSE_1000)
            return answers + await rest(reader)

    assert asyncio.run(scene()) == PONG + TEXT_PONG + b"\x88\x02\x03\xe8"


def test_a_frame_that_breaks_the_protocol_ends_the_session() -> None:
    async def scene() -> tuple[bytes, tuple[int, str]]:
        async with staged() as stage:
            reader, writer = await upgraded(stage)
            writer.write(b"\x81\x02hi")  # not masked (RFC 6455, 5.1)
            return await rest(reader), await until_closed(stage)

    got, end = asyncio.run(scene())
    assert got[:4] == b"\x88" + bytes([len(got) - 2]) + b"\x03\xea"
    assert end == (1002, "server")


@pytest.mark.parametrize("frames", [frame(TEXT, b"a\xff"), frame(TEXT, b"\xe2\x82", fin=False) + frame(CONT, b"a")])
def test_text_that_is_not_utf_8_ends_the_session(frames: bytes) -> None:
    async def scene() -> tuple[bytes, tuple[int, str]]:
        async with staged() as stage:
            reader, writer = await upgraded(stage)
            writer.write(frame(TEXT, "€".encode()[:2], fin=False) + frame(CONT, "€".encode()[2:]))  # this is UTF-8
            writer.write(frames)
            return await rest(reader), await until_closed(stage)

    got, end = asyncio.run(scene())
    assert got == b"\x88\x02\x03\xef"
    assert end == (1007, "server")


def test_a_spoiled_key_opens_nothing() -> None:
    async def scene() -> list[Event]:
        async with staged() as stage:
            await stage.set(Side.LOCAL, FaultSpec("wrong_accept"))
            with pytest.raises(InvalidHandshake):
                async with client(stage):
                    pass
            assert stage.fake().sessions == []
            return [event for event in stage.recorder.events if isinstance(event, SessionOpened)]

    assert asyncio.run(scene()) == []


@pytest.mark.parametrize(
    "header", [b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b"Sec-WebSocket-Version: 13\r\n"]
)
def test_an_upgrade_that_lacks_what_it_needs_is_refused(header: bytes) -> None:
    async def scene() -> tuple[bytes, list[Session]]:
        async with staged() as stage:
            answer = await stage.exchange(UPGRADE.replace(header, b""))
            return answer, stage.fake().sessions

    answer, sessions = asyncio.run(scene())
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 426"))
    assert sessions == []


# --- what did not happen is not noted ------------------------------------------------------------


async def vanish(stage: Staged) -> None:
    """The subject's connection breaks, and the fake's transport has seen it; the session's task has not run yet."""
    _, writer = await upgraded(stage)
    session = only_session(stage)
    writer.transport.abort()
    while not session.link.writer.is_closing():
        session.link.writer.transport.write(PONG)  # nobody is left to take it
        await asyncio.sleep(0)


@pytest.mark.parametrize("name", ["close", "reset_session", "malformed_frame"])
def test_a_fault_that_comes_after_the_subjects_end_had_no_effect(name: str) -> None:
    stated: dict[str, dict[str, Json]] = {"close": {"code": 1000}, "malformed_frame": {"kind": "masked"}}

    async def scene() -> tuple[list[Event], tuple[int, str]]:
        async with staged() as stage:
            await vanish(stage)
            (fault,) = build([FaultSpec(name, stated.get(name, {}))])
            assert isinstance(fault, SessionFault)
            session = only_session(stage)
            with contextlib.suppress(ConnectionError):
                await session.link.under(fault, fault.apply(session))
            kinds = (FaultTookEffect, FaultFellShort)
            return [event for event in stage.recorder.events if isinstance(event, kinds)], await until_closed(stage)

    assert asyncio.run(scene()) == ([], (1006, "lost"))


def test_a_drop_of_a_session_that_ends_by_itself_is_no_bug_of_the_harness() -> None:
    async def scene() -> BaseException | None:
        async with staged() as stage:
            await vanish(stage)
            (fault,) = build([FaultSpec("malformed_frame", {"kind": "masked"})])
            assert isinstance(fault, SessionFault)
            await stage.fake().drop_sessions(fault)
            return stage.fake().failure

    assert asyncio.run(scene()) is None


def test_a_session_that_is_closing_already_is_not_closed_by_a_fault() -> None:
    async def scene() -> tuple[bool, bool]:
        async with staged() as stage:
            await upgraded(stage)
            session = only_session(stage)
            return await session.close(1001), await session.close(1011)

    assert asyncio.run(scene()) == (True, False)
