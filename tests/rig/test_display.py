"""A screen of its own for a browser that has to ask: up before it is used, and gone afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conformance.errors import RigFailed, Unsupported
from conformance.rig import display as display_module
from conformance.rig.display import screen
from tests.rig.processes import PATIENCE_S, says_its_pid, watched

UP = "echo 7 > /proc/self/fd/$2"  # as -displayfd asks


def xvfb(directory: Path, monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """In the program's place, the only one there is: these lines of sh."""
    path = directory / "Xvfb"
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o700)
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")


def test_its_name_is_what_the_program_says_when_it_is_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = tmp_path / "arguments"
    ends = "exec sleep 1000"
    xvfb(
        tmp_path,
        monkeypatch,
        f"echo $@ > {arguments}",
        says_its_pid(tmp_path / "pid"),
        "echo 7 > /proc/self/fd/$2",
        ends,
    )

    async def scene() -> str:
        async with screen() as name:
            with watched(int((tmp_path / "pid").read_text())) as process:
                assert process.left()
            return name

    assert asyncio.run(scene()) == ":7"
    assert arguments.read_text().startswith("-displayfd ")
    assert "-nolisten tcp" in arguments.read_text()


def test_it_is_gone_when_the_browser_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    xvfb(tmp_path, monkeypatch, says_its_pid(tmp_path / "pid"), UP, "exec sleep 1000")

    async def scene() -> set[int]:
        async with screen():
            watching = watched(int((tmp_path / "pid").read_text()))
            process = watching.__enter__()
        left = process.left(PATIENCE_S)
        watching.__exit__(None, None, None)
        return left

    assert asyncio.run(scene()) == set()


def test_one_that_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display_module, "_GRACE_S", 0.1)
    xvfb(tmp_path, monkeypatch, "trap '' TERM", UP, "while :; do sleep 0.05; done")

    async def scene() -> str:
        async with screen() as name:
            return name

    assert asyncio.run(asyncio.wait_for(scene(), PATIENCE_S)) == ":7"


def test_without_the_program_the_scenario_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    async def scene() -> None:
        async with screen():
            pytest.fail("there is no screen")

    with pytest.raises(Unsupported, match=r"asks its user nothing; install Xvfb \(apt-get install xvfb\)"):
        asyncio.run(scene())


@pytest.mark.parametrize(
    "line", ["exit 1", "echo nothing > /proc/self/fd/$2", "exec sleep 1000"], ids=["ends", "talks", "mute"]
)
def test_a_program_that_gives_no_display_is_the_rigs_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(display_module, "_UP_S_MAX", 0.3)
    xvfb(tmp_path, monkeypatch, line)

    async def scene() -> None:
        async with screen():
            pytest.fail("there is no screen")

    with pytest.raises(RigFailed, match="gave no display"):
        asyncio.run(scene())
