"""A target's answers in the place of a script's: requests go on to it as the browser sent them.

One connection to the target for each request and for each session. Nothing is added and nothing is mended; what the
target could not do ends as its failure (TargetFailed), never as the subject's.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import h11

from conformance.errors import TargetFailed
from conformance.events import ResponseSent, TargetAnswered
from conformance.rig.answering import reason
from conformance.rig.recorder import now_ms
from conformance.rig.relayed import Relayed

if TYPE_CHECKING:
    from conformance.rig.fake import Fake
    from conformance.rig.http import Request
    from conformance.rig.link import Link
    from conformance.rig.serving.wire import Connection
    from conformance.rig.session import Session
    from conformance.rig.targets import Target

ANSWER_S: Final = 10.0  # some 2 ms here; a target that takes longer than this is not one that works
_HEAD_BYTES_MAX: Final = 64 * 1024
_BODY_BYTES_MAX: Final = 16 * 1024 * 1024
_READ_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a target, as it came. ``closes``: nothing more can come on its connection."""

    status: int
    raw: bytes
    size: int
    closes: bool


class Upstream:
    """What is healthy about a fake is its target's."""

    def __init__(self, fake: Fake, target: Target) -> None:
        self._fake = fake
        self.target = target

    @property
    def session_path(self) -> str:
        """Where the subject's sessions are."""
        return urlsplit(self._fake.session_url).path or "/"

    def signature(self) -> bytes:
        """The target's own, as it was when the target began to stand here."""
        return self.target.signature

    async def answer(self, link: Link, request: Request) -> None:
        """Relay one answer."""
        asked = await self.ask(link, request)
        if asked is None:
            return
        answer, connection = asked
        connection.abort()
        await self.relay(link, answer)

    async def session(self, link: Link, request: Request) -> Session | None:
        """A session that is the target's to answer."""
        return Relayed(link, request, self)

    async def relay(self, link: Link, answer: Answer) -> None:
        """Give the subject a whole answer."""
        await link.send(answer.raw)
        link.record(ResponseSent, status=answer.status, size=answer.size)
        if answer.closes:
            link.finish()

    async def ask(self, link: Link, request: Request) -> tuple[Answer, Connection] | None:
        """The target's answer and the connection it came on; None when there is none, and the subject's is reset."""
        asked_ms = now_ms()
        connection: Connection | None = None
        try:
            async with asyncio.timeout(ANSWER_S):
                connection = await self.target.connect()
                connection.writer.write(self.target.forwarded(request))
                answer = await read_answer(connection.reader, request)
        except (OSError, EOFError, TimeoutError, h11.RemoteProtocolError, asyncio.LimitOverrunError) as error:
            if connection is not None:
                connection.abort()
            self.failed(f"{request.method} {request.target} was not answered ({_why(error)})")
            link.reset()
            return None
        except asyncio.CancelledError:
            if connection is not None:
                connection.abort()
            raise
        link.record(TargetAnswered, took_ms=round(now_ms() - asked_ms, 3))
        return answer, connection

    def failed(self, what: str) -> None:
        """The target did not do what a healthy one does; no matter, where the scenario has it down."""
        if not self.target.is_down:
            self._fake.failure = self._fake.failure or TargetFailed(
                f"the {self._fake.side} target ({self.target.spec.stated}) failed: {what}; this says nothing of the "
                "subject, see what the target's own log says"
            )


def _why(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing for {ANSWER_S:.0f} s"
    if isinstance(error, EOFError | ConnectionResetError):
        return "it ended the connection"
    return str(error) if isinstance(error, h11.RemoteProtocolError) else reason(error)


async def read_answer(reader: asyncio.StreamReader, request: Request) -> Answer:
    """A whole answer to ``request``; of a 101, the head. Raises OSError, EOFError, h11.RemoteProtocolError."""
    parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES_MAX)
    upgrade = [("Connection", "upgrade"), ("Upgrade", "websocket")] if request.is_upgrade else []
    parser.send(h11.Request(method=request.method, target="/", headers=[("Host", "-"), *upgrade]))
    parser.send(h11.EndOfMessage())
    raw = bytearray(await reader.readuntil(b"\r\n\r\n"))
    parser.receive_data(bytes(raw))
    status, size = 0, 0
    while True:
        event = parser.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(_READ_BYTES)
            raw += data
            parser.receive_data(data)
        elif isinstance(event, h11.InformationalResponse) and event.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            return Answer(event.status_code, bytes(raw), 0, closes=False)
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            size += len(event.data)
            if size > _BODY_BYTES_MAX:
                raise h11.RemoteProtocolError(f"its body has more than {_BODY_BYTES_MAX // 1024**2} MiB")
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, bytes(raw), size, closes=parser.their_state is not h11.DONE)
        elif isinstance(event, h11.ConnectionClosed):
            raise EOFError
