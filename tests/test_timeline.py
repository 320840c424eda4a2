"""The timeline: order, numbers, and the questions that oracles ask."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.events import Event, FetchStarted, SocketStarted, Source
from conformance.timeline import Timeline


def fetch(at_ms: float, request: int = 1) -> FetchStarted:
    return FetchStarted(at_ms=at_ms, source=Source.BROWSER, request=request, url="http://a/", method="GET")


def socket(at_ms: float, request: int = 1) -> SocketStarted:
    return SocketStarted(at_ms=at_ms, source=Source.BROWSER, request=request, url="ws://a/")


@pytest.fixture
def timeline() -> Timeline:
    """Fetch, socket, fetch, socket, fetch at 0, 10 … 40 ms."""
    return Timeline.of([fetch(0), socket(10), fetch(20), socket(30), fetch(40)])


EVENTS = st.lists(
    st.builds(fetch, st.sampled_from([-3.0, 0.0, 1.5, 7.0]), st.integers(1, 5))
    | st.builds(socket, st.sampled_from([0.0, 1.5, 9.0]), st.integers(1, 5)),
    max_size=12,
)


@given(EVENTS)
def test_events_are_ordered_and_numbered(events: list[Event]) -> None:
    built = Timeline.of(events)
    assert len(built) == len(events)
    assert [event.seq for event in built] == list(range(len(events)))
    assert [event.at_ms for event in built] == sorted(event.at_ms for event in events)
    assert Timeline.of(built) == built


def test_ties_keep_the_order_in_which_they_were_seen() -> None:
    built = Timeline.of([fetch(5, request=1), fetch(0, request=2), fetch(5, request=3), fetch(5, request=4)])
    assert [event.request for event in built.all(FetchStarted)] == [2, 1, 3, 4]


def test_only_the_kind_that_is_asked_for(timeline: Timeline) -> None:
    assert [event.at_ms for event in timeline.all(SocketStarted)] == [10, 30]
    assert [event.at_ms for event in timeline.all(Event)] == [0, 10, 20, 30, 40]


def test_a_condition_narrows_it(timeline: Timeline) -> None:
    assert [event.at_ms for event in timeline.all(FetchStarted, lambda event: event.at_ms > 10)] == [20, 40]


def test_after_and_before_are_strict(timeline: Timeline) -> None:
    second, fourth = timeline.events[1], timeline.events[3]
    assert [event.at_ms for event in timeline.all(Event, after=second, before=fourth)] == [20]
    assert timeline.all(SocketStarted, after=second, before=fourth) == []


def test_after_and_before_go_by_place_not_by_time() -> None:
    built = Timeline.of([fetch(5, request=1), fetch(5, request=2), fetch(5, request=3)])
    found = built.all(FetchStarted, after=built.events[0])
    assert [event.request for event in found] == [2, 3]


def test_first_and_last(timeline: Timeline) -> None:
    first = timeline.first(FetchStarted, after=timeline.events[0])
    last = timeline.last(FetchStarted, before=timeline.events[4])
    assert first is last is timeline.events[2]


def test_nothing_found_is_none(timeline: Timeline) -> None:
    assert timeline.first(SocketStarted, after=timeline.events[3]) is None
    assert timeline.last(SocketStarted, before=timeline.events[1]) is None
    assert Timeline(()).first(Event) is None


def test_until_keeps_what_was_seen_in_that_very_millisecond() -> None:
    told = Timeline.of([fetch(0), socket(10), fetch(10), socket(11)])
    assert [event.at_ms for event in told.until(10)] == [0, 10, 10]
    assert len(told.until(9.999)) == 1


def test_the_latest_of_many(timeline: Timeline) -> None:
    latest = timeline.last(FetchStarted)
    assert latest is not None
    assert latest.at_ms == 40
