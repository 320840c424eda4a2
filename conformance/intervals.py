"""How sure a share or a quantile is, from what was counted and nothing else assumed.

Pure, and exact: Clopper and Pearson's interval of a probability, and for quantiles the interval between
two of the measured values themselves (order statistics), which holds whatever the distribution is. Both
come from the binomial distribution alone, by logarithms of its terms and bisection: that is a page of
code, checked against published values, and does not pay for scipy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, takewhile
from math import ceil, exp, fsum, lgamma, log, log1p
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

CONFIDENCE = 0.95
_HALVINGS = 50  # of an interval of probabilities: below any error that matters


# --- a share -------------------------------------------------------------------------------------


def clopper_pearson(hits: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The probabilities that do not make ``hits`` of ``trials``, or fewer or more, rarer than half the rest."""
    rest = (1 - confidence) / 2
    low = 0.0 if hits == 0 else _solve(lambda p: at_least(hits, trials, p) < rest)
    high = 1.0 if hits == trials else _solve(lambda p: at_most(hits, trials, p) > rest)
    return low, high


def at_least(hits: int, trials: int, p: float) -> float:
    """The probability of ``hits`` or more in ``trials``."""
    return _sum(range(hits, trials + 1), trials, p)


def at_most(hits: int, trials: int, p: float) -> float:
    """The probability of ``hits`` or fewer in ``trials``."""
    return _sum(range(hits + 1), trials, p)


def _sum(counts: Iterable[int], trials: int, p: float) -> float:
    if p in (0.0, 1.0):
        return float((trials if p else 0) in counts)
    return fsum(_terms(counts, trials, p))


def _terms(counts: Iterable[int], trials: int, p: float) -> Iterator[float]:
    """By logarithms: of a thousand trials the coefficients are too large, and the powers too small, for a float."""
    hit, miss, every = log(p), log1p(-p), lgamma(trials + 1)
    return (exp(every - lgamma(k + 1) - lgamma(trials - k + 1) + k * hit + (trials - k) * miss) for k in counts)


def _solve(is_below: Callable[[float], bool]) -> float:
    """Where ``is_below`` turns false, between 0 and 1."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return (low + high) / 2


# --- a quantile ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Quantile:
    """The value that ``share`` of all do not exceed, and the interval that has the true one.

    ``needs``: of how many values it takes to say anything; with fewer, the figures are None.
    """

    share: float
    needs: int
    value: float | None = None
    low: float | None = None
    high: float | None = None


def quantile(values: Iterable[float], share: float) -> float:
    """The smallest value that ``share`` of all do not exceed: nearest rank, so always one that was measured."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values to take a quantile of")
    return ordered[max(1, ceil(share * len(ordered))) - 1]


def quantile_of(values: Sequence[float], share: float, confidence: float = CONFIDENCE) -> Quantile:
    """The quantile with its interval, or how many values it needs."""
    needs = values_needed(share, confidence)
    if len(values) < needs:
        return Quantile(share, needs)
    ordered = sorted(values)
    low, high = ranks(len(ordered), share, confidence)
    return Quantile(share, needs, quantile(ordered, share), ordered[low - 1], ordered[high - 1])


@lru_cache
def values_needed(share: float, confidence: float = CONFIDENCE) -> int:
    """The fewest values of which the smallest and the largest surround the quantile surely enough."""
    rest = (1 - confidence) / 2
    return ceil(log(rest) / log(max(share, 1 - share)) - 1e-9)


@lru_cache(maxsize=1024)
def ranks(count: int, share: float, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """The places, from 1, of the two values that surround the quantile; each side misses it no oftener than half."""
    rest = (1 - confidence) / 2
    counts = range(count + 1)
    below = accumulate(_terms(counts, count, share))  # so many values or fewer lie below it
    above = accumulate(_terms(reversed(counts), count, share))  # so many values or more do
    low = sum(1 for _ in takewhile(lambda chance: chance <= rest, below))
    high = count + 1 - sum(1 for _ in takewhile(lambda chance: chance <= rest, above))
    if not 1 <= low < high <= count:
        raise ValueError(f"{count} values do not surround the quantile of {share:g}")
    return low, high
