"""How late the harness itself is: the longest its event loop kept a timer waiting."""

from __future__ import annotations

import asyncio
from collections import deque

from conformance.rig.recorder import now_ms

_PERIOD_MS = 20.0
_KEPT = 30_000  # ten minutes of samples


class LagMonitor:
    """Samples the loop's lateness from ``start`` to ``stop``."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=_KEPT)
        self._task: asyncio.Task[None] | None = None
        self._due_ms = float("inf")

    def start(self) -> None:
        """Begin to sample."""
        self._task = asyncio.create_task(self._sample())

    async def _sample(self) -> None:
        while True:
            self._due_ms = now_ms() + _PERIOD_MS
            await asyncio.sleep(_PERIOD_MS / 1000)
            woken_ms = now_ms()
            self._samples.append((woken_ms, max(0.0, woken_ms - self._due_ms)))

    def worst_since(self, since_ms: float) -> float:
        """The longest lateness seen since then, in milliseconds; the sample that is overdue now is one of them."""
        worst = max(0.0, now_ms() - self._due_ms)
        for at_ms, lag_ms in reversed(self._samples):
            if at_ms < since_ms:
                break
            worst = max(worst, lag_ms)
        return round(worst, 1)

    def stop(self) -> None:
        """End sampling."""
        self._due_ms = float("inf")
        if self._task is not None:
            self._task.cancel()
