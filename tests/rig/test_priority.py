"""The harness goes first, and nobody else."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from conformance.rig.priority import NICE, going_first

CHILD = [sys.executable, "-c", "import os; print(os.getpriority(os.PRIO_PROCESS, 0))"]


def nice() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)


def test_it_goes_first_as_long_as_it_is_asked_for_and_its_children_do_not() -> None:
    before = nice()
    with going_first():
        during = nice()
        child = int(subprocess.run(CHILD, check=True, capture_output=True).stdout)  # noqa: S603 - ourselves
    assert nice() == before
    if during == before:
        pytest.skip("this process may not raise its priority, or has another policy")
    assert (during, child) == (NICE, 0)


def test_without_leave_everything_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(_which: int, _who: int, priority: int) -> None:
        asked.append(priority)
        if priority == NICE:
            raise PermissionError

    monkeypatch.setattr(os, "sched_getscheduler", lambda _: os.SCHED_OTHER)
    monkeypatch.setattr(os, "getpriority", lambda *_: 5)
    monkeypatch.setattr(os, "setpriority", refuse)
    with going_first():
        assert asked == [NICE]
    assert asked == [NICE, 5]


def test_a_policy_of_somebody_elses_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(os, "sched_getscheduler", lambda _: os.SCHED_IDLE)
    monkeypatch.setattr(os, "setpriority", lambda *given: asked.extend(given))
    with going_first():
        pass
    assert asked == []
