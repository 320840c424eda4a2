"""Counting: exact to three digits, and nothing lost on the way from a worker to the sum."""

from __future__ import annotations

import pytest

from conformance.load import Counts, Latencies
from conformance.rig.load.tally import Tally


def test_quantiles_are_exact_to_three_digits() -> None:
    tally = Tally()
    for ms in range(1, 1001):
        tally.took("answer", ms / 1000)
    found = tally.measured().answer
    assert found.count == 1000
    figures = (found.p50_ms, found.p95_ms, found.p99_ms, found.p999_ms, found.max_ms)
    assert figures == pytest.approx((500, 950, 990, 999, 1000), rel=1e-3)


def test_nothing_noted_is_nothing() -> None:
    assert Tally().measured().connect == Latencies()


def test_no_time_is_outside_of_the_measure() -> None:
    tally = Tally()
    for seconds in (-1.0, 0.0, 1e6):
        tally.took("connect", seconds)
    assert tally.measured().connect.count == 3


def test_two_workers_are_put_together_as_if_they_were_one() -> None:
    whole, total = Tally(), Tally()
    for worker in range(2):
        part = Tally()
        for tally in (part, whole):
            for ms in range(worker, 100, 2):
                tally.took("send_lag", ms / 1000)
            tally.count("sent", 50)
            tally.count("lost")
            tally.error("closed with 1011")
            tally.broke("KeyError: 1")
            tally.storm_took(1.0 + worker)
        total.add(part.data())
    assert total.measured(2).counts == whole.counts
    assert total.measured().send_lag == whole.measured().send_lag
    assert total.counts == Counts(
        sent=100, lost=2, storm_s=2.0, errors={"closed with 1011": 2}, broken={"KeyError: 1": 2}
    )
