"""The one place where a scenario's events come together while it runs.

Events are recorded with the machine's monotonic clock in milliseconds; ``timeline`` moves them to
the subject's start. Waiting is by event, never by polling a clock.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from conformance.events import SessionOpened, SocketOpened
from conformance.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from conformance.events import Event, Source

E = TypeVar("E", bound="Event")

_BROWSER_LATE_MS_MAX = 1000


def now_ms() -> float:
    """The clock of every event: CLOCK_MONOTONIC in milliseconds, which Chromium's log also reads."""
    return time.monotonic() * 1000


class Recorder:
    """Collects the events of one scenario."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._news = asyncio.Event()
        self._sealed = False

    def record(self, kind: type[E], source: Source, **fields: Any) -> E:  # noqa: ANN401 - the event's own fields
        """Note that ``kind`` happened now. After ``seal`` nothing is noted any more."""
        event = kind(at_ms=now_ms(), source=source, **fields)
        self.add(event)
        return event

    def add(self, event: Event) -> None:
        """Take an event whose time is already on the machine's clock."""
        if not self._sealed:
            self.events.append(event)
            self._news.set()

    def seal(self) -> None:
        """The observation has ended: what comes now belongs to nobody."""
        self._sealed = True

    async def wait_until(self, holds: Callable[[], bool], deadline_ms: float) -> bool:
        """Wait until ``holds()`` or until the clock reads ``deadline_ms``; True when it holds.

        ``holds`` is asked again after every event.
        """
        while not holds():
            left_ms = deadline_ms - now_ms()
            if left_ms <= 0:
                return False
            self._news.clear()
            try:
                async with asyncio.timeout(left_ms / 1000):
                    await self._news.wait()
            except TimeoutError:
                return holds()
        return True

    def timeline(self, zero_ms: float) -> Timeline:
        """Everything recorded, with ``zero_ms`` as the beginning of time."""
        return Timeline.of(replace(event, at_ms=round(event.at_ms - zero_ms, 3)) for event in self.events)


async def settle(recorder: Recorder, flush: Callable[[], Awaitable[float]]) -> float:
    """Read the browser's log up to now; the time up to which everything is known.

    A server's side of a session is open first; on a busy machine the browser may be late, and watching must
    not end in between. A browser that never tells is the cross-check's to report.
    """
    give_up_ms = now_ms() + _BROWSER_LATE_MS_MAX
    while True:
        known_ms = await flush()
        kinds = [type(event) for event in recorder.events if event.at_ms <= known_ms]
        if kinds.count(SocketOpened) >= kinds.count(SessionOpened) or known_ms > give_up_ms:
            return known_ms
