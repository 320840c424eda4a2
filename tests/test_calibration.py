"""Known delays: what is planned, what a timeline says of them, and the error that comes of it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from conformance.calibration import DELAY_MS_MAX, LONG_DELAYS_MS, Answered, answered, delayed, delays, error_of, errors
from conformance.events import (
    Event,
    FetchAnswered,
    FetchStarted,
    ObservationEnded,
    RequestReceived,
    ResponseSent,
    Source,
)
from conformance.model import Endpoints, Outcome
from conformance.rig.faults import build
from conformance.timeline import Timeline

ENDPOINTS = Endpoints()


def answer(*, asked: float = 1.0, received: float = 2.0, sent: float = 52.5, known: float = 53.5) -> list[Event]:
    return [
        FetchStarted(at_ms=asked, source=Source.BROWSER, request=7, url=ENDPOINTS.signature, method="GET"),
        RequestReceived(
            at_ms=received,
            source=Source.LOCAL,
            connection=1,
            method="GET",
            target="/semantest-signature",
            host="localhost:3003",
            origin=None,
            upgrade=False,
        ),
        ResponseSent(at_ms=sent, source=Source.LOCAL, connection=1, status=200, size=40),
        FetchAnswered(at_ms=known, source=Source.BROWSER, request=7, status=200),
        ObservationEnded(at_ms=99.0, source=Source.RIG, reason="over", lag_ms=3.0),
    ]


def test_delay_is_read_off_the_timeline() -> None:
    seen = answered(Timeline.of(answer()), ENDPOINTS, 50.0)
    assert seen == Answered(50.0, joined_ms=51.5, browser_ms=52.5, fake_ms=50.5, lag_ms=3.0)


@pytest.mark.parametrize("missing", range(5))
def test_delay_needs_every_part(missing: int) -> None:
    events = answer()
    del events[missing]
    assert answered(Timeline.of(events), ENDPOINTS, 50.0) is None


def test_errors_are_what_is_left_of_the_delay() -> None:
    seen = [Answered(0.0, 0.5, 4.0, 0.0, 0.0), Answered(100.0, 101.5, 103.0, 101.0, 0.0)]
    assert errors(seen) == {"joined": [0.5, 1.5], "browser": [0.0, -1.0], "fake": [0.0, 1.0]}


# --- what to measure -----------------------------------------------------------------------------


@pytest.mark.parametrize("passes", [1, 2, 5])
def test_every_delay_comes_once_a_pass(passes: int) -> None:
    each = {*(float(ms) for ms in range(0, DELAY_MS_MAX + 1, 5)), *LONG_DELAYS_MS}
    assert len(each) == 84
    planned = delays(passes)
    for number in range(passes):
        one = planned[84 * number : 84 * (number + 1)]
        assert set(one) == each
        assert len(one) == 84


def test_each_pass_has_an_order_of_its_own_and_none_is_sorted() -> None:
    planned = delays(3)
    orders = {planned[84 * number : 84 * (number + 1)] for number in range(3)}
    assert len(orders) == 3
    for order in orders:
        rising = sum(one < other for one, other in pairwise(order))
        assert 20 < rising < 75


def test_only_the_local_answer_is_late_and_the_session_ends_it() -> None:
    slow = delayed(250.0)
    (fault,) = build(slow.given.local)
    assert str(slow.given.local[0]) == "answer(delay_ms=250.0)"
    assert fault.name == "answer"
    assert (slow.given.public, slow.then.session, slow.stated_wait_ms) == ((), Outcome.LOCAL, 0.0)
    assert slow.then.within_ms > 250


# --- the stated error ----------------------------------------------------------------------------


def off_by(*errors_ms: float) -> list[Answered]:
    return [Answered(100.0, 100.0 + each, 103.0, 101.0, 0.0) for each in errors_ms]


def test_of_few_the_worst_counts_whichever_way_it_is_off() -> None:
    assert error_of(off_by(0.5, -7.3, 2.0)) == 7.3
    assert error_of(off_by(1.01)) == 1.1  # upwards: no error is stated smaller than it was
    assert error_of(off_by(0.0)) == 0.0


def test_of_many_one_in_a_hundred_may_be_worse() -> None:
    assert error_of(off_by(*[2.0] * 99, 50.0)) == 2.0
    assert error_of(off_by(*[2.0] * 98, 50.0, 50.0)) == 50.0
