"""A fake before a real server: what is healthy is the server's, faults sit before it, its failures are its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conformance.errors import RigFailed, TargetFailed
from conformance.events import RequestReceived, ResponseSent, TargetAnswered, WorldSet
from conformance.model import FaultSpec, Side
from conformance.rig import upstream
from conformance.rig.targets import Target
from conformance.targets import parse_target
from tests.rig.real import BODY, Real, before, raw, real
from tests.rig.servers import GET, PROFILE, UPGRADE, Staged, staged
from tests.rig.test_fake import answer, ask, noted


def with_real(request: bytes, directory: Path, *faults: FaultSpec) -> tuple[bytes, Real, Staged]:
    """What comes back for one request, with these faults before the server."""

    async def scene() -> tuple[bytes, Real, Staged]:
        async with real() as (its, url), before(url, directory) as stage:
            await stage.set(Side.LOCAL, *faults)
            its.asked.clear()
            return await stage.exchange(request, until=BODY[-8:]), its, stage

    return asyncio.run(scene())


CLOSING = GET.replace(b"\r\n\r\n", b"\r\nOrigin: chrome-extension://me\r\nConnection: close\r\n\r\n")


def test_the_signature_is_the_servers_own_byte_for_byte(tmp_path: Path) -> None:
    got, its, stage = with_real(CLOSING, tmp_path)
    assert got.endswith(b"\r\n\r\n" + BODY)
    assert b"X-Mine: 1" in got
    (asked,) = its.asked
    assert (asked.headers["Host"], asked.headers["Origin"]) == ("localhost:3003", "chrome-extension://me")
    kinds = [type(event) for event in stage.recorder.events if isinstance(event, (RequestReceived, TargetAnswered))]
    assert kinds == [RequestReceived, TargetAnswered]
    (sent,) = noted(stage, ResponseSent)
    assert (sent.status, sent.size) == (200, len(BODY))
    assert stage.fake().failure is None


def test_every_other_place_is_the_servers_too(tmp_path: Path) -> None:
    async def scene() -> tuple[int, dict[str, str], bytes]:
        async with real() as (_, url), before(url, tmp_path) as stage:
            return await answer(stage, ask(b"GET /health"))

    status, _, body = asyncio.run(scene())
    assert (status, body) == (404, b"nothing of mine\n")


def test_a_kept_alive_connection_asks_again(tmp_path: Path) -> None:
    async def scene() -> int:
        async with real() as (its, url), before(url, tmp_path) as stage:
            its.asked.clear()
            reader, writer = await stage.connect()
            for _ in range(2):
                writer.write(GET)
                await reader.readuntil(BODY)
            return len(its.asked)

    assert asyncio.run(scene()) == 2


def test_below_the_path_of_its_url(tmp_path: Path) -> None:
    async def scene() -> list[str]:
        async with real() as (its, url), before(f"{url}/base", tmp_path) as stage:
            await answer(stage, GET)
            return [request.path for request in its.asked]

    assert asyncio.run(scene())[-1] == "/base/semantest-signature"


def test_a_body_goes_on(tmp_path: Path) -> None:
    seen: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        seen.append(await reader.readexactly(4))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async def scene() -> int:
        async with raw(handle) as url, before(url, tmp_path, looks=False) as stage:
            return (await answer(stage, ask(b"POST /", b"Content-Length: 4") + b"body"))[0]

    assert asyncio.run(scene()) == 204
    assert seen == [b"body"]


@pytest.mark.parametrize(
    "answered",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\n\r\n{}",
    ],
    ids=["chunked", "early-hints", "until-it-closes"],
)
def test_however_the_server_frames_its_answer(answered: bytes, tmp_path: Path) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answered)

    async def scene() -> tuple[bytes, list[int]]:
        async with raw(handle) as url, before(url, tmp_path, looks=False) as stage:
            got = await stage.exchange(CLOSING, until=answered)
            return got, [event.size for event in noted(stage, ResponseSent)]

    assert asyncio.run(scene()) == (answered, [2])


@pytest.mark.parametrize(("header", "may"), [(b"Cache-Control: no-store", False), (b"Cache-Control: max-age=60", True)])
def test_what_the_browser_may_use_again_is_known(header: bytes, tmp_path: Path, *, may: bool) -> None:
    """The next scenario's subject must not find this one's answer in the browser's cache."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + header + b"\r\nContent-Length: 6\r\n\r\nETag: ")

    async def scene() -> tuple[bool, bool]:
        async with raw(handle) as url, before(url, tmp_path, looks=False) as stage:
            was = stage.servers.may_be_cached
            await answer(stage, GET)
            return was, stage.servers.may_be_cached

    assert asyncio.run(scene()) == (False, may)


