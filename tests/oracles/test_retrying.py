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


@pytest.mark.parametrize(
    ("end", "verdict"), [(10_010, Verdict.INCONCLUSIVE), (10_019, Verdict.INCONCLUSIVE), (10_020, Verdict.FAIL)]
)
def test_silence_is_a_failure_past_what_is_allowed_and_the_error(end: float, verdict: Verdict) -> None:
    assert ask("RETRY-1", failing().end(at=end), NEITHER, error_ms=5).verdict is verdict


def test_the_attempt_after_the_last_failure_ends_the_silence() -> None:
    soon = failing().refused(at=3000).socket(PUBLIC, at=3003).end(at=30000)
    assert ask("RETRY-1", soon, NEITHER).verdict is Verdict.PASS
    late = failing().refused(at=15014).socket(PUBLIC, at=15017).end(at=30000)
    finding = ask("RETRY-1", late, NEITHER)
    assert (finding.verdict, finding.measured_ms, finding.budget_ms) == (Verdict.FAIL, 15000, 10000)


@pytest.mark.parametrize(
    ("silent", "error_ms", "verdict"),
    [
        (9980, 5, Verdict.PASS),
        (9980, 20, Verdict.PASS),
        (9981, 20, Verdict.INCONCLUSIVE),
        (10_000, 5, Verdict.INCONCLUSIVE),
        (10_010, 5, Verdict.FAIL),
        (10_010, 20, Verdict.INCONCLUSIVE),
        (10_020, 20, Verdict.INCONCLUSIVE),
        (10_021, 20, Verdict.FAIL),
    ],
)
def test_a_silence_that_an_attempt_ended_is_undecided_within_the_error(
    silent: float, error_ms: float, verdict: Verdict
) -> None:
    """A larger error must not acquit: it did, whenever another attempt came later."""
    late = failing().refused(at=14 + silent).socket(PUBLIC, at=17 + silent).end(at=30000)
    assert ask("RETRY-1", late, NEITHER, error_ms=error_ms).verdict is verdict


def test_falling_silent_after_some_attempts_fails() -> None:
    assert ask("RETRY-1", failing(800, 1900).end(at=30000), NEITHER).verdict is Verdict.FAIL


def test_waits_that_grow_allow_longer_silence() -> None:
    assert ask("RETRY-1", failing(2000, 4000, 8000).end(at=34000), NEITHER).verdict is Verdict.PASS
    finding = ask("RETRY-1", failing(2000, 4000, 8000).end(at=38032), NEITHER)
    assert (finding.verdict, finding.measured_ms, finding.budget_ms) == (Verdict.FAIL, 24006, 24000)


def test_one_failure_a_short_while_ago_is_undecided() -> None:
    assert ask("RETRY-1", failing().end(at=1000), NEITHER).verdict is Verdict.INCONCLUSIVE


def test_an_attempt_that_hangs_is_undecided() -> None:
    finding = ask("RETRY-1", story().refused(at=10).socket(PUBLIC, at=15).end(at=30000), HANGS)
    assert (finding.verdict, finding.arose) == (Verdict.INCONCLUSIVE, True)
    assert "had neither failed nor been given up after 29990 ms" in finding.reason
    twice = story().refused(at=10).socket(PUBLIC, at=15).refused(at=5000).socket(PUBLIC, at=5005).end(at=30000)
    assert "been given up after 25000 ms" in ask("RETRY-1", twice, HANGS).reason


def test_coming_back_soon_after_the_server_passes() -> None:
    told = failing(800, 1900).world(PUBLIC, at=3000).refused(at=4500).socket(PUBLIC, at=4503, opened=4550)
    finding = ask("RETRY-1", told, RETURNS)
    assert finding.verdict is Verdict.PASS
    assert "public session 1550 ms after the public server returned" in finding.reason
    assert finding.budget_ms == 10000 + 1900


def test_the_waits_before_the_server_returned_are_what_is_allowed_for() -> None:
    told = failing(800).world(PUBLIC, at=1000).no_server(at=4000).no_server(at=9000).refused(at=9500)
    assert ask("RETRY-1", told.socket(PUBLIC, at=9503, opened=9550), RETURNS).budget_ms == 10000 + 3182
    told = story().no_server(at=2996).world(PUBLIC, at=3000).refused(at=4500).socket(PUBLIC, at=4503, opened=4550)
    assert ask("RETRY-1", told, RETURNS).budget_ms == 10000 + 1500


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
    finding = ask("RETRY-1", told, HANGS)
    assert (finding.verdict, finding.budget_ms) == (Verdict.PASS, 10000)


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


# --- RETRY-1: which stretches are outages --------------------------------------------------------


def away(told: Story, low: float, high: float) -> Story:
    """The public server is away for that time."""
    return told.world(PUBLIC, "refused", at=low).world(PUBLIC, at=high)


AWAY = replace(DOWN, when=(Change(PUBLIC, (REFUSED,)), Change(PUBLIC, ())))


