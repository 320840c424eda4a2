"""Whether several runs of the same scenarios found the same: the rigs' word against each other's.

Pure. What is compared is each requirement's verdict in each scenario, over all looks that a rig had at it. A rig
that only ever says PASS and one that only ever says FAIL cannot both be right of a steady subject. A rig that says
both by turns speaks of a subject (or of itself) that is flaky, which is named and is no agreement. An INCONCLUSIVE
takes no side, and what a rig cannot stage is named.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.results import RunResult, ScenarioResult


_DECIDED = frozenset({Verdict.PASS, Verdict.FAIL})


@dataclass(frozen=True, slots=True)
class Comparison:
    """One requirement in one scenario. ``said``: run → its verdicts, one for each look, in the order of the looks."""

    subject: str
    scenario: str
    requirement: str
    said: tuple[tuple[str, tuple[Verdict, ...]], ...]

    def __str__(self) -> str:
        words = ", ".join(f"{_counted(verdicts)} in {run}" for run, verdicts in self.said)
        return f"{self.subject}: {self.scenario}: {self.requirement}: {words}"

    @property
    def decided(self) -> tuple[frozenset[Verdict], ...]:
        """PASS, FAIL, both or neither: what each run has said."""
        return tuple(_DECIDED.intersection(verdicts) for _, verdicts in self.said)

    @property
    def differs(self) -> bool:
        """Whether one run only ever said PASS, and another FAIL."""
        return {frozenset({Verdict.PASS}), frozenset({Verdict.FAIL})} <= set(self.decided)

    @property
    def is_flaky(self) -> bool:
        """Whether a run said both, and no two runs always the opposite of each other."""
        return _DECIDED in self.decided and not self.differs

    @property
    def is_undecided(self) -> bool:
        """Whether one run has said PASS or FAIL, another neither, and no two of them differ."""
        return frozenset() in self.decided and any(self.decided) and not self.differs and not self.is_flaky

    @property
    def agrees(self) -> bool:
        """Whether all runs said PASS, or all FAIL, each of them at least once."""
        return len(set(self.decided)) == 1 and len(self.decided[0]) == 1

    @property
    def silent(self) -> tuple[str, ...]:
        """The runs that have said neither PASS nor FAIL."""
        return tuple(run for (run, _), told in zip(self.said, self.decided, strict=True) if not told)


def _counted(verdicts: Sequence[Verdict]) -> str:
    """A lone verdict by its name; of several, how often each: ``1 fail and 3 pass``."""
    counts = Counter(verdicts)
    if len(verdicts) == 1:
        return verdicts[0].value
    return " and ".join(f"{count} {verdict.value}" for verdict, count in counts.items())


@dataclass(frozen=True, slots=True)
class Gap:
    """One scenario that a run could not stage, or in which its harness failed."""

    run: str
    subject: str
    scenario: str
    reason: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """``compared``: how many verdicts were held against another's and are the same, or differ (``differences``).

    ``flaky``: where a run said both. ``undecided``: where a run said neither.
    """

    compared: int
    differences: tuple[Comparison, ...]
    flaky: tuple[Comparison, ...]
    undecided: tuple[Comparison, ...]
    unsupported: tuple[Gap, ...]
    failed: tuple[Gap, ...]


_Looks = dict[str, "list[ScenarioResult]"]  # run → its results of one scenario, a look each


def agreement(looks: Sequence[tuple[str, RunResult]]) -> Agreement:
    """What the runs say of each other. ``looks``: name and results; those of one name are looks of one rig."""
    scenarios = _by_scenario(looks)
    gaps = [gap for (subject, name), found in scenarios.items() for gap in _gaps(subject, name, found)]
    told = [each for (subject, name), found in scenarios.items() for each in _told(subject, name, found)]
    differences = tuple(each for each in told if each.differs)
    return Agreement(
        compared=len([each for each in told if each.agrees]) + len(differences),
        differences=differences,
        flaky=tuple(each for each in told if each.is_flaky),
        undecided=tuple(each for each in told if each.is_undecided),
        unsupported=tuple(gap for verdict, gap in gaps if verdict is Verdict.UNSUPPORTED),
        failed=tuple(gap for verdict, gap in gaps if verdict is Verdict.ERROR),
    )


def named(results: Sequence[RunResult]) -> tuple[tuple[str, RunResult], ...]:
    """The runs by their rigs; by their ids where all are of one rig."""
    rigs = {result.environment.rig for result in results}
    return tuple((result.environment.rig if len(rigs) > 1 else result.run_id, result) for result in results)


def _by_scenario(looks: Sequence[tuple[str, RunResult]]) -> dict[tuple[str, str], _Looks]:
    found: dict[tuple[str, str], _Looks] = {}
    for run, result in looks:
        for subject in result.subjects:
            for scenario in subject.scenarios:
                found.setdefault((subject.name, scenario.scenario), {}).setdefault(run, []).append(scenario)
    return found


def _gaps(subject: str, name: str, found: _Looks) -> Iterator[tuple[Verdict, Gap]]:
    for run, scenarios in found.items():
        for scenario in scenarios:
            if scenario.verdict in (Verdict.UNSUPPORTED, Verdict.ERROR):
                yield scenario.verdict, Gap(run, subject, name, scenario.reason)


def _told(subject: str, name: str, found: _Looks) -> Iterator[Comparison]:
    """Each requirement that two runs or more speak of."""
    findings = [
        (run, one)
        for run, scenarios in found.items()
        for scenario in scenarios
        if scenario.verdict not in (Verdict.UNSUPPORTED, Verdict.ERROR)
        for one in scenario.findings
        if one.arose and one.verdict is not Verdict.UNSUPPORTED
    ]
    for requirement in dict.fromkeys(one.requirement for _, one in findings):
        said: dict[str, tuple[Verdict, ...]] = {}
        for run, one in findings:
            if one.requirement == requirement:
                said[run] = (*said.get(run, ()), one.verdict)
        if len(said) > 1:
            yield Comparison(subject, name, requirement, tuple(said.items()))
