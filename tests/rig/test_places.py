"""Where the fakes stand: free ports on the machine, or the real ones in a network of the rig's own."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys

import pytest

from conformance.errors import RigFailed
from conformance.model import Address, Endpoints, Side
from conformance.rig.mapping import Hosts, hosts_of
from conformance.rig.namespace import Where
from conformance.rig.places import Places, Plot, in_own_network, on_this_machine
from conformance.rig.ports import ReservedPort
from tests.rig.namespaces import namespace

USUAL = hosts_of([Endpoints()])


def close(places: Places) -> None:
    for port in (*(each.port for each in (*places.local, *places.public, *places.traps)), places.stranger, places.web):
        port.close()


def apart(hosts: Hosts) -> Places:
    """The places in a network of their own; the network is gone, what was taken there is known."""

    async def scene() -> Places:
        async with namespace() as made:
            places = in_own_network(hosts, made)
            close(places)
            return places

    return asyncio.run(scene())


def test_on_this_machine_every_endpoint_has_one_free_port() -> None:
    places = on_this_machine(USUAL)
    close(places)
    assert [each.address for each in places.local] == [None]
    assert len({*places.sides}) == 3
    assert "MAP localhost:3003 127.0.0.1:" in places.rules([])


def test_apart_the_ports_are_the_subjects_own_on_both_addresses() -> None:
    places = apart(USUAL)
    assert [(each.address, each.port.address) for each in places.local] == [
        (Address.V4, "127.0.0.1:3003"),
        (Address.V6, "[::1]:3003"),
    ]
    assert places.sides == {
        "127.0.0.1:3003": Side.LOCAL,
        "[::1]:3003": Side.LOCAL,
        "203.0.113.10:443": Side.PUBLIC,
        "[2001:db8::10]:443": Side.PUBLIC,
        "203.0.113.10:80": Side.PUBLIC,
        "[2001:db8::10]:80": Side.PUBLIC,
        "localhost:3003": Side.LOCAL,  # what the browser's log says of a look-up that is its own
    }
    rules = places.rules(["MAP first 127.0.0.1:1"]).split(",")
    assert rules[0] == "MAP first 127.0.0.1:1"
    assert "MAP api.extension.semantest.com:443 203.0.113.10:443" in rules
    assert "MAP api.extension.semantest.com 203.0.113.10:80" in rules
    assert "MAP page.example.org:443 203.0.113.201:443" in rules
    assert not [rule for rule in rules if rule.startswith("MAP localhost")]
    assert {"MAP * ~NOTFOUND", "EXCLUDE localhost"} <= {*rules}


def test_apart_the_profile_says_which_ports_and_names() -> None:
    other = Endpoints("http://127.0.0.1:4000/whoami", "ws://server.test:4001/socket", "wss://api.example.com:8443/v2")
    places = apart(hosts_of([other]))
    assert [each.port.address for each in places.local] == ["127.0.0.1:4000", "[::1]:4000", "127.0.0.1:4001"]
    assert [each.port.address for each in places.public] == ["203.0.113.10:8443", "[2001:db8::10]:8443"]
    rules = places.rules([]).split(",")
    assert "MAP server.test:4001 127.0.0.1:4001" in rules
    assert not [rule for rule in rules if rule.startswith("MAP 127.0.0.1")]


def test_apart_one_server_with_two_names_is_one_and_two_public_hosts_are_two() -> None:
    places = apart(Hosts(("localhost:3003", "127.0.0.1:3003"), ("one.test:443", "two.test:443", "two.test:80")))
    assert [each.port.address for each in places.local] == ["127.0.0.1:3003", "[::1]:3003"]
    assert [(each.name, each.address, each.port.address) for each in places.public] == [
        ("one.test:443", Address.V4, "203.0.113.10:443"),
        ("one.test:443", Address.V6, "[2001:db8::10]:443"),
        ("two.test:443", Address.V4, "203.0.113.11:443"),
        ("two.test:443", Address.V6, "[2001:db8::11]:443"),
        ("two.test:80", Address.V4, "203.0.113.11:80"),
        ("two.test:80", Address.V6, "[2001:db8::11]:80"),
    ]
    assert [trap.port.address for trap in places.traps] == ["203.0.113.10:80", "[2001:db8::10]:80"]


def test_apart_a_look_up_of_the_public_name_finds_both_addresses() -> None:
    code = "import socket; print([at[0] for *_, at in socket.getaddrinfo('two.test', 443, type=socket.SOCK_STREAM)])"

    async def scene() -> str:
        async with namespace() as made:
            close(in_own_network(Hosts((), ("one.test:443", "two.test:443")), made))
            command = [sys.executable, "-c", code]
            done = subprocess.run(command, preexec_fn=made.enter(), capture_output=True, text=True, check=True)  # noqa: S603, ASYNC221 - as the rig does it
            return done.stdout.strip()

    assert asyncio.run(scene()) == "['2001:db8::11', '203.0.113.11']"


def test_apart_a_public_server_on_the_plain_port_moves_the_trap() -> None:
    places = apart(Hosts((), ("one.test:80",)))
    assert [trap.port.address for trap in places.traps] == ["203.0.113.10:8080", "[2001:db8::10]:8080"]


def test_apart_a_place_that_is_not_there_is_the_harness_failure() -> None:
    async def scene() -> None:
        async with namespace() as made:
            ReservedPort.take("203.0.113.99", 443, Plot(made, Where.WORLD))

    with pytest.raises(RigFailed, match=r"203\.0\.113\.99 port 443 cannot be taken in the rig's own network"):
        asyncio.run(scene())


@pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
def test_apart_nobody_else_can_take_a_port_while_it_refuses(*, used: bool) -> None:
    async def scene() -> None:
        async with namespace() as made:
            ground = Plot(made, Where.HOME)
            port = ReservedPort.take("127.0.0.1", 3003, ground)
            if used:
                port.listen()
                with ground.socket(socket.AF_INET) as client:
                    client.connect(("127.0.0.1", 3003))
                port.refuse()
            with ground.socket(socket.AF_INET) as other:
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with pytest.raises(OSError, match="in use"):
                    other.bind(("127.0.0.1", 3003))
            port.close()

    asyncio.run(scene())
