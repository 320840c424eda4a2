"""What repeating a scenario tells: how often it passes, how surely, how soon it connects, and whether it is flaky.

Pure. Repeats are no retries: every run counts, the worst still decides, and a subject that does it right
at one time and wrong at another is told so, as FLAKY. An INCONCLUSIVE run is no pass; an ERROR is the
harness's, and is left out of the share but not of the counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.intervals import Quantile, clopper_pearson, quantile_of
from conformance.verdict import Verdict, worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.results import ScenarioResult

SHARES = (0.5, 0.95, 0.99)
FLAKY = "flaky"
_JUDGED = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL)


@dataclass(frozen=True, slots=True)
class Repeats:
    """One scenario on one subject, several times. ``counts``: how often it came to which verdict, the worst first.

    ``flaky``: the requirements that it met at one time and failed at another. ``connected``: how often it
    had a session at all; ``connects`` are the quantiles of how soon, of those.
    """

    scenario: str
    counts: tuple[tuple[Verdict, int], ...]
    flaky: tuple[str, ...]
    connected: int
    connects: tuple[Quantile, ...]

    @property
    def runs(self) -> int:
        """How often it was run."""
        return sum(count for _, count in self.counts)

    @property
    def passed(self) -> int:
        """How often it passed."""
        return dict(self.counts).get(Verdict.PASS, 0)

    @property
    def judged(self) -> int:
        """How often something could be said of the subject, were it only that nothing could be seen."""
        return sum(count for verdict, count in self.counts if verdict in _JUDGED)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the probability of a pass lies (Clopper and Pearson); None where no run counts."""
        return clopper_pearson(self.passed, self.judged) if self.judged else None

    @property
    def is_flaky(self) -> bool:
        """Whether the same subject did it right and did it wrong."""
        verdicts = {verdict for verdict, _ in self.counts}
        return bool(self.flaky) or {Verdict.PASS, Verdict.FAIL} <= verdicts

    @property
    def verdict(self) -> str:
        """``flaky``, or the worst verdict that it came to."""
        return FLAKY if self.is_flaky else worst(verdict for verdict, _ in self.counts).value


def repeats_of(scenarios: Sequence[ScenarioResult]) -> tuple[Repeats, ...]:
    """Every scenario that was run more than once, in the order in which they come."""
    runs: dict[str, list[ScenarioResult]] = {}
    for scenario in scenarios:
        runs.setdefault(scenario.scenario, []).append(scenario)
    return tuple(_repeats(name, found) for name, found in runs.items() if len(found) > 1)


def _repeats(name: str, runs: Sequence[ScenarioResult]) -> Repeats:
    verdicts = [run.verdict for run in runs]
    connects = [run.connect_ms for run in runs if run.connect_ms is not None]
    return Repeats(
        scenario=name,
        counts=tuple((verdict, verdicts.count(verdict)) for verdict in reversed(Verdict) if verdict in verdicts),
        flaky=tuple(_flaky(runs)),
        connected=len(connects),
        connects=tuple(quantile_of(connects, share) for share in SHARES) if connects else (),
    )


def _flaky(runs: Sequence[ScenarioResult]) -> list[str]:
    said: dict[str, set[Verdict]] = {}
    for run in runs:
        for finding in run.findings:
            said.setdefault(finding.requirement, set()).add(finding.verdict)
    return [requirement for requirement, verdicts in said.items() if {Verdict.PASS, Verdict.FAIL} <= verdicts]
