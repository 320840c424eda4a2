"""The harness goes first: who measures must not wait for those whom it measures.

Its loop needs a tenth of a core, and eight browsers at work on two cores kept it waiting for up to 0.5 s, which is
the error that every time of that moment is stated with. A lower nice value does not help: each browser leads a
session of its own, and the kernel shares the cores among sessions first (sched(7), autogroup). A real-time policy
does. Children and threads begin as ordinary ones (SCHED_RESET_ON_FORK), and the kernel leaves the others a twentieth
of each core whatever the loop does. Where it may not (no CAP_SYS_NICE), all is as it was: the lateness is stated.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

POLICY: Final = os.SCHED_RR
PRIORITY: Final = 1  # the lowest of its kind: before ordinary processes, and before nobody else


def go_first() -> None:
    """This thread goes before ordinary ones from now on, if that is allowed. Whom it starts does not."""
    if os.sched_getscheduler(0) == os.SCHED_OTHER:  # else somebody else has decided
        with suppress(PermissionError):
            os.sched_setscheduler(0, POLICY | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))


@contextmanager
def going_first() -> Iterator[None]:
    """Until the block ends, the thread that began it and those of the loop's executor go before ordinary ones.

    Those of the executor, too, since the loop waits for whichever of them holds the interpreter's lock.
    """
    before = os.sched_getscheduler(0)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(initializer=go_first))
    go_first()
    try:
        yield
    finally:
        if before == os.SCHED_OTHER:
            with suppress(PermissionError):
                os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
