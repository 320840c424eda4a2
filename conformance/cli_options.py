"""Options that several commands share, and where commands print."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from conformance.commands.crosscheck import AGAIN
from conformance.commands.options import JOBS_PER_CPU_COLD, SEED_END
from conformance.model import Level
from conformance.rig.engine import RigMode

WIDTH_OFF_TERMINAL = 100  # what reports are made for; a log has no width of its own


class LevelName(StrEnum):
    """The gate's levels as they are typed."""

    MUST = "must"
    SHOULD = "should"


RunDir = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run directory, e.g. reports/runs/20260131T120000Z-1f2e.")
]
RigOption = Annotated[
    RigMode, typer.Option(help="One browser for many scenarios, one for each, or one with nothing attached.")
]
SeedOption = Annotated[
    int | None, typer.Option(min=0, max=SEED_END - 1, metavar="N", help="What is random comes from this.")
]
LevelOption = Annotated[
    LevelName, typer.Option("--level", help="What fails the gate: MUST failures, or SHOULD failures too.")
]
ReportOption = Annotated[
    list[str] | None,
    typer.Option(
        "--report", metavar="FORMAT:PATH", help="Also write json, junit, html, markdown or allure (a directory)."
    ),
]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Also list every scenario.")]
BrowserOption = Annotated[
    str | None, typer.Option("--browser", metavar="PATH", help="The Chromium to use; else it is searched for.")
]
CalibrationOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Of `conform calibrate`.", show_default="this machine's")
]
LocalTargetOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL|COMMAND", help="Put this server in the local fake's place; {port} is where its port belongs."
    ),
]
PublicTargetOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL|COMMAND", help="The same for the public one; {ca} and {origin} may be in it, too: docs/targets.md."
    ),
]
TargetCaOption = Annotated[
    Path | None, typer.Option(metavar="FILE.pem", help="The CA of the public target's certificate.")
]
OwnedOption = Annotated[
    bool, typer.Option("--i-own-this-target", help="Needed for faults before a target that is not on this machine.")
]
AgainOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="N",
        help="Look again where they do not agree, two rigs at once, then one, N times at the most.",
        show_default=f"{AGAIN}, and 0 with RUN",
    ),
]
OutputOption = Annotated[Path, typer.Option("--output", metavar="DIR", help="Where run directories are made.")]


COLD = ", ".join(f"{jobs} {rig}" for rig, jobs in JOBS_PER_CPU_COLD.items())


def rigs(per_cpu: int, *but: str) -> Any:  # noqa: ANN401 - typer's own
    """``--jobs``. ``but``: when it is not ``per_cpu`` that are taken."""
    default = ", ".join((f"{per_cpu} a CPU", *but))
    return typer.Option(min=1, metavar="N", help="Rigs at once.", show_default=default)


def many(metavar: str, text: str) -> Any:  # noqa: ANN401 - typer gives its options no type of their own
    """An option that may be given more than once."""
    return typer.Option(metavar=metavar, help=f"{text} May be repeated.")


def level_of(name: LevelName) -> Level:
    """The level that is meant."""
    return Level.MUST if name is LevelName.MUST else Level.SHOULD


def console_for(*, stderr: bool = False) -> Console:
    """Where a command prints."""
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDTH_OFF_TERMINAL
    return console
