"""``conform crowd RUN``: what a crowd of a run's subject would do to the public server when it returns.

The waits are the record's; the back-off is fitted in backoff.py and the crowd reckoned in crowd.py. Here
they are put together, printed, and drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.table import Table
from rich.text import Text

from conformance.attempts import attempts
from conformance.backoff import fit, waits_of
from conformance.crowd import Outage, long, sentence, simulate
from conformance.errors import ExitStatus, InputError
from conformance.events import ObservationEnded
from conformance.report.output import put, utf8
from conformance.report.plot import Axis, Curve, Plot, Rule, draw
from conformance.results import file_name
from conformance.store import read_run
from conformance.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

    from conformance.backoff import Backoff, Wait
    from conformance.crowd import Storm
    from conformance.model import Profile
    from conformance.record import RunRecord

CLIENTS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
_HEADROOM = 50  # for the legend, on a logarithmic axis
LIMIT = 500  # new connections a second that Amazon API Gateway takes, unless more is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdOptions:
    """Everything that ``conform crowd`` can be told. ``seed``: None takes the run's own."""

    clients: tuple[int, ...] = CLIENTS
    outage: Outage = field(default_factory=lambda: Outage(limit=LIMIT))
    seed: int | None = None
    plot: Path | None = None


def crowd(console: Console, directory: Path, options: CrowdOptions) -> ExitStatus:
    """Print and draw the storm of every subject of the run. It is a forecast, and no verdict."""
    record = read_run(directory)
    seed = record.environment.seed if options.seed is None else options.seed
    for profile in record.profiles:
        if profile.endpoints.public is None:
            raise InputError(f"{directory}: {profile.name} has no public server that a crowd of it could storm")
        rows = list(rows_of(record, profile))
        waits = [wait for row in rows for wait in row]
        backoff = fit(waits, record.environment.error_ms)
        if backoff is None:
            raise InputError(
                f"{directory}: {profile.name} never tried twice in it, so there is no wait to reckon with; "
                f"`conform run --scenario outage-30-s` measures waits, of a subject that tries again at all"
            )
        console.print(Text(f"{profile.name} waits {backoff}"))
        console.print(Text(f"told from {told_from(rows, backoff)}", style="dim"))
        console.print(wait_table(waits))
        storms = [simulate(count, backoff, options.outage, np.random.default_rng(seed)) for count in options.clients]
        console.print(storm_table(storms))
        console.print(Text(sentence(max(storms, key=lambda storm: storm.clients)), style="bold"))
        path = options.plot or directory / "crowd.svg"
        if len(record.profiles) > 1:
            path = path.with_stem(f"{path.stem}-{file_name(profile.name)}")
        put(path, utf8(draw(picture(profile, storms, options.outage))))
        console.print(Text(f"plot: {path}"))
    return ExitStatus.CONFORMS


def rows_of(record: RunRecord, profile: Profile) -> Iterator[tuple[Wait, ...]]:
    """The subject's waits, a row a scenario that has any."""
    for one in record.records:
        if one.subject == profile.name and one.timeline is not None:
            ended = one.timeline.first(ObservationEnded)
            seen = one.timeline if ended is None else Timeline(one.timeline.events[: ended.seq + 1])
            if row := waits_of(attempts(seen, profile.endpoints)):
                yield row


def told_from(rows: Sequence[tuple[Wait, ...]], backoff: Backoff) -> str:
    """What the back-off stands on, and what was left out."""
    count = sum(map(len, rows))
    told = (
        f"{_count(backoff.waits, 'wait')} in {_count(len(rows), 'scenario')}, the longest row of {max(map(len, rows))}"
    )
    if left_out := count - backoff.waits:
        told += f"; {_count(left_out, 'wait')} left out, of which too much may be the browser's delay of WebSockets"
    return told


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def wait_table(waits: Iterable[Wait]) -> Table:
    """The waits as they were measured, and the browser's part beside them."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), header_style="bold")
    for column in (
        "after failures",
        "waits",
        "ms",
        "of them the browser's",
        "before its socket, ms",
        "of them the browser's",
    ):
        table.add_column(column, justify="right")
    ordered = sorted(waits, key=lambda wait: wait.failures)
    for failures, found in groupby(ordered, key=lambda wait: wait.failures):
        group = list(found)
        held = [wait.held_ms for wait in group if wait.held_ms is not None]
        table.add_row(
            str(failures),
            str(len(group)),
            _range([wait.ms for wait in group]),
            _most([wait.browser_ms_max for wait in group]),
            _range(held) if held else "no check",
            _most([wait.throttle_ms_max for wait in group]),
        )
    return table


def _range(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.0f}" if high - low < 1 else f"{low:.0f} to {high:.0f}"


def _most(values: Sequence[float]) -> str:
    most = max(values)
    return "none" if most == 0 else "up to " + (f"{most:.1f}" if most < 10 else f"{most:.0f}")  # noqa: PLR2004 - digits


def storm_table(storms: Iterable[Storm]) -> Table:
    """A row a crowd."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), header_style="bold")
    for column in (
        "extensions",
        "most connects a second",
        "times the limit",
        "all back after",
        "at the least",
        "connects each",
    ):
        table.add_column(column, justify="right")
    for storm in storms:
        table.add_row(
            f"{storm.clients:,}",
            f"{storm.peak:,}",
            f"{storm.peak / storm.limit:,.1f}",
            "not in two days" if storm.back_s is None else long(storm.back_s),
            long(storm.least_s),
            f"{storm.tries:,.1f}",
        )
    return table


def picture(profile: Profile, storms: Sequence[Storm], outage: Outage) -> Plot:
    """Connects a second over time since the server's return, both logarithmic."""
    curves = []
    for storm in storms:
        counts = storm.a_second().tolist()
        points = [(float(second), float(count)) for second, count in enumerate(counts, 1)]
        curves.append(Curve(f"{storm.clients:,} extensions", points))
    last_s = max((len(curve.points) for curve in curves), default=1)
    most = max((storm.peak for storm in storms), default=1)
    title = f"{profile.name}: connects a second after an outage of {outage.away_s:g} s"
    return Plot(
        title,
        Axis("seconds since the public server returned", 1, max(10.0, last_s), log=True),
        Axis("connects a second", 1, _HEADROOM * max(10.0, most, outage.limit), log=True),
        curves,
        [Rule(f"limit: {outage.limit:,} new connections a second", outage.limit)],
    )
