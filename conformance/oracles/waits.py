"""What a row of waits tells: whether they grow, and whether they are jittered.

Pure. A wait without jitter lies on a grid: constant, growing by a constant step or factor, or either of these
up to a cap (which may be far off: a few tries of one length, then others of another). A row of waits is jittered
when no such grid explains it.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import combinations
from math import log
from statistics import fmean, median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Timers and events of a browser on a busy machine are this late even where nothing is random.
_TIMER_NOISE_MS = 20.0
_TIMER_NOISE_SHARE = 0.01

GROWTH_WAITS_MIN = 3  # fewer do not tell growth from chance
JITTER_WAITS_MIN = 4  # fewer lie on some grid whatever they are

# From here on a row is looked at as a whole. With a jitter of a quarter, waits that double, or grow by half, are
# denied growth in none of 5,000 rows, and waits of one length in 4 of 5 rows of six and in 97 of 100 of twenty.
_ROW_MIN = 5
_LONGER_FACTOR = 1.5
_RISING_SHARE = 0.3

# How many waits beyond those that define a grid must lie on it before chance is ruled out. One more
# does so in one of ten rows with a jitter of a quarter, three in fewer than one of a thousand.
_CONFIRMED_MIN = 3

# With a larger error than this, equal waits and jittered ones look alike.
_TELLING_ERROR_MS = 50.0


class Trait(StrEnum):
    """What can be said of a row's growth, or of its jitter."""

    SEEN = "seen"
    NONE = "none"
    UNSAID = "unsaid"  # too few waits
    BLURRED = "blurred"  # enough of them, and too large an error


def noise_ms(wait_ms: float, error_ms: float) -> float:
    """How far a wait may be off without any jitter."""
    return max(error_ms, _TIMER_NOISE_MS, _TIMER_NOISE_SHARE * wait_ms)


def growth(waits: Sequence[float], error_ms: float, late_ms: Sequence[float] = ()) -> Trait:
    """Whether these waits get longer. A larger error says less, and nothing else.

    ``late_ms``: how much of each, at the most, a busy machine may have added; none where it is empty.

    A few of them do where the last is longer than the first. Of more that says nothing: two jittered waits of
    one length differ, half of the time in that direction. There the later ones must be longer in the middle, or
    the row as a whole must rise; none is said only where that is clear, and where the error changes nothing.
    """
    early = _without(waits, late_ms or [0.0] * len(waits))
    least, most = _growth(waits, early, error_ms), _growth(early, waits, error_ms)
    return least if least is most else Trait.BLURRED


def _without(waits: Sequence[float], late_ms: Sequence[float]) -> list[float]:
    return [wait - late for wait, late in zip(waits, late_ms, strict=True)]


def _growth(earlier: Sequence[float], later: Sequence[float], error_ms: float) -> Trait:
    """Of one row: its waits as they are where others are held against them (``earlier``), and where they are held."""
    if len(later) < GROWTH_WAITS_MIN:
        return Trait.UNSAID
    if len(later) >= _ROW_MIN:
        rises = _rises(earlier, later, 0.0)
        return (Trait.SEEN if rises else Trait.NONE) if rises is _rises(earlier, later, error_ms) else Trait.BLURRED
    more_ms = later[-1] - earlier[0]
    timer_ms, blur_ms = noise_ms(earlier[0], 0.0), noise_ms(earlier[0], error_ms)
    if more_ms > blur_ms:
        return Trait.SEEN
    return Trait.NONE if more_ms <= timer_ms - (blur_ms - timer_ms) else Trait.BLURRED


def _rises(earlier: Sequence[float], later: Sequence[float], error_ms: float) -> bool:
    if median(later[1:]) > _LONGER_FACTOR * earlier[0]:
        return True
    places = list(combinations(range(len(later)), 2))
    noise = noise_ms(earlier[0], error_ms)
    pairs = [later[right] - earlier[left] for left, right in places]
    rises = sum((pair > noise) - (pair < -noise) for pair in pairs)
    return rises >= _RISING_SHARE * len(pairs)


