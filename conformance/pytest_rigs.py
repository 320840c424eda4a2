"""The rig of one pytest process: opened for its first scenario, warm until its last.

It lives on an event loop in a thread of its own, because the process's main thread may have a loop
running already (Playwright's sync API leaves one), and in one task, because what a task opened it
must close. What a rig is, and what it does, is rig/engine.py's.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Protocol

from conformance.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from conformance.plan import PlanItem
    from conformance.record import ScenarioRecord

    Answer = Future[ScenarioRecord]

_LOOK_S = 1.0
CLOSE_S_MAX = 20.0  # a browser that does not end is killed by its rig long before


class Rig(Protocol):
    """What is asked of a rig."""

    async def run(self, item: PlanItem) -> ScenarioRecord:
        """Carry out one scenario."""


class RigThread:
    """Runs scenarios one at a time, for callers that know nothing of asyncio."""

    def __init__(self, open_rig: Callable[[], AbstractAsyncContextManager[Rig]]) -> None:
        self._open_rig = open_rig
        self._is_closing = False
        self._loop = asyncio.new_event_loop()
        self._jobs: asyncio.Queue[tuple[PlanItem, Answer]] = asyncio.Queue()
        self._task = self._loop.create_task(self._work())
        self._thread = threading.Thread(target=self._serve, name="conformance-rig", daemon=True)
        self._thread.start()

    def run(self, item: PlanItem) -> ScenarioRecord:
        """Carry out one scenario. Raises what the rig raises."""
        answer: Answer = Future()
        try:
            self._loop.call_soon_threadsafe(self._jobs.put_nowait, (item, answer))
        except RuntimeError:  # the loop is closed
            raise HarnessError("the rig of this process has ended; run again") from None
        while not answer.done():
            # A Ctrl-C that comes just before a thread begins to wait for a lock is noticed only when it has waited.
            wait([answer], timeout=_LOOK_S)
        return answer.result()

    def close(self) -> None:
        """Close the rig, in the middle of a scenario if need be."""
        self._is_closing = True
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join(CLOSE_S_MAX)

    def _serve(self) -> None:
        try:
            self._loop.run_until_complete(asyncio.wait([self._task]))
        finally:
            self._loop.close()

    async def _work(self) -> None:
        """One scenario after the other until cancelled. A rig that cannot be opened is tried anew for the next."""
        while not self._is_closing:
            item, answer = await self._jobs.get()
            try:
                async with self._open_rig() as rig:
                    while True:
                        await _carry_out(rig, item, answer)
                        item, answer = await self._jobs.get()
            except Exception as error:  # noqa: BLE001 - it is the caller's to judge
                _fail(answer, error)
            finally:
                _fail(answer, HarnessError("the run was stopped"))


async def _carry_out(rig: Rig, item: PlanItem, answer: Answer) -> None:
    try:
        answer.set_result(await rig.run(item))
    except Exception as error:  # noqa: BLE001 - it is the caller's to judge
        answer.set_exception(error)


def _fail(answer: Answer, error: Exception) -> None:
    """Give an answer that has none yet."""
    if not answer.done():
        answer.set_exception(error)
