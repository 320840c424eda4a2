"""One connection of a fake: how it ends is what its peer sees, and is noted once."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from conformance.events import ConnectionClosed, Event, FaultFellShort, FaultTookEffect, Source
from conformance.model import FaultSpec, Json, Side
from conformance.rig.child import Child
from conformance.rig.fake import Fake
from conformance.rig.faults import build
from conformance.rig.faults.base import LinkFault
from conformance.rig.link import Link
from tests.rig.processes import held_up

PATIENCE_S = 5.0


class Notes:
    """Stands in for a fake: keeps what is noted."""

    side = Side.LOCAL
    may_be_cached = False

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, kind: type[Event], **fields: Any) -> Event:  # noqa: ANN401 - the event's own fields
        self.events.append(kind(at_ms=0, source=Source.LOCAL, **fields))
        return self.events[-1]

    @property
    def ends(self) -> list[str]:
        return [event.how for event in self.events if isinstance(event, ConnectionClosed)]


class Peer:
    """The other end of the link."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    async def read(self) -> bytes:
        """Everything until the end."""
        loop, got = asyncio.get_running_loop(), b""
        async with asyncio.timeout(PATIENCE_S):
            while piece := await loop.sock_recv(self._socket, 4096):
                got += piece
        return got

    async def drain(self, size: int) -> None:
        """Take so much, or less; nobody looks at it."""
        await asyncio.get_running_loop().sock_recv(self._socket, size)

    async def write(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    def leave(self) -> None:
        self._socket.close()


@asynccontextmanager
async def linked() -> AsyncIterator[tuple[Link, Peer, Notes]]:
    loop = asyncio.get_running_loop()
    notes = Notes()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.setblocking(False)  # noqa: FBT003 - socket's own signature
        server.setblocking(False)  # noqa: FBT003 - socket's own signature
        await loop.sock_connect(client, server.getsockname())
        accepted, _ = await loop.sock_accept(server)
        link = Link(cast("Fake", notes), 7, "localhost:3003", accepted)
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, accepted)
        link.use(reader, asyncio.StreamWriter(transport, protocol, reader, loop))
        try:
            yield link, Peer(client), notes
        finally:
            transport.abort()
            await asyncio.sleep(0)  # the transport's own goodbye


def test_what_is_sent_arrives_and_a_finish_ends_it() -> None:
    async def scene() -> tuple[bytes, list[str]]:
        async with linked() as (link, peer, notes):
            await link.send(b"hello")
            link.finish()
            return await peer.read(), notes.ends

    assert asyncio.run(scene()) == (b"hello", ["server"])


def test_a_reset_is_a_reset() -> None:
    async def scene() -> list[str]:
        async with linked() as (link, peer, notes):
            link.reset()
            with pytest.raises(ConnectionResetError):
                await peer.read()
            return notes.ends

    assert asyncio.run(scene()) == ["reset"]


def test_an_abort_leaves_no_word_in_the_record() -> None:
    async def scene() -> list[Event]:
        async with linked() as (link, peer, notes):
            link.abort()
            link.ended("subject")  # what the fake's own task says on its way out
            assert await peer.read() == b""
            return notes.events

    assert asyncio.run(scene()) == []


@pytest.mark.parametrize("end", ["reset", "finish", "abort"])
def test_nothing_is_sent_after_its_end(end: str) -> None:
    """Whoever still has something to say is told as if the peer had gone, and not that the harness is broken."""

    async def scene() -> None:
        async with linked() as (link, _peer, _notes):
            getattr(link, end)()
            with pytest.raises(ConnectionError):
                await link.send(b"more")

    asyncio.run(scene())


@pytest.mark.parametrize("end", ["reset", "finish", "abort"])
def test_its_end_is_told_while_a_browser_is_being_started(end: str) -> None:
    """That has a copy of each descriptor until it is the other program: a close alone told the peer nothing so long."""

    async def scene() -> bytes:
        async with linked() as (link, peer, _notes):
            with held_up() as held:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                starting = asyncio.create_task(Child.start(["true"], output=nowhere, environment={}, first=held.hold))
                try:
                    await held.has_begun()
                    getattr(link, end)()
                    return await peer.read()
                finally:
                    held.let_go()
                    await (await starting).wait()
                    os.close(nowhere)

    if end == "reset":
        with pytest.raises(ConnectionResetError):
            asyncio.run(scene())
    else:
        assert asyncio.run(scene()) == b""


def test_only_the_first_end_is_noted() -> None:
    async def scene() -> list[str]:
        async with linked() as (link, _peer, notes):
            link.ended("subject")
            link.finish()
            link.reset()
            return notes.ends

    assert asyncio.run(scene()) == ["subject"]


