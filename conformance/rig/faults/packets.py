"""Faults of the network itself: it is away, slow, or loses packets. Only where the rig has a network of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from conformance.rig.faults.base import ListenFault, NetworkFault, Probed, fault
from conformance.rig.network import PROBE_SOON, PUBLIC

if TYPE_CHECKING:
    from conformance.rig.network import Network
    from conformance.rig.ports import ReservedPort

_OTHERS = 1.25  # one packet in five may be somebody else's


@fault
@dataclass(frozen=True, slots=True)
class Offline(NetworkFault):
    """The browser's machine has no network: its one interface is down. What is on the machine itself stays."""

    name: ClassVar[str] = "offline"

    async def apply(self, network: Network) -> Probed:
        """Take the interface down; a probe must find no network."""
        return Probed(await network.cut())

    def shortfall(self, probed: Probed) -> str:  # noqa: ARG002 - the method all faults of a network have
        """Nothing: where a probe found a network there is no proof."""
        return ""


@fault
@dataclass(frozen=True, slots=True)
class Delay(NetworkFault):
    """Every packet takes half of ``rtt_ms`` to the public server, and half back."""

    rtt_ms: Annotated[float, Field(gt=0, le=10_000)]
    name: ClassVar[str] = "delay"

    async def apply(self, network: Network) -> Probed:
        """Hold packets back; a probe must take as long."""
        took_ms = await network.slow_down(self.rtt_ms)
        return Probed(f"a probe of {PUBLIC} and back took {took_ms:.0f} ms", took_ms)

    def shortfall(self, probed: Probed) -> str:
        """A probe that was back sooner."""
        return "" if probed.figure >= self.rtt_ms * PROBE_SOON else f"a probe was back after {probed.figure:.0f} ms"


@fault
@dataclass(frozen=True, slots=True)
class Loss(NetworkFault):
    """Of the packets between the browser and the public server one in ``every`` is lost, each way."""

    every: Annotated[int, Field(ge=1, le=1000)]
    name: ClassVar[str] = "loss"

    async def apply(self, network: Network) -> Probed:
        """Lose packets; of some probes so many must be lost."""
        sent, lost = await network.lose(self.every)
        return Probed(f"{lost} of {sent} probe packets were lost on their way", sent / lost if lost else inf)

    def shortfall(self, probed: Probed) -> str:
        """Another share of the probes; whatever else was on its way meanwhile makes it a little smaller."""
        is_share = self.every <= probed.figure < self.every * _OTHERS
        return "" if is_share else f"one probe in {probed.figure:.1f} was lost"


@fault
@dataclass(frozen=True, slots=True)
class DropSyn(ListenFault):
    """SYNs are lost on their way: the ``first`` of them, so that the kernel sends again after 1 s, or all (0)."""

    first: Annotated[int, Field(ge=0, le=100)] = 0
    name: ClassVar[str] = "drop_syn"
    needs_namespace: ClassVar[bool] = True
    answers: ClassVar[bool] = True

    async def apply(self, port: ReservedPort) -> Probed:
        """Listen, and have the kernel drop them; it must have dropped so many probes'."""
        lost = await asyncio.to_thread(port.drop_syn, self.first)  # a namespace's helper may take its time
        told = "each of them" if lost == 0 else f"{lost}, and let the next one through"
        return Probed(f"SYNs to {port.address} were sent: the kernel dropped {told}", lost)

    def shortfall(self, probed: Probed) -> str:
        """One that came through too soon, or none that did."""
        if probed.figure == self.first:
            return ""
        return f"a SYN came through after {probed.figure:.0f}" if probed.figure else "no SYN came through"
