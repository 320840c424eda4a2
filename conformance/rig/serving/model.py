"""What a server must make of drawn input: RFC 6455 by websockets' sans-I/O core, RFC 9112 by h11.

No I/O. It says no more than the standards do: where they leave a choice, any outcome but a failure is right.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import h11
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from conformance.server_cases import PING, frame

_MESSAGE_BYTES_MAX: Final = 1024 * 1024
_NONCE: Final = b"model"
_PONG: Final = bytes([0x8A, len(_NONCE)]) + _NONCE


class Due(StrEnum):
    """What has to come of an input in a session."""

    KEPT = "kept"  # a ping after it is answered
    ENDED = "ended"  # the session is over
    OPEN = "open"  # more is waited for: what comes next is inside of it


class SessionModel:
    """One session. It remembers what was sent before: half a message stays half a message."""

    def __init__(self) -> None:
        self._frames = Protocol(Side.SERVER, state=State.OPEN, max_size=_MESSAGE_BYTES_MAX)
        self._text = False
        self._message = bytearray()

    def due(self, data: bytes) -> Due:
        """What a server makes of ``data`` and a ping after it."""
        self._frames.receive_data(data + frame(PING, _NONCE))
        for event in self._frames.events_received():
            if isinstance(event, Frame):
                self._take(event)
        sent = self._frames.data_to_send()
        if self._frames.state is not State.OPEN or b"" in sent:
            return Due.ENDED
        return Due.KEPT if _PONG in b"".join(sent) else Due.OPEN

    @property
    def code(self) -> int:
        """The close code that the core itself would send, 0 for none."""
        sent = self._frames.close_sent
        return 0 if sent is None else int(sent.code)

    def _take(self, frame: Frame) -> None:
        """Text has to be UTF-8 (8.1), which the core leaves to its user."""
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        if frame.opcode is not Opcode.CONT:
            self._text = frame.opcode is Opcode.TEXT
        self._message += frame.data
        if not frame.fin:
            return
        whole, self._message = bytes(self._message), bytearray()
        if self._text and self._frames.state is State.OPEN:
            try:
                whole.decode()
            except UnicodeDecodeError:
                self._frames.fail(1007)


def is_whole_request(data: bytes) -> bool:
    """Whether something answers to it: a whole request, or what can never become one."""
    if not data:
        return False  # h11 takes it for the end, which it tells for ever
    parser = h11.Connection(h11.SERVER)
    parser.receive_data(data)
    try:
        event = parser.next_event()
        while event not in (h11.NEED_DATA, h11.PAUSED) and not isinstance(event, h11.EndOfMessage):
            event = parser.next_event()
    except h11.RemoteProtocolError:
        return True
    return event is not h11.NEED_DATA
