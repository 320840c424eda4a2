"""The reference local server: whom it lets in, what it relays, and its life as a program."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from servers.listening import CannotListen, loopback_sockets
from servers.local.app import is_ping
from servers.local.main import main
from servers.local.origins import is_extension, is_loopback_host, may_connect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from conformance.model import Side
from conformance.rig.serving.bundled import program
from conformance.rig.serving.talk import Talk
from conformance.rig.serving.wire import Answer, Target, Wire, ask
from conformance.server_cases import EXTENSION, OTHER_EXTENSION, PAGES, TEXT, frame, request
from tests.servers.running import LIMITS, local, local_server

T = TypeVar("T")
FIREFOX = "moz-extension://0f4b2a1e-6c1f-4a7e-9d1c-2b7a52b0a001"
ANY: frozenset[str] = frozenset()


def on(scene: Callable[[Target], Awaitable[T]], **settings: object) -> T:
    async def whole() -> T:
        async with local(local_server(**settings)) as target:
            return await scene(target)

    return asyncio.run(whole())


def client(target: Target, origin: str | None = EXTENSION) -> connect:
    return connect(f"ws://127.0.0.1:{target.port}/", origin=origin, proxy=None)  # type: ignore[arg-type]  # any text


async def get(target: Target, path: str, *headers: str, host: str = "", method: str = "GET") -> Answer:
    connection = await Wire(target).connect()
    try:
        return await ask(connection, request(path, host or target.host, *headers, method=method))
    finally:
        connection.abort()


# --- whom it lets in -----------------------------------------------------------------------------


@pytest.mark.parametrize("line", [b"CONNECT * HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET /elsewhere HTTP/1.1"])
def test_an_expectation_that_is_no_text_is_refused_whatever_is_asked_for(line: bytes) -> None:
    """A target that is no path was aiohttp's own to answer, which quotes the header: a 500 where that is no Unicode."""

    async def scene(target: Target) -> Answer:
        connection = await Wire(target).connect()
        try:
            return await ask(connection, line + f"\r\nHost: {target.host}\r\n".encode() + b"Expect: \xf7\r\n\r\n")
        finally:
            connection.abort()

    assert on(scene).status == 417


@pytest.mark.parametrize("origin", [EXTENSION, FIREFOX, "safari-web-extension://0F4B2A1E-6C1F-4A7E-9D1C-2B7A52B0A001"])
def test_extensions_may(origin: str) -> None:
    assert is_extension(origin, ANY)
    assert may_connect(origin, ANY)
    assert not may_connect(origin, frozenset({OTHER_EXTENSION}))


@pytest.mark.parametrize(
    "origin", [*PAGES.values(), "", EXTENSION + ".example", "https://a/?" + EXTENSION, EXTENSION[:-1], EXTENSION + "\n"]
)
def test_pages_may_not(origin: str) -> None:
    assert not may_connect(origin, ANY)


def test_a_program_may_and_reads_what_it_likes_anyway() -> None:
    assert may_connect(None, ANY)
    assert not is_extension(None, ANY)


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:3003", "127.0.0.1:3003", "127.8.9.1", "[::1]:3003", "LOCALHOST"]
)
def test_names_of_this_machine(host: str) -> None:
    assert is_loopback_host(host)


@pytest.mark.parametrize("host", ["page.example", "localhost.example", "127.0.0.1.example", "[::2]", "", "localhost:x"])
def test_names_that_may_point_here(host: str) -> None:
    assert not is_loopback_host(host)


def test_a_page_reads_neither_the_signature_nor_by_a_name_that_points_here() -> None:
    async def scene(target: Target) -> tuple[Answer, Answer, Answer]:
        page = await get(target, "/semantest-signature", "Origin: https://page.example")
        preflight = await get(target, "/semantest-signature", "Origin: https://page.example", method="OPTIONS")
        return page, preflight, await get(target, "/semantest-signature", host="page.example:3003")

    page, preflight, rebound = on(scene)
    assert (page.status, page.header("access-control-allow-origin")) == (200, "")
    assert (preflight.status, preflight.header("access-control-allow-origin")) == (403, "")
    assert (rebound.status, b"semantest" in rebound.body) == (421, False)


def test_only_the_named_extension_may() -> None:
    async def scene(target: Target) -> int:
        async with client(target):
            pass
        with pytest.raises(InvalidStatus) as refused:
            await client(target, OTHER_EXTENSION)
        return refused.value.response.status_code

    assert on(scene, origins=frozenset({EXTENSION})) == 403


