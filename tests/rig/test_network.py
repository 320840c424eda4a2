"""The wire between home and world: away, slow, lossy, and well again, each seen by packets that have to pass it."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from conformance.errors import RigFailed
from conformance.rig.namespace import Namespace, Where
from conformance.rig.network import PUBLIC, PUBLIC_V6, Network
from tests.rig.namespaces import network

PORT = 443
OWN = {PUBLIC: "192.0.2.2", PUBLIC_V6: "2001:db8:0:1::2"}  # of home, as the other side sees it


def family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def listening(made: Namespace, host: str = PUBLIC) -> socket.socket:
    listener = made.socket(Where.WORLD, family(host))
    listener.bind((host, PORT))
    listener.listen()
    listener.setblocking(False)  # noqa: FBT003 - socket's own signature
    return listener


async def exchange(made: Namespace, size: int = 1, host: str = PUBLIC) -> float:
    """Connect, send so many bytes, and have them at the other end; how long that took, in milliseconds."""
    loop = asyncio.get_running_loop()
    begun = time.monotonic()
    with listening(made, host) as listener, made.socket(Where.HOME, family(host)) as client:
        client.setblocking(False)  # noqa: FBT003 - socket's own signature
        async with asyncio.timeout(20):
            await loop.sock_connect(client, (host, PORT))
            accepted, address = await loop.sock_accept(listener)
            assert address[0] == OWN[host]
            with accepted:
                await loop.sock_sendall(client, b"x" * size)
                got = 0
                while got < size:
                    got += len(await loop.sock_recv(accepted, 65536))
    return (time.monotonic() - begun) * 1000


@pytest.mark.parametrize("host", OWN)
def test_a_healthy_network_carries_everything(host: str) -> None:
    async def scene() -> str:
        async with network() as (made, wire):
            await exchange(made, 200_000, host)
            return await wire.clear()

    assert asyncio.run(scene()) == ""  # it was healthy, so there is nothing to prove


@pytest.mark.parametrize("host", OWN)
def test_a_slow_network_takes_its_time_each_way_and_says_so(host: str) -> None:
    async def scene() -> tuple[float, float, str]:
        async with network() as (made, wire):
            probed_ms = await wire.slow_down(100)
            slow_ms = await exchange(made, host=host)
            return probed_ms, slow_ms, await wire.clear()

    probed_ms, slow_ms, cleared = asyncio.run(scene())
    assert slow_ms >= 145  # there and back, and there again
    assert probed_ms >= 95
    assert cleared == "a probe of 203.0.113.10 was answered"


@pytest.mark.parametrize("host", OWN)
def test_a_lossy_network_loses_and_what_was_lost_is_sent_again(host: str) -> None:
    async def scene() -> tuple[int, int, int]:
        async with network() as (made, wire):
            sent, probes_lost = await wire.lose(3)
            await exchange(made, 20_000, host)
            return sent, probes_lost, wire._lost

    sent, probes_lost, lost = asyncio.run(scene())
    assert (sent, probes_lost) == (102, 34)  # a multiple of three
    assert lost >= 1  # counted anew after the probes


def test_even_a_rare_loss_is_seen() -> None:
    async def scene() -> tuple[int, int]:
        async with network() as (_made, wire):
            return await wire.lose(1000)

    assert asyncio.run(scene()) == (1000, 1)


def test_a_network_that_is_away_and_back() -> None:
    async def scene() -> tuple[str, str, bool]:
        async with network() as (made, wire):
            proof = await wire.cut()
            for host in OWN:
                with made.socket(Where.HOME, family(host)) as client, pytest.raises(OSError, match="unreachable"):
                    client.connect((host, PORT))
            back = await wire.clear()
            for host in OWN:
                await exchange(made, host=host)
            return proof, back, wire.was_cut

    assert asyncio.run(scene()) == (
        "a probe of 203.0.113.10 found no network",
        "a probe of 203.0.113.10 was answered",
        True,
    )


def test_an_open_connection_outlives_a_short_outage() -> None:
    """As it does on a machine whose cable is pulled and put back: TCP sends again."""

    async def scene() -> bytes:
        async with network() as (made, wire):
            loop = asyncio.get_running_loop()
            with listening(made) as listener, made.socket(Where.HOME) as client:
                client.setblocking(False)  # noqa: FBT003 - socket's own signature
                await loop.sock_connect(client, (PUBLIC, PORT))
                accepted, _ = await loop.sock_accept(listener)
                with accepted:
                    await wire.cut()
                    await loop.sock_sendall(accepted, b"meanwhile")
                    await wire.clear()
                    async with asyncio.timeout(20):
                        return await loop.sock_recv(client, 100)

    assert asyncio.run(scene()) == b"meanwhile"


class Elsewhere(Network):
    """A network whose probes come to something else than they should."""

    async def _probe(self) -> str:
        return "unanswered"


@pytest.mark.parametrize("what", ["cut", "slow", "clear"])
def test_what_a_probe_does_not_bear_out_is_the_harness_failure(what: str) -> None:
    async def scene() -> None:
        async with network() as (made, _):
            wire = Elsewhere(made)
            if what == "cut":
                await wire.cut()
            elif what == "slow":
                await wire.slow_down(100)
            else:
                wire._way_s = 0.1
                await wire.clear()

    with pytest.raises(RigFailed, match=r"should (be|take)"):
        asyncio.run(scene())
