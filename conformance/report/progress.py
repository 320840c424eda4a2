"""What a person sees while a run goes on: a bar, the counts, and what is running now.

``Tally`` is the state and is pure. On a terminal it is redrawn in place; anywhere else (a CI log) a plain
line comes every few seconds. The final tables are console.py's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from conformance.report.console import STYLE
from conformance.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from rich.console import Console, ConsoleOptions, RenderResult

LINE_EVERY_S = 5.0  # off a terminal: often enough to see that it lives, seldom enough to read
REDRAWS_A_SECOND = 4  # drawing must not cost what is being measured its CPU


@dataclass(slots=True)
class Tally:
    """How far a run is. Names of what runs are kept in the order in which they began."""

    total: int
    counts: dict[Verdict, int] = field(default_factory=dict)
    running: dict[str, None] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """How many have a verdict."""
        return sum(self.counts.values())

    def started(self, name: str) -> None:
        """A scenario began."""
        self.running[name] = None

    def ended(self, name: str, verdict: Verdict) -> None:
        """A scenario has its verdict."""
        self.running.pop(name, None)
        self.counts[verdict] = self.counts.get(verdict, 0) + 1

    def counts_text(self) -> Text:
        """``42 PASS, 3 FAIL``, verdicts that nothing came to left out."""
        found = [
            Text(f"{self.counts[each]} {each.value.upper()}", STYLE[each])
            for each in reversed(Verdict)
            if each in self.counts
        ]
        return Text(", ").join(found)

    def line(self, elapsed_s: float) -> str:
        """The whole state on one line."""
        now = f" · now {', '.join(self.running)}" if self.running else ""
        counts = f" · {self.counts_text()}" if self.counts else ""
        return f"{self.done}/{self.total} in {elapsed_s:.0f} s{counts}{now}"


class Progress(Protocol):
    """Told of every scenario's start and end."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def started(self, name: str) -> None:
        """A scenario began."""

    def ended(self, name: str, verdict: Verdict) -> None:
        """A scenario has its verdict."""


def progress_on(console: Console, total: int, clock: Callable[[], float] = time.monotonic) -> Progress:
    """The kind of progress that fits where ``console`` writes."""
    return LiveProgress(console, total, clock) if console.is_terminal else LineProgress(console, total, clock)


class LineProgress:
    """A line now and then. The end is always told."""

    def __init__(self, console: Console, total: int, clock: Callable[[], float]) -> None:
        self._console = console
        self._clock = clock
        self._began = self._told = clock()
        self._tally = Tally(total)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tell()

    def started(self, name: str) -> None:
        """Only noted: a line for each would drown a log."""
        self._tally.started(name)

    def ended(self, name: str, verdict: Verdict) -> None:
        """Tell, if the last line is some time ago."""
        self._tally.ended(name, verdict)
        if self._clock() - self._told >= LINE_EVERY_S:
            self._tell()

    def _tell(self) -> None:
        self._told = self._clock()
        self._console.print(self._tally.line(self._told - self._began), markup=False, highlight=False, soft_wrap=True)


class LiveProgress:
    """Two lines, redrawn in place, gone when the run is over."""

    def __init__(self, console: Console, total: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        self._tally = Tally(total)
        self._live = Live(self, console=console, refresh_per_second=REDRAWS_A_SECOND, transient=True)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def started(self, name: str) -> None:
        """Shown at the next redraw."""
        self._tally.started(name)

    def ended(self, name: str, verdict: Verdict) -> None:
        """Shown at the next redraw."""
        self._tally.ended(name, verdict)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The state as it is now; rich asks on every redraw."""
        tally = self._tally
        elapsed_s = self._clock() - self._began
        head = Table.grid(padding=(0, 2, 0, 0))
        head.add_row(
            ProgressBar(total=tally.total, completed=tally.done, width=30),
            Text(f"{tally.done}/{tally.total}", style="bold"),
            Text(f"{elapsed_s:.0f} s"),
            tally.counts_text(),
        )
        now = Text(f"now  {', '.join(list(tally.running)) or '…'}", style="dim", no_wrap=True, overflow="ellipsis")
        yield Group(head, now)
