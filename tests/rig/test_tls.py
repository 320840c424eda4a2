"""TLS connections of a fake cost little, and carry more than their buffer holds."""

from __future__ import annotations

import asyncio
import tracemalloc

from websockets.frames import Frame, Opcode

from conformance.model import Side
from conformance.rig.tls import RECORD_BYTES
from tests.rig.servers import PATIENCE_S, UPGRADE, staged

_CONNECTIONS = 20


def test_a_connection_costs_a_record_not_a_quarter_of_a_megabyte() -> None:
    """Both ends are in this process, so each connection counts twice."""

    async def scene() -> float:
        async with staged() as stage:
            await stage.exchange(UPGRADE, Side.PUBLIC, until=b"\r\n\r\n")  # what is made once
            tracemalloc.start()
            try:
                for _ in range(_CONNECTIONS):
                    await stage.exchange(UPGRADE, Side.PUBLIC, until=b"\r\n\r\n")
                return tracemalloc.get_traced_memory()[0] / _CONNECTIONS
            finally:
                tracemalloc.stop()

    assert asyncio.run(scene()) < 2 * (RECORD_BYTES + 40_000)


def test_a_message_of_many_records_arrives_whole() -> None:
    async def scene() -> bytes:
        async with staged() as stage:
            reader, writer = await stage.connect(Side.PUBLIC)
            message = b"ping" + b"x" * 40 * RECORD_BYTES
            writer.write(UPGRADE + Frame(Opcode.TEXT, message).serialize(mask=True))
            async with asyncio.timeout(PATIENCE_S):
                await reader.readuntil(b"\r\n\r\n")
                return await reader.readexactly(len(b"\x81\x04pong"))

    assert asyncio.run(scene()) == b"\x81\x04pong"
