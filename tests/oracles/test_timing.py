"""TIME: figures against budgets, within their error."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.events import FetchAnswered, Source, SubjectStarted
from conformance.model import Budgets, Change, Endpoints, FaultSpec, Outcome, Scenario, Shown
from conformance.oracles import ORACLES
from conformance.verdict import Verdict
from tests.timelines import DOWN, LOCAL, NEITHER, PROFILE, PUBLIC, REFUSED, Story, ask, case, fault, scenario, story

SILENT = scenario(local=(fault("silent"),), session=Outcome.PUBLIC, shown=Shown.SILENT)
LOCAL_ONLY = replace(PROFILE, endpoints=Endpoints(public=None))


# --- TIME-1: gives up on silence -----------------------------------------------------------------


def test_giving_up_in_time_passes_with_its_figure() -> None:
    finding = ask("TIME-1", story().given_up(at=10, ended=1510).socket(PUBLIC, at=1512, opened=1560), SILENT)
    assert (finding.verdict, finding.measured_ms, finding.budget_ms) == (Verdict.PASS, 1500, 2000)
    assert finding.reason == "it gave the silent local server up after 1500 ms; at most 2000 ms allowed"


def test_going_on_without_ending_the_request_is_giving_up_too() -> None:
    finding = ask("TIME-1", story().probe(at=10, answered=None).socket(PUBLIC, at=1010, opened=1060), SILENT)
    assert (finding.verdict, finding.measured_ms) == (Verdict.PASS, 1000)


def test_asking_again_is_giving_up_too() -> None:
    finding = ask("TIME-1", story().probe(at=10, answered=None).given_up(at=910, ended=1500), SILENT)
    assert (finding.verdict, finding.measured_ms) == (Verdict.PASS, 900)


@pytest.mark.parametrize(
    ("ended", "verdict"),
    [(2004, Verdict.PASS), (2006, Verdict.INCONCLUSIVE), (2010, Verdict.INCONCLUSIVE), (2016, Verdict.FAIL)],
)
def test_a_figure_within_its_error_of_the_budget_is_undecided(ended: float, verdict: Verdict) -> None:
    assert ask("TIME-1", story().given_up(at=10, ended=ended), SILENT, error_ms=5).verdict is verdict


def test_a_profile_may_have_another_budget() -> None:
    profile = replace(PROFILE, budgets=Budgets(probe_timeout_ms=500))
    assert ask("TIME-1", story().given_up(at=10, ended=1510), SILENT, profile=profile).verdict is Verdict.FAIL


def test_waiting_on_fails_with_how_long_it_was_seen_to() -> None:
    finding = ask("TIME-1", story().probe(at=10, answered=None).end(at=6010), SILENT)
    assert (finding.verdict, finding.measured_ms) == (Verdict.FAIL, 6000)
    assert "still waiting for the silent local server after 6000 ms" in finding.reason


def test_waiting_on_is_undecided_while_there_was_time() -> None:
    assert ask("TIME-1", story().probe(at=10, answered=None).end(at=1000), SILENT).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("ended", "verdict"), [(2510, Verdict.FAIL), (1000, Verdict.INCONCLUSIVE)])
def test_an_answer_after_all_is_no_giving_up(ended: float, verdict: Verdict) -> None:
    finding = ask("TIME-1", story().probe(at=10, ended=ended).socket(LOCAL, at=ended + 2, opened=ended + 5), SILENT)
    assert finding.verdict is verdict
    assert "until a late answer came" in finding.reason


def test_an_end_that_nothing_came_before_is_giving_up() -> None:
    finding = ask("TIME-1", story().probe(at=10, answered=None, ended=1510), SILENT)
    assert (finding.verdict, finding.measured_ms) == (Verdict.PASS, 1500)


def test_the_longest_of_several_waits_is_told() -> None:
    told = story().given_up(at=10, ended=510).given_up(at=1000, ended=2500).given_up(at=4000, ended=4600)
    finding = ask("TIME-1", told, SILENT)
    assert finding.measured_ms == 1500
    assert "the worst of 3" in finding.reason


@pytest.mark.parametrize("given", [scenario(), DOWN])
def test_no_silence_says_nothing_of_giving_up(given: Scenario) -> None:
    told = story().given_up(at=10, ended=1510)
    assert not ask("TIME-1", told, given).arose


# --- TIME-2: falls back fast ---------------------------------------------------------------------


def test_a_fast_fallback_passes() -> None:
    finding = ask("TIME-2", story().refused(at=10).socket(PUBLIC, at=15, opened=95), DOWN)
    assert (finding.verdict, finding.measured_ms) == (Verdict.PASS, 83)
    assert finding.reason == "public session 83 ms after the local refusal; at most 1000 ms allowed"


def test_a_slow_fallback_fails() -> None:
    assert ask("TIME-2", story().refused(at=10).socket(PUBLIC, at=1500, opened=1600), DOWN).verdict is Verdict.FAIL


def test_a_head_that_is_enough_to_know_starts_the_clock() -> None:
    told = story().probe(at=10, answered=404, ended=4000).socket(PUBLIC, at=4020, opened=4060)
    assert ask("TIME-2", told, DOWN).measured_ms == 60
    told = story().probe(at=10, answered=404).socket(PUBLIC, at=20, opened=60)
    assert ask("TIME-2", told, DOWN).measured_ms == 47


def test_after_a_redirect_the_last_head_starts_the_clock() -> None:
    told = story().probe(at=10, answered=None).redirected("http://localhost:3003/elsewhere", at=12)
    told.seen(FetchAnswered(at_ms=20, source=Source.BROWSER, request=1, status=404))
    assert ask("TIME-2", told.socket(PUBLIC, at=30, opened=70), DOWN).measured_ms == 50


@pytest.mark.parametrize(("end", "verdict", "seen"), [(6000, Verdict.FAIL, 5988), (500, Verdict.INCONCLUSIVE, None)])
def test_no_public_session_counts_from_the_answer(end: float, verdict: Verdict, seen: float | None) -> None:
    finding = ask("TIME-2", story().refused(at=10).end(at=end), DOWN)
    assert (finding.verdict, finding.measured_ms) == (verdict, seen)


@pytest.mark.parametrize(
    ("told", "given"),
    [
        (story(), DOWN),
        (story().probe(at=10, answered=None), DOWN),
        (story().probe(at=10, answered=404).end(at=6000), DOWN),
        (story().no_server(at=10), NEITHER),
        (story().probe(at=10, answered=None).socket(PUBLIC, at=20, opened=60), DOWN),
    ],
    ids=["nothing", "still asking", "still reading", "public server away", "gone on before any answer"],
)
def test_without_an_answer_and_a_public_server_nothing_is_said(told: Story, given: Scenario) -> None:
    assert not ask("TIME-2", told, given).arose


def test_a_public_server_that_was_away_for_part_of_it_excuses() -> None:
    given = scenario(
        local=(REFUSED,), public=(REFUSED,), when=(Change(PUBLIC, ()),), session=Outcome.PUBLIC, shown=Shown.BAD
    )
    told = story().no_server(at=10).world(PUBLIC, at=500).refused(at=1000).socket(PUBLIC, at=1005, opened=1050)
    finding = ask("TIME-2", told, given)
    assert (finding.verdict, finding.measured_ms) == (Verdict.PASS, 48)


def test_a_public_server_that_left_within_the_time_for_it_excuses() -> None:
    given = replace(DOWN, when=(Change(PUBLIC, (REFUSED,)),))
    assert not ask("TIME-2", story().refused(at=10).world(PUBLIC, "refused", at=500).end(at=6000), given).arose
    assert ask("TIME-2", story().refused(at=10).world(PUBLIC, "refused", at=1500).end(at=6000), given).arose


def test_a_check_beside_a_public_session_starts_no_clock() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15, opened=60).refused(at=3000).end(at=9000)
    assert ask("TIME-2", told, DOWN).verdict is Verdict.PASS


def test_a_subject_without_a_public_server_is_not_asked_for_it() -> None:
    assert ask("TIME-2", story().refused(at=10), DOWN, profile=LOCAL_ONLY).verdict is Verdict.UNSUPPORTED


# --- TIME-3: local fast --------------------------------------------------------------------------


def test_a_fast_local_session_passes() -> None:
    finding = ask("TIME-3", story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=40))
    assert (finding.verdict, finding.measured_ms, finding.budget_ms) == (Verdict.PASS, 30, 1000)


def test_a_slow_local_session_fails() -> None:
    assert ask("TIME-3", story().probe(at=10, ended=15).socket(LOCAL, at=1500, opened=1520)).verdict is Verdict.FAIL


@pytest.mark.parametrize(("end", "verdict"), [(6000, Verdict.FAIL), (500, Verdict.INCONCLUSIVE)])
def test_no_local_session_counts_from_the_question(end: float, verdict: Verdict) -> None:
    assert ask("TIME-3", story().probe(at=10, ended=15).end(at=end)).verdict is verdict


@pytest.mark.parametrize(
    "local",
    [
        fault("answer", delay_ms=50),
        fault("refuse_upgrade", status=404),
        fault("close", code=1000),
        fault("drip", interval_ms=1),
    ],
)
def test_a_local_server_with_a_delay_or_a_fault_is_not_timed(local: FaultSpec) -> None:
    given = scenario(local=(local,))
    assert not ask("TIME-3", story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=40), given).arose


def test_a_local_server_that_left_within_the_time_for_it_is_not_timed() -> None:
    given = scenario(when=(Change(LOCAL, (REFUSED,)),))
    told = story().probe(at=10, ended=15).world(LOCAL, "refused", at=500).end(at=6000)
    assert not ask("TIME-3", told, given).arose


def test_another_form_of_the_good_answer_is_timed() -> None:
    given = scenario(local=(fault("answer", signature="bom"),))
    assert ask("TIME-3", story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=40), given).verdict is Verdict.PASS


def test_no_question_no_figure() -> None:
    assert not ask("TIME-3", story()).arose


# --- TIME-4: seamless ----------------------------------------------------------------------------


def test_a_session_soon_after_the_start_passes() -> None:
    finding = ask("TIME-4", story().given_up(at=10, ended=1510).socket(PUBLIC, at=1512, opened=1560), SILENT)
    assert (finding.verdict, finding.measured_ms, finding.budget_ms) == (Verdict.PASS, 1560, 5000)


def started_at(at: float) -> Story:
    return Story(started=False).seen(SubjectStarted(at_ms=at, source=Source.RIG, extension_id="subject", how="told"))


def test_the_time_is_the_subjects_own() -> None:
    finding = ask("TIME-4", started_at(100).probe(at=110, ended=115).socket(LOCAL, at=117, opened=120))
    assert finding.measured_ms == 20
    finding = ask("TIME-4", started_at(100).end(at=6000))
    assert (finding.verdict, finding.measured_ms) == (Verdict.FAIL, 5900)


def test_a_session_too_late_fails() -> None:
    told = story().given_up(at=10, ended=5500).socket(PUBLIC, at=5510, opened=5560)
    assert ask("TIME-4", told, SILENT).verdict is Verdict.FAIL


def test_a_session_closed_at_once_is_none() -> None:
    given = scenario(local=(fault("close", code=1011),), session=Outcome.PUBLIC)
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=22).socket(PUBLIC, at=25, opened=70)
    assert ask("TIME-4", told, given).measured_ms == 70


@pytest.mark.parametrize(("end", "verdict"), [(6000, Verdict.FAIL), (2000, Verdict.INCONCLUSIVE)])
def test_no_session_counts_from_the_start(end: float, verdict: Verdict) -> None:
    assert ask("TIME-4", story().end(at=end), SILENT).verdict is verdict


def test_no_session_where_none_could_be_had_says_nothing() -> None:
    told = story().no_server(at=10).end(at=8000)
    assert not ask("TIME-4", told, NEITHER).arose
    assert not ask("TIME-4", story().no_server(at=10).end(at=8000), replace(NEITHER, then=SILENT.then)).arose


def test_a_world_that_changed_before_the_first_session_says_nothing() -> None:
    given = scenario(local=(REFUSED,), when=(Change(PUBLIC, (REFUSED,)),), session=Outcome.PUBLIC, shown=Shown.BAD)
    told = story().world(PUBLIC, "refused", at=30).no_server(at=40).end(at=8000)
    assert not ask("TIME-4", told, given).arose
    late = story().world(PUBLIC, "refused", at=6000).end(at=8000)
    assert ask("TIME-4", late, given).verdict is Verdict.FAIL


@pytest.mark.parametrize(("at", "arose"), [(0, True), (1, False), (5000, False), (5005, False), (5006, True)])
def test_a_change_says_nothing_as_long_as_there_was_time(at: float, arose: bool) -> None:
    """At the very start it belongs to the first world; after the budget and its error it comes too late to excuse."""
    given = replace(DOWN, when=(Change(PUBLIC, (REFUSED,)),))
    told = story().world(PUBLIC, "refused", at=at).end(at=8000)
    assert ask("TIME-4", told, given, error_ms=5).arose is arose


def test_a_change_in_the_millisecond_of_the_first_session_is_none_before_it() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15, opened=60).world(LOCAL, at=60)
    finding = ask("TIME-4", told, replace(DOWN, when=(Change(LOCAL, ()),)))
    assert (finding.verdict, finding.measured_ms) == (Verdict.PASS, 60)


def test_the_first_world_says_whether_a_server_can_be_reached() -> None:
    late = tuple(fault(name) for name in ("slow_upgrade", "delay", "loss"))
    given = scenario(
        local=(REFUSED,), public=late, when=(Change(PUBLIC, (REFUSED,)),), session=Outcome.PUBLIC, shown=Shown.BAD
    )
    told = story().refused(at=10).socket(PUBLIC, at=15, opened=2050).world(PUBLIC, "refused", at=6000)
    assert ask("TIME-4", told, given).verdict is Verdict.PASS


def test_a_slow_public_server_is_timed_only_where_the_scenario_asks_for_it() -> None:
    given = scenario(
        local=(REFUSED,), public=(fault("slow_upgrade", delay_ms=2000),), session=Outcome.PUBLIC, shown=Shown.BAD
    )
    told = story().refused(at=10).socket(PUBLIC, at=15, opened=2050)
    assert ask("TIME-4", told, given).verdict is Verdict.PASS
    assert ORACLES["TIME-4"].judge(case(told, given, "SEL-3")) is None


def test_a_subject_that_was_never_started_is_not_timed() -> None:
    assert not ask("TIME-4", story().without(SubjectStarted).end(at=8000), SILENT).arose


def test_only_this_one_is_judged_everywhere() -> None:
    everywhere = [id_ for id_ in ORACLES if id_.startswith("TIME") and ORACLES[id_].everywhere]
    assert everywhere == ["TIME-4"]
