"""Attempts and sessions: where one ends, where the next begins, and what it came to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.attempts import SETTLED_MS, Attempt, Ending, Session, attempts, begun, probes, sessions
from conformance.events import Event, FetchAnswered, FetchStarted, Source, WorkerStopped
from conformance.model import Endpoints, Side
from tests.timelines import LOCAL, PUBLIC, URLS, Story, story

ENDPOINTS = Endpoints()


def of(told: Story) -> tuple[Attempt, ...]:
    return attempts(told.build(), ENDPOINTS)


def held(told: Story) -> tuple[Session, ...]:
    return sessions(told.build(), ENDPOINTS)


def shapes(told: Story) -> list[tuple[bool, list[Side], Ending]]:
    """Each attempt: whether it asked, which sockets it made, what it came to."""
    return [(each.probe is not None, [one.side for one in each.sockets], each.outcome) for each in of(told)]


# --- one attempt ---------------------------------------------------------------------------------


def test_nothing_is_no_attempt() -> None:
    assert of(story()) == ()
    assert held(story()) == ()


def test_a_good_signature_and_a_local_session() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20)
    (only,) = of(told)
    assert (only.index, only.started.at_ms, only.ended_at_ms, only.outcome) == (0, 10, None, Ending.OPENED)
    assert only.probe is not None
    assert (only.probe.status, only.probe.delivered) == (200, True)
    assert [socket.opened is not None for socket in only.tries(LOCAL)] == [True]
    assert only.tries(PUBLIC) == ()


def test_a_refusal_and_a_public_session_are_one_attempt() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15, opened=60)
    assert shapes(told) == [(True, [PUBLIC], Ending.OPENED)]


def test_both_refusing_is_a_failed_attempt_that_ends_with_its_last_failure() -> None:
    (only,) = of(story().no_server(at=10))
    assert (only.outcome, only.ended_at_ms) == (Ending.FAILED, 14)


def test_a_pending_probe_is_unfinished() -> None:
    assert shapes(story().probe(at=10, answered=None)) == [(True, [], Ending.UNFINISHED)]


def test_a_pending_socket_is_unfinished() -> None:
    assert shapes(story().refused(at=10).socket(PUBLIC, at=15)) == [(True, [PUBLIC], Ending.UNFINISHED)]


def test_a_probe_that_nothing_follows_has_failed_with_its_end() -> None:
    (only,) = of(story().probe(at=10, ended=30))
    assert (only.outcome, only.ended_at_ms) == (Ending.FAILED, 30)


def test_a_silent_probe_left_running_does_not_keep_the_attempt_from_failing() -> None:
    told = story().probe(at=10, answered=None).socket(PUBLIC, at=2010, failed=2020)
    assert shapes(told) == [(True, [PUBLIC], Ending.FAILED)]


# --- where one ends and the next begins ----------------------------------------------------------


def test_each_probe_begins_an_attempt() -> None:
    told = story().no_server(at=10).no_server(at=1000).refused(at=3000)
    assert [each.started.at_ms for each in of(told)] == [10, 1000, 3000]


def test_a_socket_is_part_of_the_latest_attempt() -> None:
    told = story().refused(at=10).refused(at=1000).socket(PUBLIC, at=1005, opened=1060)
    assert shapes(told) == [(True, [], Ending.FAILED), (True, [PUBLIC], Ending.OPENED)]


def test_a_failed_local_socket_is_followed_by_the_same_attempts_public_one() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, failed=20).socket(PUBLIC, at=22, opened=60)
    assert shapes(told) == [(True, [LOCAL, PUBLIC], Ending.OPENED)]


def test_a_local_session_closed_at_once_is_followed_by_the_same_attempts_public_one() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=22).socket(PUBLIC, at=25, opened=60)
    assert shapes(told) == [(True, [LOCAL, PUBLIC], Ending.OPENED)]
    late = story().probe(at=590, ended=595).socket(LOCAL, at=597, opened=600, closed=610)
    assert shapes(late.socket(PUBLIC, at=620, opened=660)) == [(True, [LOCAL, PUBLIC], Ending.OPENED)]


def test_a_socket_after_a_settled_session_is_an_attempt_without_a_probe() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=20 + SETTLED_MS)
    told.socket(PUBLIC, at=1030, opened=1060)
    assert shapes(told) == [(True, [LOCAL], Ending.OPENED), (False, [PUBLIC], Ending.OPENED)]


def test_a_socket_after_a_failed_public_one_is_an_attempt_without_a_probe() -> None:
    told = story().no_server(at=10).socket(PUBLIC, at=600, opened=640)
    assert shapes(told) == [(True, [PUBLIC], Ending.FAILED), (False, [PUBLIC], Ending.OPENED)]


def test_a_second_local_socket_after_a_failed_one_is_an_attempt_without_a_probe() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, failed=20).socket(LOCAL, at=500, opened=510)
    assert shapes(told) == [(True, [LOCAL], Ending.FAILED), (False, [LOCAL], Ending.OPENED)]


def test_sockets_side_by_side_are_one_attempt() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20).socket(LOCAL, at=18, opened=21)
    assert shapes(told) == [(True, [LOCAL, LOCAL], Ending.OPENED)]


def test_a_socket_without_any_probe_is_an_attempt() -> None:
    assert shapes(story().socket(PUBLIC, at=5, opened=40)) == [(False, [PUBLIC], Ending.OPENED)]


def test_a_session_that_the_rig_dropped_early_looks_closed_at_once_to_the_subject() -> None:
    told = (
        story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=101).drop(LOCAL, "reset_session", at=100)
    )
    told.socket(PUBLIC, at=110, opened=150)
    assert shapes(told) == [(True, [LOCAL, PUBLIC], Ending.OPENED)]


def test_a_session_that_the_rig_dropped_was_a_session_however_short() -> None:
    told = (
        story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=101).drop(LOCAL, "reset_session", at=100)
    )
    (only,) = of(told)
    assert (only.outcome, only.ended_at_ms) == (Ending.OPENED, 100)


def test_a_drop_that_the_browser_seems_to_have_answered_before_is_a_drop() -> None:
    """The browser's log has whole milliseconds."""
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20).farewell(at=2999.6)
    (only,) = held(told.drop(LOCAL, "malformed_frame", at=3000))
    assert only.left_ms == 3000
    assert only.socket.dropped is not None
    (only,) = held(story().socket(LOCAL, at=17, opened=20, closed=2990).drop(LOCAL, "close", at=3000))
    assert (only.left_ms, only.socket.dropped) == (2990, None)


