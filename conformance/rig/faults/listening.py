"""Faults of the look-up and of the port: what happens before any connection exists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from conformance.model import Side
from conformance.rig.faults.base import ListenFault, Probed, ResolveFault, fault

if TYPE_CHECKING:
    from conformance.rig.ports import ReservedPort


@fault
@dataclass(frozen=True, slots=True)
class NameNotFound(ResolveFault):
    """The host name does not exist."""

    name: ClassVar[str] = "name_not_found"
    sides: ClassVar[tuple[Side, ...]] = (Side.PUBLIC,)

    def apply(self, host: str) -> str:
        """The host-mapping rule that does it."""
        return f"MAP {host} ~NOTFOUND"


@fault
@dataclass(frozen=True, slots=True)
class Refused(ListenFault):
    """Nobody listens: the SYN is answered with RST."""

    name: ClassVar[str] = "refused"

    async def apply(self, port: ReservedPort) -> Probed:
        """Refuse; a probe must be refused."""
        port.refuse()
        return Probed(await port.prove_refused())

    def shortfall(self, probed: Probed) -> str:  # noqa: ARG002 - the method all faults of a port have
        """Nothing: without a refusal there is no proof."""
        return ""


@fault
@dataclass(frozen=True, slots=True)
class Blackhole(ListenFault):
    """The SYN is never answered, as behind a firewall that drops."""

    name: ClassVar[str] = "blackhole"

    async def apply(self, port: ReservedPort) -> Probed:
        """Swallow SYNs; a probe must go unanswered."""
        return Probed(await port.blackhole())

    def shortfall(self, probed: Probed) -> str:  # noqa: ARG002 - the method all faults of a port have
        """Nothing: where a probe was answered there is no proof."""
        return ""
