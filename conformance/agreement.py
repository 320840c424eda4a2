"""Whether several runs of the same scenarios found the same: the rigs' word against each other's.

Pure. What is compared is each requirement's verdict in each scenario. PASS here and FAIL there cannot both
be true of a steady subject: one of the rigs is wrong, or the subject is flaky, and either must be known. An
INCONCLUSIVE takes no side, and what a rig cannot stage is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.results import RunResult, ScenarioResult


@dataclass(frozen=True, slots=True)
class Difference:
    """One requirement in one scenario that the runs do not say alike. ``said``: run → verdict."""

    subject: str
    scenario: str
    requirement: str
    said: tuple[tuple[str, Verdict], ...]

    def __str__(self) -> str:
        words = ", ".join(f"{verdict.value} in {run}" for run, verdict in self.said)
        return f"{self.subject}: {self.scenario}: {self.requirement}: {words}"

    @property
    def verdicts(self) -> set[Verdict]:
        """What was said at all."""
        return {verdict for _, verdict in self.said}


@dataclass(frozen=True, slots=True)
class Gap:
    """One scenario that a run could not stage, or in which its harness failed."""

    run: str
    subject: str
    scenario: str
    reason: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """``compared``: how many verdicts were held against another. ``undecided``: where one was INCONCLUSIVE."""

    compared: int
    differences: tuple[Difference, ...]
    undecided: tuple[Difference, ...]
    unsupported: tuple[Gap, ...]
    failed: tuple[Gap, ...]


_Results = dict[str, "ScenarioResult"]  # run → its result of one scenario


def agreement(results: Sequence[RunResult]) -> Agreement:
    """What the runs say of each other."""
    scenarios = _by_scenario(dict(zip(labels(results), results, strict=True)))
    gaps = [gap for (subject, name, _), found in scenarios.items() for gap in _gaps(subject, name, found)]
    told = [each for (subject, name, _), found in scenarios.items() for each in _told(subject, name, found)]
    differences = tuple(each for each in told if {Verdict.PASS, Verdict.FAIL} <= each.verdicts)
    torn = [each for each in told if len(each.verdicts) > 1 and each not in differences]
    return Agreement(
        compared=len(told) - len(torn) - len([each for each in told if each.verdicts == {Verdict.INCONCLUSIVE}]),
        differences=differences,
        undecided=tuple(torn),
        unsupported=tuple(gap for verdict, gap in gaps if verdict is Verdict.UNSUPPORTED),
        failed=tuple(gap for verdict, gap in gaps if verdict is Verdict.ERROR),
    )


def labels(results: Sequence[RunResult]) -> tuple[str, ...]:
    """The runs by their rigs, by their ids where two have the same."""
    rigs = [result.environment.rig for result in results]
    return tuple(rigs) if len(set(rigs)) == len(rigs) else tuple(result.run_id for result in results)


def _by_scenario(results: Mapping[str, RunResult]) -> dict[tuple[str, str, int], _Results]:
    found: dict[tuple[str, str, int], _Results] = {}
    for run, result in results.items():
        for subject in result.subjects:
            for scenario in subject.scenarios:
                found.setdefault((subject.name, scenario.scenario, scenario.repeat), {})[run] = scenario
    return found


def _gaps(subject: str, name: str, found: _Results) -> Iterator[tuple[Verdict, Gap]]:
    for run, scenario in found.items():
        if scenario.verdict in (Verdict.UNSUPPORTED, Verdict.ERROR):
            yield scenario.verdict, Gap(run, subject, name, scenario.reason)


def _told(subject: str, name: str, found: _Results) -> Iterator[Difference]:
    """Each requirement that two runs or more speak of."""
    sound = {run: one for run, one in found.items() if one.verdict not in (Verdict.UNSUPPORTED, Verdict.ERROR)}
    for requirement in dict.fromkeys(one.requirement for scenario in sound.values() for one in scenario.findings):
        said = tuple(
            (run, one.verdict)
            for run, scenario in sound.items()
            for one in scenario.findings
            if one.requirement == requirement and one.arose and one.verdict is not Verdict.UNSUPPORTED
        )
        if len(said) > 1:
            yield Difference(subject, name, requirement, said)