def test_an_outage_may_begin_after_a_time_with_a_server() -> None:
    told = away(story().refused(at=10).socket(PUBLIC, at=15, opened=60, closed=4000), 4000, 6000)
    finding = ask("RETRY-1", told.no_server(at=4900).refused(at=7000).socket(PUBLIC, at=7003, opened=7050), AWAY)
    assert finding.verdict is Verdict.PASS
    assert finding.reason.startswith("public session 1050 ms after the public server returned")


def test_what_failed_while_a_server_was_there_is_no_matter_of_an_outage() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=15, failed=25).refused(at=1000).socket(PUBLIC, at=1005, opened=1050)
    assert not ask("RETRY-1", told.world(PUBLIC, "refused", at=4000).end(at=5000), AWAY).arose


def test_a_change_during_an_outage_makes_no_second_one() -> None:
    given = replace(NEITHER, when=(Change(LOCAL, (fault("blackhole"),)), Change(LOCAL, (REFUSED,))))
    told = failing(800, 1900, 4100).world(LOCAL, "blackhole", at=1000).world(LOCAL, "refused", at=3000)
    finding = ask("RETRY-1", told.end(at=12000), given)
    assert finding.reason.startswith("it kept trying while both servers were away: 4 failures, never silent for over")
    assert "times" not in finding.reason
    assert "worst of" not in finding.reason


def test_a_second_outage_is_one_of_its_own_whatever_changes_in_it() -> None:
    changes = (Change(PUBLIC, (REFUSED,)), Change(LOCAL, (fault("blackhole"),)))
    given = replace(NEITHER, when=(Change(PUBLIC, ()), *changes))
    told = failing(800).world(PUBLIC, at=1000).refused(at=1100).socket(PUBLIC, at=1105, opened=1150, closed=4000)
    told.world(PUBLIC, "refused", at=4000).world(LOCAL, "blackhole", at=6000)
    finding = ask("RETRY-1", told.no_server(at=5000).no_server(at=7000).end(at=20000), given)
    assert finding.verdict is Verdict.FAIL
    assert finding.reason.startswith("it tried nothing for 12996 ms after 2 failures; ")
    assert finding.reason.endswith("(so 1 of 2 times)")


def test_a_second_outage_takes_nothing_from_the_first() -> None:
    changes = (Change(PUBLIC, (REFUSED,)), Change(LOCAL, (fault("blackhole"),)))
    given = replace(NEITHER, when=(Change(PUBLIC, ()), *changes))
    told = failing(800).world(PUBLIC, at=1000).refused(at=1100).socket(PUBLIC, at=1105, opened=1150, closed=4000)
    told.world(PUBLIC, "refused", at=4000).world(LOCAL, "blackhole", at=6000)
    finding = ask("RETRY-1", told.no_server(at=5000).no_server(at=7000).end(at=8000), given)
    assert finding.reason.startswith("public session 150 ms after the public server returned; ")
    assert finding.reason.endswith("(the worst of 2)")


def test_an_attempt_is_of_the_outage_in_which_it_begins_or_fails() -> None:
    first = story().no_server(at=2996).world(PUBLIC, at=3000).world(PUBLIC, "refused", at=3010).end(at=3200)
    given = replace(NEITHER, when=(Change(PUBLIC, ()), Change(PUBLIC, (REFUSED,))))
    assert "been given up after 4 ms" in ask("RETRY-1", first, given).reason
    at_its_end = story().world(PUBLIC, at=3000).no_server(at=3000).end(at=30000)
    assert not ask("RETRY-1", at_its_end, RETURNS).arose
    gone = replace(DOWN, when=(Change(PUBLIC, (REFUSED,)),))
    begun = story().world(PUBLIC, "refused", at=4000).refused(at=4000).socket(PUBLIC, at=4005).end(at=5000)
    assert "neither failed nor been given up" in ask("RETRY-1", begun, gone).reason
    failed = story().world(PUBLIC, "refused", at=4000).refused(at=3990).socket(PUBLIC, at=3995, failed=4000)
    assert "it tried nothing for 1000 ms after one failure" in ask("RETRY-1", failed.end(at=5000), gone).reason


# --- RETRY-2: waits between ----------------------------------------------------------------------


def test_long_growing_jittered_waits_pass() -> None:
    finding = ask("RETRY-2", failing(870, 2240, 3310, 6900, 5100), NEITHER)
    assert (finding.verdict, finding.measured_ms, finding.budget_ms) == (Verdict.PASS, 870, 500)
    assert finding.reason == "waited 870, 2240, 3310, 6900, 5100 ms between attempts; at least 500 ms asked"


def test_what_few_waits_do_not_tell_is_said() -> None:
    finding = ask("RETRY-2", failing(870, 2240), NEITHER)
    assert finding.verdict is Verdict.PASS
    assert "not to be said from 2 waits: whether the waits grow, whether they are jittered" in finding.reason
    assert "not to be said from one wait: " in ask("RETRY-2", failing(870), NEITHER).reason


