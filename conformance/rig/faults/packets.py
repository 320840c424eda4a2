"""Faults of the network itself: it is away, slow, or loses packets. Only where the rig has a network of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from conformance.rig.faults.base import ListenFault, NetworkFault, fault

if TYPE_CHECKING:
    from conformance.rig.network import Network
    from conformance.rig.ports import ReservedPort


@fault
@dataclass(frozen=True, slots=True)
class Offline(NetworkFault):
    """The browser's machine has no network: its one interface is down. What is on the machine itself stays."""

    name: ClassVar[str] = "offline"

    async def apply(self, network: Network) -> str:
        """Take the interface down; a probe must find no network."""
        return await network.cut()


@fault
@dataclass(frozen=True, slots=True)
class Delay(NetworkFault):
    """Every packet takes half of ``rtt_ms`` to the public server, and half back."""

    rtt_ms: Annotated[float, Field(gt=0, le=10_000)]
    name: ClassVar[str] = "delay"

    async def apply(self, network: Network) -> str:
        """Hold packets back; a probe must take as long."""
        return await network.slow_down(self.rtt_ms)


@fault
@dataclass(frozen=True, slots=True)
class Loss(NetworkFault):
    """Of the packets between the browser and the public server one in ``every`` is lost, each way."""

    every: Annotated[int, Field(ge=1, le=1000)]
    name: ClassVar[str] = "loss"

    async def apply(self, network: Network) -> str:
        """Lose packets; of some probes so many must be lost."""
        return await network.lose(self.every)


@fault
@dataclass(frozen=True, slots=True)
class DropSyn(ListenFault):
    """SYNs are lost on their way: the ``first`` of them, so that the kernel sends again after 1 s, or all (0)."""

    first: Annotated[int, Field(ge=0, le=100)] = 0
    name: ClassVar[str] = "drop_syn"
    needs_namespace: ClassVar[bool] = True
    answers: ClassVar[bool] = True

    async def apply(self, port: ReservedPort) -> str:
        """Listen, and have the kernel drop them; it must have dropped a probe's."""
        return await asyncio.to_thread(port.drop_syn, self.first)  # a namespace's helper may take its time
