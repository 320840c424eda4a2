"""The network log's pipe: read line by line while it is written, whoever opens and closes it."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
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
    """Takes every line that is not empty for an event, with the line as its initiator; ``mark 7``: a mark at 7 ms."""

    def __init__(self) -> None:
        super().__init__({})

    def feed(self, line: bytes) -> list[Seen]:
        if line.startswith(b"mark "):
            self.marked_ms = float(line[5:])
        event = TcpStarted(at_ms=0, source=Source.BROWSER, socket=1, side=Side.LOCAL)
        return [Seen(line.decode(), event)] if line else []


class Reading:
    """An open pipe, and a browser's end of it."""

    def __init__(self, path: Path, pipe: NetLogPipe, seen: list[str]) -> None:
        self.path = path
        self.pipe = pipe
        self.seen = seen
        self.on_seen: Callable[[None], None] = lambda _: None

    def write(self, data: bytes) -> int:
        """Open, write and close, without waiting for the reader."""
        fd = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        try:
            return os.write(fd, data)
        finally:
            os.close(fd)

    async def read_up_to(self, marked_ms: int) -> list[str]:
        """Write a mark, wait until it was read; what was seen before it."""
        waiting = self.pipe.expect(marked_ms)
        self.write(b"mark %d\n" % marked_ms)
        async with asyncio.timeout(PATIENCE_S):
            await waiting
        return self.seen[:-1]


@asynccontextmanager
async def reading(directory: Path) -> AsyncIterator[Reading]:
    seen: list[str] = []
    path = directory / "netlog"

    def on_seen(each: Seen) -> None:
        seen.append(each.initiator)
        log.on_seen(None)

    pipe = await NetLogPipe.open(path, Lines(), on_seen)
    log = Reading(path, pipe, seen)
    try:
        yield log
    finally:
        pipe.close()
        await asyncio.sleep(0)  # the transport's own goodbye


def test_lines_are_seen_as_they_come(tmp_path: Path) -> None:
    async def scene() -> list[str]:
        async with reading(tmp_path) as log:
            log.write(b"one\ntwo\n")
            return await log.read_up_to(1)

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
            return await log.read_up_to(1)

    assert asyncio.run(scene()) == ["begun and ended"]


def test_a_browser_that_comes_again_is_read_again(tmp_path: Path) -> None:
    """The pipe does not end with the first writer."""

    async def scene() -> list[str]:
        async with reading(tmp_path) as log:
            log.write(b"first\n")
            await log.read_up_to(1)
            log.write(b"second\n")
            return await log.read_up_to(2)

    assert asyncio.run(scene()) == ["first", "mark 1", "second"]


def test_everything_before_a_mark_has_been_seen_when_it_comes(tmp_path: Path) -> None:
    async def scene() -> tuple[bool, bool, list[str]]:
        async with reading(tmp_path) as log:
            first, second = log.pipe.expect(10), log.pipe.expect(20)
            log.write(b"one\nmark 10\ntwo\n")
            async with asyncio.timeout(PATIENCE_S):
                await first
            came = first.done(), second.done()
            return *came, log.seen

    assert asyncio.run(scene()) == (True, False, ["one", "mark 10", "two"])


@pytest.mark.parametrize(
    ("since_ms", "known_ms"), [(7.9, 8.0), (8.0, 8.0), (8.6, 8.6)], ids=["before", "at", "in its millisecond"]
)
def test_everything_is_known_up_to_the_mark_or_the_asking(tmp_path: Path, since_ms: float, known_ms: float) -> None:
    """The log cuts its times: a mark at 8 may have been set at 8.9, after the asking at 8.6."""

    async def scene() -> float:
        async with reading(tmp_path) as log:
            waiting = log.pipe.expect(since_ms)
            log.write(b"mark 8\n")
            async with asyncio.timeout(PATIENCE_S):
                return await waiting

    assert asyncio.run(scene()) == known_ms


def test_an_earlier_mark_says_nothing(tmp_path: Path) -> None:
    async def scene() -> tuple[bool, float]:
        async with reading(tmp_path) as log:
            early, late = log.pipe.expect(4), log.pipe.expect(9)
            log.write(b"mark 5\n")
            async with asyncio.timeout(PATIENCE_S):
                await early
                too_soon = late.done()
                log.write(b"mark 9\n")
                return too_soon, await late

    assert asyncio.run(scene()) == (False, 9)


def test_a_mark_that_nobody_waits_for_any_more_is_passed_over(tmp_path: Path) -> None:
    async def scene() -> list[str]:
        async with reading(tmp_path) as log:
            log.pipe.expect(1).cancel()
            log.write(b"mark 1\n")
            return await log.read_up_to(2)

    assert asyncio.run(scene()) == ["mark 1"]


def test_the_log_is_read_though_nobody_waits(tmp_path: Path) -> None:
    """It rests between two looks; a browser that writes must not find the pipe full for it."""

    async def scene() -> list[str]:
        async with reading(tmp_path) as log:
            log.write(b"one\n")
            came = asyncio.get_running_loop().create_future()
            log.on_seen = came.set_result
            async with asyncio.timeout(PATIENCE_S):
                await came
                log.write(b"two\n")  # it rests now
                came = asyncio.get_running_loop().create_future()
                log.on_seen = came.set_result
                await came
            return log.seen

    assert asyncio.run(scene()) == ["one", "two"]


def test_a_burst_does_not_hold_up_the_browser(tmp_path: Path) -> None:
    """Chromium's writer blocks when the pipe is full; 64 KiB, a pipe's usual size, are one busy moment."""
    burst = b"x" * 99 + b"\n"

    async def scene() -> int:
        async with reading(tmp_path) as log:
            written = log.write(burst * 5000)  # not one turn of the loop in between
            await log.read_up_to(1)
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
            return await log.read_up_to(1)

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
            await log.read_up_to(1)
        log.pipe.close()  # again: harmless
        return before, descriptors()

    before, after = asyncio.run(scene())
    assert after == before
