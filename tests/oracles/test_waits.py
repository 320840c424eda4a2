"""What a row of waits tells of growth and jitter."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.oracles.waits import Trait, growth, jitter, noise_ms

GRIDS = {
    "constant": [5000.0] * 6,
    "linear": [1000.0, 2000, 3000, 4000, 5000, 6000],
    "doubling": [1000.0, 2000, 4000, 8000, 16000, 32000],
    "by half": [800.0 * 1.5**place for place in range(6)],
    "doubling to a cap": [1000.0, 2000, 4000, 6000, 6000, 6000],
    "linear to a cap": [1000.0, 2000, 3000, 3000, 3000, 3000],
    "one step": [500.0, 5000, 5000, 5000, 5000, 5000],
    "one length, then another": [1000.0, 1000, 1000, 3000, 3000, 3000],
    "two of one length, then another": [2000.0, 2000, 9000, 9000, 9000, 9000],
}


@pytest.mark.parametrize("waits", GRIDS.values(), ids=GRIDS)
@given(st.lists(st.floats(-6, 6), min_size=6, max_size=6))
def test_a_grid_is_no_jitter_even_with_the_timers_noise(waits: list[float], noise: list[float]) -> None:
    assert jitter([wait + off for wait, off in zip(waits, noise, strict=True)], 5) is Trait.NONE


@pytest.mark.parametrize("count", [4, 5, 6])
@pytest.mark.parametrize("waits", GRIDS.values(), ids=GRIDS)
def test_a_jitter_of_a_quarter_is_denied_less_than_once_in_a_thousand_rows(waits: list[float], count: int) -> None:
    chance = Random(1)  # noqa: S311 - the same rows every time
    rows = ([wait * chance.uniform(0.75, 1.25) for wait in waits[:count]] for _ in range(3000))
    told = [jitter(row, 5) for row in rows]
    assert told.count(Trait.NONE) < 3
    assert told.count(Trait.SEEN) > 0.8 * len(told)


def test_a_typical_jittered_row_is_seen() -> None:
    assert jitter([870, 2240, 3310, 6900, 5100], 5) is Trait.SEEN


@pytest.mark.parametrize("waits", [[], [1000.0], [1000.0, 1000], [1000.0, 1000, 1000], [5000.0, 1000, 2000]])
def test_few_waits_tell_nothing(waits: list[float]) -> None:
    assert jitter(waits, 5) is Trait.UNSAID


@pytest.mark.parametrize(
    "waits",
    [
        [980, 1020, 980, 1020, 980, 1020],
        [1000, 2000, 3000, 4000, 5000],
        [1000, 1000, 1040, 1060, 1080, 1100],
        [0, 1000, 2000, 3000, 4000, 5000],
        [1, 10, 100, 1000, 10_000, 100_000],
        [1000, 980, 3000, 3000, 3000, 3000],
    ],
    ids=["off by all the noise", "five", "no longer at first", "from nothing", "from next to nothing", "two that stay"],
)
def test_these_lie_on_a_grid_too(waits: list[float]) -> None:
    assert jitter(waits, 5) is Trait.NONE


def test_waits_that_fall_by_more_than_the_noise_lie_on_no_grid() -> None:
    assert jitter([1000, 979, 3000, 3000, 3000, 3000], 5) is Trait.SEEN


def test_four_waits_that_grow_evenly_may_be_chance() -> None:
    assert jitter([1000, 2000, 4000, 8000], 5) is Trait.UNSAID
    assert jitter([1000, 1000, 1000, 1000], 5) is Trait.NONE


@pytest.mark.parametrize(
    ("waits", "grows"),
    [
        ([1000, 2000, 4000], True),
        ([1000, 900, 1021], True),
        ([1000, 5000, 1000], False),
        ([1000, 1000, 1020], False),
        ([1000, 900, 900, 1050], True),
        ([4000, 5000, 4040.2], True),  # more than one percent of the first
    ],
)
def test_growth_is_the_last_against_the_first(waits: list[float], grows: bool) -> None:
    assert growth(waits, 5) is (Trait.SEEN if grows else Trait.NONE)
    assert growth(waits[:2], 5) is Trait.UNSAID


@pytest.mark.parametrize(
    ("more", "error", "told"),
    [
        (301, 300, Trait.SEEN),
        (300, 300, Trait.BLURRED),
        (-259, 300, Trait.BLURRED),
        (-260, 300, Trait.NONE),
        (20, 20, Trait.NONE),
        (20, 21, Trait.BLURRED),
        (19, 21, Trait.NONE),
    ],
)
def test_what_may_be_the_errors_doing_is_neither_growth_nor_none(more: float, error: float, told: Trait) -> None:
    assert growth([1000, 5000, 1000 + more], error) is told


def test_the_timers_noise_is_that_of_the_first_wait() -> None:
    assert growth([4000, 5000, 4035.5], 45) is Trait.BLURRED
    assert growth([4000, 5000, 4035], 45) is Trait.NONE


JITTERED = [870.0, 2240, 3310, 6900, 5100]


@pytest.mark.parametrize(
    ("waits", "error", "told"),
    [
        (JITTERED, 100, Trait.SEEN),
        (JITTERED, 3000, Trait.BLURRED),
        ([1000, 950, 1100, 1150, 1200, 1250], 95, Trait.SEEN),  # the second should be 1046 or 1050
        ([1000, 950, 1100, 1150, 1200, 1250], 100, Trait.BLURRED),  # it falls, and may be that all the same
        ([5000.0] * 6, 50, Trait.NONE),
        ([5000.0] * 6, 51, Trait.BLURRED),
        ([5000.0, 5100, 4900, 5000, 5100, 4900], 5, Trait.SEEN),
        ([5000.0, 5100, 4900, 5000, 5100, 4900], 110, Trait.BLURRED),
        ([1000.0, 2000, 4000, 8000], 51, Trait.UNSAID),
    ],
)
def test_a_large_error_tells_neither_jitter_nor_a_grid(waits: list[float], error: float, told: Trait) -> None:
    assert jitter(waits, error) is told


@pytest.mark.parametrize(
    ("waits", "grows"),
    [
        ([1000, 2000, 4000, 6000, 6000, 6000], True),
        ([1000, 1100, 1210, 1331, 1464], True),
        ([1000, 900, 1100, 950, 900, 1050], False),
        ([1000] * 6, False),
        ([6000, 3000, 1500, 1000, 1000], False),
        ([1200, 900, 1000, 1300, 800, 1250], False),  # the last is longer than the first, and says nothing
        ([1000, 900, 950, 900, 1050], False),
        ([1000, 2000, 1700, 1400, 1200], True),  # half of the later ones are longer than one and a half of the first
        ([1000, 2000, 1600, 1400, 1000], False),  # just as long as that
        ([1020, 1050, 1020, 1020, 1090], True),  # three in ten rise, and more rise than fall
        ([1030, 1030, 1240, 1180, 1060], True),
        ([1000, 1020, 1040, 1080, 1000], False),  # what is as far apart as the timer's noise does neither
        ([1000, 1090, 1000, 1070, 1070], True),
        ([1000, 6000, 1030, 1060, 1090], True),  # that noise is the first one's, and not a long later one's
        ([2870, 3110, 3280, 3080, 3100], False),
    ],
)
def test_growth_of_a_longer_row_is_that_of_the_whole_row(waits: list[float], grows: bool) -> None:
    assert growth(waits, 5) is (Trait.SEEN if grows else Trait.NONE)


@given(st.lists(st.floats(0.75, 1.25), min_size=5, max_size=30))
def test_waits_that_double_up_to_a_cap_always_grow(jitters: list[float]) -> None:
    waits = [min(6000.0, 1000.0 * 2.0**place) * share for place, share in enumerate(jitters)]
    assert growth(waits, 5) is Trait.SEEN


def test_noise_is_the_largest_of_error_timer_and_share() -> None:
    assert [noise_ms(100, 5), noise_ms(100, 40), noise_ms(6000, 5)] == [20, 40, 60]


# --- a busy machine ------------------------------------------------------------------------------


GRID = [1000.0, 2000, 4000, 6000, 6000, 6000]


@pytest.mark.parametrize("at_most", [0, 60], ids=["all of it was the machine's", "it may have been more"])
def test_what_a_busy_machine_added_is_no_jitter(at_most: float) -> None:
    late = [0.0, 0, 0, 150, 0, 0]
    waits = [wait + more for wait, more in zip(GRID, late, strict=True)]
    assert jitter(waits, 5) is Trait.SEEN
    assert jitter(waits, 5, [more + at_most for more in late]) is Trait.BLURRED
    assert jitter(waits, 5, [0, 0, 0, 29, 0, 0]) is Trait.BLURRED  # 6150 and 6000 have 1 % of noise each
    assert jitter(waits, 5, [0, 0, 0, 28, 0, 0]) is Trait.SEEN
    assert jitter(waits, 5, [60, 0, 0, 0, 0, 0]) is Trait.SEEN  # another wait's lateness explains nothing


@pytest.mark.parametrize(
    ("waits", "error", "late"),
    [
        ([1352, 2005, 4524, 6004, 6002, 6002], 80, [271, 105, 552, 59, 37, 29]),
        ([1024, 2004, 4005, 6152, 6012, 6003], 11, [214, 106, 53, 187, 58, 58]),
        ([1100, 2000, 3000, 4000, 5000, 6000], 5, [110, 0, 0, 0, 0, 0]),  # a constant step
        ([5000, 5000, 5300, 5000, 5000], 5, [0, 0, 301, 0, 0]),  # one length
    ],
)
def test_the_ends_of_a_grid_may_be_late_and_each_wait_by_less_than_it_could(
    waits: list[float], error: float, late: list[float]
) -> None:
    """The first two were seen of a subject without jitter, in a browser that had to wait for a processor."""
    assert jitter(waits, error) is Trait.SEEN
    assert jitter(waits, error, late) is Trait.BLURRED


@pytest.mark.parametrize(
    ("waits", "late", "told"),
    [
        ([1000, 1000, 1340, 1000], [0, 0, 300, 0], Trait.BLURRED),  # just one length
        ([1000, 1000, 1340, 1000], [0, 0, 299, 0], Trait.SEEN),
        ([400, 700, 1000, 1200, 1200, 1540], [0, 0, 0, 0, 0, 300], Trait.BLURRED),  # just one cap
        ([400, 700, 1000, 1200, 1200, 1540], [0, 0, 0, 0, 0, 299], Trait.SEEN),
        ([400, 900, 1200, 1200, 1200, 1540], [0, 0, 0, 0, 0, 301], Trait.BLURRED),  # capped from the third on
        ([400, 1200, 1200, 1200, 1200, 1540], [0, 0, 0, 0, 0, 301], Trait.BLURRED),  # from the second on
        ([2000, 1000, 1000, 1000, 1000, 1340], [0, 0, 0, 0, 0, 301], Trait.SEEN),  # falls to its cap
        ([200, 400, 900, 800, 1000], [0, 0, 260, 0, 0], Trait.BLURRED),  # just one line
        ([200, 400, 900, 800, 1000], [0, 0, 259, 0, 0], Trait.SEEN),
        ([400, 300, 600, 780, 1000], [380, 0, 0, 0, 0], Trait.SEEN),  # from 300 to 600 steeper than anything after it
        ([200, 370, 540, 770, 1000], [0, 0, 0, 0, 0.1], Trait.SEEN),  # neighbours could be on a line, the whole is bent
        ([1044, 1003, 1002, 1001, 1000], [0.05, 0, 0, 0, 0], Trait.SEEN),  # a line, and it falls
    ],
)
def test_a_grid_goes_through_what_each_wait_may_have_been_or_it_is_none(
    waits: list[float], late: list[float], told: Trait
) -> None:
    """All of noise 20 ms, so that where a range ends can be seen."""
    assert jitter(waits, 5, late) is told


def test_few_waits_lie_on_a_growing_grid_by_chance() -> None:
    assert jitter([1100, 2000, 3000, 4000], 5, [110, 0, 0, 0]) is Trait.SEEN
    assert jitter([1100, 2000, 3000, 4000, 5000], 5, [110, 0, 0, 0, 0]) is Trait.BLURRED  # three are to spare
    assert jitter([1100, 2000, 3000, 4000, 4000], 5, [110, 0, 0, 0, 0]) is Trait.SEEN  # two, and a cap


def test_waits_that_are_off_where_nothing_was_late_or_that_fall_lie_on_no_grid() -> None:
    assert jitter([1000, 1900, 4000, 8000, 16300], 5, [0, 0, 0, 0, 300]) is Trait.SEEN
    assert jitter([4000, 3000, 2000, 1000, 500], 5, [100] * 5) is Trait.SEEN


def test_waits_that_are_jittered_by_more_stay_so_and_waits_on_a_grid_too() -> None:
    assert jitter(JITTERED, 5, [100] * 5) is Trait.SEEN
    assert jitter(GRID, 5, [100] * 6) is Trait.NONE


@pytest.mark.parametrize(
    ("waits", "late", "told"),
    [
        ([1000, 1000, 1300], [0, 0, 30], Trait.SEEN),
        ([1000, 1000, 1300], [0, 0, 300], Trait.BLURRED),
        ([1000, 1105, 1552], [271, 105, 552], Trait.BLURRED),  # if the first was in time and the last was not
        ([1300, 1300, 1300], [300, 0, 0], Trait.BLURRED),  # the other way round
        ([1300, 1300, 1300], [0, 300, 0], Trait.NONE),  # the ends tell
        ([1000, 1000, 1700, 1700, 1700, 1700], [0, 0, 70, 70, 70, 70], Trait.SEEN),
        ([1000, 1000, 1700, 1700, 1700, 1700], [0, 0, 700, 700, 700, 700], Trait.BLURRED),
        ([1000, 1300, 1300, 1300, 1300], [300] * 5, Trait.BLURRED),
        ([1300, 1000, 1300, 1000, 1300], [300, 0, 300, 0, 300], Trait.BLURRED),
        ([6000, 5000, 4000, 3000, 2000], [300] * 5, Trait.NONE),
    ],
)
def test_what_a_busy_machine_may_have_added_is_neither_growth_nor_none(
    waits: list[float], late: list[float], told: Trait
) -> None:
    assert growth(waits, 5, late) is told
    assert growth(waits, 5) is not Trait.BLURRED
