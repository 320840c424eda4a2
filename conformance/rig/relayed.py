"""A session that is a target's: the fake stands between it and the subject, and a fault may take the fake's side.

Frames go both ways as they come. The subject's are also read, for the record; the target's are kept whole, so that a
fault's own frame never falls into one. When a fault makes the session its own (it closes, resets, falls silent), the
target is left, and the fake goes on alone as a scripted one does.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from websockets.exceptions import ProtocolError
from websockets.extensions import Extension
from websockets.frames import Close, Opcode
from websockets.protocol import State
from websockets.typing import ExtensionName

from conformance.events import SessionOpened
from conformance.rig.recorder import now_ms
from conformance.rig.session import Session

if TYPE_CHECKING:
    from websockets.frames import Frame

    from conformance.rig.http import Request
    from conformance.rig.link import Link
    from conformance.rig.serving.wire import Connection
    from conformance.rig.upstream import Upstream

_FRAME_BYTES_MAX: Final = 64 * 1024 * 1024
_LENGTH_16, _LENGTH_64 = 126, 127
_OPCODE, _LENGTH, _MASKED = 0x0F, 0x7F, 0x80
_ACCEPT: Final = re.compile(rb"(?im)^(sec-websocket-accept:)[^\r\n]*")
_EXTENDED: Final = re.compile(rb"(?im)^sec-websocket-extensions:")
_ANSWER_S: Final = 10.0  # as long as an answer of HTTP may take (upstream.py); a function's start is among them
_HEARTBEAT_MS_MAX: Final = 2000  # some 2 ms here; a target that has not answered by then has no answer to it


@dataclass(frozen=True, slots=True)
class Wired:
    """A frame as it came."""

    opcode: int
    raw: bytes
    payload: bytes


async def read_frame(reader: asyncio.StreamReader) -> Wired | None:
    """The next frame (RFC 6455, 5.2), however wrong; None at a clean end. Raises OSError, EOFError."""
    head = await reader.read(1)
    if not head:
        return None
    head += await reader.readexactly(1)
    length = head[1] & _LENGTH
    if length >= _LENGTH_16:
        more = await reader.readexactly(2 if length == _LENGTH_16 else 8)
        head, length = head + more, int.from_bytes(more)
    if length > _FRAME_BYTES_MAX:
        raise EOFError
    if head[1] & _MASKED:
        head += await reader.readexactly(4)
    payload = await reader.readexactly(length)
    return Wired(head[0] & _OPCODE, head + payload, payload)


class _AsItCame(Extension):
    """Stands for whatever extension the two have agreed on: what it did to a frame is theirs to know."""

    name = ExtensionName("as-it-came")

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:  # noqa: ARG002 - an extension's method
        return replace(frame, rsv1=False, rsv2=False, rsv3=False)

    def encode(self, frame: Frame) -> Frame:
        return frame


class Relayed(Session):
    """One upgrade that the target answers and, if it accepts, the session after it."""

    def __init__(self, link: Link, request: Request, upstream: Upstream) -> None:
        super().__init__(link, request, None)
        self._upstream = upstream
        self._head = request
        self._connection: Connection | None = None  # None: the target has no part in it, any more or yet
        self._asked_ms: float | None = None  # when the subject's heartbeat began to wait for an answer
        self._heard = asyncio.Event()  # whether nothing of the subject's waits for an answer
        self._heard.set()

    async def answer(self, *, spoil_key: bool = False) -> bool:
        """Relay the target's answer; True when the session is open."""
        asked = await self._upstream.ask(self.link, self._head)
        if asked is None:
            return False
        answer, self._connection = asked
        if answer.status != HTTPStatus.SWITCHING_PROTOCOLS:
            self.leave()
            self._note_refusal(answer.status)
            await self._upstream.relay(self.link, answer)
            return False
        if self._request is not None:  # for what the subject sends to be read; what it would answer is the target's
            self._protocol.send_response(self._protocol.accept(self._request))
            self._protocol.data_to_send()
        if self._protocol.state is not State.OPEN:
            self._upstream.failed("it opened a session on a handshake that RFC 6455 forbids")
        if _EXTENDED.search(answer.raw):
            self._protocol.extensions = [_AsItCame()]
        head = _ACCEPT.sub(rb"\1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=", answer.raw) if spoil_key else answer.raw
        await self.link.send(head)
        self.is_open = self._protocol.state is State.OPEN and not spoil_key
        if self.is_open:
            self.link.record(SessionOpened)
            self.link.fake.sessions.append(self)
        else:
            self.leave()
        return self.is_open

    def _note_refusal(self, status: int) -> None:
        """A healthy target that refuses a session where sessions are is not the one that the scenario speaks of."""
        if self._head.target.split("?")[0] == self._upstream.session_path:
            origin = self._head.headers.get("origin", "none")
            why = f"the subject's origin, which it has to let in: {origin}"
            if status == HTTPStatus.TOO_MANY_REQUESTS:
                why = "a run makes more connects than it lets one client make; raise that limit, or give --jobs 1"
            self._upstream.failed(f"it refused a session with status {status} ({why})")

    async def run(self) -> None:
        """Relay until the session ends."""
        if self._connection is not None:
            self.beside(self._from_target(self._connection))
        await super().run()

    # --- from the subject

    async def _take(self, data: bytes) -> None:
        connection = self._connection
        await super()._take(data)
        if connection is not None and self._connection is connection:
            with contextlib.suppress(ConnectionError):  # what the target's side sees of that is told there
                connection.writer.write(data)
                await connection.writer.drain()
        if self._connection is not None and self._protocol.close_rcvd is not None:
            self._closed()

    def _is_over(self) -> bool:
        """As long as the target has a part in it, the end is the target's to make."""
        return self._connection is None and super()._is_over()

    def _is_sound(self, frame: Frame) -> bool:
        """The target judges the subject's frames; what an extension made of them nobody else can."""
        return self._connection is not None or bool(self._protocol.extensions) or super()._is_sound(frame)

    def _is_heartbeat(self, data: bytes) -> bool:
        """Never ours to answer; when it was asked is remembered. One that an extension changed can only be guessed."""
        heartbeat = self.link.fake.profile.heartbeat if self._connection is not None else None
        if heartbeat is None:
            return False
        if heartbeat.request.encode() in data:
            self._asked_ms = self._asked_ms or now_ms()
        if self._asked_ms is not None or self._protocol.extensions:
            self._heard.clear()
        return False

    async def answered(self) -> None:
        """Wait for the answer to a heartbeat that is under way; that none comes is the target's failure."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self._heard.wait()
        except TimeoutError:
            if self._asked_ms is not None:
                self._unanswered(now_ms() - self._asked_ms)

    def _unanswered(self, waited_ms: float) -> None:
        self._upstream.failed(f"it left the subject's heartbeat unanswered for {waited_ms:.0f} ms")

    async def _flush(self) -> None:
        if self._connection is None:
            await super()._flush()
        else:
            self._protocol.data_to_send()  # the target gives its own answers

    # --- from the target

    async def _from_target(self, connection: Connection) -> None:
        how = ""
        with contextlib.suppress(EOFError):
            while True:
                try:
                    frame = await read_frame(connection.reader)
                except OSError:
                    how = "reset"
                    break
                if frame is None or self._connection is not connection:
                    break
                self._note(frame)
                try:
                    await self.link.send(frame.raw)
                except ConnectionError:
                    return  # the subject has gone
        if self._connection is connection:
            self._target_ended(how)

    def _note(self, frame: Wired) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._asked_ms = None
            self._heard.set()
        elif frame.opcode == Opcode.CLOSE and self._protocol.state is State.OPEN:
            try:
                close = Close.parse(frame.payload)
                self._protocol.send_close(close.code, close.reason)
            except ProtocolError:
                return  # the browser fails the connection for it
            self._protocol.data_to_send()
            self._ended_by_itself(f"it closed a session with code {int(close.code)}")

    def _target_ended(self, how: str) -> None:
        """Its connection is gone: the subject's goes the same way."""
        if self.is_open and self._protocol.state is State.OPEN:
            self._ended_by_itself("it ended a session's connection")
        self._closed(by="server" if self._protocol.state is State.OPEN else "")
        self.leave()
        if how:
            self.link.reset()
        else:
            self.link.finish()

    def _ended_by_itself(self, what: str) -> None:
        if not self.doomed:
            self._upstream.failed(f"{what}, and nothing in the scenario makes it")

    def _closed(self, by: str = "") -> None:
        if self.is_open and self._asked_ms is not None and not self.doomed:
            waited_ms = now_ms() - self._asked_ms
            if waited_ms > _HEARTBEAT_MS_MAX:
                self._unanswered(waited_ms)
        super()._closed(by)
        self._heard.set()

    # --- what a fault does

    def leave(self) -> None:
        """The target has no part in it any more."""
        connection, self._connection, self._asked_ms = self._connection, None, None
        self._heard.set()
        if connection is not None:
            connection.abort()

    def ignore_messages(self) -> None:
        """Answer no message any more."""
        super().ignore_messages()
        self.leave()

    async def close(self, code: int) -> bool:
        """Begin the close handshake in the target's place."""
        self.leave()
        return await super().close(code)

    def reset(self) -> bool:
        """End the connection with RST."""
        self.leave()
        return super().reset()

    def fall_silent(self) -> None:
        """Take everything, answer nothing, close nothing."""
        super().fall_silent()
        self.leave()