def test_hanging_takes_everything_says_nothing_and_lasts_until_the_peer_leaves() -> None:
    async def scene() -> tuple[bool, list[str]]:
        async with linked() as (link, peer, notes):
            hanging = asyncio.create_task(link.hang())
            async with asyncio.timeout(PATIENCE_S):
                await peer.write(b"x" * 16_000_000)  # more than any buffer on the way holds
            still = not hanging.done()
            peer.leave()
            async with asyncio.timeout(PATIENCE_S):
                await hanging
            return still, notes.ends

    assert asyncio.run(scene()) == (True, ["subject"])


def test_a_peer_that_resets_ends_the_hanging_too() -> None:
    async def scene() -> list[str]:
        async with linked() as (link, peer, notes):
            await link.send(b"never read, so leaving resets")
            hanging = asyncio.create_task(link.hang())
            await asyncio.sleep(0)
            peer.leave()
            async with asyncio.timeout(PATIENCE_S):
                await hanging
            return notes.ends

    assert asyncio.run(scene()) == ["subject"]


# --- what faults did to it

CLOSE_1011 = b"\x88\x02\x03\xf3"


def fault_of(name: str, **parameters: Json) -> LinkFault:
    (fault,) = build([FaultSpec(name, parameters)])
    assert isinstance(fault, LinkFault)
    return fault


def told(fault: LinkFault, *sends: bytes, claimed: LinkFault | None = None, later: bytes = b"") -> list[Event]:
    """What is noted of a fault that sends this, says that it took effect, and sends more."""

    async def scene() -> list[Event]:
        async with linked() as (link, _peer, notes):

            async def work() -> None:
                for data in sends:
                    await link.send(data)
                link.took_effect(claimed or fault, "did it")

            await link.under(fault, work())
            await link.send(later)
            await link.send(later)
            return notes.events

    return asyncio.run(scene())


def test_a_faults_proof_names_the_connection_the_fault_and_the_deed() -> None:
    assert told(fault_of("close", code=1011), CLOSE_1011) == [
        FaultTookEffect(at_ms=0, source=Source.LOCAL, connection=7, fault="close(code=1011)", detail="did it")
    ]


def test_a_fault_that_did_not_do_what_it_says_has_no_proof() -> None:
    (event,) = told(fault_of("close", code=1011), b"\x88\x02\x03\xe8")
    assert event == FaultFellShort(
        at_ms=0,
        source=Source.LOCAL,
        side=Side.LOCAL,
        fault="close(code=1011)",
        detail="a close frame with code 1000 was sent",
        connection=7,
    )


def test_a_fault_that_the_connection_did_not_meet_has_no_proof() -> None:
    (event,) = told(fault_of("close", code=1011), CLOSE_1011, claimed=fault_of("close", code=1000))
    assert isinstance(event, FaultFellShort)
    assert event.fault == "close(code=1000)"


def test_a_silence_is_weighed_as_long_as_it_lasts_and_broken_once() -> None:
    took, broken = told(fault_of("half_open"), later=b"x")
    assert isinstance(took, FaultTookEffect)
    assert isinstance(broken, FaultFellShort)
    assert broken.detail == "it was sent 1 byte"


def test_what_is_sent_after_a_faults_work_is_not_its() -> None:
    (event,) = told(fault_of("close", code=1011), CLOSE_1011, later=b"\x89\x00")
    assert isinstance(event, FaultTookEffect)


def test_a_connection_that_is_gone_is_not_reset() -> None:
    """The peer was faster: what ended it is no fault of the fake's."""

    async def scene() -> tuple[bool, list[str]]:
        async with linked() as (link, _peer, notes):
            link.writer.transport.abort()
            await asyncio.sleep(0)  # the transport closes its socket
            return link.reset(), notes.ends

    assert asyncio.run(scene()) == (False, ["subject"])


def test_a_send_is_over_when_the_kernel_has_it_all_and_not_before() -> None:
    """By itself asyncio is content with 64 KiB in a buffer of its own, where they may stay for ever."""

    async def scene() -> tuple[bool, int]:
        async with linked() as (link, peer, _notes):
            await link.send(b"x" * 65536)
            link.writer.transport.write(b"x" * 16_000_000)  # more than any buffer on the way holds
            while (size := link.writer.transport.get_write_buffer_size()) > 32768:
                await peer.drain(min(size, 1 << 20))
            sending = asyncio.create_task(link.send(b"the rest"))
            await asyncio.sleep(0)
            waits = not sending.done() or not link.writer.transport.get_write_buffer_size()
            async with asyncio.timeout(PATIENCE_S):
                while not sending.done():
                    await peer.drain(1 << 20)
            return waits, link.writer.transport.get_write_buffer_size()

    assert asyncio.run(scene()) == (True, 0)
