"""Connections to servers, and reading whatever they answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from conformance.errors import InputError
from conformance.model import Side
from conformance.rig.serving.wire import Answer, Target, Wire, ask, find
from conformance.server_events import Outcome


@asynccontextmanager
async def saying(answer: bytes, *, hang: bool = False, seen: list[str] | None = None) -> AsyncIterator[Target]:
    """A server that says this to everybody, and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.add(asyncio.current_task())
        if seen is not None:
            seen.append(writer.get_extra_info("peername")[0])
        await reader.read(10)
        writer.write(answer)
        with contextlib.suppress(ConnectionError):
            if hang:
                await reader.read()
        writer.transport.abort() if hang else writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    handlers: set[asyncio.Task[None] | None] = set()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield await find(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/", Side.LOCAL)
    finally:
        server.close()
        await asyncio.gather(*filter(None, handlers), return_exceptions=True)


def answer_to(said: bytes, *, hang: bool = False, patience_s: float = 3.0) -> Answer:
    async def scene() -> Answer:
        async with saying(said, hang=hang) as target:
            connection = await Wire(target).connect()
            try:
                return await ask(connection, b"GET / HTTP/1.1\r\n\r\n", patience_s=patience_s)
            finally:
                connection.abort()

    return asyncio.run(scene())


@pytest.mark.parametrize(
    ("said", "outcome", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nhi", Outcome.ANSWERED, 200, b"hi"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", Outcome.ANSWERED, 200, b"hi"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", Outcome.ANSWERED, 200, b"until the end"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\n", Outcome.ANSWERED, 204, b""),
        (b"", Outcome.ENDED, 0, b""),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Outcome.BROKEN, 0, b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", Outcome.BROKEN, 200, b"hi"),
    ],
)
def test_answers(said: bytes, outcome: Outcome, status: int, body: bytes) -> None:
    answer = answer_to(said)
    assert (answer.outcome, answer.status, answer.body) == (outcome, status, body)
    assert answer.took_ms > 0


def test_silence() -> None:
    assert answer_to(b"", hang=True, patience_s=0.05).outcome is Outcome.SILENT


def test_what_follows_a_101_is_kept() -> None:
    answer = answer_to(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-A: b\r\n\r\n\x81\x00", hang=True)
    assert (answer.status, answer.rest, answer.header("x-a")) == (101, b"\x81\x00", "b")


def test_every_connection_on_loopback_is_another_client() -> None:
    async def scene() -> list[str]:
        seen: list[str] = []
        async with saying(b"", seen=seen) as target:
            for wire in (Wire(target), Wire(target)):
                for _ in range(2):
                    connection = await wire.connect()
                    await ask(connection, b"x" * 10)
                    connection.abort()
        return seen

    seen = asyncio.run(scene())
    assert len(set(seen)) == len(seen) == 4


def test_paths_are_below_the_urls_own() -> None:
    target = asyncio.run(find("https://127.0.0.1/v1/", Side.PUBLIC))
    assert (target.session_path, target.health_path, target.port, target.tls) == ("/v1", "/v1/health", 443, True)
    assert target.is_loopback
    assert asyncio.run(find("ws://127.0.0.1:3003", Side.LOCAL)).session_path == "/"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("localhost:3003", "no such kind of URL"),
        ("ftp://localhost", "no such kind of URL"),
        ("http://", "no such kind of URL"),
        ("http://localhost:port", "write it as http://localhost:3003"),
        ("http://no-such-host.invalid", "is not found"),
    ],
)
def test_a_slip_in_a_url_is_said(url: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        asyncio.run(find(url, Side.LOCAL))
