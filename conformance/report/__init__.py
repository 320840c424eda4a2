"""Reports: one result in many formats. Nothing in here judges, or looks further than the record.

Every format has ``write(result, record, path, *, level)``: ``level`` is the gate's, for formats that
other programs read as passed or failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from conformance.model import Level
from conformance.report import allure, html, json_report, junit, markdown

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.record import RunRecord
    from conformance.results import RunResult


class Reporter(Protocol):
    """Writes one format. ``path`` is a file; for Allure a directory."""

    def __call__(self, result: RunResult, record: RunRecord, path: Path, *, level: Level = Level.MUST) -> None:
        """Write the report at ``path``; ``StorageFailed`` when that cannot be done."""


REPORTERS: dict[str, Reporter] = {
    "json": json_report.write,
    "junit": junit.write,
    "html": html.write,
    "markdown": markdown.write,
    "allure": allure.write,
}
