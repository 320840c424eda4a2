"""From a subject's measured waits to its back-off: base, factor, cap and jitter.

Pure. A wait lasts from the last failure of an attempt to the start of the next one, both as the browser
saw them. The browser delays WebSockets, too, after failures: that delay lies before a socket, so an
attempt that begins with the local check shows the subject's wait alone, and one that begins with a
socket shows both together. Either way the most that the browser may have added is told beside it.

The law that is fitted: the wait after the k-th failure in a row is ``base * factor**(k-1)``, no longer
than a cap, times something random between two shares. Waits that grow otherwise are fitted as nearly as
that law can.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from conformance.attempts import Ending
from conformance.oracles.waits import noise_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.attempts import Attempt

# Chromium ``services/network/websocket_throttler.cc``: rand(1 s to 5 s) times 2**n / 65536, where n is at
# most 16. Its counts are of the last minutes only, so counting from the start tells the most there can be.
THROTTLE_MS = (1000.0, 5000.0)
THROTTLE_STEPS = 16

# Where more than this of a wait may be the browser's, it says too little of the subject.
_BROWSER_SHARE_MAX = 0.1
# No fit of a few waits is better than this, whatever the arithmetic says.
_MISFIT_MIN = 0.02


@dataclass(frozen=True, slots=True)
class Wait:
    """One wait between two attempts.

    ``failures``: attempts failed in a row before it, 1 for the first. ``browser_ms_max``: how much of ``ms``
    may be the browser's throttle. ``held_ms``: from the end of the local check to the next attempt's first
    socket, of which ``throttle_ms_max`` may be the browser's; None where there was no check or no socket.
    """

    failures: int
    ms: float
    browser_ms_max: float
    held_ms: float | None
    throttle_ms_max: float

    @property
    def tells(self) -> bool:
        """Whether it is the subject's own but for a small part."""
        return self.browser_ms_max <= _BROWSER_SHARE_MAX * self.ms


@dataclass(frozen=True, slots=True)
class Backoff:
    """How a subject waits. ``low`` and ``high``: the shares between which each wait is random; both 1: no jitter.

    ``cap_seen`` is False where the waits still grew when watching ended: then the cap is the longest seen.
    ``waits``: how many it was told from.
    """

    base_ms: float
    factor: float
    cap_ms: float
    low: float = 1.0
    high: float = 1.0
    cap_seen: bool = True
    waits: int = 0

    @property
    def steps(self) -> int:
        """After so many failures the waits grow no more."""
        if self.factor <= 1 or self.cap_ms <= self.base_ms:
            return 1
        # Half a step of slack: a cap told from a few waits seldom lies on the curve.
        return 1 + int(np.ceil(np.log(self.cap_ms / self.base_ms) / np.log(self.factor) - 1e-9))

    def range_ms(self, failures: int) -> tuple[float, float]:
        """The shortest and the longest wait after so many failures in a row."""
        middle = min(self.cap_ms, self.base_ms * self.factor ** (min(failures, self.steps) - 1))
        return middle * self.low, middle * self.high

    def __str__(self) -> str:
        jitter = f"times {self.low:.2f} to {self.high:.2f} at random" if self.high > self.low else "without jitter"
        if self.steps == 1:
            return f"{_seconds(self.cap_ms)} each, {jitter}"
        cap = f"up to {_seconds(self.cap_ms)}" if self.cap_seen else f"up to at least {_seconds(self.cap_ms)}"
        return f"{_seconds(self.base_ms)}, {self.factor:.2f} times as long after each failure {cap}, {jitter}"


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.2f} s"


# --- measuring -----------------------------------------------------------------------------------


