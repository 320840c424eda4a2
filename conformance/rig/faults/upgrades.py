"""Faults of the answer to a WebSocket upgrade."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from websockets.utils import accept_key

from conformance.rig.faults.base import UpgradeFault, fault
from conformance.rig.traffic import ended_not, sent_any, sooner, status_not

if TYPE_CHECKING:
    from conformance.rig.link import Link
    from conformance.rig.session import Session
    from conformance.rig.traffic import Traffic


@fault
@dataclass(frozen=True, slots=True)
class RefuseUpgrade(UpgradeFault):
    """Answers the upgrade with a plain HTTP status."""

    status: int
    name: ClassVar[str] = "refuse_upgrade"

    async def apply(self, session: Session) -> None:
        """No 101."""
        await session.link.fake.reply(session.link, self.status, {"Content-Type": "text/plain"}, b"no WebSocket\n")
        session.link.took_effect(self, f"answered the upgrade with status {self.status}")

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """Another status."""
        return status_not(traffic, self.status)


@fault
@dataclass(frozen=True, slots=True)
class HangUpgrade(UpgradeFault):
    """Takes the upgrade and never answers."""

    name: ClassVar[str] = "hang_upgrade"

    async def apply(self, session: Session) -> None:
        """Silence until the peer gives up."""
        session.link.took_effect(self, "left the upgrade unanswered")
        await session.link.hang()

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """Any byte."""
        return sent_any(traffic)


@fault
@dataclass(frozen=True, slots=True)
class WrongAccept(UpgradeFault):
    """Answers 101 with an accept key that does not belong to the request."""

    name: ClassVar[str] = "wrong_accept"

    async def apply(self, session: Session) -> None:
        """A 101 that a client must refuse (RFC 6455, 4.1)."""
        await session.answer(spoil_key=True)
        session.link.took_effect(self, "answered 101 with a wrong accept key")
        await session.link.hang()

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """Another status, or the key that belongs to the request (RFC 6455, 4.2.2)."""
        if lacks := status_not(traffic, _SWITCHING):
            return lacks
        head, asked = traffic.head(), traffic.request
        right = accept_key("" if asked is None else asked.headers.get("sec-websocket-key", ""))
        return "the right key was sent" if head is None or head.headers.get(_ACCEPT, right) == right else ""


@fault
@dataclass(frozen=True, slots=True)
class ResetUpgrade(UpgradeFault):
    """Resets the connection instead of answering."""

    name: ClassVar[str] = "reset_upgrade"

    async def apply(self, session: Session) -> None:
        """RST."""
        if session.link.reset():
            session.link.took_effect(self, "reset the connection instead of answering the upgrade")

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """Any byte, or another end."""
        return sent_any(traffic) or ended_not(traffic, "reset")


@fault
@dataclass(frozen=True, slots=True)
class SlowUpgrade(UpgradeFault):
    """Answers the upgrade well, but late."""

    delay_ms: float
    name: ClassVar[str] = "slow_upgrade"

    async def apply(self, session: Session) -> None:
        """Wait, then answer."""
        await asyncio.sleep(self.delay_ms / 1000)
        await session.answer()
        session.link.took_effect(self, f"answered the upgrade after {self.delay_ms:g} ms")

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """Another answer, or one that came sooner."""
        return status_not(traffic, _SWITCHING) or sooner(traffic, self.delay_ms)


_SWITCHING = 101
_ACCEPT = "sec-websocket-accept"
