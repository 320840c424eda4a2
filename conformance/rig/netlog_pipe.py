"""The browser's network log while it is being written, through a named pipe.

The browser believes that it writes a file; the harness reads every line as it comes, and nothing
grows on disk however long a rig lives. Chromium keeps up to 15 events back before it writes
(``net/log/file_net_log_observer.cc``), so the reader's ``expect`` goes with a request that the rig
makes itself: when that one has come through, so has everything before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
from typing import TYPE_CHECKING

from conformance.errors import RigFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conformance.rig.netlog import NetLogParser, Seen

_F_SETPIPE_SZ = 1031
_TIME = re.compile(rb'"time":"(\d+)"')
_PIPE_BYTES = 1024 * 1024  # a scenario writes about 35 kB; a burst must not block the browser's writer


class NetLogPipe(asyncio.Protocol):
    """Reads the log line by line. ``on_seen`` is called for each event that the parser finds."""

    def __init__(self, parser: NetLogParser, on_seen: Callable[[Seen], None]) -> None:
        self._parser = parser
        self._on_seen = on_seen
        self._rest = b""
        self._markers: dict[bytes, asyncio.Future[float]] = {}
        self._transport: asyncio.ReadTransport | None = None
        self._keep = -1

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
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            for seen in self._parser.feed(line):
                self._on_seen(seen)
            if self._markers:
                self._look_for_markers(line)

    def _look_for_markers(self, line: bytes) -> None:
        for marker in [marker for marker in self._markers if marker in line]:
            waiter = self._markers.pop(marker)
            if not waiter.done():
                found = _TIME.search(line)
                waiter.set_result(float(found[1]) if found else 0.0)

    def expect(self, marker: str) -> asyncio.Future[float]:
        """Done when a line with ``marker`` in it has been read; its result is that line's time, in milliseconds."""
        waiter: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._markers[marker.encode()] = waiter
        return waiter

    def close(self) -> None:
        """Stop reading."""
        if self._keep >= 0:
            os.close(self._keep)
            self._keep = -1
        if self._transport is not None:
            self._transport.close()
