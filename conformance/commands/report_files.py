"""``--report FORMAT:PATH``: reading the option and writing what it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.errors import InputError, did_you_mean
from conformance.report import REPORTERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from conformance.model import Level
    from conformance.record import RunRecord
    from conformance.results import RunResult


@dataclass(frozen=True, slots=True)
class ReportFile:
    """One report to write."""

    format: str
    path: Path


def parse_report(text: str, known: Collection[str] = REPORTERS.keys()) -> ReportFile:
    """The file that ``FORMAT:PATH`` names; ``known``: the formats there are."""
    name, colon, path = text.partition(":")
    formats = ", ".join(sorted(known))
    if not colon or not path:
        raise InputError(f"--report '{text}': must be FORMAT:PATH; formats: {formats}")
    if name not in known:
        raise InputError(f"--report '{text}': no such format: '{name}'{did_you_mean(name, known)} (formats: {formats})")
    return ReportFile(name, Path(path))


def write_reports(
    files: Iterable[ReportFile], result: RunResult, record: RunRecord, level: Level
) -> Iterator[ReportFile]:
    """Write every report, and give each as it is there."""
    for file in files:
        REPORTERS[file.format](result, record, file.path, level=level)
        yield file
