"""The pictures of curves: everything is on the page, at its place, and well formed."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.report.plot import HEIGHT, WIDTH, Axis, Bar, Curve, Plot, Point, Rule, draw, number

LINEAR, LOG = Axis("delay, ms", 0, 6000), Axis("connects a second", 1, 1e6, log=True)
NAME = "{http://www.w3.org/2000/svg}"


def plot(title: str, x: Axis, y: Axis, **drawn: Any) -> str:  # noqa: ANN401 - curves, rules or bars
    return draw(Plot(title, x, y, **drawn))


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own


def points_of(svg: str) -> list[list[Point]]:
    found = []
    for line in parsed(svg).iter(f"{NAME}polyline"):
        pairs = [point.split(",") for point in (line.get("points") or "").split()]
        found.append([(float(x), float(y)) for x, y in pairs])
    return found


@pytest.mark.parametrize(
    ("axis", "value", "share"),
    [(LINEAR, 0, 0), (LINEAR, 3000, 0.5), (LINEAR, 9000, 1), (LOG, 1, 0), (LOG, 1000, 0.5), (LOG, 0, 0), (LOG, 1e9, 1)],
)
def test_a_value_has_its_place(axis: Axis, value: float, share: float) -> None:
    assert axis.share(value) == pytest.approx(share)


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (LINEAR, [0, 1000, 2000, 3000, 4000, 5000, 6000]),
        (Axis("", 1680, 1710), [1680, 1685, 1690, 1695, 1700, 1705, 1710]),
        (Axis("", 0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (LOG, [1, 10, 100, 1000, 1e4, 1e5, 1e6]),
        (Axis("", 0.1, 50, log=True), [0.1, 1, 10]),
    ],
)
def test_ticks_are_round(axis: Axis, ticks: list[float]) -> None:
    assert axis.ticks() == pytest.approx(ticks)


def test_a_curve_goes_through_its_points() -> None:
    ((first, last),) = points_of(plot("a", LINEAR, LOG, curves=[Curve("one", [(0, 1), (6000, 1e6)])]))
    assert first[0] < last[0]
    assert first[1] > last[1]  # up is less


def test_a_curve_in_steps_holds_until_the_next() -> None:
    (corners,) = points_of(plot("a", LINEAR, Axis("", 0, 1), curves=[Curve("p", [(0, 1), (3000, 0)], steps=True)]))
    assert corners[0][1] == corners[1][1]
    assert corners[1][0] == corners[2][0]
    assert corners[2][1] > corners[1][1]


def test_one_point_is_no_trouble() -> None:
    assert points_of(plot("a", LINEAR, LOG, curves=[Curve("p", [(1, 1)], steps=True), Curve("q", [(1, 1)])]))
    assert points_of(plot("a", LINEAR, LOG, curves=[Curve("none", [], steps=True)])) == [[]]


def test_a_long_row_keeps_its_peak_and_little_else() -> None:
    row = [(each / 100, 1e6 if each == 300_001 else 10.0) for each in range(600_000)]
    (kept,) = points_of(plot("a", LINEAR, LOG, curves=[Curve("one", row)]))
    assert len(kept) < 4 * WIDTH
    assert min(y for _, y in kept) == min(
        y for _, y in points_of(plot("a", LINEAR, LOG, curves=[Curve("p", [(0, 1e6)])]))[0]
    )


@given(st.lists(st.tuples(st.floats(-10, 1e5), st.floats(-10, 1e9)), max_size=50))
def test_everything_is_on_the_page(points: list[Point]) -> None:
    for x, y in points_of(plot("a", LINEAR, LOG, curves=[Curve("one", points)]))[0]:
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT


def test_words_are_escaped() -> None:
    svg = plot("<a>", LINEAR, LOG, curves=[Curve("b & c", [(1, 1)])], rules=[Rule("<limit>", 500)])
    texts = ["".join(one.itertext()) for one in parsed(svg).iter(f"{NAME}text")]
    assert {"<a>", "b & c", "<limit>"} <= set(texts)


def test_rules_lie_and_stand() -> None:
    svg = plot("a", LINEAR, LOG, rules=[Rule("limit", 1000), Rule("edge", 3000, upright=True)])
    lying, standing = (one for one in parsed(svg).iter(f"{NAME}line") if one.get("class") == "rule")
    assert lying.get("y1") == lying.get("y2")
    assert standing.get("x1") == standing.get("x2")


def test_a_bar_spans_its_interval() -> None:
    svg = plot("a", LINEAR, Axis("P", 0, 1), bars=[Bar(3000, 0.5, 0.2, 0.8)])
    (line,) = (one for one in parsed(svg).iter(f"{NAME}line") if one.get("class") == "bar")
    (dot,) = parsed(svg).iter(f"{NAME}circle")
    assert float(line.get("y1", 0)) > float(dot.get("cy", 0)) > float(line.get("y2", 0))


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0"), (0.5, "0.5"), (500, "500"), (1695, "1695"), (10_000, "10 k"), (2.5e6, "2.5 M")]
)
def test_numbers_are_short(value: float, said: str) -> None:
    assert number(value) == said
