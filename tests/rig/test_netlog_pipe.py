"""The network log's pipe: read line by line while it is written, whoever opens and closes it."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from conformance.errors import RigFailed
from conformance.events import Source, TcpStarted
from conformance.model import Side
from conformance.rig.netlog import NetLogParser, Seen
from conformance.rig.netlog_pipe import NetLogPipe
from tests.rig.processes import descriptors

PATIENCE_S = 5.0


class Lines(NetLogParser):
    """Takes every line that is not empty for an event, with the line as its initiator."""

    def __init__(self) -> None:
        super().__init__({})

    def feed(self, line: bytes) -> list[Seen]:
        event = TcpStarted(at_ms=0, source=Source.BROWSER, socket=1, side=Side.LOCAL)
        return [Seen(line.decode(), event)] if line else []


class Reading:
    """An open pipe, and a browser's end of it."""

    def __init__(self, path: Path, pipe: NetLogPipe, seen: list[str]) -> None:
        self.path = path
        self.pipe = pipe
        self.seen = seen

    def write(self, data: bytes) -> int:
        """Open, write and close, without waiting for the reader."""
        fd = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        try:
            return os.write(fd, data)
        finally:
            os.close(fd)

    async def read_up_to(self, marker: str) -> list[str]:
        """Write a marker, wait until it was read; what was seen before it."""
        waiting = self.pipe.expect(marker)
        self.write(marker.encode() + b"\n")
        async with asyncio.timeout(PATIENCE_S):
            await waiting
        return self.seen[:-1]


@asynccontextmanager
async def reading(directory: Path) -> AsyncIterator[Reading]:
    seen: list[str] = []
    path = directory / "netlog"
    pipe = await NetLogPipe.open(path, Lines(), lambda each: seen.append(each.initiator))
    try:
        yield Reading(path, pipe, seen)
    finally:
        pipe.close()
        await asyncio.sleep(0)  # the transport's own goodbye


def test_lines_are_seen_as_they_come(tmp_path: Path) -> None:
    async def scene() -> list[str]:
        async with reading(tmp_path) as log:
            log.write(b"one\ntwo\n")
            return await log.read_up_to("marker-1-")

    assert asyncio.run(scene()) == ["one", "two"]


def test_a_line_in_pieces_is_one_line(tmp_path: Path) -> None:
    async def scene() -> list[str]:
        async with reading(tmp_path) as log:
            log.write(b"be")
            for _ in range(5):  # each piece is read by itself
                await asyncio.sleep(0)
            log.write(b"gun and en")
            for _ in range(5):
                await asyncio.sleep(0)
            assert log.seen == []
            log.write(b"ded\n")
            return await log.read_up_to("marker-1-")

    assert asyncio.run(scene()) == ["begun and ended"]


def test_a_browser_that_comes_again_is_read_again(tmp_path: Path) -> None:
    """The pipe does not end with the first writer."""

    async def scene() -> list[str]:
        async with reading(tmp_path) as log:
            log.write(b"first\n")
            await log.read_up_to("marker-1-")
            log.write(b"second\n")
            return await log.read_up_to("marker-2-")

    assert asyncio.run(scene()) == ["first", "marker-1-", "second"]


def test_everything_before_a_marker_has_been_seen_when_it_comes(tmp_path: Path) -> None:
    async def scene() -> tuple[bool, bool, list[str]]:
        async with reading(tmp_path) as log:
            first, second = log.pipe.expect("/1-"), log.pipe.expect("/2-")
            log.write(b"one\nurl=http://flush.invalid/1-\ntwo\n")
            async with asyncio.timeout(PATIENCE_S):
                await first
            came = first.done(), second.done()
            return *came, log.seen

    assert asyncio.run(scene()) == (True, False, ["one", "url=http://flush.invalid/1-", "two"])


def test_a_marker_that_nobody_waits_for_any_more_is_passed_over(tmp_path: Path) -> None:
    async def scene() -> list[str]:
        async with reading(tmp_path) as log:
            log.pipe.expect("/1-").cancel()
            log.write(b"/1-\n")
            return await log.read_up_to("marker-2-")

    assert asyncio.run(scene()) == ["/1-"]


def test_a_burst_does_not_hold_up_the_browser(tmp_path: Path) -> None:
    """Chromium's writer blocks when the pipe is full; 64 KiB, a pipe's usual size, are one busy moment."""
    burst = b"x" * 99 + b"\n"

    async def scene() -> int:
        async with reading(tmp_path) as log:
            written = log.write(burst * 5000)  # not one turn of the loop in between
            await log.read_up_to("marker-1-")
            assert len(log.seen) == 5001
            return written

    assert asyncio.run(scene()) == 500_000


def test_where_pipes_may_not_grow_a_smaller_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError

    async def scene() -> list[str]:
        monkeypatch.setattr(fcntl, "fcntl", refuse)
        async with reading(tmp_path) as log:
            monkeypatch.undo()
            log.write(b"one\n")
            return await log.read_up_to("marker-1-")

    assert asyncio.run(scene()) == ["one"]


def test_a_pipe_that_cannot_be_made_fails_the_rig(tmp_path: Path) -> None:
    async def scene() -> None:
        async with reading(tmp_path / "missing"):
            pass

    with pytest.raises(RigFailed, match=r"missing/netlog: the network log's pipe could not be made: No such file"):
        asyncio.run(scene())


def test_closing_gives_every_descriptor_back(tmp_path: Path) -> None:
    async def scene() -> tuple[int, int]:
        before = descriptors()
        async with reading(tmp_path) as log:
            await log.read_up_to("marker-1-")
        log.pipe.close()  # again: harmless
        return before, descriptors()

    before, after = asyncio.run(scene())
    assert after == before
