"""Who is in a process group, and what the kernel tells of it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from types import SimpleNamespace

import pytest

from conformance.rig import proc
from conformance.rig.proc import Group, read
from tests.rig.processes import PATIENCE_S


def test_a_groups_processes_are_its_own_and_those_alone() -> None:
    with (
        subprocess.Popen(["sleep", "1000"], process_group=0) as first,  # noqa: S607 - whichever
        subprocess.Popen(["sleep", "1000"], process_group=first.pid) as second,  # noqa: S607 - as above
        subprocess.Popen(["sleep", "1000"], process_group=0) as other,  # noqa: S607 - as above
    ):
        group = Group(first.pid)
        assert set(group.processes()) == {f"/proc/{first.pid}", f"/proc/{second.pid}"}
        assert read(f"/proc/{first.pid}/comm") == b"sleep\n"
        os.killpg(first.pid, signal.SIGKILL)
        other.kill()
        second.wait(PATIENCE_S)
        first.wait(PATIENCE_S)
        assert group.processes() == []
        with pytest.raises(OSError, match="No such"):
            read(f"/proc/{first.pid}/comm")


def test_no_more_is_read_than_asked_for() -> None:
    assert len(read("/proc/self/status", 10)) == 10


def test_who_joins_a_group_is_seen_and_who_takes_the_number_of_another_too() -> None:
    with subprocess.Popen(["sleep", "1000"], process_group=0) as first:  # noqa: S607 - whichever
        group = Group(first.pid)
        assert group.processes() == [f"/proc/{first.pid}"]
        with subprocess.Popen(["sleep", "1000"], process_group=first.pid) as second:  # noqa: S607 - as above
            group._others.add("4194305")  # no process has it now; whoever has it next is looked at
            assert set(group.processes()) == {f"/proc/{first.pid}", f"/proc/{second.pid}"}
            assert "4194305" not in group._others
            os.killpg(first.pid, signal.SIGKILL)


# --- command lines -------------------------------------------------------------------------------

RENDERER = b"chromium\0--type=renderer"
ZYGOTE = b"chromium\0--type=zygote"


class Kernel:
    """What is read of process 8, whose group's leader is process 7, and how often."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: bytes | None = RENDERER
        self.name = b"chromium"
        self.threads = 1
        self.asked = 0
        self.answers = threading.Event()
        self.answers.set()
        monkeypatch.setattr(proc, "read", self._read)
        monkeypatch.setattr("os.stat", self._stat)
        self.group = Group(7)
        self.processes = ["/proc/8"]
        monkeypatch.setattr(self.group, "processes", lambda: self.processes)

    def say(self, times: int = 1) -> bytes | None:
        return [self.group.command_lines()["/proc/8"] for _ in range(times)][-1]

    def _read(self, path: str, _size: int = 100) -> bytes:
        if path.endswith("/comm"):
            return b"chromium" if path == "/proc/7/comm" else self.name
        self.asked += 1
        assert self.answers.wait(PATIENCE_S)
        if self.said is None:
            raise ProcessLookupError
        return self.said

    def _stat(self, path: str) -> SimpleNamespace:
        assert path == "/proc/8/task"
        return SimpleNamespace(st_nlink=2 + self.threads)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    monkeypatch.setattr(proc, "_MOMENT_S", PATIENCE_S)  # but for who shortens it
    return Kernel(monkeypatch)


@pytest.mark.parametrize(
    ("said", "name", "threads", "times"),
    [
        (RENDERER, b"chromium", 20, 1),
        (ZYGOTE, b"chromium", 1, 1),
        (ZYGOTE, b"chromium", 2, 3),  # it was forked by one, and will say what it is
        (b"chromium", b"chromium", 1, 3),  # forked, and not yet what it will be
        (b"/bin/sh\0xdg-settings", b"sh", 1, 1),
    ],
    ids=["renderer", "zygote", "of-a-zygote", "forked", "another-program"],
)
def test_one_is_asked_again_while_it_may_become_another(
    kernel: Kernel, said: bytes, name: bytes, threads: int, times: int
) -> None:
    kernel.said, kernel.name, kernel.threads = said, name, threads
    assert kernel.say(3) == said
    assert kernel.asked == times


def test_the_leader_stays_what_it_is(kernel: Kernel) -> None:
    kernel.said, kernel.processes = b"chromium", ["/proc/7"]
    for _ in range(3):
        assert kernel.group.command_lines() == {"/proc/7": b"chromium"}
    assert kernel.asked == 1


def test_one_that_does_not_answer_is_not_waited_for(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proc, "_MOMENT_S", 0.001)
    kernel.answers.clear()
    assert kernel.say(2) is None
    kernel.answers.set()
    kernel.group._asked["/proc/8"].result(PATIENCE_S)
    assert kernel.say() == RENDERER
    assert kernel.asked == 1


def test_one_that_may_have_changed_is_unknown_until_it_says(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what it says is heard however late: one that never answered in time was asked anew, and stayed a zygote."""
    kernel.said = ZYGOTE
    kernel.say()
    kernel.threads, kernel.said = 2, RENDERER
    monkeypatch.setattr(proc, "_MOMENT_S", 0.001)
    kernel.answers.clear()
    assert kernel.say(3) is None
    kernel.answers.set()
    kernel.group._asked["/proc/8"].result(PATIENCE_S)
    assert kernel.say(2) == RENDERER
    assert kernel.asked == 2


def test_one_that_has_ended_is_not_there(kernel: Kernel) -> None:
    kernel.said = None
    assert [kernel.group.command_lines(), kernel.group.command_lines()] == [{}, {}]
    kernel.said = RENDERER  # another of the same number
    assert kernel.say() == RENDERER


def test_one_that_has_left_is_asked_when_it_is_back(kernel: Kernel) -> None:
    kernel.say()
    kernel.processes = []
    assert kernel.group.command_lines() == {}
    kernel.processes, kernel.said = ["/proc/8"], ZYGOTE
    assert kernel.say() == ZYGOTE