@pytest.mark.parametrize(("left", "dropped"), [(2998.9, False), (2999, True)])
def test_within_a_millisecond_it_was_the_drop(left: float, dropped: bool) -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20).farewell(at=left)
    (only,) = held(told.drop(LOCAL, "malformed_frame", at=3000))
    assert (only.socket.dropped is not None) is dropped


def test_a_drop_of_nothing_drops_nothing() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20).drop(LOCAL, "reset_session", at=100, count=0)
    (only,) = held(told)
    assert (only.left_ms, only.socket.dropped) == (None, None)


def test_an_attempt_beside_an_open_session_is_a_check() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15, opened=60).refused(at=5000)
    assert [each.outcome for each in of(told)] == [Ending.OPENED, Ending.CHECKED]


# --- what counts ---------------------------------------------------------------------------------


def test_a_redirect_is_the_same_probe() -> None:
    told = story().probe(at=10, answered=None).redirected("http://elsewhere.example/semantest-signature", at=12)
    (only,) = probes(told.build(), ENDPOINTS)
    assert (only.status, [hop.at_ms for hop in only.hops]) == (302, [12])


def test_a_preflight_is_no_probe() -> None:
    assert of(story().fetch("http://localhost:3003/semantest-signature", at=10, method="OPTIONS")) == ()


def test_a_cache_buster_is_still_the_probe() -> None:
    assert len(of(story().fetch("http://localhost:3003/semantest-signature?t=1", at=10))) == 1


def test_other_requests_and_sockets_are_no_part_of_an_attempt() -> None:
    told = story().fetch("http://localhost:3003/health", at=10).fetch("https://elsewhere.example/", at=11)
    assert of(told.socket(PUBLIC, at=12, opened=50, url="wss://elsewhere.example/")) == ()


def test_without_a_public_server_its_socket_is_none() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15, opened=60).build()
    assert [each.sockets for each in attempts(told, Endpoints(public=None))] == [()]
    assert sessions(told, Endpoints(public=None)) == ()


def test_an_answer_without_its_end_is_not_delivered() -> None:
    (cut,) = probes(story().probe(at=10, ended=30, error="ERR_CONNECTION_RESET").build(), ENDPOINTS)
    (wrong,) = probes(story().probe(at=10, ended=30, answered=500).build(), ENDPOINTS)
    assert (cut.delivered, wrong.delivered) == (False, False)


def test_only_what_came_out_of_the_cache_alone_is_cached() -> None:
    told = story().probe(at=10, ended=15).probe(at=20, ended=25, cached=True).probe(at=30, answered=None)
    told.seen(FetchAnswered(at_ms=26, source=Source.BROWSER, request=2, status=200, from_cache=True))
    told.probe(at=40, ended=45, cached=True)
    told.seen(FetchAnswered(at_ms=46, source=Source.BROWSER, request=4, status=200, from_cache=False))
    assert [probe.cached for probe in probes(told.build(), ENDPOINTS)] == [False, True, False, False]


