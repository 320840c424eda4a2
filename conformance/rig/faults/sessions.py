"""Faults of an open WebSocket session."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

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
    is_silence: ClassVar[bool] = True

    async def apply(self, session: Session) -> None:
        """Take everything, answer nothing."""
        session.fall_silent()
        session.link.took_effect(self, "fell silent; the connection stays")


@fault
@dataclass(frozen=True, slots=True)
class PingOnly(SessionFault):
    """Sends WebSocket pings, at once and at every interval, and answers no message.

    The browser itself answers a ping, so the subject's worker never hears of it (RFC 6455, 5.5.2).
    """

    interval_ms: float
    name: ClassVar[str] = "ping_only"

    async def apply(self, session: Session) -> None:
        """The first ping now, the others beside the session."""
        session.ignore_messages()
        await session.link.send(_PING)
        session.link.took_effect(self, "sent a WebSocket ping; answers no message")
        session.beside(self._go_on(session))

    async def _go_on(self, session: Session) -> None:
        with contextlib.suppress(ConnectionError):
            while session.is_open:
                await asyncio.sleep(self.interval_ms / 1000)
                await session.link.send(_PING)


@fault
@dataclass(frozen=True, slots=True)
class Burst(SessionFault):
    """Sends so many text messages of so many bytes, as fast as they are taken."""

    count: int
    size: int
    name: ClassVar[str] = "burst"

    async def apply(self, session: Session) -> None:
        """One frame a message; each is JSON with its number in it."""
        for number in range(self.count):
            head = f'{{"type":"burst","number":{number},"rest":"'
            rest = "x" * max(0, self.size - len(head) - 2)
            await session.link.send(_frame(_TEXT, f'{head}{rest}"}}'.encode()))
        session.link.took_effect(self, f"sent {self.count} messages of {self.size} bytes")


@fault
@dataclass(frozen=True, slots=True)
class OversizeFrame(SessionFault):
    """Sends one text message of so many MiB in a single frame."""

    mib: int
    name: ClassVar[str] = "oversize_frame"

    async def apply(self, session: Session) -> None:
        """The head first, then the payload a MiB at a time."""
        size = self.mib * _MIB
        await session.link.send(bytes([_FINAL | _TEXT, _LENGTH_64]) + size.to_bytes(8))
        piece = b"x" * _MIB
        for _ in range(self.mib):
            await session.link.send(piece)
        session.link.took_effect(self, f"sent a frame of {self.mib} MiB")


@fault
@dataclass(frozen=True, slots=True)
class MalformedFrame(SessionFault):
    """Sends one frame that breaks the protocol: the browser must fail the connection (RFC 6455, 7.1.7)."""

    kind: Literal["reserved_bits", "bad_opcode", "bad_utf8", "masked"]
    name: ClassVar[str] = "malformed_frame"

    async def apply(self, session: Session) -> None:
        """Send it; what the browser closes is no longer a session of the subject's."""
        session.doomed = True
        await session.link.send(_MALFORMED[self.kind])
        session.link.took_effect(self, f"sent a frame with {self.kind.replace('_', ' ')}")


# --- frames by hand (RFC 6455, 5.2), since no library makes bad ones ------------------------------

_MIB = 1024 * 1024
_FINAL, _RESERVED, _MASKED = 0x80, 0x70, 0x80
_TEXT, _PING_OPCODE, _NO_OPCODE = 0x1, 0x9, 0x3
_LENGTH_16, _LENGTH_64 = 126, 127
_SHORT_MAX = 125


def _frame(opcode: int, payload: bytes) -> bytes:
    """A whole unmasked frame of less than 64 KiB."""
    size = len(payload)
    length = bytes([size]) if size <= _SHORT_MAX else bytes([_LENGTH_16]) + size.to_bytes(2)
    return bytes([_FINAL | opcode]) + length + payload


_PING = _frame(_PING_OPCODE, b"")
_MALFORMED = {
    "reserved_bits": bytes([_FINAL | _RESERVED | _TEXT, 2]) + b"{}",
    "bad_opcode": _frame(_NO_OPCODE, b"{}"),
    "bad_utf8": _frame(_TEXT, b"\xc3\x28"),
    "masked": bytes([_FINAL | _TEXT, _MASKED | 2, 0, 0, 0, 0]) + b"{}",  # only a client's frames are (RFC 6455, 5.1)
}
