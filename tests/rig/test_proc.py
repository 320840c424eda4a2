"""Who is in a process group, and what the kernel tells of it."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from conformance.rig.proc import of_group, read
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
