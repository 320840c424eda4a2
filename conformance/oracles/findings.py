"""How oracles put figures into findings: against a budget, within an error, out of many.

Pure. A figure within its error of the budget is INCONCLUSIVE and says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.verdict import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.events import Event


@dataclass(frozen=True, slots=True)
class Budget:
    """What one requirement allows, and how well it can be measured."""

    requirement: str
    ms: float
    error_ms: float

    def at_most(self, measured_ms: float, what: str, *seen: Event) -> Finding:
        """``what`` took ``measured_ms``; no more than the budget is allowed."""
        reason = f"{what}; at most {self.ms:.0f} ms allowed"
        return self._judged(measured_ms, measured_ms - self.ms, reason, seen)

    def at_least(self, measured_ms: float, what: str, *seen: Event) -> Finding:
        """``what`` lasted ``measured_ms``; no less than the budget is allowed."""
        reason = f"{what}; at least {self.ms:.0f} ms asked"
        return self._judged(measured_ms, self.ms - measured_ms, reason, seen)

    def still_waiting(self, waited_ms: float, what: str, *seen: Event) -> Finding:
        """``what`` had not come after ``waited_ms``, when the observation ended or the world changed."""
        evidence = evidence_of(*seen)
        if waited_ms > self.ms + self.error_ms:
            reason = f"{what} after {waited_ms:.0f} ms; at most {self.ms:.0f} ms allowed"
            return Finding(self.requirement, Verdict.FAIL, reason, evidence, measured_ms=waited_ms, budget_ms=self.ms)
        reason = f"{what} after {waited_ms:.0f} ms, when watching ended; {self.ms:.0f} ms are allowed"
        return Finding(self.requirement, Verdict.INCONCLUSIVE, reason, evidence)

    def gave_up(self, waited_ms: float, reason: str, *seen: Event) -> Finding:
        """A failure, for which the subject had waited ``waited_ms``: too short, or so long that a good one had come.

        It is a figure of time like others, so that a machine without a processor for the subject may excuse it.
        """
        verdict = Verdict.FAIL
        if abs(waited_ms - self.ms) <= self.error_ms:
            verdict, reason = Verdict.INCONCLUSIVE, f"{reason}: within the error of ±{self.error_ms:.0f} ms"
        evidence = evidence_of(*seen)
        return Finding(self.requirement, verdict, reason, evidence, measured_ms=waited_ms, budget_ms=self.ms)

    def _judged(self, measured_ms: float, over_ms: float, reason: str, seen: tuple[Event, ...]) -> Finding:
        if over_ms > self.error_ms:
            verdict = Verdict.FAIL
        elif over_ms <= -self.error_ms:
            verdict = Verdict.PASS
        else:
            verdict = Verdict.INCONCLUSIVE
            reason = f"{reason}: within the error of ±{self.error_ms:.0f} ms"
        evidence = evidence_of(*seen)
        return Finding(self.requirement, verdict, reason, evidence, measured_ms=measured_ms, budget_ms=self.ms)


def too_late(finding: Finding, late_ms: float) -> Finding:
    """The finding where a question that left the browser so late may be why."""
    reason = f"machine too busy, its question may have left the browser {late_ms:.0f} ms late: {finding.reason}"
    return replace(finding, verdict=Verdict.INCONCLUSIVE, reason=reason)


def evidence_of(*seen: Event | None) -> tuple[int, ...]:
    """The numbers of events, in order, each once."""
    return tuple(sorted({event.seq for event in seen if event is not None}))


def gather(found: Iterable[Finding | None], *, shortest: bool = False) -> Finding | None:
    """One finding for many of the same requirement: the worst, with the longest figure (or ``shortest``)."""
    findings = [finding for finding in found if finding is not None]
    if not findings:
        return None
    sign = -1 if shortest else 1

    def severity(finding: Finding) -> tuple[bool, int, float]:
        return finding.arose, finding.verdict.rank, sign * (finding.measured_ms or 0.0)

    worst = max(findings, key=severity)
    if len(findings) == 1:
        return worst
    same = sum(finding.verdict is worst.verdict for finding in findings)
    told = f"the worst of {same}" if same == len(findings) else f"so {same} of {len(findings)} times"
    return replace(worst, reason=f"{worst.reason} ({told})")
