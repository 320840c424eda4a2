"""How long a browser's threads were ready to run and had no core to run on.

The kernel counts it for every thread (``/proc/PID/task/TID/schedstat``, second figure, nanoseconds;
Linux ``Documentation/scheduler/sched-stats``). Added up over the browser's processes it bounds what a
busy machine can have cost the subject. A kernel without the figure gives 0: then only the harness's
own lateness speaks.
"""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def waits_ms(group: int) -> dict[int, float]:
    """Thread → milliseconds waited for a core so far, for every thread of a process group. About 2 ms."""
    waits: dict[int, float] = {}
    for process in _PROC.iterdir():
        if not process.name.isdigit():
            continue
        try:
            if os.getpgid(int(process.name)) != group:
                continue
            for thread in (process / "task").iterdir():
                figures = (thread / "schedstat").read_text().split()
                waits[int(thread.name)] = int(figures[1]) / 1e6
        except (OSError, IndexError):
            continue  # it ended while we looked
    return waits


def starved_ms(before: dict[int, float], after: dict[int, float]) -> float:
    """What was waited between two looks, threads that began in between included."""
    return round(sum(max(0.0, waited - before.get(thread, 0.0)) for thread, waited in after.items()), 1)