# --- sessions ------------------------------------------------------------------------------------


def test_a_session_lasts_from_open_to_closed() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15, opened=60, closed=2000)
    (only,) = held(told)
    assert (only.side, only.opened_ms, only.closed_ms, only.left_ms) == (PUBLIC, 60, 2000, 2000)
    assert [only.open_at(at) for at in (59, 60, 1999, 2000)] == [False, True, True, False]


def test_the_subjects_own_close_frame_ends_it_for_the_subject() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=60000).farewell(at=30000)
    (only,) = held(told)
    assert (only.left_ms, only.closed_ms) == (30000, 60000)


def test_a_half_open_session_ends_with_the_drop() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20).drop(LOCAL, "half_open", at=3000)
    (only,) = held(told)
    assert (only.left_ms, only.closed_ms, only.open_at(4000)) == (3000, None, False)


@pytest.mark.parametrize(("closed", "settled"), [(601, False), (1599, False), (1600, True)])
def test_a_session_is_settled_once_it_has_lasted_a_second(closed: float, settled: bool) -> None:
    (only,) = held(story().socket(PUBLIC, at=590, opened=600, closed=closed))
    assert only.socket.settled is settled


@pytest.mark.parametrize(
    ("closed", "end", "bereft"),
    [(7000, 20_000, True), (7001, 20_000, False), (None, 20_000, False), (None, 7000, True), (2001, 3000, True)],
)
def test_a_socket_goes_with_its_worker_or_is_held_by_another(closed: float | None, end: float, bereft: bool) -> None:
    told = story().socket(PUBLIC, at=10, opened=60, closed=closed)
    (only,) = held(told.seen(WorkerStopped(at_ms=2000, source=Source.RIG)).end(at=end))
    assert (only.socket.bereft is not None, only.left_ms) == (bereft, 2000 if bereft else closed)


def test_a_failed_socket_is_no_session() -> None:
    assert held(story().probe(at=10, ended=15).socket(LOCAL, at=17, failed=20)) == ()


def test_sessions_stand_in_the_order_in_which_they_opened() -> None:
    told = story().socket(PUBLIC, at=10, opened=200).socket(LOCAL, at=20, opened=30)
    assert [each.side for each in held(told)] == [LOCAL, PUBLIC]


# --- live ----------------------------------------------------------------------------------------


@given(st.permutations(list(story().no_server(at=10).no_server(at=900).refused(at=3000).build())))
def test_begun_counts_attempts_however_their_events_come_in(events: list[Event]) -> None:
    assert begun(events, ENDPOINTS) == 3


def test_begun_counts_an_attempt_with_its_first_event() -> None:
    first = FetchStarted(at_ms=1, source=Source.BROWSER, request=1, url=ENDPOINTS.signature, method="GET")
    assert begun([first], ENDPOINTS) == 1


@given(st.lists(st.sampled_from(["probe", LOCAL, PUBLIC]), max_size=12), st.data())
def test_every_probe_and_socket_is_in_exactly_one_attempt(parts: list[str], data: st.DataObject) -> None:
    told = story()
    for place, part in enumerate(parts):
        at = place * 10.0
        if part == "probe":
            told.probe(at=at, ended=data.draw(st.sampled_from([None, at + 5, at + 25])))
        else:
            opened = data.draw(st.sampled_from([None, at + 3]))
            told.socket(
                Side(part), at=at, opened=opened, closed=data.draw(st.sampled_from([None, at + 15])) if opened else None
            )
    found = of(told)
    assert sum((each.probe is not None) + len(each.sockets) for each in found) == len(parts)
    assert [each.started.seq for each in found] == sorted(each.started.seq for each in found)
    assert len({each.started.url for each in found} - {ENDPOINTS.signature, *URLS.values()}) == 0


def test_a_probes_status_is_its_last_answers() -> None:
    told = story().probe(at=10, answered=None).redirected("http://localhost:3003/elsewhere", at=12)
    redirected = told.seen(FetchAnswered(at_ms=14, source=Source.BROWSER, request=1, status=200))
    (probe,) = probes(redirected.build(), ENDPOINTS)
    assert (probe.status, len(probe.answers)) == (200, 2)


@pytest.mark.parametrize(("status", "delivered"), [(198, False), (200, True), (204, True), (299, True), (300, False)])
def test_only_a_2xx_delivers(status: int, delivered: bool) -> None:
    (probe,) = probes(story().probe(at=10, answered=status, ended=15).build(), ENDPOINTS)
    assert probe.delivered is delivered
