"""Progress while a run goes on."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from conformance.report.progress import LINE_EVERY_S, LineProgress, LiveProgress, Tally, progress_on
from conformance.verdict import Verdict


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def console(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), width=100, force_terminal=terminal)


def printed(on: Console) -> str:
    assert isinstance(on.file, io.StringIO)
    return on.file.getvalue()


def test_a_tally_counts_and_knows_what_runs() -> None:
    tally = Tally(total=5)
    for name in ("a", "b", "c"):
        tally.started(name)
    tally.ended("a", Verdict.PASS)
    tally.ended("c", Verdict.FAIL)
    assert tally.done == 2
    assert tally.line(12.4) == "2/5 in 12 s · 1 FAIL, 1 PASS · now b"


def test_a_tally_of_nothing() -> None:
    assert Tally(total=5).line(0.0) == "0/5 in 0 s"


def test_what_ends_without_a_start_counts() -> None:
    tally = Tally(total=1)
    tally.ended("unsupported", Verdict.UNSUPPORTED)
    assert tally.line(1.0) == "1/1 in 1 s · 1 UNSUPPORTED"


@pytest.mark.parametrize(("terminal", "kind"), [(True, LiveProgress), (False, LineProgress)])
def test_it_fits_where_it_is_written(terminal: bool, kind: Callable[..., object]) -> None:
    assert type(progress_on(console(terminal=terminal), 3)) is kind


def test_off_a_terminal_a_line_comes_now_and_then() -> None:
    clock, out = Clock(), console(terminal=False)
    with LineProgress(out, 3, clock) as progress:
        progress.started("a")
        progress.ended("a", Verdict.PASS)
        assert printed(out) == ""
        clock.now += LINE_EVERY_S
        progress.ended("b", Verdict.PASS)
        assert printed(out) == "2/3 in 5 s · 2 PASS\n"
        progress.ended("c", Verdict.FAIL)
    assert printed(out).splitlines()[1:] == ["3/3 in 5 s · 1 FAIL, 2 PASS"]


def test_names_are_not_read_as_markup() -> None:
    clock, out = Clock(), console(terminal=False)
    with LineProgress(out, 2, clock) as progress:
        progress.started("status[red]")
    assert "now status[red]" in printed(out)


def test_on_a_terminal_it_is_drawn_in_place_and_gone_at_the_end() -> None:
    out = console(terminal=True)
    with LiveProgress(out, 4, Clock()) as progress:
        progress.started("wrong-signature[null]")
        progress.ended("before", Verdict.PASS)
        drawn = io.StringIO()
        Console(file=drawn, width=100).print(progress)
    assert "1/4" in drawn.getvalue()
    assert "1 PASS" in drawn.getvalue()
    assert "now  wrong-signature[null]" in drawn.getvalue()
    assert printed(out).endswith("\x1b[2K")  # the line it stood on is cleared
