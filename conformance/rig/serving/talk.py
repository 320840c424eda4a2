"""One WebSocket session with a server under test, whose frames may be any bytes.

The other way round websockets' sans-I/O core reads what the server sends. Whether a session lives is asked with
a ping: every server has to answer that (RFC 6455, 5.5.2), whatever it does with messages.
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from conformance.rig.serving.wire import SWITCHING, Answer, Connection, ask
from conformance.server_cases import ACCEPT, PING, frame, upgrade
from conformance.server_events import Outcome

if TYPE_CHECKING:
    from conformance.rig.serving.wire import Wire

PATIENCE_S: Final = 3.0
_OPEN_S: Final = 15.0  # a good handshake is answered in a millisecond; on a machine with much else to do, later
_READ_BYTES: Final = 64 * 1024
_NONCES = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a session. ``code``: the server's close code, 0 for none."""

    outcome: Outcome
    code: int = 0
    detail: str = ""


class NoSession(Exception):
    """The server opened no session where one was needed."""


def opened(answer: Answer) -> str:
    """What is wrong with the answer to a handshake; empty when the session is open."""
    if answer.outcome is not Outcome.ANSWERED or answer.status != SWITCHING:
        return f"{answer.status or answer.outcome}"
    if answer.header("sec-websocket-accept") != ACCEPT:
        return "Sec-WebSocket-Accept belongs to another key"
    if answer.header("sec-websocket-protocol"):
        return "it chose a subprotocol that it cannot know"
    if "upgrade" not in answer.header("connection").lower() or answer.header("upgrade").lower() != "websocket":
        return "Connection or Upgrade is missing in its answer"
    return ""


@dataclass(slots=True)
class Talk:
    """A session. ``open`` makes one."""

    connection: Connection
    _frames: Protocol = field(default_factory=lambda: Protocol(Side.CLIENT, state=State.OPEN, max_size=None))

    @classmethod
    async def open(cls, wire: Wire, origin: str, *, source: str | None = None) -> Talk:
        """A session that the server let in; NoSession, OSError or TimeoutError if it did not."""
        connection = await wire.connect(source=source)
        path, host = wire.target.session_path, wire.target.host
        answer = await ask(connection, upgrade(path, host, f"Origin: {origin}"), patience_s=_OPEN_S)
        if problem := opened(answer):
            connection.abort()
            raise NoSession(problem)
        talk = cls(connection)
        talk._frames.receive_data(answer.rest)
        return talk

    async def send(self, data: bytes, *, patience_s: float = PATIENCE_S) -> Heard:
        """Send bytes and a ping after them; ANSWERED when the pong comes, else what came instead."""
        nonce = b"conform:%d" % next(_NONCES)
        try:
            async with asyncio.timeout(patience_s):
                self.connection.writer.write(data + frame(PING, nonce))
                return await self._until(nonce)
        except TimeoutError:
            return Heard(Outcome.SILENT, self._code(), f"nothing for {patience_s:g} s")
        except (ConnectionError, ssl.SSLError) as error:
            return Heard(Outcome.ENDED, self._code(), type(error).__name__)

    async def ends(self, data: bytes, *, patience_s: float = PATIENCE_S) -> Heard:
        """Send bytes that must end the session. A pong to the ping right behind them may still come before."""
        heard = await self.send(data, patience_s=patience_s)
        return await self.send(b"", patience_s=patience_s) if heard.outcome is Outcome.ANSWERED else heard

    async def _until(self, nonce: bytes) -> Heard:
        while True:
            for event in self._frames.events_received():
                if isinstance(event, Frame) and event.opcode is Opcode.PONG and event.data == nonce:
                    return Heard(Outcome.ANSWERED)
            for data in self._frames.data_to_send():  # pongs, and the answer to a close
                if data and not self.connection.writer.is_closing():
                    self.connection.writer.write(data)
            data = await self.connection.reader.read(_READ_BYTES)
            if not data:
                return Heard(Outcome.ENDED, self._code())
            self._frames.receive_data(data)
            if self._frames.parser_exc is not None:
                return Heard(Outcome.BROKEN, detail=f"the server's own frames: {self._frames.parser_exc}")

    async def silent(self, patience_s: float) -> Heard:
        """Answer nothing, not even pings, until the server ends the session."""
        try:
            async with asyncio.timeout(patience_s):
                while data := await self.connection.reader.read(_READ_BYTES):
                    self._frames.receive_data(data)  # for a close code; what it would answer is not sent
        except TimeoutError:
            return Heard(Outcome.SILENT, detail=f"still open after {patience_s:g} s of silence")
        except (ConnectionError, ssl.SSLError):
            pass
        return Heard(Outcome.ENDED, self._code())

    def _code(self) -> int:
        received = self._frames.close_rcvd
        return 0 if received is None else int(received.code)

    def abort(self) -> None:
        """Drop it."""
        self.connection.abort()
