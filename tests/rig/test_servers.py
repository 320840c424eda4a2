"""The servers of a rig: what the browser is told of them, and the world in which a scenario begins."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conformance.events import WorldSet
from conformance.model import Endpoints, FaultSpec, Side, World
from conformance.rig.browsers import Browser
from conformance.rig.certificates import Certificates
from conformance.rig.lag import LagMonitor
from conformance.rig.mapping import hosts_of
from conformance.rig.recorder import Recorder
from conformance.rig.servers import RigParts, Servers
from tests.rig.namespaces import namespace
from tests.rig.servers import GET, PROFILE, staged

HOSTS = hosts_of([Endpoints()])
CERTIFICATES = Certificates(HOSTS.public_names)
PARTS = RigParts(Browser("/nowhere", "None", "0", "a test"), HOSTS, CERTIFICATES, LagMonitor())


def test_the_browser_is_told_where_every_host_is_and_whom_to_trust() -> None:
    async def scene() -> tuple[tuple[str, ...], dict[str, Side], str, str]:
        async with staged() as stage:
            flags = stage.servers.flags(PARTS, Path("log"), ["MAP first 127.0.0.1:1"])
            servers = stage.servers
            return flags, servers.sides, servers.stranger.port.address, servers.web.port.address

    (log, rules, trust, spaces), sides, stranger, web = asyncio.run(scene())
    assert log == "--log-net-log=log"
    assert trust == f"--ignore-certificate-errors-spki-list={CERTIFICATES.spki}"
    name, _, written = rules.partition("=")
    assert name == "--host-resolver-rules"
    first, *others = written.split(",")
    assert first == "MAP first 127.0.0.1:1"
    mapped = {line.split()[1]: line.split()[2] for line in others}
    assert sides[mapped["localhost:3003"]] is Side.LOCAL
    assert sides[mapped["api.extension.semantest.com:443"]] is Side.PUBLIC
    assert sides[mapped["api.extension.semantest.com"]] is Side.PUBLIC  # plain http is taken, and seen
    assert mapped["elsewhere.example.org:80"] == stranger
    assert mapped["page.example.org:443"] == web
    assert others[-1] == "MAP * ~NOTFOUND"
    public = {web, *(address for address, side in sides.items() if side is Side.PUBLIC)}
    assert spaces.startswith("--ip-address-space-overrides=")
    assert set(spaces.partition("=")[2].split(",")) == {f"{address}=public" for address in public}


def test_apart_the_browser_is_told_that_the_public_addresses_are_public() -> None:
    """It takes 2001:db8::/32 for a local network's: docs/own-network.md."""

    async def scene() -> str:
        async with namespace():
            pass  # or the test is skipped
        servers = await Servers.open(PARTS, own_network=True)
        try:
            return servers.flags(PARTS, Path("log"), [])[-1]
        finally:
            await servers.close()

    told = asyncio.run(scene()).partition("=")[2].split(",")
    assert {"203.0.113.10:443=public", "[2001:db8::10]:443=public"} <= {*told}
    assert not [one for one in told if "3003" in one]


def test_a_scenario_begins_in_the_world_that_is_given() -> None:
    given = World(local=(FaultSpec("refused"),), public=(FaultSpec("name_not_found"), FaultSpec("old_tls")))

    async def scene() -> tuple[list[WorldSet], object]:
        async with staged() as stage:
            recorder = Recorder()
            await stage.servers.prepare(PROFILE, recorder, given)
            with pytest.raises(ConnectionRefusedError):
                await stage.exchange(GET)
            return [event for event in recorder.events if isinstance(event, WorldSet)], stage.servers.stranger.rule

    worlds, rule = asyncio.run(scene())
    # The look-up is the browser's business: a flag that it was launched with.
    assert [(world.side, world.faults) for world in worlds] == [(Side.LOCAL, ("refused",)), (Side.PUBLIC, ("old_tls",))]
    assert rule == PROFILE.signature
