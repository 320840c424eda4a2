"""A session of a real server through the fake: frames both ways, the record of them, faults that take it over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from conformance.errors import TargetFailed
from conformance.events import (
    FaultTookEffect,
    FrameReceived,
    ResponseSent,
    SessionClosed,
    SessionOpened,
    SessionsDropped,
    TargetAnswered,
)
from conformance.model import FaultSpec, Heartbeat, Side
from conformance.rig import relayed
from conformance.rig.faults import build
from conformance.rig.faults.base import SessionFault
from conformance.rig.relayed import Wired, read_frame
from tests.rig.real import Real, before, raw, real
from tests.rig.servers import ACCEPT, PATIENCE_S, PROFILE, UPGRADE, Staged
from tests.rig.test_fake import noted, until_noted

PINGS = replace(PROFILE, heartbeat=Heartbeat("ping", "pong"))


@asynccontextmanager
async def client(stage: Staged, path: str = "/", **options: object) -> AsyncIterator[ClientConnection]:
    address = next(address for address, side in stage.servers.sides.items() if side is Side.LOCAL)
    url = f"ws://{address}{path}"
    async with connect(url, open_timeout=PATIENCE_S, close_timeout=1, **options) as session:  # type: ignore[arg-type]
        yield session


@asynccontextmanager
async def in_session(
    tmp_path: Path, *faults: FaultSpec, compression: str | None = None
) -> AsyncIterator[tuple[Real, Staged, ClientConnection]]:
    async with real() as (its, url), before(url, tmp_path, PINGS) as stage:
        await stage.set(Side.LOCAL, *faults)
        async with client(stage, compression=compression) as session:
            yield its, stage, session


async def drop(stage: Staged, spec: FaultSpec) -> None:
    (fault,) = build([spec])
    assert isinstance(fault, SessionFault)
    await stage.fake().drop_sessions(fault)


async def closed_with(session: ClientConnection) -> int:
    with contextlib.suppress(ConnectionClosed):
        async with asyncio.timeout(PATIENCE_S):
            while True:
                await session.recv()
    return session.close_code or 0


# --- healthy -------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["deflate", None])
@pytest.mark.parametrize("message", ["text, " * 50, b"\xff\x00" * 70_000])
def test_messages_go_both_ways(message: str | bytes, compression: str | None, tmp_path: Path) -> None:
    async def scene() -> tuple[str | bytes, list[str], BaseException | None]:
        async with real() as (_, url), before(url, tmp_path) as stage:
            async with client(stage, compression=compression) as session:
                await session.send(message)
                back = await session.recv()
            closed = await until_noted(stage, SessionClosed)
            assert (closed.code, closed.by) == (1000, "subject")
            return back, [event.opcode for event in noted(stage, FrameReceived)], stage.fake().failure

    kind = "text" if isinstance(message, str) else "binary"
    assert asyncio.run(scene()) == (message, [kind, "close"], None)


def test_what_the_record_has_of_it(tmp_path: Path) -> None:
    async def scene() -> tuple[list[type], int]:
        async with in_session(tmp_path) as (_, stage, session):
            await session.send(b"ping")
            assert stage.fake().has_session()
            kinds = (TargetAnswered, SessionOpened, FrameReceived)
            await until_noted(stage, FrameReceived)
            return [type(event) for event in stage.recorder.events if isinstance(event, kinds)], noted(
                stage, FrameReceived
            )[0].size

    assert asyncio.run(scene()) == ([TargetAnswered, SessionOpened, FrameReceived], 4)


def test_the_servers_own_101_is_relayed(tmp_path: Path) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head == UPGRADE
        told = b"HTTP/1.1 101 My Own Words\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        writer.write(told + ACCEPT + b"\r\n\r\n\x81\x02hi")
        await reader.read()

    async def scene() -> bytes:
        async with raw(handle) as url, before(url, tmp_path, looks=False) as stage:
            return await stage.exchange(UPGRADE, until=b"hi")

    got = asyncio.run(scene())
    assert got.startswith(b"HTTP/1.1 101 My Own Words\r\n")
    assert got.endswith(b"\x81\x02hi")


def test_a_refusal_of_so_many_connects_says_what_to_do(tmp_path: Path) -> None:
    async def scene() -> str:
        async with real() as (its, url), before(url, tmp_path) as stage:
            its.refuse = 429
            with pytest.raises(InvalidStatus):
                async with client(stage):
                    pass
            return str(stage.fake().failure)

    told = asyncio.run(scene())
    assert "refused a session with status 429 (a run makes more connects than it lets one client make; raise" in told


@pytest.mark.parametrize(("path", "is_failure"), [("/", True), ("/elsewhere", False)])
def test_a_refusal_is_relayed_and_where_sessions_are_it_is_a_failure(
    path: str, tmp_path: Path, *, is_failure: bool
) -> None:
    async def scene() -> tuple[int, BaseException | None, list[int]]:
        async with real() as (its, url), before(url, tmp_path) as stage:
            its.refuse = 403
            with pytest.raises(InvalidStatus) as refused:
                async with client(stage, path, origin="chrome-extension://abc"):
                    pass
            sent = [event.status for event in noted(stage, ResponseSent)]
            return refused.value.response.status_code, stage.fake().failure, sent

    status, failure, sent = asyncio.run(scene())
    assert (status, sent) == (403, [403])
    if is_failure:
        assert isinstance(failure, TargetFailed)
        assert (
            "refused a session with status 403 (the subject's origin, which it has to let in: chrome-extension://abc)"
            in str(failure)
        )
    else:
        assert failure is None


# --- the server's own ends -----------------------------------------------------------------------


def test_a_close_of_the_servers_own_is_relayed_and_a_failure(tmp_path: Path) -> None:
    async def scene() -> tuple[int, SessionClosed, BaseException | None]:
        async with in_session(tmp_path) as (its, stage, session):
            await its.sessions[0].close(4001, "enough")
            code = await closed_with(session)
            return code, await until_noted(stage, SessionClosed), stage.fake().failure

    code, closed, failure = asyncio.run(scene())
    assert (code, closed.code, closed.by) == (4001, 4001, "server")
    assert "it closed a session with code 4001, and nothing in the scenario makes it" in str(failure)


def test_a_lost_connection_is_relayed_and_a_failure(tmp_path: Path) -> None:
    async def scene() -> tuple[int, SessionClosed, BaseException | None]:
        async with in_session(tmp_path) as (its, stage, session):
            its.sessions[0].transport.abort()
            code = await closed_with(session)
            return code, await until_noted(stage, SessionClosed), stage.fake().failure

    code, closed, failure = asyncio.run(scene())
    assert (code, closed.code, closed.by) == (1006, 1006, "server")
    assert "it ended a session's connection" in str(failure)


def test_what_ends_while_the_scenario_has_it_down_is_no_failure(tmp_path: Path) -> None:
    async def scene() -> BaseException | None:
        async with in_session(tmp_path) as (its, stage, session):
            target = stage.fake().target
            assert target is not None
            target.is_down = True
            its.sessions[0].transport.abort()
            await closed_with(session)
            return stage.fake().failure

    assert asyncio.run(scene()) is None


@pytest.mark.parametrize("echoes", [True, False])
def test_a_heartbeat_that_it_leaves_unanswered_is_its_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, echoes: bool
) -> None:
    monkeypatch.setattr(relayed, "_HEARTBEAT_MS_MAX", 20)

    async def scene() -> BaseException | None:
        async with real() as (its, url), before(url, tmp_path, PINGS) as stage:
            its.echoes = echoes
            async with client(stage, compression=None) as session:
                await session.send('{"type":"ping"}')
                if echoes:
                    await session.recv()
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await session.recv()
            await until_noted(stage, SessionClosed)
            return stage.fake().failure

    failure = asyncio.run(scene())
    assert (failure is None) is echoes
    assert echoes or "left the subject's heartbeat unanswered" in str(failure)


# --- faults --------------------------------------------------------------------------------------


def test_a_close_in_the_servers_place(tmp_path: Path) -> None:
    async def scene() -> tuple[int, SessionClosed, str, BaseException | None]:
        async with in_session(tmp_path) as (its, stage, session):
            await drop(stage, FaultSpec("close", {"code": 1011}))
            code = await closed_with(session)
            async with asyncio.timeout(PATIENCE_S):
                await its.over.wait()  # the server was left
            effect = noted(stage, FaultTookEffect)[0]
            return code, await until_noted(stage, SessionClosed), effect.fault, stage.fake().failure

    code, closed, effect, failure = asyncio.run(scene())
    assert (code, closed.code, closed.by, effect, failure) == (1011, 1011, "server", "close(code=1011)", None)


def test_a_reset_in_the_servers_place(tmp_path: Path) -> None:
    async def scene() -> tuple[int, int, bool, BaseException | None]:
        async with in_session(tmp_path) as (its, stage, session):
            await drop(stage, FaultSpec("reset_session"))
            code = await closed_with(session)
            async with asyncio.timeout(PATIENCE_S):
                await its.over.wait()
            return code, noted(stage, SessionsDropped)[0].count, stage.fake().has_session(), stage.fake().failure

    assert asyncio.run(scene()) == (1006, 1, False, None)


@pytest.mark.parametrize("fault", [FaultSpec("half_open"), FaultSpec("ping_only", {"interval_ms": 10_000})], ids=str)
def test_one_that_answers_nothing_more(fault: FaultSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> BaseException | None:
        async with in_session(tmp_path) as (_, stage, session):
            await drop(stage, fault)
            await session.send('{"type":"ping"}')
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await session.recv()
            session.transport.abort()
            await until_noted(stage, SessionClosed)
            assert "text" in [event.opcode for event in noted(stage, FrameReceived)]
            return stage.fake().failure

    monkeypatch.setattr(relayed, "_HEARTBEAT_MS_MAX", 20)  # the silence is the fault's
    assert asyncio.run(scene()) is None


@pytest.mark.parametrize("compression", ["deflate", None])
def test_nothing_falls_silent_before_the_heartbeat_was_answered(compression: str | None, tmp_path: Path) -> None:
    """Who has never heard an answer cannot tell a silent peer from one that does not know the word."""

    async def scene() -> tuple[bool, str | bytes, int, BaseException | None]:
        async with in_session(tmp_path, compression=compression) as (its, stage, session):
            its.holds_back = asyncio.Event()
            await session.send('{"type":"ping"}')
            await until_noted(stage, FrameReceived)
            falling = asyncio.create_task(drop(stage, FaultSpec("half_open")))
            done, _ = await asyncio.wait([falling], timeout=0.1)
            too_soon = bool(done or noted(stage, SessionsDropped))
            its.holds_back.set()
            answer = await session.recv()
            await falling
            return too_soon, answer, noted(stage, SessionsDropped)[0].count, stage.fake().failure

    assert asyncio.run(scene()) == (False, '{"type":"ping"}', 1, None)


@pytest.mark.parametrize(("leaves", "compression"), [(False, None), (True, None), (False, "deflate")])
def test_a_heartbeat_that_nothing_comes_of_is_not_waited_for_for_ever(
    compression: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, leaves: bool
) -> None:
    """One that cannot be read may have been another message, which needs no answer."""

    async def scene() -> tuple[int, BaseException | None]:
        async with in_session(tmp_path, compression=compression) as (its, stage, session):
            its.echoes = False
            await session.send('{"type":"ping"}')
            await until_noted(stage, FrameReceived)
            falling = asyncio.create_task(drop(stage, FaultSpec("half_open")))
            if leaves:
                await asyncio.sleep(0)
                session.transport.abort()
            async with asyncio.timeout(PATIENCE_S):
                await falling
            return noted(stage, SessionsDropped)[0].count, stage.fake().failure

    monkeypatch.setattr(relayed, "_ANSWER_S", 60.0 if leaves else 0.05)
    count, failure = asyncio.run(scene())
    assert count == (0 if leaves else 1)
    is_known = not leaves and compression is None
    assert ("left the subject's heartbeat unanswered" in str(failure)) is is_known
    assert (failure is None) is not is_known


def test_a_burst_beside_the_servers_own_messages(tmp_path: Path) -> None:
    async def scene() -> tuple[int, bool]:
        async with in_session(tmp_path, FaultSpec("burst", {"count": 50, "size": 100})) as (_, stage, session):
            await session.send("mine")
            got = [await session.recv() for _ in range(51)]
            assert stage.fake().has_session()
            return len(got), "mine" in got

    assert asyncio.run(scene()) == (51, True)


def test_a_wrong_accept_key(tmp_path: Path) -> None:
    async def scene() -> tuple[int, bool]:
        async with real() as (its, url), before(url, tmp_path) as stage:
            await stage.set(Side.LOCAL, FaultSpec("wrong_accept"))
            with pytest.raises(InvalidHandshake):
                async with client(stage):
                    pass
            return len(noted(stage, SessionOpened)), len(its.asked) > 1

    assert asyncio.run(scene()) == (0, True)


def test_late_and_then_the_servers_own(tmp_path: Path) -> None:
    async def scene() -> str | bytes:
        async with in_session(tmp_path, FaultSpec("slow_upgrade", {"delay_ms": 1})) as (_, _stage, session):
            await session.send("ping")
            return await session.recv()

    assert asyncio.run(scene()) == "ping"


def test_the_end_of_the_scenario_leaves_the_server(tmp_path: Path) -> None:
    async def scene() -> BaseException | None:
        async with in_session(tmp_path) as (its, stage, _):
            await stage.servers.reset()
            async with asyncio.timeout(PATIENCE_S):
                await its.over.wait()
            return stage.fake().failure

    assert asyncio.run(scene()) is None


@pytest.mark.parametrize("fault", [None, FaultSpec("burst", {"count": 500, "size": 60_000})], ids=str)
def test_a_subject_that_leaves_while_the_session_opens_leaves_the_server_too(
    fault: FaultSpec | None, tmp_path: Path
) -> None:
    asked, may_answer, left = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await may_answer.wait()
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        writer.write(head + b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        left.set()

    async def scene() -> BaseException | None:
        async with raw(handle) as url, before(url, tmp_path, looks=False) as stage:
            await stage.set(Side.LOCAL, *([fault] if fault else []))
            reader, writer = await stage.connect()
            writer.write(UPGRADE)
            await asked.wait()
            if fault is None:
                writer.transport.abort()
            may_answer.set()
            if fault is not None:
                await reader.readuntil(b"burst")
                writer.transport.abort()
            async with asyncio.timeout(PATIENCE_S):
                await left.wait()
            return stage.fake().failure

    assert asyncio.run(scene()) is None


# --- frames --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "opcode", "payload"),
    [
        (b"\x81\x02hi", 1, b"hi"),
        (b"\xf1\x02hi", 1, b"hi"),
        (b"\x82\x7e\x00\x80" + b"x" * 128, 2, b"x" * 128),
        (b"\x82\x7f" + (70_000).to_bytes(8) + b"x" * 70_000, 2, b"x" * 70_000),
        (b"\x88\x82\x00\x00\x00\x00\x03\xe8", 8, b"\x03\xe8"),
    ],
    ids=["short", "reserved-bits", "16-bit", "64-bit", "masked"],
)
def test_a_frame_is_read_whole(data: bytes, opcode: int, payload: bytes) -> None:
    assert asyncio.run(read(data + b"\x8a\x00")) == Wired(opcode, data, payload)


@pytest.mark.parametrize("data", [b"\x81", b"\x81\x05hi", b"\x82\x7f" + (1 << 40).to_bytes(8)])
def test_what_is_no_whole_frame(data: bytes) -> None:
    with pytest.raises(EOFError):
        asyncio.run(read(data))


def test_a_clean_end() -> None:
    assert asyncio.run(read(b"")) is None


async def read(data: bytes) -> Wired | None:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return await read_frame(reader)


def test_compressed_frames_after_a_fault_took_over(tmp_path: Path) -> None:
    """What the subject and the server agreed on to compress is no text to anybody else, and no reason to fail it."""

    async def scene() -> int:
        async with real() as (_, url), before(url, tmp_path) as stage, client(stage) as session:
            await drop(stage, FaultSpec("ping_only", {"interval_ms": 10_000}))
            await session.send("ping " * 10)
            await until_noted(stage, FrameReceived, 2)
            await session.close()
            return session.close_code or 0

    assert asyncio.run(scene()) == 1000
