"""Who may go next: busy scenarios one a core, waiting ones on the other rigs."""

from __future__ import annotations

import asyncio

from conformance.model import Expectation, Hold, Outcome, Profile, Scenario, Shown, World
from conformance.plan import PlanItem
from conformance.rig.line import Line, is_waiting

PROFILE = Profile("tested", "1", "/nowhere")


def item(name: str, hold_ms: float = 0) -> PlanItem:
    then = Expectation(Outcome.LOCAL, Shown.GOOD, 6000, 100)
    scenario = Scenario(name, "Choosing", "", (), World(), (Hold(hold_ms),) if hold_ms else (), then)
    return PlanItem(PROFILE, scenario, 0)


BUSY = [item(f"busy-{number}") for number in range(4)]
WAITING = [item(f"waiting-{number}", 20_000) for number in range(4)]


def test_the_kinds_are_told_apart() -> None:
    assert not is_waiting(BUSY[0])
    assert is_waiting(WAITING[0])


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
