"""A subject without a browser: it behaves as a conforming extension does, and tells what a browser's log would.

For tests of what the harness makes of real fakes. Its waits are a tenth of an extension's, its events are on
the recorder's clock, as the network log's are.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gzip
import itertools
import json
import ssl
from typing import Any

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from conformance.events import (
    Event,
    FetchAnswered,
    FetchEnded,
    FetchStarted,
    SocketClosed,
    SocketFailed,
    SocketFrameSent,
    SocketOpened,
    SocketStarted,
    Source,
    TcpEnded,
    TcpStarted,
)
from conformance.model import Side
from conformance.rig.recorder import now_ms
from tests.rig.servers import GET, PROFILE, Staged

# An extension says who it is, and is given leave to read the answer.
ASKED = GET.replace(b"\r\n\r\n", b"\r\nOrigin: chrome-extension://abc\r\n\r\n")

PROBE_S, OPEN_S, WAIT_S, REFUSAL_S, PONG_S = 0.3, 0.3, 0.6, 0.5, 0.3
BODY_MAX = 64 * 1024
SERVER_SIDE = {Side.LOCAL: PROFILE.endpoints.local, Side.PUBLIC: str(PROFILE.endpoints.public)}


class Refused(Exception):
    """What the browser's log would call it."""


class Scripted:
    """``live`` until cancelled: asks, opens, holds, waits, asks again."""

    def __init__(self, stage: Staged, *, knows_public: bool = True) -> None:
        self._stage = stage
        self._knows_public = knows_public  # whether the public host's name is found
        self._numbers = itertools.count(1)

    def _tell(self, kind: type[Event], **fields: Any) -> None:  # noqa: ANN401 - the event's own fields
        self._stage.recorder.record(kind, Source.BROWSER, **fields)

    async def live(self) -> None:
        """For ever."""
        while True:
            lasted_s = await self._session(Side.LOCAL, OPEN_S) if await self._signed() else 0.0
            if lasted_s < REFUSAL_S:
                await self._session(Side.PUBLIC, 10 * OPEN_S)
            await asyncio.sleep(WAIT_S)

    # --- the question

    async def _signed(self) -> bool:
        number = next(self._numbers)
        self._tell(FetchStarted, request=number, url=PROFILE.endpoints.signature, method="GET")
        error, good, writer = "", False, None
        try:
            async with asyncio.timeout(PROBE_S):
                reader, writer = await self._connect(Side.LOCAL, number)
                writer.write(ASKED)
                good = await self._answer(reader, number)
        except TimeoutError:
            error = "ERR_ABORTED"
        except (OSError, ValueError, asyncio.IncompleteReadError, Refused) as refused:
            error = str(refused) if isinstance(refused, Refused) else "ERR_INVALID_HTTP_RESPONSE"
        finally:
            if writer is not None:
                writer.transport.abort()
        self._tell(FetchEnded, request=number, error=error)
        return good and not error

    async def _answer(self, reader: asyncio.StreamReader, number: int) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status = int(head.split(" ", 2)[1]) if head.startswith("HTTP/1.1 ") else 0
        if not status:
            raise Refused("ERR_INVALID_HTTP_RESPONSE")
        self._tell(FetchAnswered, request=number, status=status)
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head.split("\r\n"))}
        body = await self._body(reader, headers)
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        return status == 200 and json.loads(body.decode("utf-8-sig")).get("service") == "semantest"

    async def _body(self, reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await reader.readline(), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            return body
        wanted = int(headers["content-length"]) if "content-length" in headers else None
        body = b""
        while (wanted is None or len(body) < wanted) and (piece := await reader.read(65536)):
            body += piece
            if len(body) > BODY_MAX:
                raise Refused("ERR_ABORTED")
        if wanted is not None and len(body) < wanted:
            raise Refused("ERR_CONTENT_LENGTH_MISMATCH")
        return body

    # --- a WebSocket

    async def _session(self, side: Side, open_s: float) -> float:
        """Open and hold it; how long it was open, in seconds."""
        number = next(self._numbers)
        self._tell(SocketStarted, request=number, url=SERVER_SIDE[side])
        protocol = ClientProtocol(parse_uri(SERVER_SIDE[side]))
        try:
            async with asyncio.timeout(open_s):
                reader, writer = await self._connect(side, number)
                protocol.send_request(protocol.connect())
                writer.writelines(protocol.data_to_send())
                while not any(isinstance(event, Response) for event in protocol.events_received()):
                    protocol.receive_data(await _some(reader))
                if protocol.handshake_exc is not None:
                    raise protocol.handshake_exc
        except TimeoutError:
            return self._failed(number, "ERR_ABORTED")
        except Refused as refused:
            return self._failed(number, str(refused))
        except (OSError, EOFError, InvalidHandshake):
            return self._failed(number, "ERR_INVALID_HTTP_RESPONSE")
        self._tell(SocketOpened, request=number)
        began_ms = now_ms()
        await self._hold(protocol, reader, writer, number)
        writer.transport.abort()
        return (now_ms() - began_ms) / 1000

    def _failed(self, number: int, error: str) -> float:
        self._tell(SocketFailed, request=number, error=error)
        return 0.0

    async def _hold(
        self, protocol: ClientProtocol, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        """Until it ends, or a ping of the subject's own is left unanswered."""
        answered = False
        with contextlib.suppress(OSError, EOFError):
            while protocol.state is State.OPEN:
                protocol.send_text(b"ping")
                writer.writelines(protocol.data_to_send())
                try:
                    async with asyncio.timeout(PONG_S):
                        while not (heard := await self._listen(protocol, reader, writer)):
                            pass
                except TimeoutError:
                    if answered:
                        self._tell(SocketFrameSent, request=number, opcode="close", size=2)
                        return
                    heard = False
                answered |= heard
                await self._idle(protocol, reader, writer)
        self._tell(SocketClosed, request=number)

    async def _idle(self, protocol: ClientProtocol, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PONG_S):
                while protocol.state is State.OPEN:
                    await self._listen(protocol, reader, writer)

    async def _listen(
        self, protocol: ClientProtocol, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Take what comes; whether a message was among it."""
        protocol.receive_data(await _some(reader))
        frames = [event for event in protocol.events_received() if isinstance(event, Frame)]
        writer.writelines(protocol.data_to_send())
        if protocol.parser_exc is not None or any(_is_no_text(frame) for frame in frames):
            raise EOFError
        return any(frame.opcode is Opcode.TEXT for frame in frames)

    # --- the way there

    async def _connect(self, side: Side, number: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if side is Side.PUBLIC and not self._knows_public:
            raise Refused("ERR_NAME_NOT_RESOLVED")
        self._tell(TcpStarted, socket=number, side=side)
        try:
            reader, writer = await self._stage.connect(side, careful=True)
        except ssl.SSLError as error:
            self._tell(TcpEnded, socket=number, side=side, error="")
            raise Refused("ERR_SSL_PROTOCOL_ERROR") from error
        except ConnectionRefusedError as error:
            self._tell(TcpEnded, socket=number, side=side, error="ERR_CONNECTION_REFUSED")
            raise Refused("ERR_CONNECTION_REFUSED") from error
        except OSError as error:
            if error.errno != errno.ENETUNREACH:
                raise
            self._tell(TcpEnded, socket=number, side=side, error="ERR_ADDRESS_UNREACHABLE")
            raise Refused("ERR_INTERNET_DISCONNECTED") from error
        self._tell(TcpEnded, socket=number, side=side, error="")
        return reader, writer


def _is_no_text(frame: Frame) -> bool:
    """Which a browser fails the connection for (RFC 6455, 8.1), and the sans-I/O core leaves to its user."""
    try:
        bytes(frame.data).decode()
    except UnicodeDecodeError:
        return frame.opcode is Opcode.TEXT
    return False


async def _some(reader: asyncio.StreamReader) -> bytes:
    """What comes next. Raises EOFError at the end."""
    if not (piece := await reader.read(1 << 20)):
        raise EOFError
    return piece
