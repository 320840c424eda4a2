"""The harness goes first, and nobody else."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from conformance.rig.priority import POLICY, going_first

CHILD = [sys.executable, "-c", "import os; print(os.sched_getscheduler(0))"]
FIRST = POLICY | os.SCHED_RESET_ON_FORK


def of_a_child() -> int:
    return int(subprocess.run(CHILD, check=True, capture_output=True).stdout)  # noqa: S603 - ourselves


def test_the_loop_and_its_threads_go_first_and_whom_they_start_does_not() -> None:
    async def scene() -> tuple[int, ...]:
        with going_first():
            own = os.sched_getscheduler(0)
            threads = await asyncio.to_thread(os.sched_getscheduler, 0)
            return own, threads, of_a_child(), await asyncio.to_thread(of_a_child)

    before = os.sched_getscheduler(0)
    own, threads, child, threads_child = asyncio.run(scene())
    assert os.sched_getscheduler(0) == before
    if own == before:
        pytest.skip("this process may not go first, or has another policy")
    assert (own, threads, child, threads_child) == (FIRST, FIRST, os.SCHED_OTHER, os.SCHED_OTHER)


def without_leave(monkeypatch: pytest.MonkeyPatch, policy: int) -> list[int]:
    asked = []

    def refuse(_process: int, wanted: int, _parameters: object) -> None:
        asked.append(wanted)
        raise PermissionError

    async def scene() -> None:
        with going_first():
            pass

    monkeypatch.setattr(os, "sched_getscheduler", lambda _: policy)
    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    asyncio.run(scene())
    return asked


def test_without_leave_everything_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    assert without_leave(monkeypatch, os.SCHED_OTHER) == [FIRST, os.SCHED_OTHER]


def test_a_policy_of_somebody_elses_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert without_leave(monkeypatch, os.SCHED_IDLE) == []
