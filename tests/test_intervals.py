"""Intervals of shares and of quantiles, against the values that textbooks and scipy print."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.intervals import (
    Quantile,
    at_least,
    at_most,
    clopper_pearson,
    quantile,
    quantile_of,
    ranks,
    values_needed,
)

# --- a share -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hits", "trials", "interval"),
    [  # the exact intervals that textbooks print; to five places, scipy 1.16's binomtest(…).proportion_ci()
        (0, 10, (0, 0.3085)),
        (10, 10, (0.6915, 1)),
        (5, 10, (0.18709, 0.81291)),
        (1, 20, (0.00127, 0.24873)),
        (17, 20, (0.62107, 0.96793)),
        (81, 263, (0.25269, 0.36757)),
        (0, 1, (0, 0.975)),
        (50, 100, (0.39832, 0.60168)),
        (199, 200, (0.97246, 0.99987)),
        (999, 1000, (0.99444, 0.99997)),
        (5000, 10_000, (0.49015, 0.50985)),
    ],
)
def test_shares_have_the_exact_interval(hits: int, trials: int, interval: tuple[float, float]) -> None:
    assert clopper_pearson(hits, trials) == pytest.approx(interval, abs=0.00006)


@given(st.integers(1, 60), st.data())
def test_an_interval_holds_its_share_and_mirrors(trials: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, trials))
    low, high = clopper_pearson(hits, trials)
    assert 0 <= low <= hits / trials <= high <= 1
    mirrored = clopper_pearson(trials - hits, trials)
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-9)


@pytest.mark.parametrize("trials", [1, 5, 50, 500, 5000])
def test_all_or_none_has_a_closed_form(trials: int) -> None:
    assert clopper_pearson(trials, trials)[0] == pytest.approx(0.025 ** (1 / trials), abs=1e-9)
    assert clopper_pearson(0, trials)[1] == pytest.approx(1 - 0.025 ** (1 / trials), abs=1e-9)
    assert clopper_pearson(trials, trials, 0.9)[0] == pytest.approx(0.05 ** (1 / trials), abs=1e-9)


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0, 1))
def test_tails_add_up(hits: int, more: int, p: float) -> None:
    trials = hits + more
    assert at_most(hits, trials, p) + at_least(hits + 1, trials, p) == pytest.approx(1)
    assert at_least(0, trials, p) == pytest.approx(1)


@pytest.mark.parametrize(
    ("p", "at_least_three", "at_most_three", "at_least_all", "at_most_none"), [(0.0, 0, 1, 0, 1), (1.0, 1, 0, 1, 0)]
)
def test_what_never_or_always_happens(
    p: float, at_least_three: float, at_most_three: float, at_least_all: float, at_most_none: float
) -> None:
    assert (at_least(3, 10, p), at_most(3, 10, p)) == (at_least_three, at_most_three)
    assert (at_least(10, 10, p), at_most(0, 10, p)) == (at_least_all, at_most_none)


# --- a quantile ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [([7], 0.99, 7), ([1, 2, 3, 4], 0.5, 2), ([4, 3, 2, 1], 0.75, 3), (range(1, 101), 0.95, 95), ([5, 9], 0, 5)],
)
def test_a_quantile_is_one_that_was_measured(values: list[float], share: float, found: float) -> None:
    assert quantile(values, share) == found


def test_of_nothing_there_is_no_quantile() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


@pytest.mark.parametrize(
    ("count", "share", "places"),
    [  # the median's are in every table of the sign test
        (6, 0.5, (1, 6)),
        (10, 0.5, (2, 9)),
        (15, 0.5, (4, 12)),
        (20, 0.5, (6, 15)),
        (50, 0.5, (18, 33)),
        (100, 0.5, (40, 61)),
        (72, 0.95, (64, 72)),
        (100, 0.95, (90, 100)),
        (368, 0.99, (360, 368)),
        (1000, 0.99, (983, 997)),
    ],
)
def test_the_places_that_surround_a_quantile(count: int, share: float, places: tuple[int, int]) -> None:
    assert ranks(count, share) == places


@given(st.integers(1, 300), st.sampled_from([0.05, 0.5, 0.9, 0.95]))
def test_places_are_the_closest_that_are_sure_enough(count: int, share: float) -> None:
    if count < values_needed(share):
        with pytest.raises(ValueError, match=f"{count} values do not surround"):
            ranks(count, share)
        return
    low, high = ranks(count, share)
    assert at_most(low - 1, count, share) <= 0.025 < at_most(low, count, share)
    assert at_least(high, count, share) <= 0.025 < at_least(high - 1, count, share)


@pytest.mark.parametrize(("share", "needs"), [(0.5, 6), (0.95, 72), (0.05, 72), (0.99, 368)])
def test_how_many_values_a_quantile_needs(share: float, needs: int) -> None:
    assert values_needed(share) == needs
    values = [float(value) for value in range(needs)]
    enough, few = quantile_of(values, share), quantile_of(values[1:], share)
    assert enough.value is not None
    assert few == Quantile(share, needs)


def test_exactly_enough_values_are_enough() -> None:
    assert values_needed(0.5, 1 - 2 / 64) == 6  # one in 64 samples of six lies all on one side of the median
    assert values_needed(0.25, 1 - 2 * 0.75**9) == 9


def test_the_interval_is_between_two_measured_values_in_any_order() -> None:
    assert quantile_of([9, 1, 8, 2, 7, 3, 6, 4, 5, 10], 0.5) == Quantile(0.5, 6, value=5, low=2, high=9)


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_the_interval_has_the_true_quantile_as_often_as_it_says(share: float) -> None:
    """2,000 samples of 80 from a skew distribution whose quantile is known."""
    chance = Random(7)  # noqa: S311 - no secret
    held = 0
    for _ in range(2000):
        found = quantile_of([chance.random() ** 3 for _ in range(80)], share)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= share**3 <= found.high
    assert held / 2000 > 0.945
