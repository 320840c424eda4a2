"""How late the harness is: the longest lateness counts, and only since it was asked."""

from __future__ import annotations

import asyncio

import pytest

from conformance.rig import lag
from conformance.rig.lag import LagMonitor


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.ms = 1000.0

    def __call__(self) -> float:
        return self.ms


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(lag, "now_ms", clock)
    monkeypatch.setattr(lag, "_PERIOD_MS", 0)  # every turn of the loop takes a sample, and is due at once
    return clock


async def turn() -> None:
    """Let the monitor sample what the clock says."""
    for _ in range(3):
        await asyncio.sleep(0)


def test_the_longest_lateness_counts(clock: Clock) -> None:
    async def scene() -> float:
        monitor = LagMonitor()
        monitor.start()
        for late_ms in (3, 50, 7):
            await turn()
            clock.ms += late_ms
        await turn()
        monitor.stop()
        return monitor.worst_since(1000)

    assert asyncio.run(scene()) == 50


def test_what_was_before_does_not_count(clock: Clock) -> None:
    async def scene() -> float:
        monitor = LagMonitor()
        monitor.start()
        for late_ms in (50, 7):
            await turn()
            clock.ms += late_ms
        await turn()
        monitor.stop()
        return monitor.worst_since(1051)

    assert asyncio.run(scene()) == 7


def test_a_loop_that_is_late_right_now_is_late(clock: Clock) -> None:
    """The sample that would tell has not been taken: it is as late as we are."""

    async def scene() -> tuple[float, float]:
        monitor = LagMonitor()
        monitor.start()
        await turn()
        clock.ms += 80
        blocked = monitor.worst_since(1000)
        monitor.stop()
        return blocked, monitor.worst_since(2000)

    assert asyncio.run(scene()) == (80, 0)


def test_nothing_is_sampled_after_the_stop(clock: Clock) -> None:
    async def scene() -> float:
        monitor = LagMonitor()
        monitor.start()
        await turn()
        monitor.stop()
        await turn()
        clock.ms += 90
        await turn()
        return monitor.worst_since(0)

    assert asyncio.run(scene()) == 0


def test_a_monitor_that_never_ran_has_seen_nothing() -> None:
    monitor = LagMonitor()
    monitor.stop()
    assert monitor.worst_since(0) == 0
