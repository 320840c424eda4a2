"""The search for the switch-over, with stand-ins for a subject: exact thresholds, noisy ones, and none at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.sweep import Edge, Search, Trial, edge_of, next_delay, sentence

Subject = Callable[[float], bool]  # whether it stays local at a delay
MOST_TRIALS = 400  # a search that needs more does not end


def exact(threshold_ms: float) -> Subject:
    return lambda delay_ms: delay_ms < threshold_ms


def noisy(threshold_ms: float, spread_ms: float, seed: int) -> Subject:
    """Its timer is late by up to ``spread_ms``, at random."""
    chance = Random(seed)  # noqa: S311 - no secret
    return lambda delay_ms: delay_ms < threshold_ms + chance.uniform(0, spread_ms)


def sweep(subject: Subject, search: Search = Search()) -> tuple[list[Trial], Edge]:  # noqa: B008 - frozen
    trials: list[Trial] = []
    while (delay_ms := next_delay(search, trials)) is not None:
        trials.append(Trial(delay_ms, subject(delay_ms)))
        assert len(trials) < MOST_TRIALS
    return trials, edge_of(search, trials)


# --- the edge ------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold_ms", [3.0, 5.0, 1697.0, 1700.0, 2500.0, 5999.0])
def test_an_exact_edge_is_found_to_the_precision(threshold_ms: float) -> None:
    _, edge = sweep(exact(threshold_ms))
    assert edge.stays_ms is not None
    assert edge.leaves_ms == edge.stays_ms + 5
    assert edge.stays_ms < threshold_ms <= edge.leaves_ms


def test_few_trials_do() -> None:
    trials, edge = sweep(exact(1697))
    assert (edge.stays_ms, edge.leaves_ms) == (1695, 1700)
    assert len(trials) <= 2 + 11 + 2 * 10
    assert Counter(trial.delay_ms for trial in trials)[1695] == 10


@given(st.floats(1, 999), st.floats(0.5, 50), st.integers(1, 5))
def test_any_edge_is_found(threshold_ms: float, precision_ms: float, repeat: int) -> None:
    search = Search(0, 1000, precision_ms, repeat)
    _, edge = sweep(exact(threshold_ms), search)
    assert edge.stays_ms is not None
    assert edge.leaves_ms is not None
    assert edge.stays_ms < threshold_ms <= edge.leaves_ms
    assert edge.leaves_ms - edge.stays_ms <= 2 * precision_ms


@pytest.mark.parametrize("seed", range(20))
def test_a_noisy_edge_is_held_from_both_sides(seed: int) -> None:
    _, edge = sweep(noisy(1700, 60, seed))
    assert edge.stays_ms is not None
    assert edge.leaves_ms is not None
    # Ten in a row are by chance, one time in a hundred, where it stays or leaves 6 times in 10.
    assert edge.stays_ms < 1700 + 0.4 * 60
    assert edge.leaves_ms > 1700 + 0.6 * 60
    assert 1400 <= edge.stays_ms < edge.leaves_ms <= 2060


def test_a_noisy_edge_has_shares_in_between() -> None:
    _, edge = sweep(noisy(1700, 60, 3))
    assert any(0 < share.value < 1 for share in edge.shares)


def test_a_subject_without_an_edge_is_found_out() -> None:
    trials, edge = sweep(lambda _: True)
    assert (edge.stays_ms, edge.leaves_ms) == (6000, None)
    assert len(trials) == 20
    trials, edge = sweep(lambda _: False)
    assert (edge.stays_ms, edge.leaves_ms) == (None, 0)


@pytest.mark.parametrize("seed", range(10))
def test_a_coin_has_no_edge_and_the_search_ends(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - no secret
    _, edge = sweep(lambda _: chance.random() < 0.5)
    assert edge.stays_ms is None or edge.leaves_ms is None


def test_a_single_trial_says_nothing_for_sure() -> None:
    edge = edge_of(Search(), [Trial(0, local=True), Trial(6000, local=False)])
    assert (edge.stays_ms, edge.leaves_ms) == (None, None)
    assert [share.trials for share in edge.shares] == [1, 1]


@pytest.mark.parametrize("search", [Search(5, 5), Search(6, 5), Search(precision_ms=0), Search(repeat=0)])
def test_a_range_that_is_none_is_refused(search: Search) -> None:
    with pytest.raises(ValueError, match="a sweep goes upwards"):
        next_delay(search, [])


# --- in words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edge", "said"),
    [
        ((1695, 1700), "x leaves local between 1695 and 1700 ms"),
        ((1680, 1710), "x leaves local between 1680 and 1710 ms; in between, chance decides"),
        ((6000, None), "x stays local from 0 to 6000 ms"),
        ((1000, None), "x stays local up to 1000 ms; elsewhere, chance decides"),
        ((None, 0), "x is never local from 0 to 6000 ms"),
        ((None, 300), "x is never local from 300 ms on; elsewhere, chance decides"),
        ((None, None), "x has no edge from 0 to 6000 ms: chance decides everywhere"),
    ],
)
def test_it_is_said_in_a_sentence(edge: tuple[float | None, float | None], said: str) -> None:
    assert sentence("x", Search(), Edge(*edge, ())) == said
