"""The gate: may this subject go out? One exit status for a run and a level.

Pure. Worst verdict wins, as everywhere. A harness that failed counts at any level: what it did not see
cannot be vouched for. A SHOULD failure under ``--level must`` is reported, and does not close the gate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.errors import ExitStatus
from conformance.model import Level
from conformance.verdict import Verdict, worst

if TYPE_CHECKING:
    from conformance.results import RunResult

_STATUS = {
    Verdict.PASS: ExitStatus.CONFORMS,
    Verdict.FAIL: ExitStatus.FAILS,
    Verdict.INCONCLUSIVE: ExitStatus.INCONCLUSIVE,
    Verdict.UNSUPPORTED: ExitStatus.INCONCLUSIVE,  # nothing was judged, and nothing unjudged passes
    Verdict.ERROR: ExitStatus.HARNESS_FAILED,
}


def gate(result: RunResult, level: Level) -> ExitStatus:
    """What a run ends in when ``level`` and what is above it must hold."""
    if result.verdict is Verdict.ERROR:
        return ExitStatus.HARNESS_FAILED
    counted = (Level.MUST,) if level is Level.MUST else (Level.MUST, Level.SHOULD)
    of_subjects = [
        worst(verdict for each, verdict in subject.levels.items() if each in counted) for subject in result.subjects
    ]
    return _STATUS[worst(of_subjects)]
