"""Browser and servers must tell one story."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.crosscheck import SLACK_MS, disagreements, lateness_ms
from conformance.events import FetchStarted, RequestReceived, SessionOpened, SocketOpened, Source
from conformance.model import Endpoints, Side
from tests.timelines import LOCAL, PUBLIC, Story, story

ERROR_MS = 5.0


def told_apart(told: Story) -> tuple[str, ...]:
    return disagreements(told.build(), Endpoints(), ERROR_MS)


def both_sessions() -> Story:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=2000)
    return told.refused(at=3000).socket(PUBLIC, at=3005, opened=3050).end(at=6000)


# --- agreement -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "told",
    [
        story(),
        both_sessions(),
        story().probe(at=10, ended=15).socket(LOCAL, at=17, failed=20).end(at=6000),
        story().probe(at=10, ended=15, cached=True).end(at=6000),
        story().probe(at=10, answered=None).end(at=6000),
        story().refused(at=10).end(at=6000),
    ],
    ids=["nothing", "sessions", "a failed socket", "a cached answer", "a pending probe", "a refusal"],
)
def test_stories_that_agree(told: Story) -> None:
    assert told_apart(told) == ()


def test_a_little_later_is_still_the_same() -> None:
    served = SessionOpened(at_ms=20 + SLACK_MS + ERROR_MS, source=Source.LOCAL, connection=2)
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20).without(SessionOpened).seen(served)
    assert told_apart(told.end(at=6000)) == ()


# --- sessions ------------------------------------------------------------------------------------


def test_sessions_that_only_the_browser_saw() -> None:
    assert told_apart(both_sessions().without(SessionOpened)) == (
        "the browser opened a local session at 20 ms, the server did not",
        "the browser opened a public session at 3050 ms, the server did not",
    )


def test_sessions_that_only_the_servers_saw() -> None:
    assert told_apart(both_sessions().without(SocketOpened)) == (
        "the local server opened a session at 20 ms, the browser did not",
        "the public server opened a session at 3050 ms, the browser did not",
    )


def test_a_starved_browser_may_take_the_session_as_open_much_later() -> None:
    served = SessionOpened(at_ms=20, source=Source.LOCAL, connection=2)
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=1200).without(SessionOpened).seen(served)
    assert told_apart(told.end(at=6000)) == ()


def test_a_server_does_not_open_what_the_browser_has_not_asked_for_yet() -> None:
    served = SessionOpened(at_ms=1000, source=Source.PUBLIC, connection=2)
    told = story().refused(at=10).socket(PUBLIC, at=1100, failed=1200, error="ERR_ABORTED").seen(served)
    assert len(told_apart(told.end(at=6000))) == 1


def test_a_session_that_the_server_has_later_than_the_browser() -> None:
    served = SessionOpened(at_ms=90, source=Source.LOCAL, connection=2)
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20).without(SessionOpened).seen(served)
    assert len(told_apart(told.end(at=6000))) == 2


def test_a_session_on_the_other_side_is_another_session() -> None:
    served = SessionOpened(at_ms=20, source=Source.PUBLIC, connection=2)
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20).without(SessionOpened).seen(served)
    assert len(told_apart(told.end(at=6000))) == 2


def test_each_session_has_one_partner() -> None:
    second = SessionOpened(at_ms=22, source=Source.LOCAL, connection=9)
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20).seen(second).end(at=6000)
    assert told_apart(told) == ("the local server opened a session at 22 ms, the browser did not",)


@pytest.mark.parametrize("error", ["ERR_ABORTED", "ERR_CONNECTION_RESET", "ERR_CONNECTION_CLOSED"])
def test_a_handshake_cut_short_in_the_same_moment_is_no_disagreement(error: str) -> None:
    served = SessionOpened(at_ms=19, source=Source.LOCAL, connection=2)
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, failed=20, error=error).seen(served)
    assert told_apart(told.end(at=6000)) == ()


def test_a_slow_server_may_finish_what_the_browser_gave_up_long_ago() -> None:
    served = SessionOpened(at_ms=4000, source=Source.PUBLIC, connection=2)
    told = story().refused(at=10).socket(PUBLIC, at=17, failed=1500, error="ERR_ABORTED").seen(served)
    assert told_apart(told.end(at=6000)) == ()


def test_a_handshake_that_the_browser_refused_is_a_disagreement() -> None:
    served = SessionOpened(at_ms=19, source=Source.LOCAL, connection=2)
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, failed=20, error="ERR_INVALID_RESPONSE").seen(served)
    assert len(told_apart(told.end(at=6000))) == 1


@pytest.mark.parametrize("unseen", [SessionOpened, SocketOpened])
def test_what_happens_as_watching_ends_may_reach_one_source_only(unseen: type) -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20).without(unseen).end(at=60)
    assert told_apart(told) == ()


# --- how far apart ---------------------------------------------------------------------------------


def served(at: float) -> SessionOpened:
    return SessionOpened(at_ms=at, source=Source.LOCAL, connection=9)


@pytest.mark.parametrize(("at", "count"), [(961, 2), (962, 0), (1075, 0), (1076, 2)])
def test_a_session_opens_between_the_socket_and_its_opening_give_or_take_the_error(at: float, count: int) -> None:
    """50 ms of slack and 5 ms of error, here as below."""
    told = story().probe(at=1010, ended=1015).socket(LOCAL, at=1017, opened=1020).without(SessionOpened)
    assert len(told_apart(told.seen(served(at)).end(at=6000))) == count


@pytest.mark.parametrize(
    ("error", "at", "count"),
    [
        ("ERR_ABORTED", 961, 1),
        ("ERR_ABORTED", 962, 0),
        ("ERR_CONNECTION_RESET", 1144, 1),
        ("ERR_CONNECTION_RESET", 1145, 0),
        ("ERR_CONNECTION_RESET", 1255, 0),
        ("ERR_CONNECTION_RESET", 1256, 1),
    ],
)
def test_a_handshake_was_cut_about_when_the_server_finished_it(error: str, at: float, count: int) -> None:
    told = story().probe(at=1010, ended=1015).socket(LOCAL, at=1017, failed=1200, error=error)
    assert len(told_apart(told.seen(served(at)).end(at=6000))) == count


@pytest.mark.parametrize(("at", "count"), [(1945, 1), (1945.5, 0)])
def test_the_end_of_watching_is_as_long_as_the_error(at: float, count: int) -> None:
    assert len(told_apart(story().seen(served(at)).end(at=2000))) == count


# --- probes --------------------------------------------------------------------------------------


def test_a_question_that_the_browser_did_not_make() -> None:
    told = story().probe(at=10, ended=15).without(FetchStarted).end(at=6000)
    assert told_apart(told) == ("a signature GET arrived at 11 ms, the browser made none",)


def test_a_question_that_arrives_long_after_its_end() -> None:
    late = RequestReceived(
        at_ms=500,
        source=Source.LOCAL,
        connection=2,
        method="GET",
        target="/semantest-signature?x=1",
        host="h",
        origin=None,
        upgrade=False,
    )
    assert len(told_apart(story().probe(at=10, ended=15).seen(late).end(at=6000))) == 1
    assert told_apart(story().probe(at=10, answered=None).seen(late).end(at=6000)) == ()


def arrived(at: float, **fields: Any) -> RequestReceived:  # noqa: ANN401 - the event's own fields
    given: dict[str, Any] = {
        "method": "GET",
        "target": "/semantest-signature",
        "upgrade": False,
        "source": Source.LOCAL,
    } | fields
    return RequestReceived(at_ms=at, connection=9, host="h", origin=None, **given)


@pytest.mark.parametrize(("at", "count"), [(954, 1), (955, 0), (1070, 0), (1071, 1)])
def test_a_question_arrives_while_it_is_asked_give_or_take_the_error(at: float, count: int) -> None:
    told = story().probe(at=1010, ended=1015).without(RequestReceived)
    assert len(told_apart(told.seen(arrived(at)).end(at=6000))) == count


@pytest.mark.parametrize(
    "fields",
    [
        {"method": "HEAD"},
        {"method": "POST", "target": "/health"},
        {"target": "/health"},
        {"upgrade": True},
        {"source": Source.PUBLIC},
    ],
    ids=str,
)
def test_whatever_else_arrives_is_no_question(fields: dict[str, Any]) -> None:
    assert told_apart(story().seen(arrived(500, **fields)).end(at=6000)) == ()
    assert len(told_apart(story().seen(arrived(500)).end(at=6000))) == 1


def test_a_question_that_did_not_arrive_is_no_disagreement() -> None:
    assert told_apart(story().probe(at=10, ended=15).without(RequestReceived).end(at=6000)) == ()


# --- how late the browser was --------------------------------------------------------------------


def late(*stories: Story) -> list[float]:
    return [lateness_ms(told.build(), Endpoints(), 5) for told in stories]


def opened(at: float, served: float, side: Side = LOCAL) -> Story:
    told = story().probe(at=10, ended=15).socket(side, at=17, opened=at).without(SessionOpened)
    source = Source.LOCAL if side is LOCAL else Source.PUBLIC
    return told.seen(SessionOpened(at_ms=served, source=source, connection=2))


def test_a_browser_is_late_by_what_its_session_opened_after_the_servers() -> None:
    assert late(opened(400, 100), opened(400, 100, PUBLIC), opened(100, 100)) == [300, 300, 0]


def test_a_browser_is_never_early() -> None:
    """Its log has whole milliseconds."""
    assert late(opened(100, 100.9)) == [0]


def test_a_session_that_only_one_saw_says_nothing_of_the_time() -> None:
    only_browser = story().socket(LOCAL, at=10, opened=400).without(SessionOpened)
    only_server = (
        story().socket(LOCAL, at=10, failed=400).seen(SessionOpened(at_ms=100, source=Source.LOCAL, connection=1))
    )
    assert late(only_browser, only_server, story()) == [0, 0, 0]


def test_each_session_is_matched_once_and_the_latest_counts() -> None:
    told = opened(60, 50).socket(LOCAL, at=1000, opened=1040)
    assert late(told) == [10]
    assert late(told.without(SessionOpened).seen(SessionOpened(at_ms=50, source=Source.LOCAL, connection=2))) == [10]
