"""The line of scenarios in front of the rigs: who may go next.

Two kinds stand in it. A waiting scenario spends its time on stated waits and costs the machine next
to nothing; a busy one is over in a tenth of a second of work. More busy ones at once than cores gain
no speed and make each other's times worse, so they get one rig a core, and the waits overlap on the
other rigs meanwhile. Which kind a scenario is, is said of a subject that conforms; one that is not over
by then has turned out to wait (a subject that fails does, until the scenario's time is up), and makes room.
Of a subject that is known to have a fault it cannot be said: such doubtful ones have rigs of their own until
they turn out to wait, so that those who wait a second for nothing do not hold up those who are over in a tenth.
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import TYPE_CHECKING

from conformance.plan import expected_ms, launch_ms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.plan import PlanItem

_WAITING_MS_MIN = 1000  # expected to take this long: mostly waiting, since the work is a quarter of a second


class Kind(Enum):
    """What a scenario costs while it runs, as far as that is known before."""

    WAITING = auto()
    BUSY = auto()
    DOUBTFUL = auto()


class Line:
    """Hands out plan items in their order, as far as the kinds allow.

    ``jobs``: how many rigs take from it. With no more rigs than cores there is nothing to balance.
    """

    def __init__(
        self, items: Iterable[PlanItem], *, jobs: int, cores: int, turns_out_ms: float = _WAITING_MS_MIN
    ) -> None:
        self._items = [(item, kind_of(item)) for item in items]  # a line of a thousand is looked through often
        self._running = dict.fromkeys(Kind, 0)
        self._timers: dict[int, tuple[Kind, asyncio.Task[None]]] = {}  # of running items that do not count as waiting
        self._turns_out_ms = turns_out_ms
        self._most = dict.fromkeys(Kind, min(jobs, cores))
        self._most[Kind.WAITING] = max(1, jobs - cores) if jobs > cores else jobs
        self._changed = asyncio.Condition()

    async def take(self) -> PlanItem | None:
        """The next item; waits while none of the kind that is left may go. None when the line is empty."""
        async with self._changed:
            while self._items:
                place = self._admitted()
                if place is not None:
                    item, kind = self._items.pop(place)
                    self._running[kind] += 1
                    if kind is not Kind.WAITING:
                        self._timers[id(item)] = kind, asyncio.create_task(self._turn_out(item))
                    return item
                await self._changed.wait()
            return None

    def _admitted(self) -> int | None:
        """The place of the first item that may go."""
        only_waiting = all(kind is Kind.WAITING for _, kind in self._items)
        for place, (_, kind) in enumerate(self._items):
            # Alone in line, waiting scenarios may have every rig: nobody busy is kept out.
            if self._running[kind] < self._most[kind] or only_waiting:
                return place
        return None

    async def _turn_out(self, item: PlanItem) -> None:
        """One that was not thought to wait is not over yet: it waits, and another of its kind may go."""
        await asyncio.sleep(self._turns_out_ms / 1000)
        async with self._changed:
            kind, _ = self._timers.pop(id(item))
            self._running[kind] -= 1
            self._running[Kind.WAITING] += 1
            self._changed.notify_all()

    async def done(self, item: PlanItem) -> None:
        """An item has ended; somebody else may go."""
        async with self._changed:
            kind, timer = self._timers.pop(id(item), (Kind.WAITING, None))
            if timer is not None:
                timer.cancel()
            self._running[kind] -= 1
            self._changed.notify_all()

    async def clear(self) -> None:
        """Send everybody home: nothing more is to begin."""
        async with self._changed:
            self._items.clear()
            self._changed.notify_all()


def kind_of(item: PlanItem) -> Kind:
    """Whether the scenario spends its time waiting, as far as that can be said. A browser's launch is work."""
    if expected_ms(item.scenario, item.profile.budgets) - launch_ms(item.scenario) >= _WAITING_MS_MIN:
        return Kind.WAITING
    return Kind.DOUBTFUL if item.may_fail else Kind.BUSY
