"""The browser's debugging pipe: JSON messages that end in NUL, on two inherited file descriptors.

Why not Playwright's connection: it attaches to every target of the browser, service workers
included, and holds each one at its start until it has looked at it. A black-box verdict must not
rest on a subject that was touched. Here nothing is attached but what is asked for by name.

Source: Chromium ``content/browser/devtools/devtools_pipe_handler.cc`` (reads fd 3, writes fd 4).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from typing import TYPE_CHECKING, Any

from conformance.errors import BrowserDied, RigFailed

if TYPE_CHECKING:
    from collections.abc import Callable

_ANSWER_MS_MAX = 30_000  # a browser that takes longer for one command is as good as dead


class CdpError(RigFailed):
    """The browser answered a command with an error. ``text`` is the browser's own message."""

    def __init__(self, method: str, text: str) -> None:
        super().__init__(f"the browser refused {method}: {text}")
        self.text = text


class Cdp(asyncio.Protocol):
    """One debugging pipe. Made by ``open_pipe``; closed with the browser."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._buffer = bytearray()
        self._answers: dict[int, tuple[str, asyncio.Future[dict[str, Any]]]] = {}
        self._listeners: list[Callable[[str, dict[str, Any], str | None], None]] = []
        self._reader: asyncio.ReadTransport | None = None
        self._writer: asyncio.WriteTransport | None = None
        self._closed = asyncio.get_running_loop().create_future()

    @property
    def is_closed(self) -> bool:
        """Whether the browser's end is gone."""
        return self._closed.done()

    @property
    def closed(self) -> asyncio.Future[None]:
        """Done when the browser's end is gone."""
        return self._closed

    def data_received(self, data: bytes) -> None:
        """Take in bytes from the browser; whole messages are dispatched at once."""
        self._buffer += data
        *messages, rest = self._buffer.split(b"\0")
        self._buffer = bytearray(rest)
        for message in messages:
            self._dispatch(json.loads(message))

    def _dispatch(self, message: dict[str, Any]) -> None:
        if "id" not in message:
            for listener in list(self._listeners):
                listener(message["method"], message.get("params", {}), message.get("sessionId"))
            return
        method, answer = self._answers.pop(message["id"], ("", None))
        if answer is None or answer.done():
            return
        if "error" in message:
            answer.set_exception(CdpError(method, str(message["error"].get("message", message["error"]))))
        else:
            answer.set_result(message["result"])

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Fail every command that waits: the browser is gone."""
        if not self._closed.done():
            self._closed.set_result(None)
        for method, answer in self._answers.values():
            if not answer.done():
                answer.set_exception(BrowserDied(f"the browser ended while it was asked for {method}"))
        self._answers.clear()

    def attach(self, reader: asyncio.ReadTransport, writer: asyncio.WriteTransport) -> None:
        """Give the pipe its two ends."""
        self._reader, self._writer = reader, writer

    async def send(
        self, method: str, params: dict[str, Any] | None = None, session: str | None = None
    ) -> dict[str, Any]:
        """Send one command and wait for its result. Raises CdpError, BrowserDied."""
        if self._writer is None or self.is_closed:
            message = f"the browser is gone; it cannot be asked for {method}"
            raise BrowserDied(message)
        number = next(self._ids)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = (method, answer)
        command: dict[str, Any] = {"id": number, "method": method, "params": params or {}}
        if session is not None:
            command["sessionId"] = session
        self._writer.write(json.dumps(command).encode() + b"\0")
        try:
            return await asyncio.wait_for(answer, _ANSWER_MS_MAX / 1000)
        except TimeoutError:
            self._answers.pop(number, None)
            message = f"the browser did not answer {method} within {_ANSWER_MS_MAX / 1000:.0f} s"
            raise BrowserDied(message) from None

    def listen(self, listener: Callable[[str, dict[str, Any], str | None], None]) -> Callable[[], None]:
        """Call ``listener(method, params, session)`` for every event until the returned function is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def close(self) -> None:
        """Close our end; Chromium takes that as the order to quit."""
        if self._writer is not None:
            self._writer.close()

    def abandon(self) -> None:
        """Stop reading too: the browser has ended, but a child that outlives it may hold its end open."""
        self.close()
        if self._reader is not None:
            self._reader.close()


async def open_pipe(read_fd: int, write_fd: int) -> Cdp:
    """A Cdp that reads the browser's messages from ``read_fd`` and writes commands to ``write_fd``."""
    loop = asyncio.get_running_loop()
    writing = os.fdopen(write_fd, "wb", 0)
    try:
        reader, cdp = await loop.connect_read_pipe(Cdp, os.fdopen(read_fd, "rb", 0))
        writer, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, writing)
    except BaseException:
        writing.close()
        raise
    cdp.attach(reader, writer)
    return cdp