# --- faults before it ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "holds", "asks"),
    [
        (FaultSpec("answer", {"delay_ms": 1}), BODY, False),
        (FaultSpec("answer", {"status": 500}), b"HTTP/1.1 500", False),
        (FaultSpec("answer", {"signature": "other-name"}), b'"service"', False),
        (FaultSpec("drip", {"interval_ms": 0}), BODY, False),
        (FaultSpec("banner"), b"220 ready", False),
        (FaultSpec("refuse_upgrade", {"status": 403}), BODY, True),
    ],
    ids=str,
)
def test_a_fault_answers_in_its_place(fault: FaultSpec, holds: bytes, *, asks: bool, tmp_path: Path) -> None:
    async def scene() -> tuple[bytes, bool]:
        async with real() as (its, url), before(url, tmp_path) as stage:
            await stage.set(Side.LOCAL, fault)
            its.asked.clear()
            return await stage.exchange(CLOSING, until=holds), bool(its.asked)

    got, asked = asyncio.run(scene())
    assert holds in got
    assert asked is asks


def test_a_port_that_is_down_is_no_failure_of_the_servers(tmp_path: Path) -> None:
    async def scene() -> tuple[int, BaseException | None]:
        async with real() as (_, url), before(url, tmp_path) as stage:
            await stage.set(Side.LOCAL, FaultSpec("refused"))
            with pytest.raises(ConnectionRefusedError):
                await stage.connect()
            await stage.set(Side.LOCAL)
            return (await answer(stage, GET))[0], stage.fake().failure

    assert asyncio.run(scene()) == (200, None)


def test_one_scenario_may_want_the_script(tmp_path: Path) -> None:
    """The rig's own sanity scenario: its extension is not one that a public server lets in."""

    async def scene() -> bytes:
        async with real() as (_, url), before(url, tmp_path) as stage:
            stage.fake().prepare(PROFILE, stage.recorder, scripted=True)
            await stage.set(Side.LOCAL)
            return (await answer(stage, GET))[2]

    assert b"mine" not in asyncio.run(scene())


# --- its failures --------------------------------------------------------------------------------


async def hangs_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def babbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example.org\r\n\r\n")
    await reader.read()


async def goes_on(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(bytes(65536))
        await writer.drain()


async def is_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize("request_", [GET, UPGRADE], ids=["get", "upgrade"])
@pytest.mark.parametrize(
    ("handle", "why"),
    [
        (hangs_up, "it ended the connection"),
        (babbles, "illegal status line"),
        (goes_on, "its body has more than"),
        (is_silent, "nothing for"),
    ],
)
def test_what_the_server_cannot_do_is_its_failure(
    handle: object, why: str, request_: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "ANSWER_S", 0.3 if handle is is_silent else 5.0)
    monkeypatch.setattr(upstream, "_BODY_BYTES_MAX", 1024 * 1024)

    async def scene() -> None:
        async with raw(handle) as url, before(url, tmp_path, looks=False) as stage:  # type: ignore[arg-type]
            with pytest.raises(ConnectionResetError):
                await stage.exchange(request_)
            stage.servers.refuse_to_lie()

    with pytest.raises(TargetFailed, match=rf"the local target \(http://.*was not answered \({why}"):
        asyncio.run(scene())


def test_a_server_that_is_gone_is_its_failure(tmp_path: Path) -> None:
    async def scene() -> None:
        async with real() as (_, url), before(url, tmp_path) as stage:
            pass
        async with staged() as stage:
            fake = stage.fake()
            fake.target = Target(parse_target(Side.LOCAL, url), [], tmp_path)
            fake.prepare(PROFILE, stage.recorder)
            await stage.set(Side.LOCAL)
            with pytest.raises(ConnectionResetError):
                await stage.exchange(GET)
            stage.servers.refuse_to_lie()

    with pytest.raises(TargetFailed, match=r"GET /semantest-signature was not answered \(.*refused"):
        asyncio.run(scene())


def test_a_bug_of_the_fakes_is_still_its_own(tmp_path: Path) -> None:
    async def scene() -> None:
        async with real() as (_, url), before(url, tmp_path) as stage:
            stage.fake().failure = ZeroDivisionError("x")
            stage.servers.refuse_to_lie()

    with pytest.raises(RigFailed, match="the local fake failed: ZeroDivisionError"):
        asyncio.run(scene())


def test_who_leaves_while_the_server_thinks_blames_nobody(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()

    async def scene() -> BaseException | None:
        async with raw(handle) as url, before(url, tmp_path, looks=False) as stage:
            _, writer = await stage.connect()
            writer.write(GET)
            await asked.wait()
            await stage.servers.reset()
            return stage.fake().failure

    assert asyncio.run(scene()) is None


def test_the_world_is_said_when_the_server_is_there(tmp_path: Path) -> None:
    async def scene() -> list[tuple[str, ...]]:
        async with real() as (_, url), before(url, tmp_path) as stage:
            return [event.faults for event in noted(stage, WorldSet) if event.side is Side.LOCAL]

    assert asyncio.run(scene()) == [()]
