"""Verdicts and findings: what an oracle says of one requirement in one scenario.

Pure. Worst verdict wins when findings are put together: PASS < INCONCLUSIVE < FAIL < ERROR.
UNSUPPORTED stands outside that order: it only wins where nothing else was said.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Verdict(StrEnum):
    """What can be said of a requirement, a scenario, a subject or a run."""

    UNSUPPORTED = "unsupported"  # the profile declares it absent, or this machine cannot stage it
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    INCONCLUSIVE = "inconclusive"  # it could not be seen, or the figure is within its error of the budget
    FAIL = "fail"  # the subject broke the rule
    ERROR = "error"  # the harness broke

    @property
    def rank(self) -> int:
        """Place in the order of severity, 0 the mildest."""
        return _RANK[self]


_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The most severe verdict; INCONCLUSIVE of nothing at all, since silence never passes."""
    return max(verdicts, key=lambda verdict: verdict.rank, default=Verdict.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One requirement's verdict in one scenario, with its evidence.

    ``evidence`` holds the ``seq`` numbers of the timeline's events that the verdict rests on.
    ``arose`` is False when the requirement's condition never came up (nothing to judge); such a
    finding is INCONCLUSIVE and says so. ``measured_ms`` and ``budget_ms`` are set together, by
    findings about time.
    """

    requirement: str
    verdict: Verdict
    reason: str
    evidence: tuple[int, ...] = ()
    arose: bool = True
    measured_ms: float | None = None
    budget_ms: float | None = None


def never_arose(requirement: str, condition: str) -> Finding:
    """The finding for a requirement whose condition did not come up in this scenario."""
    return Finding(requirement, Verdict.INCONCLUSIVE, f"its condition never arose: {condition}", arose=False)
