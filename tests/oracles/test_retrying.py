"""RETRY: how it tries again while servers are away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.model import Budgets, Change, Drop, Outcome
from conformance.oracles import ORACLES
from conformance.verdict import Verdict
from tests.timelines import DOWN, LOCAL, NEITHER, PROFILE, PUBLIC, REFUSED, Story, ask, fault, scenario, story

RETURNS = replace(NEITHER, when=(Change(PUBLIC, ()),))
HANGS = scenario(local=(REFUSED,), public=(fault("hang_upgrade"),), when=(Change(PUBLIC, ()),), session=Outcome.PUBLIC)


def failing(*waits: float) -> Story:
    """Failed attempts with these waits between them; each lasts 4 ms."""
    told, at = story(), 10.0
    told.no_server(at=at)
    for wait in waits:
        at += 4 + wait
        told.no_server(at=at)
    return told


# --- RETRY-1: keeps trying -----------------------------------------------------------------------


def test_trying_on_passes() -> None:
    finding = ask("RETRY-1", failing(800, 1900, 4100).end(at=12000), NEITHER)
    assert finding.verdict is Verdict.PASS
    assert "4 failures" in finding.reason


def test_one_attempt_and_then_silence_fails() -> None:
    finding = ask("RETRY-1", failing().end(at=30000), NEITHER)
    assert finding.verdict is Verdict.FAIL
    assert "it tried nothing for 29986 ms after one failure; at most 10000 ms allowed" in finding.reason


def test_falling_silent_after_some_attempts_fails() -> None:
    assert ask("RETRY-1", failing(800, 1900).end(at=30000), NEITHER).verdict is Verdict.FAIL


def test_waits_that_grow_allow_longer_silence() -> None:
    assert ask("RETRY-1", failing(2000, 4000, 8000).end(at=34000), NEITHER).verdict is Verdict.PASS


def test_one_failure_a_short_while_ago_is_undecided() -> None:
    assert ask("RETRY-1", failing().end(at=1000), NEITHER).verdict is Verdict.INCONCLUSIVE


def test_an_attempt_that_hangs_is_undecided() -> None:
    finding = ask("RETRY-1", story().refused(at=10).socket(PUBLIC, at=15).end(at=30000), HANGS)
    assert (finding.verdict, finding.arose) == (Verdict.INCONCLUSIVE, True)
    assert "had neither failed nor been given up after 29990 ms" in finding.reason


def test_coming_back_soon_after_the_server_passes() -> None:
    told = failing(800, 1900).world(PUBLIC, at=3000).refused(at=4500).socket(PUBLIC, at=4503, opened=4550)
    finding = ask("RETRY-1", told, RETURNS)
    assert finding.verdict is Verdict.PASS
    assert "public session 1550 ms after the public server returned" in finding.reason
    assert finding.budget_ms == 10000 + 1900


def test_coming_back_to_the_local_server_passes() -> None:
    told = failing(800).world(LOCAL, at=3000).probe(at=4500, ended=4505).socket(LOCAL, at=4508, opened=4512)
    assert ask("RETRY-1", told, replace(NEITHER, when=(Change(LOCAL, ()),))).verdict is Verdict.PASS


def test_coming_back_too_late_fails() -> None:
    told = failing(800).world(PUBLIC, at=1000).refused(at=9000)
    assert ask("RETRY-1", told.socket(PUBLIC, at=25000, opened=25050), RETURNS).verdict is Verdict.FAIL


def test_never_coming_back_fails() -> None:
    finding = ask("RETRY-1", failing().world(PUBLIC, at=200).end(at=15200), RETURNS)
    assert finding.verdict is Verdict.FAIL
    assert "no session since the public server returned after 15000 ms" in finding.reason


def test_hanging_on_after_the_server_returned_fails() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15).world(PUBLIC, at=9000).end(at=30000)
    assert ask("RETRY-1", told, HANGS).verdict is Verdict.FAIL


def test_a_pending_attempt_that_the_returning_server_takes_passes() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15, opened=9500).world(PUBLIC, at=9000)
    assert ask("RETRY-1", told, HANGS).verdict is Verdict.PASS


def test_a_server_that_leaves_again_at_once_owes_no_session() -> None:
    told = failing(800).world(PUBLIC, at=900).world(PUBLIC, "refused", at=950).no_server(at=2700).end(at=4000)
    given = replace(NEITHER, when=(Change(PUBLIC, ()), Change(PUBLIC, (REFUSED,))))
    assert ask("RETRY-1", told, given).verdict is Verdict.PASS


@pytest.mark.parametrize("told", [story(), story().refused(at=10).socket(PUBLIC, at=15, opened=60)])
def test_no_outage_or_no_attempt_in_it_says_nothing(told: Story) -> None:
    assert not ask("RETRY-1", told, DOWN).arose
    assert not ask("RETRY-1", story().end(at=30000), NEITHER).arose


def test_a_session_from_before_the_outage_needs_no_other() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15, opened=60).world(PUBLIC, "refused", at=500).refused(at=5000)
    given = replace(DOWN, when=(Change(PUBLIC, (REFUSED,)),))
    assert not ask("RETRY-1", told.end(at=30000), given).arose


# --- RETRY-2: waits between ----------------------------------------------------------------------


def test_long_growing_jittered_waits_pass() -> None:
    finding = ask("RETRY-2", failing(870, 2240, 3310, 6900, 5100), NEITHER)
    assert (finding.verdict, finding.measured_ms, finding.budget_ms) == (Verdict.PASS, 870, 500)
    assert finding.reason == "waited 870, 2240, 3310, 6900, 5100 ms between attempts; at least 500 ms asked"


def test_what_few_waits_do_not_tell_is_said() -> None:
    finding = ask("RETRY-2", failing(870, 2240), NEITHER)
    assert finding.verdict is Verdict.PASS
    assert "not to be said from 2 waits: whether the waits grow, whether they are jittered" in finding.reason


@pytest.mark.parametrize(
    ("waits", "verdict"),
    [((300,), Verdict.FAIL), ((800, 300), Verdict.FAIL), ((498,), Verdict.INCONCLUSIVE), ((506,), Verdict.PASS)],
)
def test_the_shortest_wait_counts(waits: tuple[float, ...], verdict: Verdict) -> None:
    finding = ask("RETRY-2", failing(*waits), NEITHER)
    assert (finding.verdict, finding.measured_ms) == (verdict, min(waits))


def test_a_profile_may_have_another_least_wait() -> None:
    profile = replace(PROFILE, budgets=Budgets(retry_wait_ms_min=2000))
    assert ask("RETRY-2", failing(1000), NEITHER, profile=profile).verdict is Verdict.FAIL


def test_waits_that_do_not_grow_fail() -> None:
    finding = ask("RETRY-2", failing(3000, 2000, 2900), NEITHER)
    assert finding.verdict is Verdict.FAIL
    assert "no longer after repeated failures than after the first" in finding.reason


@pytest.mark.parametrize("waits", [(1000, 2000, 4000, 8000, 16000), (1000, 2000, 4000, 6000, 6000, 6000)])
def test_waits_on_a_grid_fail(waits: tuple[float, ...]) -> None:
    finding = ask("RETRY-2", failing(*waits), NEITHER)
    assert finding.verdict is Verdict.FAIL
    assert "without jitter" in finding.reason


def test_with_a_large_error_a_pattern_is_not_judged() -> None:
    finding = ask("RETRY-2", failing(3000, 3000, 3000, 3000), NEITHER, error_ms=100)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reason.endswith(
        "not to be said within the error of ±100 ms: whether the waits grow, whether they are jittered"
    )
    assert finding.evidence


def test_growth_and_jitter_beyond_a_large_error_are_told() -> None:
    assert ask("RETRY-2", failing(870, 2240, 3310, 6900, 5100), NEITHER, error_ms=100).verdict is Verdict.PASS


def test_a_success_ends_the_row() -> None:
    told = failing(800, 1900)  # the third attempt ends at 2722
    told.refused(at=6000).socket(PUBLIC, at=6003, opened=6050, closed=8000)
    told.no_server(at=8700).no_server(at=9500)
    finding = ask("RETRY-2", told, NEITHER)
    assert finding.verdict is Verdict.PASS
    assert "800, 1900, 3278 ms" in finding.reason  # the wait after the session is not among them


def test_the_browsers_own_delay_passes_neither_for_growth_nor_for_jitter() -> None:
    """Attempts without the local check every 600 ms: the browser holds their sockets back, more and more."""
    told, at = story(), 10.0
    for failures in range(14):
        told.socket(PUBLIC, at=at, failed=at + 4, error="ERR_CONNECTION_REFUSED")
        at += 604 + (failures % 3) * 2.0**failures / 30
    finding = ask("RETRY-2", told, NEITHER)
    assert finding.verdict is Verdict.FAIL
    assert "no longer after repeated failures than after the first" in finding.reason
    assert "6 more are left out: a part may be the browser's own delay of WebSockets" in finding.reason


def test_attempts_side_by_side_have_no_wait() -> None:
    told = story().probe(at=10, ended=20).probe(at=15, ended=25).socket(LOCAL, at=30, failed=40)
    assert not ask("RETRY-2", told, NEITHER).arose


@pytest.mark.parametrize("told", [story(), failing(), story().refused(at=10).socket(PUBLIC, at=15)])
def test_no_wait_after_a_failure_says_nothing(told: Story) -> None:
    assert not ask("RETRY-2", told, NEITHER).arose


# --- RETRY-3: from the start ---------------------------------------------------------------------

LOST = replace(DOWN, when=(Drop(PUBLIC, fault("reset_session")),))


def lost(at: float = 3000) -> Story:
    told = story().refused(at=10).socket(PUBLIC, at=15, opened=60, closed=at + 1)
    return told.drop(PUBLIC, "reset_session", at=at)


def test_asking_again_after_a_lost_session_passes() -> None:
    finding = ask("RETRY-3", lost().refused(at=4000).socket(PUBLIC, at=4005, opened=4050), LOST)
    assert (finding.verdict, finding.reason) == (Verdict.PASS, "each of 1 reconnect began with the local check")


def test_sticking_to_public_after_a_lost_session_fails() -> None:
    finding = ask("RETRY-3", lost().socket(PUBLIC, at=4000, opened=4050), LOST)
    assert finding.verdict is Verdict.FAIL
    assert "reconnect 1 of 1 opened wss://api.extension.semantest.com without the local check" in finding.reason


def test_sticking_to_public_after_a_failed_attempt_fails() -> None:
    assert ask("RETRY-3", story().no_server(at=10).socket(PUBLIC, at=1000, opened=1040), DOWN).verdict is Verdict.FAIL


def test_asking_at_the_first_reconnect_only_fails() -> None:
    told = lost().refused(at=4000).socket(PUBLIC, at=4005, failed=4010).socket(PUBLIC, at=5000, opened=5050)
    assert ask("RETRY-3", told, LOST).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "told",
    [story(), lost(), story().refused(at=10).socket(PUBLIC, at=15, opened=60).refused(at=5000)],
    ids=["nothing", "never again", "a check beside the session"],
)
def test_no_reconnect_says_nothing(told: Story) -> None:
    assert not ask("RETRY-3", told, LOST).arose


def test_going_on_after_a_session_that_was_dropped_at_once_is_undecided() -> None:
    told = (
        story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=101).drop(LOCAL, "reset_session", at=100)
    )
    finding = ask("RETRY-3", told.socket(PUBLIC, at=120, opened=160))
    assert (finding.verdict, finding.arose) == (Verdict.INCONCLUSIVE, True)


def test_none_of_them_is_judged_everywhere() -> None:
    assert not any(ORACLES[id_].everywhere for id_ in ("RETRY-1", "RETRY-2", "RETRY-3"))
