"""When a subject's process was launched, read from what processes say of themselves."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from conformance.rig import proc
from conformance.rig.birth import birth, launched_ms
from conformance.rig.proc import Group
from tests.rig.processes import PATIENCE_S

EXTENSION = "--type=renderer --extension-process --no-sandbox --launch-time-ticks=43159333899 --lang=en"
PAGE = "--type=renderer --launch-time-ticks=43159296972"


@pytest.fixture(autouse=True)
def moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, a process here says what it is at the first look."""
    monkeypatch.setattr(proc, "_MOMENT_S", PATIENCE_S)


@contextmanager
def group(directory: Path, *commands: str) -> Iterator[int]:
    """A process group in which each command line is one process'."""
    end, script = directory / "end", directory / "script"
    os.mkfifo(end)
    script.write_text("".join(f"sh -c 'echo up; read _ <{end}' chromium {each} &\n" for each in commands) + "wait\n")
    with subprocess.Popen(["sh", script], stdout=subprocess.PIPE, process_group=0) as leader:  # noqa: S603, S607 - a test's own
        assert leader.stdout is not None
        for _ in commands:
            assert leader.stdout.readline() == b"up\n"
        try:
            yield leader.pid
        finally:
            with suppress(ProcessLookupError):
                os.killpg(leader.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("commands", "at_ms"),
    [
        ((), None),
        ((PAGE,), None),
        ((PAGE, EXTENSION), 43159333.899),
        ((EXTENSION.replace("899", "999"), EXTENSION), 43159333.899),
        (("--extension-process",), None),
        (("--extension-process --launch-time-ticks=soon",), None),
    ],
    ids=["none", "a-page", "an-extension", "the-first-of-two", "no-time", "a-strange-time"],
)
def test_it_is_the_extensions_processs_launch(tmp_path: Path, commands: tuple[str, ...], at_ms: float | None) -> None:
    with group(tmp_path, *commands) as leader:
        assert launched_ms(Group(leader)) == at_ms


def test_another_browsers_subject_is_not_this_ones(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with ExitStack() as both:
        mine = both.enter_context(group(tmp_path, PAGE))
        both.enter_context(group(tmp_path / "other", EXTENSION))
        assert launched_ms(Group(mine)) is None


def test_a_group_that_is_gone_has_none() -> None:
    with subprocess.Popen(["true"], process_group=0) as gone:  # noqa: S607 - whichever
        gone.wait(PATIENCE_S)
    assert launched_ms(Group(gone.pid)) is None


def test_it_is_waited_for() -> None:
    async def scene() -> tuple[bool, float]:
        first = await asyncio.create_subprocess_exec("sleep", "1000", process_group=0)
        waiting = asyncio.create_task(birth(first.pid))
        await asyncio.sleep(0)
        early = waiting.done()
        words = ["-c", "sleep 1000; true", "chromium", *EXTENSION.split()]
        second = await asyncio.create_subprocess_exec("sh", *words, process_group=first.pid)
        async with asyncio.timeout(PATIENCE_S):
            born = await waiting
        os.killpg(first.pid, signal.SIGKILL)
        await asyncio.gather(first.wait(), second.wait())
        return early, born

    assert asyncio.run(scene()) == (False, 43159333.899)
