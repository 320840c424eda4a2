"""What became of a request at the browser's check, and that a request which was never made has no part in it."""

from __future__ import annotations

import pytest

from conformance.access import ASKS, STOPPED, Checked, Passage, checked
from conformance.model import Endpoints
from tests.timelines import LOCAL, PUBLIC, Story, story

ELSEWHERE = "https://elsewhere.example/"


def of(told: Story) -> list[Checked]:
    return list(checked(told.build(), Endpoints()))


def passages(told: Story) -> list[Passage]:
    return [each.passage for each in of(told)]


def asked(**answer: object) -> Story:
    return story().probe(at=10, answered=None, ended=None).access(ASKS, at=12, **answer)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "passage"),
    [
        (story().probe(at=10, ended=15).access("allowed-no-less-public", at=11), Passage.FREE),
        (story().probe(at=10, ended=15).access("lna-allowed-by-policy-warn", at=11), Passage.FREE),
        (asked(answer="granted", answered=14), Passage.PERMITTED),
        (asked(answer="denied", answered=14), Passage.DENIED),
        (asked(), Passage.UNANSWERED),
        (story().probe(at=10, ended=15, answered=None, error=STOPPED).access(ASKS, at=12), Passage.DENIED),
        (story().probe(at=10, ended=900).access(ASKS, at=12), Passage.PERMITTED),
        (story().given_up(at=10, ended=1710).access(ASKS, at=12), Passage.UNANSWERED),
        (story().socket(LOCAL, at=10, opened=900).access(ASKS, at=12), Passage.PERMITTED),
        (story().socket(LOCAL, at=10, failed=20, error=STOPPED).access(ASKS, at=12), Passage.DENIED),
        (story().probe(at=10, ended=15, error=STOPPED).access("insecure-local-network", at=11), Passage.BLOCKED),
        (story().probe(at=10).access("blocked-by-load-option", at=11), Passage.BLOCKED),
        (story().probe(at=10, ended=15, answered=None, error=STOPPED), Passage.BLOCKED),
        (story().probe(at=10, ended=15).access("a-new-word", at=11), Passage.UNKNOWN),
        (story().socket(LOCAL, at=10, opened=20).answered("granted", at=12), Passage.PERMITTED),
        (story().socket(LOCAL, at=10, failed=20, error=STOPPED).answered("denied", at=12), Passage.DENIED),
    ],
)
def test_each_way_past_the_check(told: Story, passage: Passage) -> None:
    assert passages(told) == [passage]


def test_who_never_tried_has_nothing() -> None:
    assert passages(story()) == []
    assert passages(story().refused(at=10)) == []
    assert passages(story().fetch(ELSEWHERE, at=5).access("blocked-by-policy", at=6)) == []


def test_every_request_to_either_server_is_told_in_order() -> None:
    told = (
        story().probe(at=10, ended=15, answered=None, error=STOPPED).access(ASKS, at=11, answer="denied", answered=12)
    )
    told.socket(PUBLIC, at=20, opened=40).access("allowed-no-less-public", at=30)
    assert passages(told) == [Passage.DENIED, Passage.FREE]


def test_a_second_check_of_a_request_begins_anew() -> None:
    """An answer from the cache is checked, and the request made again without it."""
    told = story().probe(at=10, ended=30).access("insecure-local-network", at=11)
    assert passages(told.access(ASKS, at=15, answer="granted", answered=20)) == [Passage.PERMITTED]
    told = asked(answer="granted", answered=14)
    assert passages(told.access(ASKS, at=15)) == [Passage.UNANSWERED]


def test_the_evidence_is_the_request_its_check_and_its_end() -> None:
    (stopped,) = of(story().probe(at=10, ended=15, answered=None, error=STOPPED).access(ASKS, at=12))
    assert [type(event).__name__ for event in stopped.events] == ["FetchStarted", "AccessChecked", "FetchEnded"]
    (free,) = of(story().probe(at=10, ended=15).access("allowed-no-less-public", at=11))
    assert [type(event).__name__ for event in free.events] == ["FetchStarted", "AccessChecked"]
