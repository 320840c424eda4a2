"""``conform calibrate``: how well the harness measures time on this machine, with this browser.

What it measures and what that means is calibration.py's; here it is carried out, said, and kept where
``conform run`` finds it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from conformance.calibration import delays, error_of, errors
from conformance.errors import ExitStatus
from conformance.intervals import quantile
from conformance.record import Calibration
from conformance.rig.browsers import find_browser
from conformance.rig.calibrating import calibration_path, keep, measure, null_subject
from conformance.rig.engine import RunSettings, open_pool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from conformance.calibration import Answered

_SHARES = (0.5, 0.95, 0.99, 1.0)
_BUSY_MS = 50.0  # ten times what an idle machine has
_WARM_UP = 3  # scenarios that count for nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateOptions:
    """Everything that ``conform calibrate`` can be told."""

    repeat: int = 1
    browser: str | None = None
    output: Path | None = None


def calibrate(out: Console, err: Console, options: CalibrateOptions) -> ExitStatus:
    """Measure, say, keep. It is a measurement, and no verdict."""
    settings = RunSettings(browser=find_browser(options.browser))
    planned = delays(options.repeat)
    with err.status("launching the browser") as status:
        seen = asyncio.run(_carry_out(planned, settings, lambda done: status.update(f"{done} of {len(planned)}")))
    made_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    calibration = Calibration(error_of(seen), len(seen), made_at)
    path = options.output or calibration_path(settings.browser)
    keep(calibration, path)
    out.print(table(seen))
    left = f"; {len(planned) - len(seen)} more were not seen whole" if len(seen) < len(planned) else ""
    out.print(Text(f"{len(seen)} known delays from {min(planned):g} to {max(planned):g} ms, {settings.browser}{left}"))
    out.print(Text(f"error of every time on this machine: ± {calibration.error_ms:.1f} ms", style="bold"))
    if calibration.error_ms > _BUSY_MS:
        out.print(Text("the machine was busy meanwhile: near a budget little can be told; calibrate again in peace"))
    out.print(Text(f"kept in {path}: `conform run` states it from now on"), soft_wrap=True)
    return ExitStatus.CONFORMS


async def _carry_out(planned: Sequence[float], settings: RunSettings, tell: Callable[[int], None]) -> list[Answered]:
    async with open_pool(settings, [null_subject()]) as pool:
        holder = pool.holder()
        await measure(holder, (0.0,) * _WARM_UP)
        return await measure(holder, planned, tell)


def table(seen: Sequence[Answered]) -> Table:
    """A row a definition of the error, in milliseconds."""
    made = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("error, ms", "p50", "p95", "p99", "worst"):
        made.add_column(column, justify="left" if column == "error, ms" else "right")
    for name, found in errors(seen).items():
        sizes = [abs(error) for error in found]
        made.add_row(name, *(f"{quantile(sizes, share):.1f}" for share in _SHARES))
    return made
