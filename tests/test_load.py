"""Load, the pure part: what is due when, what counts come to, and what they say of API-5."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.codec import decode, encode
from conformance.errors import InputError
from conformance.load import (
    HOLD_S_MAX,
    SESSIONS_MAX,
    Counts,
    Latencies,
    LoadPlan,
    Measured,
    Place,
    check_plan,
    judge_load,
    seconds,
    shares,
)
from conformance.verdict import Verdict

PLACE = Place(url="https://api.example", host="api.example", name="api.example", port=443, address="192.0.2.1")
MARK = LoadPlan(place=PLACE, hold_s=10)
SMALL = replace(MARK, sessions=4, rate=8.0, connects=2.0, hold_s=3)


# --- the plan ------------------------------------------------------------------------------------


def test_sessions_are_due_one_after_the_other() -> None:
    assert [SMALL.connect_at_s(number) for number in range(4)] == [0.0, 0.5, 1.0, 1.5]


def test_sessions_take_turns_with_the_messages() -> None:
    assert list(SMALL.message_times_s(0)) == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    assert list(SMALL.message_times_s(3)) == [0.375, 0.875, 1.375, 1.875, 2.375, 2.875]


@given(st.integers(1, 200), st.floats(0.5, 500), st.floats(1, 20))
def test_every_planned_message_has_one_session(sessions: int, rate: float, hold_s: float) -> None:
    plan = replace(MARK, sessions=sessions, rate=rate, hold_s=hold_s)
    times = sorted(at for number in range(sessions) for at in plan.message_times_s(number))
    assert len(times) == round(rate * hold_s) == sum(plan.messages_of(number) for number in range(sessions))
    assert times == [turn / rate for turn in range(len(times))]


@given(st.lists(st.integers(0, 20), max_size=5))
def test_every_session_is_dealt_out_once(sizes: list[int]) -> None:
    dealt = shares(sizes)
    assert [len(numbers) for numbers in dealt] == sizes
    assert sorted(number for numbers in dealt for number in numbers) == list(range(sum(sizes)))


def test_workers_take_turns() -> None:
    assert shares([2, 4]) == [(0, 2), (1, 3, 4, 5)]


def test_idle_sessions_send_nothing() -> None:
    idle = replace(MARK, rate=0.0)
    assert list(idle.message_times_s(0)) == []
    assert idle.messages_of(0) == 0


def test_a_plan_travels_to_the_workers() -> None:
    assert decode(LoadPlan, encode(MARK)) == MARK


def test_it_is_over_after_every_wait_that_is_allowed() -> None:
    assert MARK.longest_s == 1000 / 100 + 10 + 10 + 5 + 60


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sessions": 0}, r"--users 0: give 1 to 20000"),
        ({"sessions": SESSIONS_MAX + 1}, "--users"),
        ({"rate": -1}, "--rate -1: give 0 to"),
        ({"rate": 200_000}, "--rate"),
        ({"sessions": 10, "rate": 2000}, "--rate 2000: give 0 to 1000"),
        ({"connects": 0}, "--connects"),
        ({"connects": 1}, "--connects 1: give 1.66667 to"),
        ({"hold_s": 0.5}, "--for"),
        ({"hold_s": HOLD_S_MAX + 1}, "--for"),
        ({"message": ""}, "--message"),
        ({"message": "ü" * 2049}, "--message, bytes 4098: give 1 to 4096"),
    ],
)
def test_a_load_is_bounded(change: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        check_plan(replace(MARK, **change))


def test_the_mark_is_allowed() -> None:
    assert check_plan(MARK) is MARK


@pytest.mark.parametrize(("text", "wanted"), [("30s", 30.0), ("2m", 120.0), ("1.5", 1.5)])
def test_times_have_units(text: str, wanted: float) -> None:
    assert seconds(text) == wanted


@pytest.mark.parametrize("text", ["", "s", "2h", "soon"])
def test_a_time_that_is_none_is_said(text: str) -> None:
    with pytest.raises(InputError, match=r"--for '.*': give a time as 30s or 2m"):
        seconds(text)


# --- what was counted ----------------------------------------------------------------------------


def test_counts_of_two_workers_add_up() -> None:
    one = Counts(opened=3, sent=5, storm_s=1.5, errors={"refused": 2}, broken={"x": 1})
    other = Counts(opened=4, lost=1, storm_s=1.0, errors={"refused": 1, "late": 3})
    assert one.plus(other) == Counts(
        opened=7, sent=5, lost=1, storm_s=1.5, errors={"late": 3, "refused": 3}, broken={"x": 1}
    )


def test_no_count_is_forgotten_when_adding() -> None:
    every: Any = {name: 1 for name, kind in Counts.__annotations__.items() if kind in ("int", "float")}
    both = Counts(**every).plus(Counts(**every))
    assert encode(both) == {name: 1 if name == "storm_s" else 2 for name in every} | {"errors": {}, "broken": {}}


def test_rates_are_of_the_time_that_it_took() -> None:
    assert measured(Counts(opened=100, storm_s=4.0)).connects_per_s() == 25.0
    assert measured(Counts()).connects_per_s() == 0.0


# --- what it says --------------------------------------------------------------------------------

CARRIED = Counts(opened=1000, finished=1000, sent=100_000, answered=100_000, storm_s=10.0)


def measured(counts: Counts = CARRIED, *, connect_lag_ms: float = 1.0, send_lag_ms: float = 1.0) -> Measured:
    times = Latencies(count=1, p99_ms=5.0)
    return Measured(
        counts=counts,
        connect=times,
        answer=times,
        connect_lag=Latencies(count=1, p99_ms=connect_lag_ms),
        send_lag=Latencies(count=1, p99_ms=send_lag_ms),
    )


def test_the_mark_reached_without_errors_passes() -> None:
    finding = judge_load(MARK, measured())
    assert (finding.requirement, finding.verdict) == ("API-5", Verdict.PASS)
    assert finding.reason == "1,000 sessions and 10,000 messages/s for 10 s were carried"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"opened": 999, "failed": 1, "errors": {"refused": 1}}, "1 of 1,000 sessions were not opened; refused: 1"),
        ({"lost": 2, "errors": {"closed with 1011": 2}}, "2 sessions were lost; closed with 1011: 2"),
        ({"answered": 98_999}, "99.0% of 100,000 messages were answered within 1 s, at least 99% wanted"),
        ({"late": 1_001}, "99.0% of 100,000 messages were answered within 1 s"),
        ({"sent": 90_000, "unsent": 10_000, "answered": 90_000}, "90.0% of 100,000 messages"),
        ({"unanswered": 1}, "1 messages were never answered"),
    ],
)
def test_what_the_server_did_not_carry_fails(change: dict[str, Any], says: str) -> None:
    finding = judge_load(MARK, measured(replace(CARRIED, **change)))
    assert finding.verdict is Verdict.FAIL
    assert says in finding.reason


def test_a_hundredth_may_be_late() -> None:
    assert judge_load(MARK, measured(replace(CARRIED, late=1_000))).verdict is Verdict.PASS


@pytest.mark.parametrize("lag", ["connect_lag_ms", "send_lag_ms"])
def test_a_generator_that_is_late_says_nothing_of_the_server(lag: str) -> None:
    late: Any = {lag: 101.0}
    finding = judge_load(MARK, measured(replace(CARRIED, lost=1), **late))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "did not keep up" in finding.reason
    assert "101 ms late" in finding.reason
    assert "1 sessions were lost" in finding.reason


LOADED = replace(MARK, place=replace(PLACE, here=True))


def test_a_machine_that_serves_and_loads_excuses_what_took_too_long() -> None:
    busy = replace(measured(replace(CARRIED, late=50_000)), idle=0.04)
    finding = judge_load(LOADED, busy)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "4% were idle in its busiest second" in finding.reason
    assert "50.0% of 100,000 messages" in finding.reason
    slow = replace(busy, counts=replace(CARRIED, opened=999, failed=1, errors={"not open in time": 1}))
    assert judge_load(LOADED, slow).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("why", ["idle", "elsewhere", "refused"])
def test_it_excuses_nothing_else(why: str) -> None:
    plan = MARK if why == "elsewhere" else LOADED
    errors = {"the handshake was answered 503": 1} if why == "refused" else {}
    its = replace(measured(replace(CARRIED, late=50_000, errors=errors)), idle=0.06 if why == "idle" else 0.0)
    assert judge_load(plan, its).verdict is Verdict.FAIL


def test_it_takes_nothing_from_a_pass() -> None:
    assert judge_load(LOADED, replace(measured(), idle=0.0)).verdict is Verdict.PASS


@pytest.mark.parametrize("change", [{"sessions": 999}, {"rate": 9_999.0}, {"rate": 0.0}])
def test_below_the_mark_nothing_passes(change: dict[str, Any]) -> None:
    plan = replace(MARK, **change)
    finding = judge_load(plan, measured(replace(CARRIED, opened=plan.sessions)))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "below the mark of 1,000 sessions and 10,000 messages/s" in finding.reason


def test_below_the_mark_a_failure_is_one() -> None:
    plan = replace(MARK, sessions=10)
    assert judge_load(plan, measured(replace(CARRIED, opened=9))).verdict is Verdict.FAIL


def test_what_nobody_answers_was_not_seen() -> None:
    plan = replace(MARK, reply="")
    finding = judge_load(plan, measured(replace(CARRIED, answered=0)))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "could not be seen" in finding.reason
    assert judge_load(plan, measured(replace(CARRIED, answered=0, lost=1))).verdict is Verdict.FAIL


def test_nothing_at_all_never_passes() -> None:
    assert judge_load(MARK, measured(Counts())).verdict is Verdict.FAIL
