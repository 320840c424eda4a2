"""The third server: a good signature for whoever a redirect leads there, by the subject's own rule."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from conformance.model import SignatureRule
from conformance.rig.ports import ReservedPort
from conformance.rig.stranger import Stranger
from tests.rig.servers import GET, PATIENCE_S


@asynccontextmanager
async def listening() -> AsyncIterator[Stranger]:
    stranger = Stranger(ReservedPort.reserve())
    await stranger.open()
    try:
        yield stranger
    finally:
        stranger.close()


async def say(port: int, data: bytes) -> bytes:
    """Send ``data``; everything that comes back until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    writer.write_eof()
    async with asyncio.timeout(PATIENCE_S):
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return answer


def test_it_shows_a_good_signature_to_any_origin() -> None:
    async def scene() -> bytes:
        async with listening() as stranger:
            return await say(stranger.port.number, GET)

    head, _, body = asyncio.run(scene()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nAccess-Control-Allow-Origin: *" in head
    assert json.loads(body)["service"] == "semantest"


def test_its_signature_is_good_by_the_subjects_rule() -> None:
    async def scene() -> bytes:
        async with listening() as stranger:
            stranger.rule = SignatureRule("app.id", 7)
            return await say(stranger.port.number, GET)

    assert json.loads(asyncio.run(scene()).partition(b"\r\n\r\n")[2])["app"]["id"] == 7


def test_it_keeps_no_connection() -> None:
    """A socket that a browser keeps would be a scenario's that is over."""

    async def scene() -> bytes:
        async with listening() as stranger:
            return await say(stranger.port.number, GET + GET)

    assert asyncio.run(scene()).count(b"HTTP/1.1 200") == 1


@pytest.mark.parametrize("junk", [b"", b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n"], ids=["nothing", "tls", "no-request"])
def test_junk_is_left_without_an_answer_and_does_no_harm(junk: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> tuple[bytes, bytes]:
        async with listening() as stranger:
            return await say(stranger.port.number, junk), await say(stranger.port.number, GET)

    answer, next_answer = asyncio.run(scene())
    assert answer == b""
    assert next_answer.startswith(b"HTTP/1.1 200")
    assert caplog.messages == []  # asyncio's complaint about an error that nobody took


def test_it_listens_from_open_to_close() -> None:
    async def scene() -> None:
        stranger = Stranger(ReservedPort.reserve())
        number = stranger.port.number
        with pytest.raises(ConnectionRefusedError):
            await say(number, GET)
        await stranger.open()
        assert await say(number, GET)
        stranger.close()
        with pytest.raises(ConnectionRefusedError):
            await say(number, GET)

    asyncio.run(scene())
