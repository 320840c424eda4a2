"""The browser's own delay of WebSockets: how large, and of which wait it may be a part."""

from __future__ import annotations

import pytest

from conformance.attempts import Attempt, attempts, socket_tries
from conformance.events import SocketStarted
from conformance.model import Endpoints
from conformance.throttle import before_socket_ms, held_ms, in_wait_ms, most_after_ms, most_ms, throttle_ms
from tests.timelines import LOCAL, PUBLIC, Story, story


def tried(told: Story) -> tuple[Attempt, ...]:
    return attempts(told.build(), Endpoints())


def failures(count: int, told: Story | None = None) -> Story:
    told = told or story()
    for number in range(count):
        told.socket(PUBLIC, at=5000 + 1000 * number, failed=5010 + 1000 * number)
    return told


@pytest.mark.parametrize(
    ("failed", "succeeded", "pending", "most_ms"),
    [(0, 0, 0, 5000 / 65536), (13, 0, 0, 625), (16, 0, 0, 5000), (99, 0, 3, 5000), (13, 12, 0, 10000 / 65536)],
)
def test_the_browsers_throttle(failed: int, succeeded: int, pending: int, most_ms: float) -> None:
    assert throttle_ms(failed, succeeded, pending) == pytest.approx((most_ms / 5, most_ms))


def test_every_failure_doubles_it() -> None:
    found = tried(failures(10))
    assert [most_ms(found, each) for each in found] == pytest.approx([5000 * 2 ** (n + 1) / 65536 for n in range(10)])


def test_an_opened_socket_halves_what_failures_count() -> None:
    found = tried(failures(9, story().socket(PUBLIC, at=10, opened=20, closed=3000)))
    assert most_ms(found, found[-1]) == pytest.approx(throttle_ms(8, 1, 1)[1])


def test_a_socket_that_still_connects_counts_as_one() -> None:
    told = story().socket(PUBLIC, at=10, failed=900).refused(at=500).socket(PUBLIC, at=503, failed=600)
    found = tried(told)
    assert most_ms(found, found[1]) == pytest.approx(throttle_ms(0, 0, 2)[1])


@pytest.mark.parametrize(
    ("told", "counts"),
    [
        (story().socket(PUBLIC, at=10), (0, 0, 2)),
        (story().socket(PUBLIC, at=10, opened=60), (0, 1, 1)),
        (story().socket(PUBLIC, at=10, opened=60).socket(LOCAL, at=20).socket(LOCAL, at=21), (0, 1, 3)),
        (
            story().socket(PUBLIC, at=10, opened=60).socket(LOCAL, at=20, failed=100).socket(LOCAL, at=21, failed=100),
            (2, 1, 1),
        ),
        (
            story().socket(PUBLIC, at=10, opened=60).socket(LOCAL, at=20, failed=99).socket(LOCAL, at=21, failed=101),
            (1, 1, 2),
        ),
    ],
    ids=["opening", "open", "open and opening", "failed", "failed later"],
)
def test_a_socket_connects_until_it_opens_or_is_left(told: Story, counts: tuple[int, int, int]) -> None:
    found = most_after_ms(socket_tries(told.build(), Endpoints()), 100)
    assert found == pytest.approx(throttle_ms(*counts)[1])


def test_a_check_is_not_delayed() -> None:
    with_check, without = tried(story().no_server(at=10).no_server(at=1000)), tried(failures(2))
    assert in_wait_ms(with_check, with_check[1], 986) == 0
    assert in_wait_ms(without, without[1], 990) == throttle_ms(1, 0, 1)[1]
    assert in_wait_ms(without, without[1], 0.01) == 0.01


def test_only_what_lies_after_the_check_may_be_the_browsers() -> None:
    """The check began 986 ms after the last failure and ended 2 ms later; the socket began another 800 ms later."""
    told = failures(15).refused(at=20000).socket(PUBLIC, at=20802, failed=20810)
    found = tried(told)
    last = found[-1].sockets[0]
    assert before_socket_ms(found, last, 19010) == 800
    assert before_socket_ms(found, last, 20500) == 302


def test_what_the_browser_adds_to_the_first_sockets_is_next_to_nothing() -> None:
    found = tried(story().no_server(at=10).no_server(at=1000))
    assert before_socket_ms(found, found[1].sockets[0], 14) == throttle_ms(1, 0, 1)[1]


def test_a_socket_in_mid_attempt_is_held_back_after_the_one_before_it() -> None:
    told = failures(14).probe(at=20000, ended=20005)
    told.socket(LOCAL, at=20010, failed=20020).socket(PUBLIC, at=20600, failed=20610)
    found = tried(told)
    assert before_socket_ms(found, found[-1].sockets[1], 0) == 580


def test_how_long_each_socket_of_a_timeline_may_have_been_held_back() -> None:
    timeline = failures(15, story().refused(at=10)).build()
    starts = timeline.all(SocketStarted)
    found = held_ms(timeline)
    assert list(found) == [event.seq for event in starts]
    assert found[starts[0].seq] == throttle_ms(0, 0, 1)[1]
    assert found[starts[14].seq] == 990  # the throttle may be 2.5 s by then, and the last failure is 990 ms ago
    assert held_ms(story().build()) == {}


@pytest.mark.parametrize(("at", "held"), [(-0.5, 0), (0.05, 0.05), (0.5, throttle_ms(0, 0, 1)[1])])
def test_the_first_socket_was_held_back_since_the_start_at_most(at: float, held: float) -> None:
    (found,) = held_ms(story().socket(PUBLIC, at=at).build()).values()
    assert found == held
