"""Real servers to be targets in tests: in the test's own loop, on a free port."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from conformance.model import Profile, Side
from conformance.rig.targets import Target
from conformance.targets import parse_target
from tests.rig.servers import PROFILE, Staged, staged

BODY = b'{"service": "semantest", "version": "7", "mine": true}'
Raw = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Real:
    """A server that works. ``asked``: every request it got; ``ended``: the close codes of its sessions."""

    asked: list[Request] = field(default_factory=list)
    sessions: list[ServerConnection] = field(default_factory=list)
    ended: list[int | None] = field(default_factory=list)
    refuse: int = 0  # status, instead of a session
    readable_by: str = ""  # the origin whose pages may read its signature
    echoes: bool = True
    holds_back: asyncio.Event | None = None  # until it is set, no message is answered
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def on_request(self, connection: ServerConnection, request: Request) -> Response | None:
        self.asked.append(request)
        path = request.path.removeprefix("/base").split("?")[0]
        if "Upgrade" in request.headers and not self.refuse:
            return None
        if "Upgrade" in request.headers:
            return connection.respond(self.refuse, "not for you\n")
        if path == "/semantest-signature":
            headers = Headers({"Content-Type": "application/json", "X-Mine": "1", "Content-Length": str(len(BODY))})
            if self.readable_by:
                headers["Access-Control-Allow-Origin"] = self.readable_by
            return Response(200, "OK", headers, BODY)
        return connection.respond(404, "nothing of mine\n")

    async def on_session(self, connection: ServerConnection) -> None:
        self.sessions.append(connection)
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                if self.holds_back is not None:
                    await self.holds_back.wait()
                if self.echoes:
                    await connection.send(message)
        self.ended.append(connection.close_code)
        self.over.set()


@asynccontextmanager
async def real() -> AsyncIterator[tuple[Real, str]]:
    """A server that works, and its URL."""
    its = Real()
    async with serve(its.on_session, "127.0.0.1", 0, process_request=its.on_request) as server:
        yield its, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def raw(handle: Raw) -> AsyncIterator[str]:
    """A server that does whatever ``handle`` does with a connection; its URL."""

    async def each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, EOFError):
            await handle(reader, writer)
        writer.close()

    server = await asyncio.start_server(each, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def before(url: str, directory: Path, profile: Profile = PROFILE, *, looks: bool = True) -> AsyncIterator[Staged]:
    """Fakes whose local one stands before the server at ``url``. ``looks``: it is seen to answer well at first."""
    async with staged() as stage:
        target = Target(parse_target(Side.LOCAL, url), [profile] if looks else [], directory)
        fake = stage.fake()
        fake.target = target
        fake.prepare(profile, stage.recorder)
        stage.recorder.events.clear()
        await stage.set(Side.LOCAL)
        yield stage
