"""A run's forecast of a crowd: from the waits in its record to the storm, with its words and tables.

Pure. The back-off is fitted in backoff.py and the crowd reckoned in crowd.py; here they are put together
for whoever shows them. Chance comes from the run's seed, so the same record gives the same forecast.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from conformance.attempts import attempts
from conformance.backoff import Backoff, Wait, fit, waits_of
from conformance.crowd import Outage, Storm, long, sentence, simulate
from conformance.events import ObservationEnded
from conformance.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.model import Profile
    from conformance.record import RunRecord

CLIENTS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
LIMIT = 500  # new connections a second that Amazon API Gateway takes, unless more is asked for

WAIT_COLUMNS = (
    "after failures",
    "waits",
    "ms",
    "of them the browser's",
    "before its socket, ms",
    "of them the browser's",
)
STORM_COLUMNS = (
    "extensions",
    "most connects a second",
    "times the limit",
    "all back after",
    "at the least",
    "connects each",
)


@dataclass(frozen=True, slots=True)
class Assumed:
    """What a forecast assumes. ``seed``: None takes the run's own."""

    clients: tuple[int, ...] = CLIENTS
    outage: Outage = field(default_factory=lambda: Outage(limit=LIMIT))
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the crowds would do. ``rows``: the measured waits, a row a scenario that has any."""

    rows: tuple[tuple[Wait, ...], ...]
    backoff: Backoff
    outage: Outage
    storms: tuple[Storm, ...]

    @property
    def sentence(self) -> str:
        """The answer, for the largest crowd."""
        return sentence(max(self.storms, key=lambda storm: storm.clients))

    @property
    def told_from(self) -> str:
        """What the back-off stands on, and what was left out."""
        count = sum(map(len, self.rows))
        scenarios = f"{_count(len(self.rows), 'scenario')}, the longest row of {max(map(len, self.rows))}"
        told = f"{_count(self.backoff.waits, 'wait')} in {scenarios}"
        if left_out := count - self.backoff.waits:
            waits = _count(left_out, "wait")
            told += f"; {waits} left out, of which too much may be the browser's delay of WebSockets"
        return told

    @property
    def wait_table(self) -> list[tuple[str, ...]]:
        """The waits as they were measured, and the browser's part beside them: ``WAIT_COLUMNS``."""
        ordered = sorted((wait for row in self.rows for wait in row), key=lambda wait: wait.failures)
        return [
            _wait_row(failures, list(found)) for failures, found in groupby(ordered, key=lambda wait: wait.failures)
        ]

    @property
    def storm_table(self) -> list[tuple[str, ...]]:
        """A row a crowd: ``STORM_COLUMNS``."""
        return [_storm_row(storm) for storm in self.storms]


def forecast(record: RunRecord, profile: Profile, assumed: Assumed | None = None) -> Forecast | None:
    """What crowds of this subject would do; None where the record has no wait to reckon with."""
    assumed = assumed or Assumed()
    rows = tuple(rows_of(record, profile))
    backoff = fit((wait for row in rows for wait in row), record.environment.error_ms)
    if backoff is None:
        return None
    seed = record.environment.seed if assumed.seed is None else assumed.seed
    storms = tuple(simulate(count, backoff, assumed.outage, np.random.default_rng(seed)) for count in assumed.clients)
    return Forecast(rows, backoff, assumed.outage, storms)


def rows_of(record: RunRecord, profile: Profile) -> Iterator[tuple[Wait, ...]]:
    """The subject's waits, a row a scenario that has any."""
    for one in record.records:
        if one.subject == profile.name and one.timeline is not None:
            ended = one.timeline.first(ObservationEnded)
            seen = one.timeline if ended is None else Timeline(one.timeline.events[: ended.seq + 1])
            if row := waits_of(attempts(seen, profile.endpoints)):
                yield row


# --- cells ---------------------------------------------------------------------------------------


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _wait_row(failures: int, group: Sequence[Wait]) -> tuple[str, ...]:
    held = [wait.held_ms for wait in group if wait.held_ms is not None]
    return (
        str(failures),
        str(len(group)),
        _range([wait.ms for wait in group]),
        _most([wait.browser_ms_max for wait in group]),
        _range(held) if held else "no check",
        _most([wait.throttle_ms_max for wait in group]),
    )


def _range(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.0f}" if high - low < 1 else f"{low:.0f} to {high:.0f}"


def _most(values: Sequence[float]) -> str:
    most = max(values)
    return "none" if most == 0 else "up to " + (f"{most:.1f}" if most < 10 else f"{most:.0f}")  # noqa: PLR2004 - digits


def _storm_row(storm: Storm) -> tuple[str, ...]:
    return (
        f"{storm.clients:,}",
        f"{storm.peak:,}",
        f"{storm.peak / storm.limit:,.1f}",
        "not in two days" if storm.back_s is None else long(storm.back_s),
        long(storm.least_s),
        f"{storm.tries:,.1f}",
    )
