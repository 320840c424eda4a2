"""The web pages: an empty one for whoever asks, and a tab that nothing is attached to."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, cast

import pytest

from conformance.rig.cdp import Cdp
from conformance.rig.certificates import Certificates
from conformance.rig.ports import ReservedPort
from conformance.rig.web import OWN_HOST, WebHost, leave, visit
from tests.rig.servers import GET, PATIENCE_S

CERTIFICATES = Certificates([OWN_HOST])


async def say(host: WebHost, data: bytes) -> bytes:
    """Send ``data``; everything that comes back until the end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", host.port.number, ssl=context)
    writer.write(data)
    async with asyncio.timeout(PATIENCE_S):
        answer = await reader.read()
    writer.close()
    return answer


def test_it_shows_an_empty_page_for_any_path_and_keeps_no_connection() -> None:
    async def scene() -> bytes:
        host = WebHost(ReservedPort.reserve(), CERTIFICATES.context())
        await host.open()
        try:
            return await say(host, GET + GET)
        finally:
            host.close()

    answer = asyncio.run(scene())
    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"Content-Type: text/html" in answer
    assert answer.partition(b"\r\n\r\n")[2].startswith(b"<!doctype html>")


def test_junk_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> tuple[bytes, bytes]:
        host = WebHost(ReservedPort.reserve(), CERTIFICATES.context())
        await host.open()
        try:
            return await say(host, b"\x16\x03\r\n\r\n"), await say(host, GET)
        finally:
            host.close()

    junk, answer = asyncio.run(scene())
    assert junk == b""
    assert answer.startswith(b"HTTP/1.1 200")
    assert caplog.messages == []


def test_a_visit_is_a_tab_and_no_more() -> None:
    asked: list[tuple[str, object]] = []

    class Pipe:
        async def send(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
            asked.append((method, params))
            return {"targetId": "T"}

    async def scene() -> None:
        await leave(cast("Cdp", Pipe()), await visit(cast("Cdp", Pipe()), "https://www.example.org/"))

    asyncio.run(scene())
    assert asked == [
        ("Target.createTarget", {"url": "https://www.example.org/"}),
        ("Target.closeTarget", {"targetId": "T"}),
    ]
