"""The rig of a pytest process: opened once, used from a thread that knows no asyncio, closed whatever happened."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from conformance.errors import HarnessError, RigFailed
from conformance.files import load_scenarios
from conformance.model import Profile
from conformance.plan import PlanItem
from conformance.pytest_rigs import RigThread
from conformance.record import ScenarioRecord

WAIT_S_MAX = 10.0


class StandIn:
    """A rig that notes what is asked of it."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.fails_to_open: list[Exception] = []
        self.fails_to_run: list[Exception] = []
        self.is_running = threading.Event()
        self.hangs = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[StandIn]:
        if self.fails_to_open:
            raise self.fails_to_open.pop()
        self.log.append("open")
        try:
            yield self
        finally:
            self.log.append("close")

    async def run(self, item: PlanItem) -> ScenarioRecord:
        self.is_running.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.fails_to_run:
            raise self.fails_to_run.pop()
        self.log.append(item.scenario.id)
        return ScenarioRecord(item.profile.name, item.scenario.id, item.repeat)


@pytest.fixture(scope="module")
def item() -> PlanItem:
    return PlanItem(Profile("subject", "1", str(Path("somewhere"))), load_scenarios()[0], 0)


@contextmanager
def running(rig: StandIn) -> Iterator[RigThread]:
    thread = RigThread(rig.open)
    try:
        yield thread
    finally:
        thread.close()


def test_one_rig_for_all(item: PlanItem) -> None:
    rig = StandIn()
    with running(rig) as thread:
        assert thread.run(item).scenario == item.scenario.id
        assert thread.run(item).subject == "subject"
    assert rig.log == ["open", item.scenario.id, item.scenario.id, "close"]


def test_no_rig_without_a_scenario() -> None:
    rig = StandIn()
    with running(rig):
        pass
    assert rig.log == []


def test_an_error_of_the_rig_is_the_callers_and_the_rig_stays(item: PlanItem) -> None:
    rig = StandIn()
    rig.fails_to_run = [RigFailed("no port")]
    with running(rig) as thread:
        with pytest.raises(RigFailed, match="no port"):
            thread.run(item)
        thread.run(item)
    assert rig.log == ["open", item.scenario.id, "close"]


def test_a_rig_that_did_not_open_is_tried_again(item: PlanItem) -> None:
    rig = StandIn()
    rig.fails_to_open = [RigFailed("no browser")]
    with running(rig) as thread:
        with pytest.raises(RigFailed, match="no browser"):
            thread.run(item)
        thread.run(item)
    assert rig.log == ["open", item.scenario.id, "close"]


def test_closing_ends_a_scenario_that_hangs(item: PlanItem) -> None:
    rig = StandIn()
    rig.hangs = True
    with running(rig) as thread:
        said: list[BaseException] = []

        def ask() -> None:
            try:
                thread.run(item)
            except HarnessError as error:
                said.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        assert rig.is_running.wait(WAIT_S_MAX)
        thread.close()
        asking.join(WAIT_S_MAX)
    assert [str(error) for error in said] == ["the run was stopped"]
    assert rig.log == ["open", "close"]


def test_nothing_runs_after_closing(item: PlanItem) -> None:
    with running(StandIn()) as thread:
        pass
    thread.close()  # again: harmless
    with pytest.raises(HarnessError, match="has ended; run again"):
        thread.run(item)


def test_inside_a_running_loop(item: PlanItem) -> None:
    """As under Playwright's sync API, which leaves the main thread with one."""

    async def main() -> ScenarioRecord:
        with running(StandIn()) as thread:
            return thread.run(item)

    assert asyncio.run(main()).scenario == item.scenario.id
