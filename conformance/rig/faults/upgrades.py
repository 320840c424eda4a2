"""Faults of the answer to a WebSocket upgrade."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from conformance.rig.faults.base import UpgradeFault, fault

if TYPE_CHECKING:
    from conformance.rig.session import Session


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


@fault
@dataclass(frozen=True, slots=True)
class HangUpgrade(UpgradeFault):
    """Takes the upgrade and never answers."""

    name: ClassVar[str] = "hang_upgrade"

    async def apply(self, session: Session) -> None:
        """Silence until the peer gives up."""
        session.link.took_effect(self, "left the upgrade unanswered")
        await session.link.hang()


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


@fault
@dataclass(frozen=True, slots=True)
class ResetUpgrade(UpgradeFault):
    """Resets the connection instead of answering."""

    name: ClassVar[str] = "reset_upgrade"

    async def apply(self, session: Session) -> None:
        """RST."""
        session.link.reset()
        session.link.took_effect(self, "reset the connection instead of answering the upgrade")


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
