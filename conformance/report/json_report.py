"""The JSON report: the same bytes as the run directory's ``results.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.model import Level
from conformance.report.output import put
from conformance.store import results_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.record import RunRecord
    from conformance.results import RunResult


def write(result: RunResult, record: RunRecord, path: Path, *, level: Level = Level.MUST) -> None:
    """Write ``path``. Verdicts do not depend on the gate's level, and all that counts is in the result."""
    del record, level
    put(path, results_bytes(result))
