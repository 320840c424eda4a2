"""A WebSocket server in a thread of its own, as good or as bad as a test wants it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from conformance.load import LoadPlan, Place

PATIENCE_S = 10.0
Handler = Callable[[ServerConnection], Awaitable[None]]


async def pongs(connection: ServerConnection) -> None:
    """Answer every message."""
    async for _ in connection:
        await connection.send('{"type":"pong"}')


@contextmanager
def serving(handler: Handler = pongs, *, status: int = 0) -> Iterator[Place]:
    """Where the server is. ``status``: what every handshake is answered instead."""
    started, over = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    place: list[Place] = []

    def refuse(connection: ServerConnection, _: object) -> Any:  # noqa: ANN401 - websockets' own type
        return connection.respond(HTTPStatus(status), "no\n") if status else None

    async def carefully(connection: ServerConnection) -> None:
        try:
            await handler(connection)
        except ConnectionClosed:
            return

    async def run() -> None:
        async with serve(carefully, "127.0.0.1", 0, process_request=refuse) as server:
            place.append(place_of(server))
            started.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        assert started.wait(PATIENCE_S)
        yield place[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(PATIENCE_S)
        loop.close()


def place_of(server: Server) -> Place:
    port = next(iter(server.sockets)).getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    return Place(url=url, host=f"127.0.0.1:{port}", name="127.0.0.1", port=port, address="127.0.0.1")


def plan_on(place: Place, **changes: Any) -> LoadPlan:  # noqa: ANN401 - the plan's own types
    """A small load."""
    asked: dict[str, Any] = {"sessions": 4, "rate": 40.0, "connects": 100.0, "hold_s": 0.5}
    return LoadPlan(place=place, **asked | changes)
