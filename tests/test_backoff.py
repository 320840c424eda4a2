"""What waits tell of a back-off: known ones come out as they went in, and the browser's part is told apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.attempts import attempts
from conformance.backoff import Backoff, Wait, fit, waits_of
from conformance.model import Endpoints
from conformance.throttle import throttle_ms
from tests.timelines import PUBLIC, Story, story

DOUBLING = Backoff(1000, 2, 6000, 0.75, 1.25)


def row(*ms: float) -> list[Wait]:
    return [Wait(failures, each, 0.0, 2.0, 1.0) for failures, each in enumerate(ms, 1)]


def drawn(backoff: Backoff, seed: int, *, rows: int, count: int = 6) -> list[Wait]:
    rng = np.random.default_rng(seed)
    ranges = [backoff.range_ms(failures) for failures in range(1, count + 1)]
    return [wait for _ in range(rows) for wait in row(*(rng.uniform(low, high) for low, high in ranges))]


# --- a back-off ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failures", "range_ms"), [(1, (750, 1250)), (2, (1500, 2500)), (4, (4500, 7500)), (40, (4500, 7500))]
)
def test_waits_grow_to_the_cap(failures: int, range_ms: tuple[float, float]) -> None:
    assert DOUBLING.range_ms(failures) == range_ms


@pytest.mark.parametrize(
    ("backoff", "steps"),
    [(DOUBLING, 4), (Backoff(1000, 2, 8000), 4), (Backoff(1000, 1, 1000), 1), (Backoff(1000, 2, 1000), 1)],
)
def test_how_long_they_grow(backoff: Backoff, steps: int) -> None:
    assert backoff.steps == steps


@pytest.mark.parametrize(
    ("backoff", "said"),
    [
        (DOUBLING, "1.00 s, 2.00 times as long after each failure up to 6.00 s, times 0.75 to 1.25 at random"),
        (Backoff(500, 1, 500), "0.50 s each, without jitter"),
        (
            Backoff(1000, 3, 9000, cap_seen=False),
            "1.00 s, 3.00 times as long after each failure up to at least 9.00 s, without jitter",
        ),
    ],
)
def test_it_is_said_in_words(backoff: Backoff, said: str) -> None:
    assert str(backoff) == said


# --- fitting -------------------------------------------------------------------------------------


def test_a_constant_wait() -> None:
    found = fit(row(3000, 3004, 2998, 3001), 1)
    assert found is not None
    assert (found.steps, found.low, found.high, found.waits) == (1, 1, 1, 4)
    assert found.cap_ms == pytest.approx(3000, rel=0.01)


def test_a_geometric_wait_without_a_cap() -> None:
    found = fit(row(500, 1000, 2000, 4000, 8000), 1)
    assert found is not None
    assert [found.base_ms, found.factor] == pytest.approx([500, 2], rel=0.01)
    assert (found.low, found.high, found.cap_seen) == (1, 1, False)


def test_a_geometric_wait_with_a_cap() -> None:
    found = fit(row(1000, 2000, 4000, 8000, 8000, 8000), 1)
    assert found is not None
    assert (found.low, found.high, found.cap_seen) == (1, 1, True)
    assert [found.range_ms(k)[0] for k in range(1, 7)] == pytest.approx([1000, 2000, 4000, 8000, 8000, 8000], rel=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_jitter_is_found_from_many_rows(seed: int) -> None:
    found = fit(drawn(DOUBLING, seed, rows=20), 1)
    assert found is not None
    assert found.cap_seen
    assert found.range_ms(1) == pytest.approx((750, 1250), rel=0.15)
    assert found.range_ms(9) == pytest.approx((4500, 7500), rel=0.15)


@pytest.mark.parametrize("seed", range(10))
def test_one_outage_tells_the_order_of_it(seed: int) -> None:
    found = fit(drawn(DOUBLING, seed, rows=1), 1)
    assert found is not None
    assert found.high > found.low
    assert 3000 < sum(found.range_ms(30)) / 2 < 12000


def test_a_wait_of_any_length_up_to_a_limit() -> None:
    found = fit(drawn(Backoff(2000, 1, 2000, 0, 2), 1, rows=10), 1)
    assert found is not None
    low, high = found.range_ms(1)
    assert low < 500
    assert high == pytest.approx(4000, rel=0.2)


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=12))
def test_whatever_was_seen_can_come_of_it(waits: list[float]) -> None:
    found = fit(row(*waits), 5)
    assert found is not None
    assert found.waits == len(waits)
    for failures in range(1, 20):
        low, high = found.range_ms(failures)
        assert 0 <= low <= high < float("inf")
    assert found.factor >= 1
    assert found.cap_ms >= found.base_ms * (1 - 1e-9)


@pytest.mark.parametrize("waits", [[], [Wait(1, 0.0, 0, None, 0)], [Wait(1, 1000, 60, None, 60)]])
def test_nothing_tells_nothing(waits: list[Wait]) -> None:
    assert fit(waits, 5) is None


# --- measuring -----------------------------------------------------------------------------------


def measured(told: Story) -> tuple[Wait, ...]:
    return waits_of(attempts(told.build(), Endpoints()))


def test_waits_are_from_failure_to_check() -> None:
    waits = measured(story().no_server(at=100).no_server(at=1104).no_server(at=3108))
    assert [(wait.failures, wait.ms) for wait in waits] == [(1, 1000), (2, 2000)]
    assert [wait.browser_ms_max for wait in waits] == [0, 0]
    assert [wait.held_ms for wait in waits] == [1, 1]  # the check's end to the socket's start


def test_without_a_check_a_part_may_be_the_browsers() -> None:
    told = story()
    for at in (100, 1100, 2100):
        told.socket(PUBLIC, at=at, failed=at + 10)
    waits = measured(told)
    assert [(wait.ms, wait.held_ms) for wait in waits] == [(990, None), (990, None)]
    assert [wait.browser_ms_max for wait in waits] == [throttle_ms(1, 0, 1)[1], throttle_ms(2, 0, 1)[1]]


def test_waits_that_may_hold_much_of_the_browsers_tell_nothing() -> None:
    told = story()
    for number in range(16):
        told.socket(PUBLIC, at=100 + 1000 * number, failed=110 + 1000 * number)
    waits = measured(told)
    assert waits[-1].browser_ms_max > 900
    found = fit(waits, 5)
    assert found is not None
    assert found.waits == 7  # the eighth may hold 39 ms of the browser's


def test_a_session_ends_the_row() -> None:
    told = story().no_server(at=100).no_server(at=1104).refused(at=3000).socket(PUBLIC, at=3003, opened=3010)
    waits = measured(told.end(at=9000))
    assert [wait.failures for wait in waits] == [1, 2]


def test_a_subject_that_does_not_try_again_has_none() -> None:
    assert measured(story().no_server(at=100)) == ()
