"""How long a browser's threads were ready to run and had no core to run on.

The kernel counts it for every thread (``/proc/PID/task/TID/schedstat``, second figure, nanoseconds;
Linux ``Documentation/scheduler/sched-stats``). Added up over the threads that a subject's request passes
through, it bounds what a busy machine can have cost the subject, and so does the time itself: threads that wait
side by side hold it up once. Pool threads that compress caches or write icons wait a lot and hold nobody up, so they
are left out. A kernel without the figure gives 0: then only the harness' own lateness speaks.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from conformance.events import BrowserStarved, Source
from conformance.rig.proc import of_group, read

if TYPE_CHECKING:
    from collections.abc import Mapping

# Thread names (15 characters at most): the processes' main threads, their I/O threads, network, workers.
_ON_THE_WAY = (b"chrom", b"Chrome_", b"CrBrowserMain", b"CrRendererMain", b"NetworkService", b"ServiceWorker")

_LOOK_MS: Final = 50.0  # a look takes about 1 ms of the harness' time
_WORTH_MS: Final = 5.0  # what a time of ours is off on an idle machine


def waits_ms(group: int) -> dict[int, float]:
    """Thread → milliseconds waited for a core so far, in one process group. Takes about 1 ms for 80 threads."""
    waits: dict[int, float] = {}
    for process in of_group(group):
        try:
            for thread in os.listdir(f"{process}/task"):  # noqa: PTH208 - see proc.py
                place = f"{process}/task/{thread}"
                if read(f"{place}/comm").startswith(_ON_THE_WAY):
                    waits[int(thread)] = int(read(f"{place}/schedstat").split()[1]) / 1e6
        except (OSError, IndexError):
            continue  # it ended while we looked
    return waits


class Starvation:
    """What a browser's threads waited, from look to look: so that what was waited at one time excuses nothing later."""

    def __init__(self, group: int, since_ms: float) -> None:
        self._group = group
        self._since_ms = since_ms
        self._waits: Mapping[int, float] = waits_ms(group)
        self._seen: list[BrowserStarved] = []

    def look(self, now_ms: float) -> None:
        """Note what was waited since the last look, unless that was a moment ago or it is next to nothing."""
        if now_ms - self._since_ms >= _LOOK_MS:
            self._note(now_ms, waits_ms(self._group), _WORTH_MS)

    def told(self, until_ms: float) -> list[BrowserStarved]:
        """Take everything that was seen, with a last look; what comes next is counted from ``until_ms``."""
        self._note(until_ms, waits_ms(self._group), 0.0)
        seen, self._seen = self._seen, []
        return [replace(each, at_ms=min(each.at_ms, until_ms)) for each in seen]

    def _note(self, now_ms: float, waits: Mapping[int, float], worth_ms: float) -> None:
        over_ms = max(0.0, now_ms - self._since_ms)
        waited = (max(0.0, waited - self._waits.get(thread, 0.0)) for thread, waited in waits.items())
        waited_ms = min(round(sum(waited), 1), round(over_ms, 1))
        if waited_ms > worth_ms:
            self._seen.append(BrowserStarved(at_ms=now_ms, source=Source.RIG, over_ms=over_ms, waited_ms=waited_ms))
        elif worth_ms:
            return  # it is counted with what follows
        self._since_ms, self._waits = now_ms, waits
