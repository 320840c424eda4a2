"""How long a browser's threads were ready to run and had no core to run on.

The kernel counts it for every thread (``/proc/PID/task/TID/schedstat``, second figure, nanoseconds;
Linux ``Documentation/scheduler/sched-stats``). Added up over the threads that a subject's request passes
through, it bounds what a busy machine can have cost the subject; pool threads that compress caches or
write icons wait a lot and hold nobody up, so they are left out. A kernel without the figure gives 0:
then only the harness' own lateness speaks.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from conformance.rig.proc import of_group, read

if TYPE_CHECKING:
    from collections.abc import Mapping

# Thread names (15 characters at most): the processes' main threads, their I/O threads, network, workers.
_ON_THE_WAY = (b"chrom", b"Chrome_", b"CrBrowserMain", b"CrRendererMain", b"NetworkService", b"ServiceWorker")


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


def starved_ms(before: Mapping[int, float], after: Mapping[int, float]) -> float:
    """What was waited between two looks, threads that began in between included."""
    return round(sum(max(0.0, waited - before.get(thread, 0.0)) for thread, waited in after.items()), 1)
