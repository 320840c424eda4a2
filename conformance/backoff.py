"""From a subject's measured waits to its back-off: base, factor, cap and jitter.

Pure. A wait lasts from the last failure of an attempt to the start of the next one, both as the browser
saw them; how much of it the browser's own delay of WebSockets may be (throttle.py) is told beside it.

The law that is fitted: the wait after the k-th failure in a row is ``base * factor**(k-1)``, no longer
than a cap, times something random between two shares. Waits that grow otherwise are fitted as nearly as
that law can.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from math import exp, inf, log
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from conformance.attempts import Ending
from conformance.oracles.waits import noise_ms
from conformance.throttle import in_wait_ms, most_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.attempts import Attempt

Numbers: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[Any]]"

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
        return 1 + int(np.ceil(log(self.cap_ms / self.base_ms) / log(self.factor) - 1e-9))

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
    probe, held = following.probe, None
    if probe is not None and probe.ended is not None and following.sockets:
        held = max(0.0, following.sockets[0].started.at_ms - probe.ended.at_ms)
    return Wait(failures, ms, in_wait_ms(attempts, following, ms), held, most_ms(attempts, following))


# --- fitting -------------------------------------------------------------------------------------


def fit(waits: Iterable[Wait], error_ms: float) -> Backoff | None:
    """The back-off that explains these waits, of one row or of many; None where none tells anything.

    Least squares of the logarithms, once for each place where the growth may end; the best of those, where
    a growth or a cap that explains no more than chance would is none. Waits of which more may be the browser's
    than they are blurred by anyway are left out.
    """
    telling = [wait for wait in waits if wait.ms > 0 and wait.browser_ms_max <= noise_ms(wait.ms, error_ms)]
    if not telling:
        return None
    failures = np.array([wait.failures for wait in telling])
    ms = np.array([wait.ms for wait in telling])
    places = sorted(set(failures.tolist()))
    law = min((_law(failures, ms, growing) for growing in (0, *places)), key=lambda law: law.criterion)
    low, high = _jitter(ms, law.middles(failures), error_ms)
    centre = (low + high) / 2
    return Backoff(
        base_ms=law.base_ms * centre,
        factor=law.factor,
        cap_ms=min(law.cap_ms, float(law.middles(failures).max())) * centre,
        low=low / centre,
        high=high / centre,
        cap_seen=law.cap_ms < inf,
        waits=len(telling),
    )


@dataclass(frozen=True, slots=True)
class _Law:
    """Waits without their jitter, and how badly they explain those that were seen (BIC; the lower the better)."""

    base_ms: float
    factor: float
    cap_ms: float
    criterion: float = inf

    def middles(self, failures: Numbers) -> Numbers:
        """The wait after so many failures."""
        return np.asarray(np.minimum(self.cap_ms, self.base_ms * self.factor ** (failures - 1.0)))


def _law(failures: Numbers, ms: Numbers, growing: int) -> _Law:
    """The best law whose waits grow until ``growing`` failures and are capped from there on; 0: they do not grow."""
    logs = np.log(ms)
    slope, capped = 0.0, failures > growing
    if growing == 0:
        start = cap = float(logs.mean())
        parameters = 1
    else:
        steps, grown = failures[~capped] - 1.0, logs[~capped]
        spread = float(np.sum((steps - steps.mean()) ** 2))
        if spread > 0:
            slope = max(0.0, float(np.sum((steps - steps.mean()) * (grown - grown.mean()))) / spread)
        start = float(grown.mean() - slope * steps.mean())
        cap = float(logs[capped].mean()) if capped.any() else inf
        if spread == 0 and cap < inf:  # one step up, and there the cap is
            slope = max(0.0, cap - start)
        parameters = 2 + (cap < inf)
    law = _Law(exp(start), exp(slope), inf if cap == inf else exp(cap))
    misfit = float(np.mean((logs - np.log(law.middles(failures))) ** 2)) + _MISFIT_MIN**2
    return replace(law, criterion=len(ms) * log(misfit) + parameters * log(len(ms)))


def _jitter(ms: Numbers, middles: Numbers, error_ms: float) -> tuple[float, float]:
    """The shares between which the waits lie. The ends of a range are seldom met, so it is widened by what is usual."""
    noise = np.array([noise_ms(float(middle), error_ms) for middle in middles])
    if bool(np.all(np.abs(ms - middles) <= noise)):
        return 1.0, 1.0
    shares = ms / middles
    low, high = float(shares.min()), float(shares.max())
    margin = (high - low) / max(1, len(ms) - 1)
    return max(0.0, low - margin), high + margin
