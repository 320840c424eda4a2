"""Who is in a process group, and what the kernel tells of it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading

import pytest

from conformance.rig import proc
from conformance.rig.proc import CommandLines, of_group, read
from tests.rig.processes import PATIENCE_S


def test_a_groups_processes_are_its_own_and_those_alone() -> None:
    with (
        subprocess.Popen(["sleep", "1000"], process_group=0) as first,  # noqa: S607 - whichever
        subprocess.Popen(["sleep", "1000"], process_group=first.pid) as second,  # noqa: S607 - as above
        subprocess.Popen(["sleep", "1000"], process_group=0) as other,  # noqa: S607 - as above
    ):
        assert set(of_group(first.pid)) == {f"/proc/{first.pid}", f"/proc/{second.pid}"}
        assert read(f"/proc/{first.pid}/comm") == b"sleep\n"
        os.killpg(first.pid, signal.SIGKILL)
        other.kill()
        second.wait(PATIENCE_S)
        first.wait(PATIENCE_S)
        assert list(of_group(first.pid)) == []
        with pytest.raises(OSError, match="No such"):
            read(f"/proc/{first.pid}/comm")


def test_no_more_is_read_than_asked_for() -> None:
    assert len(read("/proc/self/status", 10)) == 10


# --- command lines -------------------------------------------------------------------------------

LEADER = 7
RENDERER = b"chromium\0--type=renderer"


class Kernel:
    """What is read of each process, and how often."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: dict[str, bytes] = {}
        self.read: list[str] = []
        self.waits = threading.Event()
        self.waits.set()
        monkeypatch.setattr(proc, "read", self._read)

    def _read(self, path: str, _size: int) -> bytes:
        self.read.append(path)
        assert self.waits.wait(PATIENCE_S)
        if path not in self.said:
            raise ProcessLookupError
        return self.said[path]


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    monkeypatch.setattr(proc, "_MOMENT_S", PATIENCE_S)  # but for who shortens it
    return Kernel(monkeypatch)


@pytest.mark.parametrize(
    ("process", "said", "times"),
    [
        (8, RENDERER, 1),
        (LEADER, b"chromium", 1),
        (8, b"chromium", 3),  # forked, and not yet what it will be
        (8, b"chromium\0--type=zygote", 3),  # as above, or a zygote
    ],
)
def test_one_that_has_said_what_it_stays_is_not_asked_again(
    kernel: Kernel, process: int, said: bytes, times: int
) -> None:
    kernel.said[f"/proc/{process}/cmdline"] = said
    commands = CommandLines(LEADER)
    assert [commands.of(f"/proc/{process}") for _ in range(3)] == [said] * 3
    assert len(kernel.read) == times


def test_one_that_does_not_answer_is_not_waited_for(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proc, "_MOMENT_S", 0.001)
    kernel.said["/proc/8/cmdline"] = RENDERER
    kernel.waits.clear()
    commands = CommandLines(LEADER)
    assert [commands.of("/proc/8"), commands.of("/proc/8")] == [None, None]
    kernel.waits.set()
    commands._asked["/proc/8"].result(PATIENCE_S)
    assert commands.of("/proc/8") == RENDERER
    assert len(kernel.read) == 1


def test_one_that_has_ended_is_an_error_each_time(kernel: Kernel) -> None:
    commands = CommandLines(LEADER)
    for _ in range(2):
        with pytest.raises(ProcessLookupError):
            commands.of("/proc/8")
    kernel.said["/proc/8/cmdline"] = RENDERER  # another of the same number
    assert commands.of("/proc/8") == RENDERER


def test_what_is_not_kept_is_asked_again(kernel: Kernel) -> None:
    kernel.said |= {"/proc/8/cmdline": RENDERER, "/proc/9/cmdline": RENDERER}
    commands = CommandLines(LEADER)
    commands.of("/proc/8")
    commands.of("/proc/9")
    commands.keep(["/proc/9", "/proc/10"])
    commands.of("/proc/8")
    commands.of("/proc/9")
    assert kernel.read == ["/proc/8/cmdline", "/proc/9/cmdline", "/proc/8/cmdline"]
