"""The harness goes first: who measures must not wait for those whom it measures.

Its loop needs a tenth of a core, and eight browsers at work on two cores kept it waiting for up to 0.5 s, which is
the error that every time of that moment is stated with. With a lower nice value it is given a core when it wakes.
Its children are not: the kernel starts them at 0 (SCHED_RESET_ON_FORK, sched(7)). Where it may not (no
CAP_SYS_NICE), everything is as it was, and the lateness is stated.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

NICE: Final = -10  # some nine times the weight of an ordinary process


@contextmanager
def going_first() -> Iterator[None]:
    """Until the block ends, the thread that began it goes before ordinary ones, if that is allowed."""
    before = os.getpriority(os.PRIO_PROCESS, 0)  # on Linux a thread's own
    if os.sched_getscheduler(0) != os.SCHED_OTHER or before <= NICE:
        yield  # somebody else has decided
        return
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
        os.sched_setscheduler(0, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))
    try:
        yield
    finally:
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.setpriority(os.PRIO_PROCESS, 0, before)
