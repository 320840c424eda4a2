"""A process that was kept from running does not miss what lay ready for it."""

from __future__ import annotations

import asyncio
import selectors
import time

import pytest

from tests.rig import standing
from tests.rig.standing import StandingClock

real = time.monotonic


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The machine's own seconds, to be moved."""
    seconds = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: seconds[0])
    return seconds


def test_it_goes_as_the_machine_does(machine: list[float]) -> None:
    clock = StandingClock()
    for step_s in (0.001, 0.0, 0.004):
        machine[0] += step_s
        clock()
    assert clock() == pytest.approx(100.005)


def test_a_standstill_is_left_out(machine: list[float]) -> None:
    clock = StandingClock()
    machine[0] += 3.0
    assert clock() == pytest.approx(100.005)
    machine[0] += 0.002
    assert clock() == pytest.approx(100.007)


def test_what_was_waited_for_counts_and_not_what_came_on_top(machine: list[float]) -> None:
    clock = StandingClock()
    machine[0] += 0.3
    assert clock.pass_over(0.3) == pytest.approx(100.3)
    machine[0] += 9.0
    assert clock.pass_over(0.3) == pytest.approx(100.605)


@pytest.mark.parametrize(("ready", "passed_s"), [([], 0.305), (["an answer"], 0.295)])
def test_what_is_ready_after_a_standstill_came_before_the_timer(
    ready: list[str], passed_s: float, machine: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stand_still(_self: object, _timeout: float) -> list[str]:
        machine[0] += 9.0
        return ready

    monkeypatch.setattr(selectors.DefaultSelector, "select", stand_still)
    clock = StandingClock()
    with standing.Selector(clock) as selector:
        selector.select(0.3)
    assert clock() == pytest.approx(100 + passed_s)


def busy(seconds: float) -> None:
    until_s = real() + seconds
    while real() < until_s:
        pass


def test_an_answer_that_lay_ready_is_in_time_after_a_standstill() -> None:
    """With the machine's clock the timer is over: the loop looks at it before it reads."""

    async def scene() -> str:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        loop.call_later(0.02, reader.feed_data, b"in time\n")
        loop.call_later(0.01, busy, 0.2)
        async with asyncio.timeout(0.1):
            return (await reader.readline()).decode()

    assert standing.run(scene()) == "in time\n"
    with pytest.raises(TimeoutError):
        asyncio.run(scene())


def test_waits_take_as_long_as_they_say_and_the_clock_is_given_back() -> None:
    async def scene() -> float:
        began_s = time.monotonic()
        await asyncio.sleep(0.05)
        return time.monotonic() - began_s

    began_s = real()
    assert 0.05 <= standing.run(scene()) < 0.08
    assert real() - began_s >= 0.05
    assert time.monotonic is real