def test_no_answer_is_kept_by_a_cache() -> None:
    answer = on(lambda target: get(target, "/semantest-signature"))
    assert (answer.header("cache-control"), answer.header("vary")) == ("no-store", "Origin")


# --- what it does --------------------------------------------------------------------------------


def test_what_one_says_the_others_hear_as_it_was() -> None:
    async def scene(target: Target) -> tuple[list[str | bytes], list[str | bytes]]:
        async with client(target) as one, client(target) as two, client(target) as three:
            await one.send("to all")
            await one.send(b"\x00\xff")
            heard = [await two.recv(), await two.recv()], [await three.recv(), await three.recv()]
            await two.send("back")
            assert await one.recv() == "back"
            return heard

    assert on(scene) == (["to all", b"\x00\xff"], ["to all", b"\x00\xff"])


def test_a_ping_is_answered_and_not_relayed() -> None:
    async def scene(target: Target) -> tuple[object, object]:
        async with client(target) as one, client(target) as two:
            await one.send('{"type": "ping"}')
            answer = await one.recv()
            await one.send("after")
            return answer, await two.recv()

    assert on(scene) == ('{"type":"pong"}', "after")


@pytest.mark.parametrize("text", ['{"type":"pong"}', '["ping"]', '{"type":"ping"', b'{"type":"ping"}', '"ping"'])
def test_what_is_no_ping(text: str | bytes) -> None:
    assert not is_ping(text)


def test_health_counts_the_sessions() -> None:
    async def scene(target: Target) -> bytes:
        async with client(target):
            return (await get(target, "/health")).body

    assert on(scene) == b'{"status": "healthy", "sessions": 1}'


def test_one_too_many_is_told_to_come_back() -> None:
    async def scene(target: Target) -> int:
        async with client(target):
            with pytest.raises(InvalidStatus) as refused:
                await client(target)
            return refused.value.response.status_code

    assert on(scene, sessions_max=1) == 503


def test_who_does_not_read_is_dropped_and_the_others_are_not() -> None:
    async def scene() -> tuple[int, int]:
        server = local_server()
        async with local(server) as target:
            silent = await Talk.open(Wire(target), EXTENSION)  # reads until its buffer is full, and no further
            async with client(target) as talker, client(target) as listener:
                heard = asyncio.create_task(count(listener, 400))
                for _ in range(400):
                    await talker.send("x" * 100_000)
                got = await heard
                left = len(server.sessions)
            silent.abort()
            return got, left

    assert asyncio.run(scene()) == (400, 2)


async def count(connection: ClientConnection, wanted: int) -> int:
    got = 0
    async with asyncio.timeout(60):
        while got < wanted:
            await connection.recv()
            got += 1
    return got


def test_the_others_are_told_when_the_server_ends() -> None:
    async def scene() -> int:
        async with local(local_server()) as target:
            connection = await client(target)
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code

    assert asyncio.run(scene()) == 1001


def test_a_frame_beyond_the_limit_reaches_nobody() -> None:
    async def scene(target: Target) -> tuple[int, object]:
        async with client(target) as other, client(target) as sender:
            sender.transport.write(frame(TEXT, b"x" * (LIMITS.message_bytes_max + 1)))
            with pytest.raises(ConnectionClosed) as closed:
                await sender.recv()
            async with client(target) as third:
                await third.send("still here")
                assert closed.value.rcvd is not None
                return closed.value.rcvd.code, await other.recv()

    assert on(scene) == (1009, "still here")


# --- the program ---------------------------------------------------------------------------------


def test_a_port_that_is_taken_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"port {port} is taken by another program" in said
    assert "--port" in said


def test_a_port_that_is_taken_on_ipv6_only_is_taken() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match="is taken"):
            loopback_sockets(port)
    for sock in loopback_sockets(port):  # and nothing of the failed try still holds 127.0.0.1
        sock.close()


def test_it_listens_on_loopback_and_nowhere_else() -> None:
    sockets = loopback_sockets(0)
    try:
        assert {sock.getsockname()[0] for sock in sockets} <= {"127.0.0.1", "::1"}
        assert len({sock.getsockname()[1] for sock in sockets}) == 1
    finally:
        for sock in sockets:
            sock.close()


@pytest.mark.parametrize("typed", [["--prot", "1"], ["--port", "x"], ["--port", "70000"], ["--host", "0.0.0.0"]])  # noqa: S104 - refused
def test_a_slip_is_exit_4(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(typed)
    assert ended.value.code == 4
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_ends_well(number: signal.Signals) -> None:
    command = [sys.executable, str(program(Side.LOCAL)), "--port", "0"]
    with subprocess.Popen(  # noqa: S603 - ours
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening on http://localhost:")
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
