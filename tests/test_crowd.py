"""Crowds that come back: nobody too early, nobody lost, never more than the limit; and storms that are known."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.backoff import Backoff
from conformance.crowd import STEP_MS, STEPS_A_SECOND, Outage, Storm, in_any_second, long, sentence, simulate

CONSTANT = Backoff(2000, 1, 2000)  # every 2 s, all in step
DOUBLING = Backoff(1000, 2, 8000)
JITTERED = Backoff(1000, 2, 6000, 0.75, 1.25)


def storm(clients: int, backoff: Backoff, outage: Outage = Outage(), seed: int = 1) -> Storm:  # noqa: B008 - frozen
    return simulate(clients, backoff, outage, np.random.default_rng(seed))


# --- what always holds ---------------------------------------------------------------------------


@st.composite
def backoffs(draw: st.DrawFn) -> Backoff:
    base_ms = draw(st.floats(100, 5000))
    low = draw(st.floats(0.1, 1))
    return Backoff(base_ms, draw(st.floats(1, 4)), base_ms * draw(st.floats(1, 8)), low, low + draw(st.floats(0, 1.5)))


def outages() -> st.SearchStrategy[Outage]:
    return st.builds(Outage, st.floats(0, 20), st.integers(20, 700), st.booleans(), st.just(1e6))


@settings(max_examples=50)
@given(backoffs(), st.integers(1, 3000), outages(), st.integers(0, 99))
def test_all_come_back_and_never_more_than_the_limit(backoff: Backoff, clients: int, outage: Outage, seed: int) -> None:
    seen = storm(clients, backoff, outage, seed)
    assert int(seen.accepted.sum()) == clients
    assert int(in_any_second(seen.accepted).max()) <= outage.limit
    assert np.all(seen.accepted <= seen.connects)
    assert seen.tries >= 1
    assert seen.back_s is not None
    assert seen.back_s >= seen.least_s


@settings(max_examples=30)
@given(backoffs(), st.integers(0, 99))
def test_nobody_connects_before_its_wait(backoff: Backoff, seed: int) -> None:
    """One client and a server that is never back: the gaps between its connects are its waits."""
    came = np.flatnonzero(storm(1, backoff, Outage(0, 0, horizon_s=200), seed).connects).tolist()
    for failures, (one, two) in enumerate(pairwise(came), 1):
        least_ms, most_ms = backoff.range_ms(failures)
        assert least_ms - 1e-6 <= (two - one) * STEP_MS <= most_ms + STEP_MS


def test_the_same_seed_makes_the_same_storm() -> None:
    assert np.array_equal(storm(5000, JITTERED, seed=3).connects, storm(5000, JITTERED, seed=3).connects)
    assert not np.array_equal(storm(5000, JITTERED, seed=3).connects, storm(5000, JITTERED, seed=4).connects)


# --- storms that are known -----------------------------------------------------------------------


def test_without_jitter_all_come_at_once() -> None:
    seen = storm(10_000, CONSTANT, Outage(away_s=30, limit=500))
    assert seen.peak == 10_000
    assert seen.earlier == 15 * 10_000
    # 500 are taken at a time, every 2 s: the last at 38 s.
    assert seen.back_s == pytest.approx(38 + 1 / STEPS_A_SECOND)
    assert seen.connects.sum() == 500 * sum(range(1, 21))


def test_doubling_without_jitter_comes_at_its_times() -> None:
    seen = storm(400, DOUBLING, Outage(away_s=10, limit=500))  # tries at 0, 1, 3, 7, 15 s
    assert np.flatnonzero(seen.connects).tolist() == [5 * STEPS_A_SECOND]
    assert seen.earlier == 4 * 400


def test_jitter_spreads_the_crowd() -> None:
    together, spread = storm(20_000, Backoff(6000, 1, 6000)), storm(20_000, Backoff(6000, 1, 6000, 0.5, 1.5))
    assert together.peak == 20_000
    assert spread.peak < 8000


def test_a_small_crowd_is_back_within_its_longest_wait() -> None:
    seen = storm(400, JITTERED)
    assert seen.tries == 1
    assert seen.back_s is not None
    assert seen.back_s <= 7.5 + STEP_MS / 1000


def test_the_rate_is_what_the_waits_make_it() -> None:
    """A crowd far over the limit, spread evenly: as many a second as there are clients in a mean wait."""
    a_second = storm(200_000, JITTERED).a_second()[20:40]
    assert float(a_second.mean()) == pytest.approx(200_000 * 0.94 / 6.05, rel=0.05)


def test_the_browsers_throttle_makes_it_slower() -> None:
    alone, throttled = (storm(50_000, CONSTANT, Outage(60, 500, each)) for each in (False, True))
    assert throttled.tries < 0.7 * alone.tries


def test_waits_that_hardly_grow_are_no_trouble() -> None:
    seen = storm(2000, Backoff(100, 1.000001, 1e6), Outage(limit=100))
    assert int(seen.accepted.sum()) == 2000


def test_who_is_not_back_by_the_horizon_is_said() -> None:
    seen = storm(100_000, JITTERED, Outage(horizon_s=20))
    assert seen.back_s is None
    assert sentence(seen).endswith("; not all are back 20.0 s later")


def test_a_large_crowd_needs_no_more_memory_than_a_small_one() -> None:
    tracemalloc.start()
    storm(10_000_000, Backoff(60_000, 1, 60_000, 0.5, 1.5), Outage(limit=1_000_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * 2**20


# --- in words ------------------------------------------------------------------------------------


def test_it_is_said_in_a_sentence() -> None:
    assert sentence(storm(10_000, CONSTANT)) == (
        "10,000 extensions make up to 10,000 connects in a second when the server returns, 20 times its limit of 500; "
        "all are back after 38.1 s, and 19.0 s is the least that it allows"
    )


def test_a_crowd_within_the_limit_is_said_to_be() -> None:
    assert "within its limit of 500" in sentence(storm(100, JITTERED))


@pytest.mark.parametrize(
    ("seconds", "said"), [(7.4, "7.4 s"), (119, "119.0 s"), (121, "2.0 min"), (7199, "120.0 min"), (12000, "3.3 h")]
)
def test_times_are_said_as_a_person_does(seconds: float, said: str) -> None:
    assert long(seconds) == said


def test_any_second_is_a_second() -> None:
    counts = np.array([1] + [0] * (STEPS_A_SECOND - 1) + [2, 3])
    assert in_any_second(counts).tolist() == [1] * STEPS_A_SECOND + [2, 5]
    assert in_any_second(np.array([], np.int64)).tolist() == []
