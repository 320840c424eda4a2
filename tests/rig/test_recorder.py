"""The recorder: one clock, waiting by event."""

from __future__ import annotations

import asyncio

from conformance.events import ConnectionAccepted, Source
from conformance.rig.recorder import Recorder, now_ms


def accepted(recorder: Recorder) -> ConnectionAccepted:
    return recorder.record(ConnectionAccepted, Source.LOCAL, connection=1, endpoint="localhost:3003")


def test_times_are_moved_to_the_start() -> None:
    recorder = Recorder()
    event = accepted(recorder)
    timeline = recorder.timeline(event.at_ms - 5)
    assert timeline.events[0].at_ms == 5


def test_nothing_is_noted_after_the_seal() -> None:
    recorder = Recorder()
    recorder.seal()
    accepted(recorder)
    assert recorder.events == []


def test_waiting_ends_with_the_event() -> None:
    async def scene() -> bool:
        recorder = Recorder()
        waiting = asyncio.create_task(recorder.wait_until(lambda: bool(recorder.events), now_ms() + 60_000))
        await asyncio.sleep(0)
        accepted(recorder)
        async with asyncio.timeout(5):
            return await waiting

    assert asyncio.run(scene())


def test_waiting_ends_with_the_deadline() -> None:
    assert not asyncio.run(Recorder().wait_until(lambda: False, now_ms() + 1))
