"""The line of scenarios in front of the rigs: who may go next.

Two kinds stand in it. A waiting scenario spends its time on stated waits and costs the machine next
to nothing; a busy one is over in a tenth of a second of work. More busy ones at once than cores gain
no speed and make each other's times worse, so they get one rig a core, and the waits overlap on the
other rigs meanwhile. Which kind a scenario is, is said of a subject that conforms; one that is not over
by then has turned out to wait (a subject that fails does, until the scenario's time is up), and makes room.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.plan import expected_ms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.plan import PlanItem

_WAITING_MS_MIN = 1000  # expected to take this long: mostly waiting, since the work is a quarter of a second


class Line:
    """Hands out plan items in their order, as far as the two kinds allow.

    ``jobs``: how many rigs take from it. With no more rigs than cores there is nothing to balance.
    """

    def __init__(
        self, items: Iterable[PlanItem], *, jobs: int, cores: int, turns_out_ms: float = _WAITING_MS_MIN
    ) -> None:
        self._items = [(item, is_waiting(item)) for item in items]  # a line of a thousand is looked through often
        self._running = {True: 0, False: 0}  # waiting? → how many
        self._busy: dict[int, asyncio.Task[None]] = {}  # id of a running item that counts as busy → its timer
        self._turns_out_ms = turns_out_ms
        self._most = {True: max(1, jobs - cores), False: cores} if jobs > cores else {True: jobs, False: jobs}
        self._changed = asyncio.Condition()

    async def take(self) -> PlanItem | None:
        """The next item; waits while none of the kind that is left may go. None when the line is empty."""
        async with self._changed:
            while self._items:
                place = self._admitted()
                if place is not None:
                    item, waiting = self._items.pop(place)
                    self._running[waiting] += 1
                    if not waiting:
                        self._busy[id(item)] = asyncio.create_task(self._turn_out(item))
                    return item
                await self._changed.wait()
            return None

    def _admitted(self) -> int | None:
        """The place of the first item that may go."""
        only_waiting = all(waiting for _, waiting in self._items)
        for place, (_, waiting) in enumerate(self._items):
            # Alone in line, waiting scenarios may have every rig: nobody busy is kept out.
            if self._running[waiting] < self._most[waiting] or (waiting and only_waiting):
                return place
        return None

    async def _turn_out(self, item: PlanItem) -> None:
        """One that was thought busy is not over yet: it waits, and another busy one may go."""
        await asyncio.sleep(self._turns_out_ms / 1000)
        async with self._changed:
            del self._busy[id(item)]
            self._running[False] -= 1
            self._running[True] += 1
            self._changed.notify_all()

    async def done(self, item: PlanItem) -> None:
        """An item has ended; somebody else may go."""
        async with self._changed:
            timer = self._busy.pop(id(item), None)
            if timer is not None:
                timer.cancel()
            self._running[timer is None] -= 1
            self._changed.notify_all()

    async def clear(self) -> None:
        """Send everybody home: nothing more is to begin."""
        async with self._changed:
            self._items.clear()
            self._changed.notify_all()


def is_waiting(item: PlanItem) -> bool:
    """Whether the scenario spends its time waiting."""
    return expected_ms(item.scenario, item.profile.budgets) >= _WAITING_MS_MIN
