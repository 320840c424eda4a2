"""Curves and points as one SVG picture that stands alone: two axes, linear or logarithmic, and a legend.

Pure. What is drawn is the caller's; nothing here knows what the numbers mean. Many points that fall on
one column of the picture are drawn as the highest and the lowest of them, so that a long row costs no
more than a short one and no peak is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import cycle, pairwise
from math import ceil, floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH, HEIGHT = 920, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 24, 48, 56
_LEGEND_X, _LEGEND_ROW, _LEGEND_CHAR = 12, 18, 7
_TICKS = 6
_LONG = 10_000  # shorter numbers are read as they are
_COLORS = ("#2563eb", "#d97706", "#059669", "#dc2626", "#7c3aed", "#0891b2")

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """From ``low`` to ``high``. ``log``: equal factors are equally wide, and ``low`` is more than 0."""

    label: str
    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """Where ``value`` lies: 0 at the low end, 1 at the high one; what lies outside is put on the edge."""
        inside = min(max(value, self.low), self.high)
        if self.log:
            return log10(inside / self.low) / log10(self.high / self.low)
        return (inside - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Round numbers along it."""
        if self.log:
            return [10.0**power for power in range(ceil(log10(self.low) - 1e-9), floor(log10(self.high) + 1e-9) + 1)]
        step = _round_up((self.high - self.low) / _TICKS)
        first = ceil(self.low / step - 1e-9)
        return [step * number for number in range(first, floor(self.high / step + 1e-9) + 1)]


@dataclass(frozen=True, slots=True)
class Curve:
    """A row of points, joined. ``steps``: each holds until the next."""

    name: str
    points: Sequence[Point]
    steps: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A level that is drawn across: a limit. ``upright``: it stands at a value of the x axis instead."""

    name: str
    at: float
    upright: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A point and the interval in which the truth lies."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Plot:
    """One picture."""

    title: str
    x: Axis
    y: Axis
    curves: Sequence[Curve] = ()
    rules: Sequence[Rule] = ()
    bars: Sequence[Bar] = ()


def draw(plot: Plot) -> str:
    """The SVG document."""
    x, y = plot.x, plot.y
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}"'
    parts = [
        f'<svg class="plot" xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{escape(plot.title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text class="title" x="{_LEFT}" y="26">{escape(plot.title)}</text>',
        *_x_axis(x),
        *_y_axis(y),
        *(_rule(rule, x, y) for rule in plot.rules),
        *(_curve(curve, x, y, color) for curve, color in zip(plot.curves, cycle(_COLORS), strict=False)),
        *(line for bar in plot.bars for line in _bar(bar, x, y)),
        *_legend(plot.curves),
    ]
    return "\n".join([*parts, "</svg>", ""])


def number(value: float) -> str:
    """A number as short as it can be said."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size and abs(value) >= _LONG:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _round_up(step: float) -> float:
    """The next round step: 1, 2, 5, 10, 20 and so on."""
    power = 10.0 ** floor(log10(step))
    return next(power * one for one in (1, 2, 5, 10) if power * one >= step * (1 - 1e-9))


def _px(x: Axis, value: float) -> float:
    return _LEFT + x.share(value) * (WIDTH - _LEFT - _RIGHT)


def _py(y: Axis, value: float) -> float:
    return HEIGHT - _BOTTOM - y.share(value) * (HEIGHT - _TOP - _BOTTOM)


# --- parts ---------------------------------------------------------------------------------------


def _x_axis(x: Axis) -> Iterator[str]:
    bottom = HEIGHT - _BOTTOM
    for tick in x.ticks():
        at = _px(x, tick)
        yield f'<line class="grid" x1="{at:.1f}" y1="{_TOP}" x2="{at:.1f}" y2="{bottom}"/>'
        yield f'<text x="{at:.1f}" y="{bottom + 18}" text-anchor="middle">{number(tick)}</text>'
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    yield f'<text class="label" x="{middle:.0f}" y="{HEIGHT - 14}" text-anchor="middle">{escape(x.label)}</text>'


def _y_axis(y: Axis) -> Iterator[str]:
    for tick in y.ticks():
        at = _py(y, tick)
        yield f'<line class="grid" x1="{_LEFT}" y1="{at:.1f}" x2="{WIDTH - _RIGHT}" y2="{at:.1f}"/>'
        yield f'<text x="{_LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{number(tick)}</text>'
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    turned = f'transform="translate(18 {middle:.0f}) rotate(-90)"'
    yield f'<text class="label" {turned} text-anchor="middle">{escape(y.label)}</text>'


