"""Faults of an accepted connection: a squatter on the port, or a server that is stuck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from conformance.rig.faults.base import ConnectionFault, fault
from conformance.rig.traffic import ended_not, sent_any, sent_so_much

if TYPE_CHECKING:
    from conformance.rig.link import Link
    from conformance.rig.traffic import Traffic


@fault
@dataclass(frozen=True, slots=True)
class Silent(ConnectionFault):
    """Accepts, reads, and never says a byte."""

    name: ClassVar[str] = "silent"

    async def apply(self, link: Link) -> None:
        """Read until the peer gives up."""
        first = await link.reader.read(65536)
        link.took_effect(self, f"took {len(first)} bytes and said nothing")
        await link.hang()

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """Any byte."""
        return sent_any(traffic)


@fault
@dataclass(frozen=True, slots=True)
class Banner(ConnectionFault):
    """Greets like another protocol's server, then hangs."""

    text: str = "220 ready\r\n"
    name: ClassVar[str] = "banner"

    async def apply(self, link: Link) -> None:
        """Send the text; say nothing more."""
        await link.send(self.text.encode())
        link.took_effect(self, f"sent the banner {self.text.strip()!r} and nothing more")
        await link.hang()

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """Other bytes, or more."""
        return "" if traffic.data == self.text.encode() else f"{sent_so_much(traffic.total)}, another text"


@fault
@dataclass(frozen=True, slots=True)
class Reset(ConnectionFault):
    """Accepts and resets."""

    name: ClassVar[str] = "reset"

    async def apply(self, link: Link) -> None:
        """RST at once."""
        if link.reset():
            link.took_effect(self, "reset the connection right after accept")

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """Any byte, or another end."""
        return sent_any(traffic) or ended_not(traffic, "reset")


@fault
@dataclass(frozen=True, slots=True)
class HangUp(ConnectionFault):
    """Takes the request and closes without an answer."""

    name: ClassVar[str] = "hang_up"

    async def apply(self, link: Link) -> None:
        """FIN after the first bytes."""
        first = await link.reader.read(65536)
        link.finish()
        link.took_effect(self, f"took {len(first)} bytes and closed without an answer")

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """Any byte, or another end."""
        return sent_any(traffic) or ended_not(traffic, "server")
