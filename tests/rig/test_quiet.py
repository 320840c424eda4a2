"""Long commands: their verdict in one line, and their limits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conformance.rig.quiet import OUTPUT_BYTES_MAX, last_error, run_quietly

ENOUGH_S = 30.0


def sh(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


def test_success_says_nothing() -> None:
    said: list[str] = []
    assert run_quietly(sh("echo noise; echo more >&2"), said.append, limit_s=ENOUGH_S) is None
    assert said == []


def test_failure_is_one_line_of_blame() -> None:
    why = run_quietly(sh("echo working; echo 'E: no route to host'; echo bye; exit 7"), print, limit_s=ENOUGH_S)
    assert why == "E: no route to host"


def test_silent_failure_gives_its_exit_status() -> None:
    assert run_quietly(sh("exit 7"), print, limit_s=ENOUGH_S) == "/bin/sh: exit status 7"


def test_missing_command() -> None:
    assert (
        run_quietly(["/nowhere/apt-get"], print, limit_s=1)
        == "/nowhere/apt-get does not run: No such file or directory"
    )


def test_environment_is_added_to_ours() -> None:
    script = 'test "$CONFORM_TEST" = yes && test -n "$PATH"'
    assert run_quietly(sh(script), print, limit_s=ENOUGH_S, environment={"CONFORM_TEST": "yes"}) is None


def test_limit_ends_the_command_and_its_children(tmp_path: Path) -> None:
    fifo = tmp_path / "held open by the child"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run_quietly(sh(f"sleep 60 > '{fifo}' & wait"), print, limit_s=0.5) == "not done within 0 s"
        os.set_blocking(reader, True)
        assert os.read(reader, 1) == b""  # the end of the file: nobody writes any more
    finally:
        os.close(reader)


def test_silence_is_ended_before_the_limit() -> None:
    assert run_quietly(sh("echo begun; sleep 60"), print, limit_s=ENOUGH_S, idle_s=0.3) == "nothing heard for 0 s"


def test_a_command_that_closes_its_output_and_stays_is_ended() -> None:
    why = run_quietly(sh("exec >&- 2>&-; sleep 60"), print, limit_s=0.5)
    assert why == "its output ended, but it did not"


def test_progress_is_told_while_it_lasts() -> None:
    said: list[str] = []
    assert run_quietly(sh("sleep 60"), said.append, limit_s=0.6, progress_s=0.1) is not None
    assert "… 0 s" in said


def test_much_output_is_bounded_and_the_end_kept() -> None:
    script = f"head -c {4 * OUTPUT_BYTES_MAX} /dev/zero | tr '\\0' 'x'; echo; echo 'error: the last word'; exit 1"
    assert run_quietly(sh(script), print, limit_s=ENOUGH_S) == "error: the last word"


@pytest.mark.parametrize(
    ("output", "blamed"),
    [
        ("", ""),
        ("\n \n", ""),
        ("first\nlast\n\n", "last"),
        ("E: one\nE: two\nbye", "E: two"),
        ("ERROR: loud\nbye", "ERROR: loud"),
        ("errors were counted", "errors were counted"),
        ("x" * 500, "x" * 160),
    ],
)
def test_last_error(output: str, blamed: str) -> None:
    assert last_error(output) == blamed