def _rule(rule: Rule, x: Axis, y: Axis) -> str:
    if rule.upright:
        at = _px(x, rule.at)
        line = f'x1="{at:.1f}" y1="{_TOP}" x2="{at:.1f}" y2="{HEIGHT - _BOTTOM}"'
        name = f'x="{at + 6:.1f}" y="{_TOP + 14}"'
    else:
        at = _py(y, rule.at)
        line = f'x1="{_LEFT}" y1="{at:.1f}" x2="{WIDTH - _RIGHT}" y2="{at:.1f}"'
        name = f'x="{_LEFT + 6}" y="{at - 6:.1f}"'
    return f'<line class="rule" {line}/><text class="rule" {name}>{escape(rule.name)}</text>'


def _curve(curve: Curve, x: Axis, y: Axis, color: str) -> str:
    placed = _thinned([(_px(x, one), _py(y, other)) for one, other in curve.points])
    if curve.steps:
        placed = placed[:1] + [
            corner for (_, before), (x_, y_) in pairwise(placed) for corner in ((x_, before), (x_, y_))
        ]
    points = " ".join(f"{one:.1f},{other:.1f}" for one, other in placed)
    return f'<polyline class="curve" stroke="{color}" points="{points}"/>'


def _thinned(placed: list[Point]) -> list[Point]:
    """In every column of the picture the first, the highest, the lowest and the last point."""
    columns: dict[int, list[Point]] = {}
    for point in placed:
        columns.setdefault(int(point[0]), []).append(point)
    kept = []
    for found in columns.values():
        ends = {0, len(found) - 1}
        ends |= {min(range(len(found)), key=lambda place: found[place][1])}
        ends |= {max(range(len(found)), key=lambda place: found[place][1])}
        kept += [found[place] for place in sorted(ends)]
    return kept


def _bar(bar: Bar, x: Axis, y: Axis) -> Iterator[str]:
    at, low, high = _px(x, bar.x), _py(y, bar.low), _py(y, bar.high)
    yield f'<line class="bar" x1="{at:.1f}" y1="{low:.1f}" x2="{at:.1f}" y2="{high:.1f}"/>'
    yield f'<circle class="bar" cx="{at:.1f}" cy="{_py(y, bar.y):.1f}" r="4"/>'


def _legend(curves: Sequence[Curve]) -> Iterator[str]:
    if curves:
        wide = _LEGEND_CHAR * max(len(curve.name) for curve in curves) + 2 * _LEGEND_ROW
        place = f'x="{WIDTH - _RIGHT - _LEGEND_X - wide}" y="{_TOP + 2}"'
        yield f'<rect class="page" {place} width="{wide + 6}" height="{_LEGEND_ROW * len(curves) + 6}" opacity=".85"/>'
    x, y = WIDTH - _RIGHT - _LEGEND_X, _TOP
    for curve, color in zip(curves, cycle(_COLORS), strict=False):
        y += _LEGEND_ROW
        yield f'<rect x="{x - 10}" y="{y - 9}" width="10" height="10" fill="{color}"/>'
        yield f'<text x="{x - 16}" y="{y}" text-anchor="end">{escape(curve.name)}</text>'


# Every selector begins with the class: a page that holds the picture has others, and one style for all of it.
_STYLE = """
.plot { color-scheme: light dark; --ink: #1c2026; --dim: #667080; --line: #e3e7ec; --page: #fff; --rule: #b91c1c; }
@media (prefers-color-scheme: dark) {
  .plot { --ink: #e4e7ec; --dim: #98a2b3; --line: #2a303a; --page: #14171c; --rule: #f87171; } }
.plot text { font: 12px system-ui, sans-serif; fill: var(--dim); }
.plot text.title { font-size: 15px; font-weight: 600; fill: var(--ink); } .plot text.label { fill: var(--ink); }
.plot .page { fill: var(--page); } .plot line.grid { stroke: var(--line); }
.plot line.rule { stroke: var(--rule); stroke-dasharray: 6 4; } .plot text.rule { fill: var(--rule); }
.plot polyline.curve { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.plot line.bar { stroke: #2563eb; stroke-width: 2; opacity: .55; } .plot circle.bar { fill: #2563eb; }
"""
