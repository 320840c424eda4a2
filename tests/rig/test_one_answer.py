"""The small servers: one answer a connection, and nobody left behind."""

from __future__ import annotations

import asyncio
import gc
import ssl
import warnings

import pytest

from conformance.rig.certificates import Certificates
from conformance.rig.http import response
from conformance.rig.one_answer import OneAnswer
from conformance.rig.ports import ReservedPort
from tests.rig.servers import GET, PATIENCE_S

HOST = "small.example.org"


class Small(OneAnswer):
    """One word for all."""

    def answer(self) -> bytes:
        return response(200, {"Connection": "close"}, b"here")


def trusting(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=certificates.authority.decode())
    context.check_hostname = False
    return context


@pytest.mark.parametrize("tls", [False, True])
def test_who_asks_nothing_is_dropped_when_it_closes(*, tls: bool) -> None:
    """As a browser's connections ahead of need are; the loop's end would else cut them off unclosed."""
    certificates = Certificates([HOST])

    async def scene() -> tuple[bytes, bytes]:
        small = Small(ReservedPort.reserve(), certificates.context() if tls else None)
        await small.open()
        context = trusting(certificates) if tls else None
        idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", small.port.number, ssl=context)
        reader, writer = await asyncio.open_connection("127.0.0.1", small.port.number, ssl=context)
        writer.write(GET)
        async with asyncio.timeout(PATIENCE_S):
            answer = await reader.read()
            small.close()
            try:
                left = await idle_reader.read()
            except ConnectionError:
                left = b""
        for each in (writer, idle_writer):
            each.transport.abort()
        return answer, left

    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        answer, left = asyncio.run(scene())
        gc.collect()
    assert answer.endswith(b"here")
    assert left == b""


@pytest.mark.parametrize("tls", [False, True])
def test_who_went_away_before_asking_keeps_nobody_from_an_answer(*, tls: bool) -> None:
    """It did, over TLS: who asked next was not answered, and a traceback was printed."""
    certificates = Certificates([HOST])

    async def scene() -> bytes:
        small = Small(ReservedPort.reserve(), certificates.context() if tls else None)
        await small.open()
        context = trusting(certificates) if tls else None
        for _ in range(2):
            _, gone = await asyncio.open_connection("127.0.0.1", small.port.number, ssl=context)
            gone.transport.abort()
        reader, writer = await asyncio.open_connection("127.0.0.1", small.port.number, ssl=context)
        writer.write(GET)
        async with asyncio.timeout(PATIENCE_S):
            answer = await reader.read()
        small.close()
        writer.transport.abort()
        return answer

    assert asyncio.run(scene()).endswith(b"here")
