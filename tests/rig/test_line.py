"""Who may go next: busy scenarios one a core, waiting ones on the other rigs."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from conformance.model import Expectation, Hold, Outcome, Profile, Scenario, Shown, World
from conformance.plan import FRESH_PROFILE, PlanItem
from conformance.rig.line import Kind, Line, kind_of

PROFILE = Profile("tested", "1", "/nowhere")


def item(name: str, hold_ms: float = 0, *, may_fail: bool = False) -> PlanItem:
    then = Expectation(Outcome.LOCAL, Shown.GOOD, 6000, 100)
    scenario = Scenario(name, "Choosing", "", (), World(), (Hold(hold_ms),) if hold_ms else (), then)
    return PlanItem(PROFILE, scenario, 0, may_fail)


BUSY = [item(f"busy-{number}") for number in range(4)]
WAITING = [item(f"waiting-{number}", 20_000) for number in range(4)]
DOUBTFUL = [item(f"doubtful-{number}", may_fail=True) for number in range(6)]


def test_the_kinds_are_told_apart() -> None:
    assert kind_of(BUSY[0]) is Kind.BUSY
    assert kind_of(WAITING[0]) is Kind.WAITING
    assert kind_of(DOUBTFUL[0]) is Kind.DOUBTFUL
    assert kind_of(item("waits anyway", 20_000, may_fail=True)) is Kind.WAITING


def test_a_browsers_launch_is_work() -> None:
    """It counted as waiting: fourteen browsers started side by side, and questions left them a second late."""
    fresh = item("fresh")
    fresh = replace(fresh, scenario=replace(fresh.scenario, tags=(FRESH_PROFILE,)))
    assert kind_of(fresh) is Kind.BUSY
    waits = replace(WAITING[0], scenario=replace(WAITING[0].scenario, tags=(FRESH_PROFILE,)))
    assert kind_of(waits) is Kind.WAITING


def test_doubtful_ones_do_not_hold_up_busy_ones() -> None:
    """They did: at 16 rigs no more than two of the gallery's failing scenarios began in a second, and nothing else."""

    async def scene() -> list[PlanItem | None]:
        line = Line([*DOUBTFUL, *BUSY], jobs=16, cores=2)
        return [await line.take() for _ in range(4)]

    assert asyncio.run(scene()) == [*DOUBTFUL[:2], *BUSY[:2]]


def test_a_doubtful_one_that_is_not_over_turns_out_to_wait_and_makes_room() -> None:
    async def scene() -> list[PlanItem | None]:
        line = Line(DOUBTFUL, jobs=16, cores=2, turns_out_ms=0)
        return [await line.take() for _ in range(6)]

    assert asyncio.run(scene()) == DOUBTFUL


def test_waiting_ones_leave_a_rig_a_core_to_busy_ones() -> None:
    async def scene() -> list[PlanItem | None]:
        line = Line([*WAITING, *BUSY], jobs=4, cores=2)
        return [await line.take() for _ in range(4)]

    assert asyncio.run(scene()) == [*WAITING[:2], *BUSY[:2]]


def test_a_third_busy_one_waits_until_one_is_done() -> None:
    async def scene() -> tuple[bool, PlanItem | None]:
        line = Line(BUSY, jobs=4, cores=2)
        first = await line.take()
        await line.take()
        third = asyncio.create_task(line.take())
        await asyncio.sleep(0)
        was_waiting = not third.done()
        assert first is not None
        await line.done(first)
        return was_waiting, await third

    assert asyncio.run(scene()) == (True, BUSY[2])


def test_a_busy_one_that_is_not_over_turns_out_to_wait_and_makes_room() -> None:
    """A mutant that fails in "busy" scenarios held both of their places for 8 s each: 556 s for the gallery."""

    async def scene() -> list[PlanItem | None]:
        line = Line(BUSY, jobs=4, cores=2, turns_out_ms=0)
        return [await line.take() for _ in range(4)]

    assert asyncio.run(scene()) == BUSY


def test_what_turned_out_to_wait_counts_among_the_waiting_until_it_is_done() -> None:
    async def scene() -> list[PlanItem | None]:
        line = Line([BUSY[0], *WAITING, BUSY[1]], jobs=3, cores=1, turns_out_ms=0)
        first = await line.take()
        assert first is not None
        for _ in range(5):  # its time is up at once
            await asyncio.sleep(0)
        taken = [await line.take(), await line.take()]  # the two places of waiting ones: the first has one of them
        await line.done(first)
        return [*taken, await line.take()]

    assert asyncio.run(scene()) == [WAITING[0], BUSY[1], WAITING[1]]


def test_a_busy_one_that_is_over_in_time_never_counts_as_waiting() -> None:
    async def scene() -> list[PlanItem | None]:
        line = Line([*BUSY[:2], *WAITING, BUSY[2]], jobs=3, cores=1, turns_out_ms=0)
        taken: list[PlanItem | None] = []
        for _ in BUSY[:2]:
            each = await line.take()
            assert each is not None
            await line.done(each)
            taken.append(each)
        for _ in range(5):
            await asyncio.sleep(0)
        return [*taken, *[await line.take() for _ in range(3)]]

    assert asyncio.run(scene()) == [*BUSY[:2], *WAITING[:2], BUSY[2]]


def test_with_as_many_rigs_as_cores_the_order_is_kept() -> None:
    async def scene() -> list[PlanItem | None]:
        line = Line([*WAITING, *BUSY], jobs=2, cores=2)
        return [await line.take() for _ in range(2)]

    assert asyncio.run(scene()) == WAITING[:2]


def test_waiting_ones_alone_get_every_rig() -> None:
    async def scene() -> list[PlanItem | None]:
        line = Line(WAITING, jobs=4, cores=2)
        return [await line.take() for _ in range(4)]

    assert asyncio.run(scene()) == WAITING


def test_an_empty_line_gives_none_and_clearing_empties_it() -> None:
    async def scene() -> PlanItem | None:
        line = Line(BUSY, jobs=1, cores=2)
        await line.clear()
        return await line.take()

    assert asyncio.run(scene()) is None
