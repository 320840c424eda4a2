"""``conform judge RUN`` and ``conform report RUN``: the verdicts again, from the record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from conformance.commands.report_files import write_reports
from conformance.commands.verdict import compare_with_stored, judged, say
from conformance.errors import ExitStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from conformance.commands.report_files import ReportFile
    from conformance.model import Level


def judge(console: Console, directory: Path, level: Level, *, verbose: bool) -> ExitStatus:
    """Judge the record again, and compare with what was stored, byte for byte."""
    _, result = judged(directory)
    comparison = compare_with_stored(directory, result)
    status = say(console, result, level, verbose=verbose)
    console.print(Text(f"{directory}: {comparison}"))
    return status


def report(
    console: Console, directory: Path, files: Sequence[ReportFile], level: Level, *, verbose: bool
) -> ExitStatus:
    """Render the record's reports again; without any, print it. Rendering is what was asked, so it ends in 0."""
    record, result = judged(directory)
    for file in write_reports(files, result, record, level):
        console.print(Text(f"{file.format}: {file.path}"))
    if not files:
        say(console, result, level, verbose=verbose)
    return ExitStatus.CONFORMS
