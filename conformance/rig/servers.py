"""The servers of one rig: both fakes, the stranger, where they stand, and what leads the browser to them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.errors import RigFailed, TargetFailed, Unsupported
from conformance.model import Side
from conformance.rig.browsers import Browser
from conformance.rig.certificates import Certificates
from conformance.rig.fake import Fake
from conformance.rig.faults import Stage, build_at
from conformance.rig.lag import LagMonitor
from conformance.rig.mapping import Hosts
from conformance.rig.namespace import Namespace
from conformance.rig.network import Network
from conformance.rig.places import in_own_network, on_this_machine
from conformance.rig.stranger import Stranger
from conformance.rig.targets import TargetPool
from conformance.rig.web import WebHost

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conformance.model import Profile, World
    from conformance.rig.recorder import Recorder


@dataclass(frozen=True, slots=True)
class RigParts:
    """What every rig of a run shares."""

    browser: Browser
    hosts: Hosts
    certificates: Certificates
    lag: LagMonitor
    headed: bool = False
    display: str = ""
    targets: TargetPool | None = None


class Servers:
    """The fakes of one rig, where they stand, and the network between them and the browser where that is the rig's."""

    def __init__(self, parts: RigParts, namespace: Namespace | None = None) -> None:
        here = on_this_machine(parts.hosts) if namespace is None else in_own_network(parts.hosts, namespace)
        self.namespace = namespace
        self.network = None if namespace is None else Network(namespace)
        self.local = Fake(Side.LOCAL, here.local, parts.certificates)
        self.public = Fake(Side.PUBLIC, [*here.public, *here.traps], parts.certificates, self.network)
        self.stranger = Stranger(here.stranger)
        self.web = WebHost(here.web, parts.certificates.context())
        self.sides = here.sides
        self._places = here
        self._targets = parts.targets
        if self._targets is not None:
            for side in Side:
                self.of(side).target = self._targets.take(side)

    @classmethod
    async def open(cls, parts: RigParts, *, own_network: bool = False) -> Servers:
        """Make them, and their network. Raises Unsupported where there can be none, RigFailed."""
        namespace = await Namespace.open() if own_network else None
        try:
            # A namespace's helper makes every socket, and may take its time; the other rigs' loop must not.
            servers = cls(parts) if namespace is None else await asyncio.to_thread(cls, parts, namespace)
        except BaseException:
            if namespace is not None:
                await namespace.close()
            raise
        if servers.network is not None:
            servers.network.open()
        await servers.stranger.open()
        await servers.web.open()
        return servers

    def of(self, side: Side) -> Fake:
        """The fake of one side."""
        return self.local if side is Side.LOCAL else self.public

    def flags(self, parts: RigParts, netlog: Path, extra_rules: Sequence[str]) -> tuple[str, ...]:
        """What tells a browser to come here, to trust who is here, and to log it."""
        outside = [self.web.port.address, *(each for each, side in self.sides.items() if side is Side.PUBLIC)]
        return (
            f"--log-net-log={netlog}",
            f"--host-resolver-rules={self._places.rules(extra_rules)}",
            f"--ignore-certificate-errors-spki-list={parts.certificates.spki}",
            # The browser's local-network-access check must take them for public, wherever they stand: on loopback, or
            # at 2001:db8::/32, which Chromium takes for a local network's (docs/own-network.md).
            f"--ip-address-space-overrides={','.join(f'{address}=public' for address in outside)}",
        )

    async def prepare(self, profile: Profile, recorder: Recorder, given: World, *, scripted: bool = False) -> None:
        """Begin a scenario: both fakes new, in the world that is given. ``scripted``: whatever targets there are.

        Raises Unsupported, TargetFailed, RigFailed.
        """
        if given.both and self.namespace is not None and self.namespace.no_names:
            raise Unsupported(f"the public name cannot have two addresses: {self.namespace.no_names}")
        for side in Side:
            fake = self.of(side)
            fake.prepare(profile, recorder, scripted=scripted)
            faults = build_at(given.of(side))
            faults = {at: tuple(each for each in some if each.stage != Stage.RESOLVE) for at, some in faults.items()}
            await fake.set_faults(faults)
        self.stranger.rule = profile.signature

    @property
    def may_be_cached(self) -> bool:
        """Whether the browser may use an answer of this scenario's again."""
        return self.local.may_be_cached or self.public.may_be_cached

    def refuse_to_lie(self) -> None:
        """A bug of a fake's must end as the harness' failure, not as the subject's. Raises RigFailed, TargetFailed."""
        for side in Side:
            if isinstance(error := self.of(side).failure, TargetFailed):
                raise error
            if error is not None:
                message = f"the {side} fake failed: {type(error).__name__}: {error}"
                raise RigFailed(message) from error

    async def reset(self) -> None:
        """Drop every connection; every port refuses."""
        await self.local.reset()
        await self.public.reset()
        if self.network is not None:
            await self.network.clear()

    async def close(self) -> None:
        """Give every port back."""
        for side in Side:
            self.of(side).close()
            if self._targets is not None and (target := self.of(side).target) is not None:
                self._targets.give(target)
        self.stranger.close()
        self.web.close()
        if self.network is not None:
            self.network.close()
        if self.namespace is not None:
            await self.namespace.close()