def throttle_ms(failed: int, succeeded: int, pending: int) -> tuple[float, float]:
    """The least and the most by which Chromium delays a WebSocket after these others of its process."""
    share = float(2 ** min(pending + failed // (succeeded + 1), THROTTLE_STEPS)) / 2**THROTTLE_STEPS
    return THROTTLE_MS[0] * share, THROTTLE_MS[1] * share


def waits_of(attempts: Sequence[Attempt]) -> tuple[Wait, ...]:
    """The waits between the subject's first attempts, as long as they failed.

    Later rows are left out: what the subject counts as a success, to begin anew, it alone knows.
    """
    waits: list[Wait] = []
    for failed, following in pairwise(attempts):
        over_ms = failed.ended_at_ms
        if failed.outcome is not Ending.FAILED or over_ms is None or following.started.at_ms < over_ms:
            break
        waits.append(_wait(len(waits) + 1, following.started.at_ms - over_ms, attempts, following))
    return tuple(waits)


def _wait(failures: int, ms: float, attempts: Sequence[Attempt], following: Attempt) -> Wait:
    earlier = [socket for attempt in attempts[: following.index] for socket in attempt.sockets]
    opened = sum(socket.opened is not None for socket in earlier)
    begun_ms = following.started.at_ms
    pending = sum(socket.opened is None and (socket.left is None or socket.left.at_ms > begun_ms) for socket in earlier)
    _, most_ms = throttle_ms(len(earlier) - opened - pending, opened, pending + 1)
    probe = following.probe
    if probe is None:
        return Wait(failures, ms, min(ms, most_ms), None, most_ms)
    held = None
    if probe.ended is not None and following.sockets:
        held = max(0.0, following.sockets[0].started.at_ms - probe.ended.at_ms)
    return Wait(failures, ms, 0.0, held, most_ms)


# --- fitting -------------------------------------------------------------------------------------


def fit(waits: Iterable[Wait], error_ms: float) -> Backoff | None:
    """The back-off that explains these waits, of one row or of many; None where none tells anything.

    Least squares of the logarithms, once for each number of growing waits; the best of those, where a
    growth that explains no more than chance would is none.
    """
    telling = [wait for wait in waits if wait.tells and wait.ms > 0]
    if not telling:
        return None
    failures = np.array([wait.failures for wait in telling])
    ms = np.array([wait.ms for wait in telling])
    counts = sorted(set(failures.tolist()))
    base_ms, factor, growing = min(
        (_fit_growing(failures, ms, growing) for growing in counts), key=lambda found: found[0]
    )[1:]
    middles = base_ms * factor ** (np.minimum(failures, growing) - 1.0)
    low, high = _jitter(ms, middles, error_ms)
    centre = (low + high) / 2
    cap_ms = base_ms * factor ** (growing - 1)
    still_growing = factor > 1 and growing == counts[-1]
    return Backoff(
        base_ms=float(base_ms * centre),
        factor=float(factor),
        cap_ms=float(cap_ms * centre),
        low=float(low / centre),
        high=float(high / centre),
        cap_seen=not still_growing,
        waits=len(telling),
    )


def _fit_growing(failures: np.ndarray, ms: np.ndarray, growing: int) -> tuple[float, float, float, int]:
    """How badly waits that grow until ``growing`` failures explain these (BIC), with base, factor and ``growing``."""
    steps = np.minimum(failures, growing) - 1.0
    logs = np.log(ms)
    spread = float(np.sum((steps - steps.mean()) ** 2))
    slope = float(np.sum((steps - steps.mean()) * (logs - logs.mean()))) / spread if spread > 0 else 0.0
    slope = max(0.0, slope)
    start = float(logs.mean() - slope * steps.mean())
    misfit = float(np.mean((logs - start - slope * steps) ** 2)) + _MISFIT_MIN**2
    parameters = 1 if slope == 0 else 3
    criterion = len(ms) * np.log(misfit) + parameters * np.log(len(ms))
    return float(criterion), float(np.exp(start)), float(np.exp(slope)), growing if slope > 0 else 1


def _jitter(ms: np.ndarray, middles: np.ndarray, error_ms: float) -> tuple[float, float]:
    """The shares between which the waits lie. The ends of a range are seldom met, so it is widened by what is usual."""
    noise = np.array([noise_ms(float(middle), error_ms) for middle in middles])
    if bool(np.all(np.abs(ms - middles) <= noise)):
        return 1.0, 1.0
    shares = ms / middles
    low, high = float(shares.min()), float(shares.max())
    margin = (high - low) / max(1, len(ms) - 1)
    return max(0.0, low - margin), high + margin
