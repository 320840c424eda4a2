"""From a record to the storm: which waits count, what is assumed, and how it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.crowd import Outage
from conformance.forecast import STORM_COLUMNS, WAIT_COLUMNS, Assumed, Forecast, forecast, rows_of
from conformance.record import RunRecord
from tests.timelines import ENVIRONMENT, NEITHER, PROFILE, PUBLIC, Story, recorded, story

SMALL = Assumed((1000, 20_000))
DOUBLING = (100.0, 1104, 3108, 7112, 13116, 19120)  # waits of 1, 2, 4, 6 and 6 s


def outage(*starts: float) -> Story:
    told = story()
    for at in starts:
        told.no_server(at=at)
    return told


def run_of(*told: Story, seed: int = 0) -> RunRecord:
    records = tuple(recorded(one, repeat=number) for number, one in enumerate(told))
    return RunRecord("a-run", replace(ENVIRONMENT, seed=seed), (), (PROFILE,), (NEITHER,), records)


def of(record: RunRecord, assumed: Assumed = SMALL) -> Forecast:
    found = forecast(record, PROFILE, assumed)
    assert found is not None
    return found


def test_the_waits_of_every_scenario_count() -> None:
    rows = list(rows_of(run_of(outage(*DOUBLING), story(), outage(0, 1004)), PROFILE))
    assert [[round(wait.ms) for wait in row] for row in rows] == [[1000, 2000, 4000, 6000, 6000], [1000]]


def test_what_came_after_the_end_of_watching_does_not() -> None:
    (row,) = rows_of(run_of(outage(*DOUBLING).end(at=4000)), PROFILE)
    assert len(row) == 2


def test_another_subjects_waits_do_not() -> None:
    assert list(rows_of(run_of(outage(*DOUBLING)), replace(PROFILE, name="other"))) == []


def test_the_storm_is_told_in_a_sentence_and_a_row_a_crowd() -> None:
    found = of(run_of(outage(*DOUBLING)))
    assert found.sentence.startswith("20,000 extensions make up to 20,000 connects in a second")
    assert [row[:3] for row in found.storm_table] == [("1,000", "1,000", "2.0"), ("20,000", "20,000", "40.0")]
    assert {len(row) for row in found.storm_table} == {len(STORM_COLUMNS)}


def test_the_waits_are_told_by_the_failures_before_them() -> None:
    found = of(run_of(outage(*DOUBLING), outage(0, 1204)))
    assert found.wait_table[0] == ("1", "2", "1000 to 1200", "none", "1", "up to 0.3")
    assert {len(row) for row in found.wait_table} == {len(WAIT_COLUMNS)}
    assert found.told_from == "6 waits in 2 scenarios, the longest row of 5"


def test_the_browsers_part_is_told_apart() -> None:
    told = story()
    for number in range(13):
        told.socket(PUBLIC, at=100 + 1000 * number, failed=110 + 1000 * number)
    found = of(run_of(told))
    assert found.told_from.endswith("5 waits left out, of which too much may be the browser's delay of WebSockets")
    assert found.wait_table[-1] == ("12", "1", "990", "up to 625", "no check", "up to 625")


def test_the_same_record_gives_the_same_forecast() -> None:
    jittered = run_of(outage(100.0, 900, 2600, 6900, 12100, 19900), seed=7)
    assert of(jittered).storm_table == of(jittered).storm_table
    assert of(jittered).storm_table == of(jittered, replace(SMALL, seed=7)).storm_table
    assert of(jittered).storm_table != of(jittered, replace(SMALL, seed=8)).storm_table


def test_another_limit_is_another_answer() -> None:
    assert (
        "within its limit of 100,000" in of(run_of(outage(*DOUBLING)), Assumed((1000,), Outage(limit=100_000))).sentence
    )


@pytest.mark.parametrize("told", [story(), outage(100)], ids=["nothing", "one attempt"])
def test_without_a_wait_there_is_none(told: Story) -> None:
    assert forecast(run_of(told), PROFILE) is None
