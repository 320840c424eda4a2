"""TLS connections of a fake cost little, carry more than their buffer holds, and are met when a client begins one."""

from __future__ import annotations

import asyncio
import errno
import socket
import tracemalloc

import pytest
from websockets.frames import Frame, Opcode

from conformance.errors import RigFailed
from conformance.events import ConnectionAccepted, FaultTookEffect, TlsFailed
from conformance.model import FaultSpec, Side
from conformance.rig.recorder import now_ms
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


@pytest.mark.parametrize("fault", [FaultSpec("certificate", {"kind": "expired"}), FaultSpec("plaintext")], ids=str)
@pytest.mark.parametrize("greets", [True, False])
def test_a_client_that_says_nothing_has_met_no_fault_of_tls(fault: FaultSpec, *, greets: bool) -> None:
    """A connection that ends before its first byte was shown no certificate, and no lack of one."""

    async def scene() -> list[str]:
        async with staged() as stage:
            await stage.set(Side.PUBLIC, fault)
            _, writer = await stage.connect(Side.PUBLIC, tls=False)
            if greets:
                writer.write(b"\x16\x03\x01\x00\x05hello")
            ends = (TlsFailed,) if fault.name == "certificate" else (ConnectionAccepted,)
            deadline_ms = now_ms() + PATIENCE_S * 1000

            def is_over() -> bool:
                return any(isinstance(event, ends) for event in stage.recorder.events)

            if greets:
                found = (FaultTookEffect,)
                await stage.recorder.wait_until(
                    lambda: any(isinstance(e, found) for e in stage.recorder.events), deadline_ms
                )
            else:
                writer.write_eof()
                await stage.recorder.wait_until(is_over, deadline_ms)
                await stage.servers.reset()
            return [event.fault for event in stage.recorder.events if isinstance(event, FaultTookEffect)]

    assert asyncio.run(scene()) == ([str(fault)] if greets else [])


def test_where_nothing_more_may_be_opened_the_harness_has_failed_and_not_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_many(_socket: socket.socket) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    async def scene() -> None:
        async with staged() as stage:
            monkeypatch.setattr(socket.socket, "dup", too_many)
            reader, _ = await stage.connect(Side.PUBLIC, tls=False)
            async with asyncio.timeout(PATIENCE_S):
                assert await reader.read() == b""
            assert not [event for event in stage.recorder.events if isinstance(event, TlsFailed)]
            stage.servers.refuse_to_lie()

    with pytest.raises(RigFailed, match=r"the public fake failed: .*Too many open files; allow more"):
        asyncio.run(scene())