@pytest.mark.parametrize(
    ("waits", "verdict"),
    [
        ((0,), Verdict.FAIL),
        ((300, 100), Verdict.FAIL),
        ((800, 300), Verdict.FAIL),
        ((498,), Verdict.INCONCLUSIVE),
        ((506,), Verdict.PASS),
    ],
)
def test_the_shortest_wait_counts(waits: tuple[float, ...], verdict: Verdict) -> None:
    finding = ask("RETRY-2", failing(*waits), NEITHER)
    assert (finding.verdict, finding.measured_ms) == (verdict, min(waits))


def test_a_busy_machine_is_no_jitter() -> None:
    """Of a subject without any, whose fourth timer was late."""
    told = failing(1000, 2000, 4000, 6150, 6000, 6000).end(at=40_000)
    assert ask("RETRY-2", told, NEITHER).verdict is Verdict.PASS
    at_ms = 10 + 4 * 4 + 1000 + 2000 + 4000 + 6150.0
    late = failing(1000, 2000, 4000, 6150, 6000, 6000).starved(160, at=at_ms, over=500).end(at=40_000)
    finding = ask("RETRY-2", late, NEITHER)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reason.endswith(
        "not to be said within the error of ±5 ms and the 160 ms that the browser waited for a processor:"
        " whether they are jittered"
    )


@pytest.mark.parametrize(("starved", "verdict"), [(60, Verdict.PASS), (60.5, Verdict.INCONCLUSIVE)])
def test_what_a_timer_may_be_late_by_anyway_blurs_nothing(starved: float, verdict: Verdict) -> None:
    """5900 is too short for the cap of the others, and would not be if each of them were only a little shorter."""
    waits = (1000, 2000, 4000, 5900, 6000, 6010)
    at_ms = 10.0 + 4 * 5 + sum(waits[:5])
    told = failing(*waits).starved(starved, at=at_ms, over=500).end(at=40_000)
    finding = ask("RETRY-2", told, NEITHER)
    assert finding.verdict is verdict, finding.reason


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


def test_waits_after_a_session_are_a_row_of_their_own() -> None:
    told = story().refused(at=10).socket(PUBLIC, at=13, opened=50, closed=2000)
    finding = ask("RETRY-2", told.no_server(at=3000).no_server(at=4000), NEITHER)
    assert finding.reason.startswith("waited 996 ms between attempts")


def side_by_side() -> Story:
    """Fourteen sockets that fail as one attempt: what comes next the browser holds back."""
    told = story()
    for number in range(14):
        told.socket(PUBLIC, at=10 + number, failed=100 + number)
    return told


def test_where_every_wait_may_be_the_browsers_nothing_is_told() -> None:
    finding = ask("RETRY-2", side_by_side().socket(PUBLIC, at=200, failed=210), NEITHER)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "a part of the only wait may be the browser's own delay" in finding.reason
    finding = ask("RETRY-2", side_by_side().socket(PUBLIC, at=200, failed=210).socket(PUBLIC, at=400), NEITHER)
    assert "a part of each of 2 waits may be the browser's own delay" in finding.reason


def test_a_wait_no_longer_than_the_noise_of_a_timer_is_not_left_out() -> None:
    finding = ask("RETRY-2", side_by_side().socket(PUBLIC, at=133, failed=210), NEITHER)
    assert (finding.verdict, finding.measured_ms) == (Verdict.FAIL, 20)


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


def test_the_first_socket_without_the_check_is_told() -> None:
    told = lost().socket(LOCAL, at=4000, failed=4005).socket(PUBLIC, at=4010, opened=4050)
    assert "opened ws://localhost:3003 without" in ask("RETRY-3", told, LOST).reason


def test_a_reconnect_may_begin_in_the_millisecond_of_the_failure() -> None:
    assert ask("RETRY-3", failing(0), NEITHER).reason.startswith("each of 1 reconnect ")


def test_a_socket_left_opening_does_not_make_the_next_attempt_any_less_of_a_reconnect() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=3000).socket(PUBLIC, at=18)
    finding = ask("RETRY-3", told.probe(at=4000, ended=4005).socket(LOCAL, at=4008, opened=4012))
    assert finding.reason.startswith("each of 1 reconnect ")


def test_sticking_to_public_after_a_failed_attempt_fails() -> None:
    assert ask("RETRY-3", story().no_server(at=10).socket(PUBLIC, at=1000, opened=1040), DOWN).verdict is Verdict.FAIL


def test_asking_at_the_first_reconnect_only_fails() -> None:
    told = lost().refused(at=4000).socket(PUBLIC, at=4005, failed=4010).socket(PUBLIC, at=5000, opened=5050)
    assert ask("RETRY-3", told, LOST).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "told",
    [
        story(),
        lost(),
        story().refused(at=10).socket(PUBLIC, at=15, opened=60).refused(at=5000),
        story().probe(at=10, ended=15).socket(LOCAL, at=17, failed=20).socket(PUBLIC, at=22, opened=60),
    ],
    ids=["nothing", "never again", "a check beside the session", "one attempt"],
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
