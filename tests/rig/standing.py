"""A clock that stands still while the machine does, for tests in which both sides of a wait are in one process.

What a test asserts of 300 ms of patience it cannot assert of a process that got no processor for 400 ms: its
timer is over before the answer that lay ready was read. Such time is left out here, and all other counts. A thread
that asks this clock, too, can only make it slower.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar
from unittest import mock

T = TypeVar("T")

# Longer than any piece of work between two waits of such a test; what is beyond it was no work of the test's.
_WORK_S = 0.005


class StandingClock:
    """``time.monotonic`` without the time in which this process could not run."""

    def __init__(self) -> None:
        self._real = time.monotonic
        self._seen_s = self._now_s = self._real()

    def __call__(self) -> float:
        """Seconds. They are behind the machine's by all that was left out so far."""
        return self.pass_over(0.0)

    def pass_over(self, waited_s: float) -> float:
        """As much has gone by as really has, but no more than was asked for and a piece of work beside it."""
        real_s = self._real()
        self._now_s += min(real_s - self._seen_s, waited_s + _WORK_S)
        self._seen_s = real_s
        return self._now_s


class Selector(selectors.DefaultSelector):
    """Tells the clock how long the loop meant to wait."""

    def __init__(self, clock: StandingClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._clock()
        ready = super().select(timeout)
        asked_s = float("inf") if timeout is None else max(0.0, timeout)
        self._clock.pass_over(max(0.0, asked_s - 2 * _WORK_S) if ready else asked_s)  # what is ready came before
        return ready


def run(scene: Coroutine[Any, Any, T]) -> T:
    """``asyncio.run`` by that clock, for everything that asks ``time.monotonic``: the loop and the recorder do."""
    clock = StandingClock()
    with (
        mock.patch("time.monotonic", clock),
        asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(Selector(clock))) as runner,
    ):
        return runner.run(scene)
