"""Faults of an open WebSocket session."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from conformance.rig.faults.base import SessionFault, fault
from conformance.rig.traffic import CLOCK_MS, ended_not, sent_any, sent_so_much

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.rig.link import Link
    from conformance.rig.session import Session
    from conformance.rig.traffic import SentFrame, Traffic


@fault
@dataclass(frozen=True, slots=True)
class Close(SessionFault):
    """Begins the close handshake with this code (RFC 6455, 7.4)."""

    code: int
    name: ClassVar[str] = "close"

    async def apply(self, session: Session) -> None:
        """Close now."""
        if await session.close(self.code):
            session.link.took_effect(self, f"sent a close frame with code {self.code}")

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """No close frame, or one with another code."""
        codes = [int.from_bytes(each.payload[:2]) for each in traffic.frames() if each.opcode == _CLOSE]
        if codes[:1] == [self.code]:
            return ""
        return f"a close frame with code {codes[0]} was sent" if codes else "no close frame was sent"


@fault
@dataclass(frozen=True, slots=True)
class ResetSession(SessionFault):
    """Resets the connection of an open session."""

    name: ClassVar[str] = "reset_session"

    async def apply(self, session: Session) -> None:
        """RST now."""
        if session.reset():
            session.link.took_effect(self, "reset the open session's connection")

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """Another end."""
        return ended_not(traffic, "reset")


@fault
@dataclass(frozen=True, slots=True)
class HalfOpen(SessionFault):
    """Falls silent without a FIN, as a peer that lost its power or its network."""

    name: ClassVar[str] = "half_open"
    is_silence: ClassVar[bool] = True
    lasts: ClassVar[bool] = True

    async def apply(self, session: Session) -> None:
        """Take everything, answer nothing."""
        session.fall_silent()
        session.link.took_effect(self, "fell silent; the connection stays")

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """Any byte."""
        return sent_any(traffic)


@fault
@dataclass(frozen=True, slots=True)
class PingOnly(SessionFault):
    """Sends WebSocket pings, at once and at every interval, and answers no message.

    The browser itself answers a ping, so the subject's worker never hears of it (RFC 6455, 5.5.2).
    """

    interval_ms: float
    name: ClassVar[str] = "ping_only"
    lasts: ClassVar[bool] = True

    async def apply(self, session: Session) -> None:
        """The first ping now, the others beside the session. Each has its proof: the judge wants one an interval."""
        session.ignore_messages()
        await self._ping(session)
        session.beside(self._go_on(session))

    async def _ping(self, session: Session) -> None:
        await session.link.send(_PING)
        session.link.took_effect(self, "sent a WebSocket ping; answers no message")

    async def _go_on(self, session: Session) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await asyncio.sleep(self.interval_ms / 1000)
                if not session.is_open or session.doomed:  # a fault that came later has it for itself
                    return
                await self._ping(session)

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """A message, no ping, or one that came too soon."""
        frames = list(traffic.frames())
        if any(each.opcode in _MESSAGE for each in frames):
            return "a message was sent"
        pings = sum(each.opcode == _PING_OPCODE for each in frames)
        if not pings:
            return "no ping was sent"
        too_soon = pings > 1 and frames[-1].opcode == _PING_OPCODE and traffic.gap_ms < self.interval_ms - CLOCK_MS
        return f"a ping came {traffic.gap_ms:.0f} ms after the last" if too_soon else ""


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

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """Fewer or more messages, or of another size."""
        first = next((each for each in traffic.frames() if each.opcode == _TEXT), None)
        if first is None or first.size != self.size:
            return f"messages of {0 if first is None else first.size} bytes were sent"
        count = traffic.total // len(_frame(_TEXT, b"x" * self.size))
        return "" if count == self.count else f"{count} messages were sent"


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

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """A frame of another size, or not all of it."""
        first = next((each for each in traffic.frames() if each.opcode == _TEXT), None)
        if first is None or first.size != self.mib * _MIB:
            return f"a frame of {0 if first is None else first.size} bytes was sent"
        return "" if traffic.total >= first.size else f"{sent_so_much(traffic.total)} of that frame"


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

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """No frame that breaks the protocol, or one that breaks another rule of it."""
        broken = [rule for each in traffic.frames() for rule, breaks in _RULES.items() if breaks(each)]
        if self.kind in broken:
            return ""
        return f"a frame with {' and '.join(broken).replace('_', ' ')} was sent" if broken else "no such frame was sent"


# --- frames by hand (RFC 6455, 5.2), since no library makes bad ones ------------------------------

_MIB = 1024 * 1024
_FINAL, _RESERVED, _MASKED = 0x80, 0x70, 0x80
_TEXT, _CLOSE, _PING_OPCODE, _NO_OPCODE = 0x1, 0x8, 0x9, 0x3
_MESSAGE = (0x0, _TEXT, 0x2)  # continuation, text, binary
_OPCODES = (*_MESSAGE, _CLOSE, _PING_OPCODE, 0xA)
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


def _is_not_utf8(sent: SentFrame) -> bool:
    try:
        sent.payload.decode()
    except UnicodeDecodeError:
        return sent.opcode == _TEXT
    return False


# What a frame of a server's breaks, read from the frame: RFC 6455, 5.1, 5.2 and 8.1.
_RULES: dict[str, Callable[[SentFrame], bool]] = {
    "reserved_bits": lambda sent: sent.reserved,
    "bad_opcode": lambda sent: sent.opcode not in _OPCODES,
    "bad_utf8": _is_not_utf8,
    "masked": lambda sent: sent.masked,
}
