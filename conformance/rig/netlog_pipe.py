"""The browser's network log while it is being written, through a named pipe.

The browser believes that it writes a file; the harness reads every line as it comes, and nothing
grows on disk however long a rig lives. Chromium keeps up to 15 events back before it writes
(``net/log/file_net_log_observer.cc``), so the reader's ``expect`` goes with a mark that the rig sets
itself (mark.py): when that one has come through, so has everything before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import math
import os
from typing import TYPE_CHECKING

from conformance.errors import RigFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conformance.rig.netlog import NetLogParser, Seen

_F_SETPIPE_SZ = 1031
_REST_S = 0.025  # a scenario writes 35 kB in a second or less, and the pipe holds 1 MiB
_PIPE_BYTES = 1024 * 1024  # a scenario writes about 35 kB; a burst must not block the browser's writer


class NetLogPipe(asyncio.Protocol):
    """Reads the log line by line. ``on_seen`` is called for each event that the parser finds."""

    def __init__(self, parser: NetLogParser, on_seen: Callable[[Seen], None]) -> None:
        self._parser = parser
        self._on_seen = on_seen
        self._rest = b""
        self._waiting: list[tuple[float, asyncio.Future[float]]] = []
        self._transport: asyncio.ReadTransport | None = None
        self._keep = -1
        self._awakening: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, path: Path, parser: NetLogParser, on_seen: Callable[[Seen], None]) -> NetLogPipe:
        """Make the pipe at ``path`` and begin to read; the browser may open it from now on."""
        try:
            os.mkfifo(path)
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            message = f"{path}: the network log's pipe could not be made: {error.strerror}"
            raise RigFailed(message) from error
        with contextlib.suppress(OSError):  # a user's pipes have a limit together; a smaller one works too
            fcntl.fcntl(fd, _F_SETPIPE_SZ, _PIPE_BYTES)
        # A writer of our own, kept open, so that the pipe does not end before the browser opens it.
        keep = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        pipe = cls(parser, on_seen)
        pipe._keep = keep
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: pipe, os.fdopen(fd, "rb", 0))
        pipe._transport = transport
        return pipe

    def data_received(self, data: bytes) -> None:
        """Take in what the browser wrote."""
        self._rest_a_while()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            for seen in self._parser.feed(line):
                self._on_seen(seen)
        if self._waiting:
            self._tell(self._parser.marked_ms)

    def _rest_a_while(self) -> None:
        """Leave the log alone when nobody waits: fifty looks a scenario would take the cores from the browser."""
        if self._transport is not None and not self._waiting:
            self._transport.pause_reading()
            self._awakening = asyncio.get_running_loop().call_later(_REST_S, self._transport.resume_reading)

    def _tell(self, marked_ms: float) -> None:
        for since_ms, waiter in self._waiting:
            if marked_ms >= math.floor(since_ms) and not waiter.done():
                waiter.set_result(max(marked_ms, since_ms))
        self._waiting = [(since_ms, waiter) for since_ms, waiter in self._waiting if not waiter.done()]

    def expect(self, since_ms: float) -> asyncio.Future[float]:
        """Done when a mark that was set at ``since_ms`` or later has been read; up to when everything is known then.

        The log's times are whole milliseconds, so a mark of the same millisecond counts.
        """
        waiter: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.append((since_ms, waiter))
        if self._transport is not None:
            self._transport.resume_reading()
        return waiter

    def close(self) -> None:
        """Stop reading."""
        if self._awakening is not None:
            self._awakening.cancel()
        if self._keep >= 0:
            os.close(self._keep)
            self._keep = -1
        if self._transport is not None:
            self._transport.close()