def jitter(waits: Sequence[float], error_ms: float, late_ms: Sequence[float] = ()) -> Trait:
    """Whether these waits are jittered. A larger error says less, and nothing else.

    ``late_ms``: how much of each, at the most, a busy machine may have added; none where it is empty. What is
    random only by as much was the machine's.
    """
    if len(waits) < JITTER_WAITS_MIN:
        return Trait.UNSAID
    if not _confirming(waits, error_ms) and not (any(late_ms) and _may_be_gridded(waits, error_ms, late_ms)):
        return Trait.SEEN
    exactly = _confirming(waits, 0.0)
    if not exactly:
        return Trait.BLURRED
    if max(exactly) < _CONFIRMED_MIN:
        return Trait.UNSAID
    return Trait.NONE if error_ms <= _TELLING_ERROR_MS else Trait.BLURRED


def _confirming(waits: Sequence[float], error_ms: float) -> list[int]:
    """For each grid that explains these waits within the noise: how many of them confirm it."""
    return [
        confirming
        for grid, confirming in _grids(waits)
        if all(abs(wait - point) <= noise_ms(wait, error_ms) for wait, point in zip(waits, grid, strict=True))
    ]


def _may_be_gridded(waits: Sequence[float], error_ms: float, late_ms: Sequence[float]) -> bool:
    """Whether a grid goes through all waits, each of them anywhere between its earliest time and its latest.

    One that so few waits confirm that they may lie on it by chance is none.
    """
    ranges = [
        (max(1.0, wait - late - noise_ms(wait, error_ms)), wait + noise_ms(wait, error_ms))
        for wait, late in zip(waits, late_ms, strict=True)
    ]
    return _have_in_common(ranges) or any(
        _have_in_common(ranges[growing:])
        and any(
            _may_be_straight(
                [scale(least) for least, _ in ranges[:growing]], [scale(most) for _, most in ranges[:growing]]
            )
            for scale in (float, log)
        )
        for growing in range(2, len(waits) + 1)
        if _spare(growing, len(waits)) >= _CONFIRMED_MIN
    )


def _have_in_common(ranges: Sequence[tuple[float, float]]) -> bool:
    """Whether something lies in all of them."""
    return all(least <= most for least, _ in ranges for _, most in ranges)


def _may_be_straight(least: Sequence[float], most: Sequence[float]) -> bool:
    """Whether a line that does not fall goes through all these ranges, which stand side by side.

    It rises at least as steeply as each pair of them asks, and at most as each allows: then there is one.
    """
    pairs = list(combinations(range(len(least)), 2))
    asked = max((least[right] - most[left]) / (right - left) for left, right in pairs)
    return max(0.0, asked) <= min((most[right] - least[left]) / (right - left) for left, right in pairs)


def _spare(growing: int, count: int) -> int:
    """Waits beyond those that define a grid: where it begins, how it grows and, if it is, where it is capped."""
    return growing - 2 + max(count - growing - 1, 0)


def _grids(waits: Sequence[float]) -> Iterator[tuple[list[float], int]]:
    """Every grid that could explain the waits, and how many waits it has to spare beyond those that define it."""
    count = len(waits)
    yield [fmean(waits)] * count, count - 1
    first = waits[0]
    for growing in range(2, count + 1):
        last, capped = waits[growing - 1], waits[growing:]
        if last < first - noise_ms(first, 0.0):
            continue  # falls; one that stays does not lie on it by chance: its noise has either sign
        step = (last - first) / (growing - 1)
        factor = (last / first) ** (1 / (growing - 1)) if first > 0 else 1.0
        cap = fmean(capped) if capped else 0.0
        spare = _spare(growing, count)
        yield [first + step * place for place in range(growing)] + [cap] * len(capped), spare
        yield [first * factor**place for place in range(growing)] + [cap] * len(capped), spare
