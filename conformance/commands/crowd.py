"""``conform crowd RUN``: what a crowd of a run's subject would do to the public server when it returns.

The waits are the record's, and forecast.py reckons with them; here the forecast is printed and drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from conformance.errors import ExitStatus, InputError
from conformance.forecast import STORM_COLUMNS, WAIT_COLUMNS, Assumed, forecast
from conformance.report.output import put, utf8
from conformance.report.storm import picture
from conformance.results import file_name
from conformance.store import read_run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from conformance.model import Profile
    from conformance.record import RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdOptions:
    """Everything that ``conform crowd`` can be told."""

    assumed: Assumed = field(default_factory=Assumed)
    plot: Path | None = None


def crowd(console: Console, directory: Path, options: CrowdOptions) -> ExitStatus:
    """Print and draw the storm of every subject of the run. It is a forecast, and no verdict."""
    record = read_run(directory)
    for profile in record.profiles:
        path = options.plot or directory / "crowd.svg"
        if len(record.profiles) > 1:
            path = path.with_stem(f"{path.stem}-{file_name(profile.name)}")
        _tell(console, record, profile, options.assumed, path)
    return ExitStatus.CONFORMS


def _tell(console: Console, record: RunRecord, profile: Profile, assumed: Assumed, path: Path) -> None:
    if profile.endpoints.public is None:
        raise InputError(f"{record.run_id}: {profile.name} has no public server that a crowd of it could storm")
    found = forecast(record, profile, assumed)
    if found is None:
        raise InputError(
            f"{record.run_id}: {profile.name} never tried twice in it, so there is no wait to reckon with; "
            f"`conform run --scenario outage-30-s` measures waits, of a subject that tries again at all"
        )
    console.print(Text(f"{profile.name} waits {found.backoff}"))
    console.print(Text(f"told from {found.told_from}", style="dim"))
    console.print(_table(WAIT_COLUMNS, found.wait_table))
    console.print(_table(STORM_COLUMNS, found.storm_table))
    console.print(Text(found.sentence, style="bold"))
    put(path, utf8(picture(profile.name, found)))
    console.print(Text(f"plot: {path}"))


def _table(columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*row)
    return table
