"""Where a warm scenario's milliseconds go: wraps a stopwatch around the rig's own parts.

Only with ``throughput.py --detail``: the stopwatches cost a little themselves. Parts are named as the
rig's source names them; one that is gone is left out.
"""

from __future__ import annotations

import inspect
import time
from contextlib import ExitStack, contextmanager
from functools import wraps
from statistics import median
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from conformance.rig import starvation
from conformance.rig.fake import Fake
from conformance.rig.page import Page
from conformance.rig.recorder import Recorder
from conformance.rig.rig import Rig
from conformance.rig.servers import Servers
from conformance.rig.steps import Conductor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Owner, its part, what that does. Indented: contained in, or at the same time as, one above it.
PARTS: tuple[tuple[Any, str, str], ...] = (
    (Rig, "observe", "the whole observation"),
    (starvation, "waits_ms", "  look at the browser's threads (each time)"),
    (Fake, "set_faults", "  set one side's world (one of two)"),
    (Rig, "_start", "  load the subject"),
    (Conductor, "conduct", "  until the session is open"),
    (Rig, "flush", "  flush the network log (with the removal)"),
    (Rig, "_remove", "  remove the subject, clear the cache (with the flush)"),
    (Recorder, "timeline", "  sort the timeline"),
    (Rig, "_clean", "  clean up"),
    (Page, "clear_cache", "    clear the HTTP cache"),
    (Servers, "reset", "    close what the fakes hold"),
)


class Stopwatch:
    """What each part took, every time."""

    def __init__(self) -> None:
        self._ms: dict[str, list[float]] = {}

    def note(self, what: str, begun_s: float) -> None:
        """A part has ended."""
        self._ms.setdefault(what, []).append((time.perf_counter() - begun_s) * 1000)

    def forget(self) -> None:
        """The rounds so far were for warming up."""
        self._ms.clear()

    def rows(self) -> list[tuple[str, str, str]]:
        """Part, times, median milliseconds."""
        names = [what for _, _, what in PARTS if what in self._ms]
        names += [what for what in self._ms if what not in names]
        return [(what, str(len(self._ms[what])), f"{median(self._ms[what]):.1f}") for what in names]


@contextmanager
def watching() -> Iterator[Stopwatch]:
    """Time every part until the block ends."""
    stopwatch = Stopwatch()
    with ExitStack() as stack:
        for owner, name, what in PARTS:
            part = getattr(owner, name, None)
            if part is not None:
                stack.enter_context(patch.object(owner, name, _timed(part, what, stopwatch)))
        yield stopwatch


def _timed(part: Callable[..., Any], what: str, stopwatch: Stopwatch) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(part):

        @wraps(part)
        async def awaited(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the part takes and gives
            begun_s = time.perf_counter()
            try:
                return await part(*args, **kwargs)
            finally:
                stopwatch.note(what, begun_s)

        return awaited

    @wraps(part)
    def called(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever the part takes and gives
        begun_s = time.perf_counter()
        try:
            return part(*args, **kwargs)
        finally:
            stopwatch.note(what, begun_s)

    return called
