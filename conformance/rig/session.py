"""A WebSocket session of a fake: the protocol by websockets' sans-I/O core, the bytes by the link."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
from typing import TYPE_CHECKING, Any

from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.server import ServerProtocol

from conformance.events import FrameReceived, SessionClosed, SessionOpened

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from websockets.http11 import Request as UpgradeRequest

    from conformance.model import Heartbeat
    from conformance.rig.http import Request
    from conformance.rig.link import Link

_OPCODES = {
    Opcode.CONT: "cont",
    Opcode.TEXT: "text",
    Opcode.BINARY: "binary",
    Opcode.CLOSE: "close",
    Opcode.PING: "ping",
    Opcode.PONG: "pong",
}
_LOST = 1006  # RFC 6455, 7.4.1: no close frame was seen


class Session:
    """One upgrade and, if it is accepted, the session after it.

    ``doomed``: a fault has been applied to it; it no longer counts as a session the subject has.
    ``silent``: it takes frames and answers nothing, as a peer that lost its power does.
    """

    def __init__(self, link: Link, request: Request, heartbeat: Heartbeat | None) -> None:
        self.link = link
        self.doomed = False
        self.silent = False
        self.is_open = False
        self._is_cut = False  # what it had to say went nowhere
        self._heartbeat = heartbeat
        self._beside: set[asyncio.Task[None]] = set()
        self._text: codecs.IncrementalDecoder | None = None  # of the text message that is coming in
        self._protocol = ServerProtocol()
        self._protocol.receive_data(request.raw)
        self._request: UpgradeRequest | None = None
        for event in self._protocol.events_received():
            if not isinstance(event, Frame | Response):
                self._request = event

    async def answer(self, *, spoil_key: bool = False) -> bool:
        """Answer the upgrade as a healthy server does; True when the session is open.

        ``spoil_key``: with an accept key that belongs to no request (RFC 6455, 4.2.2).
        """
        if self._request is None:
            return False
        answer = self._protocol.accept(self._request)
        if spoil_key and "Sec-WebSocket-Accept" in answer.headers:
            del answer.headers["Sec-WebSocket-Accept"]
            answer.headers["Sec-WebSocket-Accept"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAA="
        self._protocol.send_response(answer)
        await self._flush()
        self.is_open = self._protocol.state is State.OPEN and not spoil_key
        if self.is_open:
            self.link.record(SessionOpened)
            self.link.fake.sessions.append(self)
        return self.is_open

    async def run(self) -> None:
        """Serve the session until it ends."""
        try:
            with contextlib.suppress(ConnectionError):
                while data := await self.link.reader.read(65536):
                    await self._take(data)
                    if self._is_over():
                        break
        finally:
            for task in self._beside:
                task.cancel()
        self._closed()

    async def _take(self, data: bytes) -> None:
        """What the subject sent."""
        self._protocol.receive_data(data)
        await self._handle()

    def _is_over(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self._protocol.state is State.CLOSED or (self._protocol.close_expected() and not self.silent)

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do ``work`` while the session is served, until it ends."""
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._done_beside)

    def _done_beside(self, task: asyncio.Task[None]) -> None:
        self._beside.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.link.fake.failure = self.link.fake.failure or error

    def ignore_messages(self) -> None:
        """Answer no message any more, the heartbeat's included."""
        self._heartbeat = None

    async def _handle(self) -> None:
        for event in self._protocol.events_received():
            if not isinstance(event, Frame):
                continue
            opcode = _OPCODES[event.opcode]
            self.link.record(FrameReceived, opcode=opcode, size=len(event.data))
            if not self._is_sound(event):
                self._protocol.fail(CloseCode.INVALID_DATA)
                break
            if event.opcode is Opcode.TEXT and self._is_heartbeat(bytes(event.data)):
                self._protocol.send_text(self._heartbeat.reply.encode() if self._heartbeat else b"")
        await self._flush()

    def _is_sound(self, frame: Frame) -> bool:
        """Whether text is UTF-8 (RFC 6455, 8.1), which the sans-I/O core leaves to its user."""
        if frame.opcode is Opcode.TEXT:
            self._text = codecs.getincrementaldecoder("utf-8")()
        elif frame.opcode is not Opcode.CONT or self._text is None:
            return True
        try:
            self._text.decode(frame.data, final=frame.fin)
        except UnicodeDecodeError:
            return False
        if frame.fin:
            self._text = None
        return True

    def _is_heartbeat(self, data: bytes) -> bool:
        """Whether to answer; a session that is being closed sends nothing more (RFC 6455, 5.5.1)."""
        if self._heartbeat is None or self._protocol.state is not State.OPEN:
            return False
        return self._heartbeat.request.encode() in data

    async def _flush(self) -> None:
        data = b"".join(self._protocol.data_to_send())
        if data and not self.silent:
            try:
                await self.link.send(data)
            except ConnectionError:
                self._is_cut = True
                raise

    async def close(self, code: int) -> bool:
        """Begin the close handshake (RFC 6455, 7.1.2); False when it was closing already, or nobody is left."""
        self.doomed = True
        if self._protocol.state is not State.OPEN or self.silent:
            return False
        self._protocol.send_close(code)
        with contextlib.suppress(ConnectionError):
            await self._flush()
        return not self._is_cut

    async def answered(self) -> None:
        """Wait for the answer to a heartbeat that is under way: there is none, where answers are given at once."""

    def leave(self) -> None:
        """Give back what it holds besides its link: nothing, where there is no target."""

    def reset(self) -> bool:
        """End the connection with RST, as a killed process' kernel does; False when it was at its end already."""
        self.doomed = True
        is_reset = self.link.reset()
        self._closed(by="server" if is_reset else "")
        return is_reset

    def fall_silent(self) -> None:
        """Take everything, answer nothing, close nothing."""
        self.doomed = True
        self.silent = True

    def _closed(self, by: str = "") -> None:
        if not self.is_open:
            return
        self.is_open = False
        received, sent = self._protocol.close_rcvd, None if self._is_cut else self._protocol.close_sent
        code = received.code if received else sent.code if sent else _LOST
        if not by:
            by = (
                "lost"
                if not received and not sent
                else "server"
                if sent and not self._protocol.close_rcvd_then_sent
                else "subject"
            )
        self.link.record(SessionClosed, code=int(code), by=by)
