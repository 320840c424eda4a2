"""Figures of the benchmarks and how they are put on paper: quantiles, ratios, slopes, tables, plots.

Pure. What is measured, and with what, is the other modules' business.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import TYPE_CHECKING

from conformance.intervals import quantile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MINUTE_MS = 60_000.0


# --- one row of figures --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spread:
    """How a set of figures is spread."""

    count: int
    p50: float
    p95: float
    p99: float
    worst: float


def spread(values: Sequence[float]) -> Spread:
    """The spread of at least one figure."""
    p95, p99, worst = (quantile(values, share) for share in (0.95, 0.99, 1.0))
    return Spread(len(values), median(values), p95, p99, worst)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The growth of y with x that half of all pairs of points exceed (Theil and Sen): no outlier moves it much."""
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2) if x1 != x2]
    return median(slopes) if slopes else 0.0


# --- contenders that took turns ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Block:
    """Some scenarios of one contender, one turn of it. ``each_ms``: every scenario's own time.

    ``cpu_ms``: what all of its processes used of a core, added up.
    """

    each_ms: tuple[float, ...]
    wall_ms: float
    cpu_ms: float = 0.0

    @property
    def pace_ms(self) -> float:
        """Wall time a scenario: with several jobs less than what each of them took."""
        return self.wall_ms / len(self.each_ms)


def median_ms(blocks: Sequence[Block]) -> float:
    """The middle one of every scenario's own time."""
    return median(ms for block in blocks for ms in block.each_ms)


def per_minute(blocks: Sequence[Block]) -> float:
    """Scenarios a minute while the contender had its turn."""
    return _MINUTE_MS * sum(len(block.each_ms) for block in blocks) / sum(block.wall_ms for block in blocks)


def cpu_each_ms(blocks: Sequence[Block]) -> float:
    """Milliseconds of a core a scenario: hardly moved by what else the machine does."""
    return sum(block.cpu_ms for block in blocks) / sum(len(block.each_ms) for block in blocks)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of two paces: the middle one of the rounds', and the middle half's range."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.low:.2f} to {self.high:.2f})"


def pace_ratio(these: Sequence[Block], those: Sequence[Block]) -> Ratio:
    """How many times the wall time of ``those`` a scenario of ``these`` took.

    Each round is compared with itself: what the machine did to one of the two it did to both.
    """
    rounds = [this.pace_ms / that.pace_ms for this, that in zip(these, those, strict=True)]
    return Ratio(median(rounds), quantile(rounds, 0.25), quantile(rounds, 0.75))


# --- the same thing, several times ---------------------------------------------------------------


def differing(runs: Sequence[dict[tuple[str, str], str]]) -> dict[tuple[str, str], tuple[str | None, ...]]:
    """The keys whose value is not the same in all runs → the value in each run, None where it had none."""
    keys = dict.fromkeys(key for run in runs for key in run)
    values = {key: tuple(run.get(key) for run in runs) for key in keys}
    return {key: found for key, found in values.items() if len(set(found)) > 1}


def counted(values: Sequence[str | None]) -> str:
    """``pass in 19, fail in run 7``: the common value with its count, the others with their runs (from 1)."""
    by_value: dict[str | None, list[int]] = {}
    for run, value in enumerate(values, 1):
        by_value.setdefault(value, []).append(run)
    common, *others = sorted(by_value, key=lambda value: -len(by_value[value]))
    said = [f"{common or 'nothing said'} in {len(by_value[common])}"]
    for value in others:
        runs = ", ".join(str(run) for run in by_value[value])
        said.append(f"{value or 'nothing said'} in run {runs}")
    return "; ".join(said)


# --- paper ---------------------------------------------------------------------------------------


def met(measured: float, *, at_most: float | None = None, at_least: float | None = None) -> str:
    """``met`` or ``MISSED``, with the target."""
    holds = (at_most is None or measured <= at_most) and (at_least is None or measured >= at_least)
    bounds = [f"at most {at_most:g}"] if at_most is not None else []
    bounds += [f"at least {at_least:g}"] if at_least is not None else []
    return f"{'met' if holds else 'MISSED'} ({', '.join(bounds)})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose source is readable too: the first column to the left, figures to the right."""
    lines = [[*head], *([*row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    rule = [("-" * widths[0]), *(f"{'-' * (width - 1)}:" for width in widths[1:])]

    def laid_out(cells: Sequence[str]) -> str:
        first, *rest = zip(cells, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
        return f"| {' | '.join(padded)} |"

    return "\n".join(laid_out(line) for line in [lines[0], rule, *lines[1:]])


def plot(points: Sequence[tuple[float, float]], *, height: int = 8, width: int = 72) -> str:
    """Points over x as text, y from 0 up, so that flat looks flat."""
    if not points:
        return ""
    top = max(y for _, y in points) or 1.0
    left, right = points[0][0], points[-1][0]
    grid = [[" "] * width for _ in range(height)]
    for x, y in points:
        column = round((x - left) / ((right - left) or 1.0) * (width - 1))
        row = round(max(y, 0.0) / top * (height - 1))
        grid[height - 1 - row][column] = "*"
    labels = [f"{top:8.1f}", *([" " * 8] * (height - 2)), f"{0:8.1f}"]
    lines = [f"{label} |{''.join(row).rstrip()}" for label, row in zip(labels, grid, strict=True)]
    return "\n".join([*lines, f"{'':8} +{'-' * width}", f"{'':10}{left:<{width // 2}g}{right:>{width - width // 2}g}"])
