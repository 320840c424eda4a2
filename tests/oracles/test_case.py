"""What an oracle is given: the timeline up to its end, the worlds of it, and what the subject was shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.events import FetchEnded, FetchStarted, ObservationEnded, SocketStarted, SubjectStarted
from conformance.model import Address, Change, Endpoints, FaultSpec, Outcome, Profile, Shown
from conformance.timeline import Timeline
from conformance.verdict import Verdict
from tests.timelines import DOWN, LOCAL, PROFILE, PUBLIC, REFUSED, Story, case, fault, scenario, story


def test_what_comes_after_the_end_is_left_out() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15, opened=60, closed=700).end(at=500).refused(at=600)
    judged = case(told)
    assert judged.end_ms == 500
    assert len(judged.attempts) == 1
    assert [session.closed_ms for session in judged.sessions] == [None]


def test_without_a_start_the_clock_starts_at_zero() -> None:
    assert case(Story(started=False)).start_ms == 0
    assert case(Story(started=False).seen(replace(story().build().events[0], at_ms=70))).start_ms == 70


@pytest.mark.parametrize(
    ("starved", "late"),
    [(40, 40), (300, 100)],
    ids=["as long as the browser waited", "since the last attempt ended"],
)
def test_a_question_is_no_later_than_the_browser_waited_or_the_last_attempt_is_old(starved: float, late: float) -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15, failed=200).socket(PUBLIC, at=300, opened=340)
    judged = case(told.end(at=500, starved=starved))
    first, second = judged.attempts
    assert first.ended_at_ms == 200
    assert judged.late_ms(second.started) == late
    at_once = replace(second.started, at_ms=200)
    assert judged.late_ms(at_once) == 0


@pytest.mark.parametrize(
    ("since", "until", "waited"),
    [
        (0, 1000, 115),  # both looks
        (0, 200, 40),  # what the first saw
        (0, 199, 40),
        (100, 180, 40),  # it may all have been within a part of it
        (100, 130, 30),  # as far as there is room
        (190, 400, 10),
        (200, 700, 0),  # between them
        (700, 750, 50),
        (990, 1400, 10),
        (0, 100, 0),
        (1000, 1400, 0),
    ],
)
def test_what_a_browser_waited_at_one_time_excuses_nothing_at_another(
    since: float, until: float, waited: float
) -> None:
    told = story().refused(at=10).starved(40, at=200, over=100).starved(75, at=1000, over=300)
    assert case(told.end(at=1500)).starved_ms(since, until) == waited


@pytest.mark.parametrize(
    ("since", "until", "late"),
    [
        (0, 2000, 0),  # nothing at its ends
        (0, 700, 90),  # as much as the look before it saw
        (0, 1000, 389.5),  # the whole of the last look, and then what the look before that saw
        (0, 900, 289.5),
        (0, 1060, 40),  # a look that reaches beyond its end: all of it may have been before
        (0, 1010, 399),  # as far as there is room, and then the looks before that
        (0, 3000, 0),  # a look that ended long before its end
        (0, 1101, 40),  # looks follow each other at a distance of a millisecond
        (0, 1101.1, 0),
        (498.9, 3000, 0),
        (499, 3000, 90),
        (700, 2000, 339.5),  # just after its beginning, too
        (900, 2000, 140),
        (990, 1005, 14.5),  # no more than it lasted
    ],
)
def test_a_wait_is_late_by_what_the_browser_waited_at_its_ends(since: float, until: float, late: float) -> None:
    told = story().starved(90, at=700, over=200).starved(300, at=1000, over=299.5).starved(40, at=1100, over=99.5)
    assert case(told.end(at=3500)).late_wait_ms(since, until) == late


def test_what_one_look_saw_makes_a_wait_late_once() -> None:
    told = story().starved(300, at=6000, over=6000).end(at=7000)
    assert case(told).late_wait_ms(1000, 5000) == 300


@pytest.mark.parametrize(("extension_id", "late"), [("subject", 0), ("", 300)])
def test_of_a_subject_that_nobody_saw_start_a_question_may_be_as_late_as_the_record_is_old(
    extension_id: str, late: float
) -> None:
    """An unattached rig takes its first request for its start, and its browser may have been busy for long by then."""
    started = story().build().first(SubjectStarted)
    assert started is not None
    started = replace(started, extension_id=extension_id)
    told = Story(started=False).world(LOCAL, at=-300).seen(started).refused(at=0).end(at=500, starved=2000)
    judged = case(told)
    assert judged.late_ms(judged.attempts[0].started) == late


def test_where_nobody_says_what_the_browser_waited_a_question_is_not_late() -> None:
    judged = case(story().refused(at=100))
    assert isinstance(judged.timeline.events[-1], ObservationEnded)
    judged = replace(judged, timeline=Timeline(judged.timeline.events[:-1]))
    assert judged.late_ms(judged.attempts[0].started) == 0


def test_covered_conditions_that_never_arose_are_said() -> None:
    judged = case(story(), scenario("SEL-1"))
    said = judged.absent("SEL-1", "nobody came")
    assert said is not None
    assert (said.arose, said.reason) == (False, "its condition never arose: nobody came")
    assert judged.absent("SEL-2", "nobody came") is None


def test_a_subject_without_a_public_server_is_told_so_where_it_matters() -> None:
    judged = case(story(), scenario("SEL-3"), profile=replace(PROFILE, endpoints=Endpoints(public=None)))
    said = judged.without_public("SEL-3")
    assert said is not None
    assert said.verdict is Verdict.UNSUPPORTED
    assert judged.without_public("PUB-1") is None
    assert not judged.serves(PUBLIC, 0, 100)


# --- the world -----------------------------------------------------------------------------------


def test_what_is_shown_follows_the_world() -> None:
    given = replace(DOWN, when=(Change(LOCAL, ()), Change(LOCAL, (fault("gremlin"),))))
    told = story().world(LOCAL, at=100).world(LOCAL, "gremlin", at=200)
    judged = case(told, given)
    assert [judged.shown_at(at) for at in (0, 99, 100, 199, 200)] == [
        Shown.BAD,
        Shown.BAD,
        Shown.GOOD,
        Shown.GOOD,
        None,
    ]
    assert [judged.serves(LOCAL, *window) for window in ((0, 50), (0, 150), (100, 150), (100, 250))] == [
        False,
        False,
        True,
        False,
    ]


def test_a_server_that_dies_shows_nothing_afterwards() -> None:
    given = scenario(local=(fault("die_after_signature"),), session=Outcome.PUBLIC)
    told = story().probe(at=10, ended=15).effect(LOCAL, "die_after_signature", at=14)
    judged = case(told, given)
    assert [judged.shown_at(at) for at in (10, 14, 15)] == [Shown.GOOD, Shown.GOOD, Shown.BAD]
    assert judged.died_before(LOCAL, 15)
    assert not judged.died_before(PUBLIC, 15)


def test_a_server_that_dies_in_the_millisecond_in_which_its_world_began_has_died() -> None:
    given = scenario(when=(Change(LOCAL, (fault("die_after_signature"),)),))
    judged = case(
        story().world(LOCAL, "die_after_signature", at=100).effect(LOCAL, "die_after_signature", at=100), given
    )
    assert judged.died_before(LOCAL, 101)
    assert not judged.died_before(LOCAL, 100)


BY_NUMBER = replace(PROFILE, endpoints=Endpoints("http://127.0.0.1:3003/semantest-signature", "ws://127.0.0.1:3003"))
ARGUABLE = FaultSpec("answer", {"status": 500})


@pytest.mark.parametrize(
    ("profile", "spec", "shown"),
    [
        (PROFILE, ARGUABLE, Shown.ARGUABLE),
        (PROFILE, replace(ARGUABLE, on=Address.V6), Shown.ARGUABLE),
        (BY_NUMBER, ARGUABLE, Shown.ARGUABLE),
        (BY_NUMBER, replace(ARGUABLE, on=Address.V6), Shown.GOOD),
    ],
)
def test_the_scenarios_word_holds_unless_its_subject_asks_one_address_of_two(
    profile: Profile, spec: FaultSpec, shown: Shown
) -> None:
    given = scenario(local=(spec,), shown=Shown.ARGUABLE)
    assert case(story(), given, profile=profile).shown_at(20) is shown


def test_what_an_attempt_was_shown() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15, failed=20).world(LOCAL, at=100).probe(at=200, ended=205)
    told.socket(PUBLIC, at=300, failed=310).socket(PUBLIC, at=400, failed=410)
    judged = case(told, replace(DOWN, when=(Change(LOCAL, ()),)))
    assert [judged.shown(attempt) for attempt in judged.attempts] == [Shown.BAD, Shown.GOOD, None]


def test_an_answer_during_a_change_shows_nothing_certain() -> None:
    judged = case(
        story().probe(at=10, ended=50).world(LOCAL, "refused", at=30), scenario(when=(Change(LOCAL, (REFUSED,)),))
    )
    assert [judged.shown(attempt) for attempt in judged.attempts] == [None]


# --- the subject ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "over_ms"),
    [
        (story().probe(at=10, ended=15), 15),
        (story().probe(at=10, ended=50).socket(LOCAL, at=30), 30),
        (story().probe(at=10, answered=None).probe(at=40, answered=None), 40),
        (story().probe(at=10, answered=None).end(at=600), 600),
    ],
    ids=["its end", "a socket", "the next probe", "the end of watching"],
)
def test_a_probe_is_over_when_the_subject_is_done_with_it(told: Story, over_ms: float) -> None:
    judged = case(told)
    assert judged.probe_over_ms(judged.attempts[0]) == over_ms


def test_contacts_are_what_the_subject_began_with_either_server() -> None:
    told = story().probe(at=10, answered=None).redirected("http://localhost:3003/other", at=12)
    told.fetch("https://elsewhere.example/", at=20).preconnect("https://api.extension.semantest.com/", at=30)
    told.socket(PUBLIC, at=40, url="ws://api.extension.semantest.com/x")
    assert [contact.at_ms for contact in case(told).contacts()] == [10, 30, 40]


def test_nothing_tried_is_left_to_the_attempt_that_tried() -> None:
    judged = case(story().probe(at=10, ended=15).probe(at=30, ended=35).socket(LOCAL, at=40, opened=50).end(at=9000))
    first, second = judged.timeline.all(FetchStarted)
    assert judged.nothing_tried("SEL-2", first, "since") is None
    socket = judged.timeline.all(SocketStarted)[0]
    finding = judged.nothing_tried("SEL-2", socket, "since")
    assert finding is not None
    assert finding.verdict is Verdict.FAIL
    assert second.seq < socket.seq


def test_what_was_seen_in_the_millisecond_of_the_end_was_seen() -> None:
    """Whichever of the two the sort has put first."""
    told = story().probe(at=10, ended=15).end(at=60).socket(LOCAL, at=17, opened=60)
    seen = case(told)
    assert [session.opened_ms for session in seen.sessions] == [60]
    assert seen.end_ms == 60
    later = story().probe(at=10, ended=15).end(at=60).socket(LOCAL, at=17, opened=61)
    assert case(later).sessions == ()


def test_trying_too_late_by_less_than_the_error_is_undecided() -> None:
    told = story().probe(at=10, ended=15).probe(at=5000, ended=5005).socket(LOCAL, at=5035, opened=5040)
    since = told.build().all(FetchEnded)[0]
    verdicts = {}
    for error_ms in (5, 19, 20, 400):
        finding = case(told, error_ms=error_ms).nothing_tried("SEL-2", since, "after a good signature")
        verdicts[error_ms] = finding and finding.verdict
    assert verdicts == {5: Verdict.FAIL, 19: Verdict.FAIL, 20: Verdict.INCONCLUSIVE, 400: Verdict.INCONCLUSIVE}
    soon = story().probe(at=10, ended=15).socket(LOCAL, at=5015, opened=5040)
    assert case(soon).nothing_tried("SEL-2", soon.build().all(FetchEnded)[0], "after a good signature") is None
