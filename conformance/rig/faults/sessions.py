"""Faults of an open WebSocket session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from conformance.rig.faults.base import SessionFault, fault

if TYPE_CHECKING:
    from conformance.rig.session import Session


@fault
@dataclass(frozen=True, slots=True)
class Close(SessionFault):
    """Begins the close handshake with this code (RFC 6455, 7.4)."""

    code: int
    name: ClassVar[str] = "close"

    async def apply(self, session: Session) -> None:
        """Close now."""
        await session.close(self.code)
        session.link.took_effect(self, f"sent a close frame with code {self.code}")


@fault
@dataclass(frozen=True, slots=True)
class ResetSession(SessionFault):
    """Resets the connection of an open session."""

    name: ClassVar[str] = "reset_session"

    async def apply(self, session: Session) -> None:
        """RST now."""
        session.reset()
        session.link.took_effect(self, "reset the open session's connection")


@fault
@dataclass(frozen=True, slots=True)
class HalfOpen(SessionFault):
    """Falls silent without a FIN, as a peer that lost its power or its network."""

    name: ClassVar[str] = "half_open"

    async def apply(self, session: Session) -> None:
        """Take everything, answer nothing."""
        session.fall_silent()
        session.link.took_effect(self, "fell silent; the connection stays")
