"""The stand-ins for the desktop's tools wait for as long as they are to, and for nobody who has gone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conformance.rig.desktop import TOOLS, Desktop
from tests.rig.processes import PATIENCE_S, descriptors

UNINSTALL = ("uninstall", "--mode", "user", "it")


def run(tool: Path) -> subprocess.Popen[bytes]:
    """As Chromium does."""
    return subprocess.Popen([tool, *UNINSTALL], stdin=subprocess.DEVNULL)  # noqa: S603 - our own


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_waits_until_it_is_let_go(tmp_path: Path, name: str) -> None:
    desktop = Desktop(tmp_path / "tools")
    with run(desktop.directory / name) as waiting:
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.2)  # there is no event for a process that goes on
        desktop.release()
        assert waiting.wait(PATIENCE_S) == 0


def test_when_all_are_let_go_nobody_waits(tmp_path: Path) -> None:
    desktop = Desktop(tmp_path / "tools")
    desktop.release()
    desktop.release()
    with run(desktop.directory / TOOLS[0]) as late:
        assert late.wait(PATIENCE_S) == 0


def test_a_tool_does_not_outlive_the_harness(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    holds = f"from pathlib import Path; from conformance.rig.desktop import Desktop; d = Desktop(Path({str(tools)!r}))"
    holding = [sys.executable, "-c", f"{holds}; print(flush=True); input()"]
    with subprocess.Popen(holding, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as harness:  # noqa: S603 - this Python
        assert harness.stdout is not None
        harness.stdout.readline()
        with run(tools / TOOLS[0]) as waiting:
            harness.kill()
            assert waiting.wait(PATIENCE_S) == 0


def test_what_a_killed_harness_left_is_in_nobodys_way(tmp_path: Path) -> None:
    before = Desktop(tmp_path / "tools")
    after = Desktop(tmp_path / "tools")
    with run(after.directory / TOOLS[0]) as waiting:
        after.release()
        assert waiting.wait(PATIENCE_S) == 0
    before.release()


def test_nothing_of_ours_stays_open(tmp_path: Path) -> None:
    before = descriptors()
    Desktop(tmp_path / "tools").release()
    assert descriptors() == before
