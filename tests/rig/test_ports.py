"""A reserved port: ours throughout, whatever it answers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from conformance.errors import RigFailed
from conformance.rig.ports import ReservedPort


def knock(port: ReservedPort, patience_s: float = 1.0) -> str:
    with socket.socket() as client:
        client.settimeout(patience_s)
        try:
            client.connect(("127.0.0.1", port.number))
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "unanswered"
        return "accepted"


@pytest.fixture
def port() -> Iterator[ReservedPort]:
    reserved = ReservedPort.reserve()
    yield reserved
    reserved.close()


def test_a_new_port_refuses(port: ReservedPort) -> None:
    assert knock(port) == "refused"


def test_it_listens_and_refuses_again_and_again(port: ReservedPort) -> None:
    seen = []
    for _ in range(3):
        port.listen()
        seen.append(knock(port))
        port.refuse()
        seen.append(knock(port))
    assert seen == ["accepted", "refused"] * 3


@pytest.mark.parametrize("reuse", [0, 1], ids=["plain", "address reused"])
@pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
def test_nobody_else_can_take_it_while_it_refuses(port: ReservedPort, reuse: int, *, used: bool) -> None:
    """Another harness reuses addresses as this one does: two once shared a port, and a refusal was answered."""
    if used:
        port.listen()
        assert knock(port) == "accepted"
        port.refuse()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port.number))


def test_connections_of_before_do_not_stop_it_from_listening_again(port: ReservedPort) -> None:
    port.listen()
    with socket.create_connection(("127.0.0.1", port.number)) as client:
        port.socket.settimeout(5)
        accepted, _ = port.socket.accept()
        port.refuse()
        port.listen()
        assert knock(port) == "accepted"
        accepted.close()
        client.recv(1)  # the one that closes first keeps the connection's memory for a minute
        port.refuse()
        port.listen()
        assert knock(port) == "accepted"


def test_a_connection_accepted_after_a_refusal_is_alive(port: ReservedPort) -> None:
    """Shutting down a socket that does not listen used to leave every later connection dead at birth."""
    port.refuse()
    port.listen()
    with socket.create_connection(("127.0.0.1", port.number)) as client:
        port.socket.settimeout(5)
        accepted, _ = port.socket.accept()
        accepted.sendall(b"alive")
        assert client.recv(5) == b"alive"
        accepted.close()


def test_a_blackhole_leaves_a_syn_unanswered(port: ReservedPort) -> None:
    proof = asyncio.run(port.blackhole())
    assert "unanswered" in proof
    assert knock(port, 0.2) == "unanswered"
    port.refuse()
    assert knock(port) == "refused"


def test_proving_a_refusal_of_a_listening_port_fails(port: ReservedPort) -> None:
    port.listen()
    with pytest.raises(RigFailed, match="accepted"):
        asyncio.run(port.prove_refused())


def test_the_port_is_outside_the_ephemeral_range(port: ReservedPort) -> None:
    assert port.number < 32768
    assert port.address == f"127.0.0.1:{port.number}"
