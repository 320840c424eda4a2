"""What a report says of a result: the choices that every format shares.

Pure. A result has every finding of every scenario; a reader wants to know which requirement does not
hold, where that was seen, and how to look closer. The formats only lay out what is chosen here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.model import Level, Outcome
from conformance.repeats import FLAKY, SHARES
from conformance.results import ScenarioResult
from conformance.server_plan import FAMILIES
from conformance.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from conformance.repeats import Repeats
    from conformance.results import RequirementResult, RunResult, SubjectResult
    from conformance.verdict import Finding


@dataclass(frozen=True, slots=True)
class RequirementRow:
    """One requirement of one subject. ``judged``: the scenarios that had something to say of it.

    ``told``: those of them that gave the verdict, where it is not PASS. ``says``: what a reader wants to
    read, the requirement itself where it holds and what was seen where it does not.
    """

    id: str
    level: Level
    verdict: Verdict
    judged: int
    told: tuple[str, ...]
    says: str

    @property
    def count(self) -> str:
        """``12``, or ``3 of 12`` where it does not hold in three."""
        return f"{len(self.told)} of {self.judged}" if self.told else str(self.judged)


@dataclass(frozen=True, slots=True)
class Totals:
    """How many requirements of a level hold, of those that could be judged."""

    level: Level
    verdict: Verdict
    held: int
    judged: int

    def __str__(self) -> str:
        return f"{self.level} {word(self.verdict)} ({self.held}/{self.judged})"


def printable(text: str) -> str:
    """One line without control characters: what a subject sent must not move anybody's cursor."""
    return "".join(character if character.isprintable() else "�" for character in " ".join(text.split()))


def word(verdict: Verdict) -> str:
    """A verdict as reports print it."""
    return verdict.value.upper()


def error_of(result: RunResult) -> str:
    """``± 5.0 ms``, whether that was calibrated, and what the busiest scenario made of it."""
    made = result.environment
    told = f"± {made.error_ms:.1f} ms"
    if made.calibration is not None and not made.calibration.made_at:
        told += " (not calibrated here)"
    own = [one.error_ms for subject in result.subjects for one in subject.scenarios if one.error_ms is not None]
    worst_ms = max(own, default=made.error_ms)
    return f"{told}, in the busiest scenario ± {worst_ms:.1f} ms" if worst_ms > made.error_ms else told


def targets_of(result: RunResult) -> str:
    """The real servers in the fakes' places; "" where there were none."""
    return " · ".join(f"{side} target {what}" for side, _, what in (one.partition(": ") for one in _targets(result)))


def _targets(result: RunResult) -> tuple[str, ...]:
    return tuple(printable(one) for one in result.environment.targets)


def name_of(subject: SubjectResult) -> str:
    """Name and version."""
    return f"{subject.name} {subject.version}".rstrip()


def scenario_name(scenario: ScenarioResult) -> str:
    """The scenario's id, with the number of its repeat from the second on."""
    return f"{scenario.scenario} (repeat {scenario.repeat + 1})" if scenario.repeat else scenario.scenario


def level_of(subject: SubjectResult) -> dict[str, Level]:
    """Every requirement's level."""
    return {requirement.id: requirement.level for requirement in subject.requirements}


def counted(subject: SubjectResult) -> tuple[RequirementResult, ...]:
    """The requirements that their level's verdict is made of."""
    return tuple(one for one in subject.requirements if one.counts)


def not_counted(subject: SubjectResult) -> tuple[str, ...]:
    """The requirements that could not come up because others failed: not judged, and not held against anybody."""
    return tuple(one.id for one in subject.requirements if not one.counts)


def requirement_rows(subject: SubjectResult) -> tuple[RequirementRow, ...]:
    """The counted requirements, in the order of the catalogue."""
    return tuple(_requirement_row(subject, requirement) for requirement in counted(subject))


def _requirement_row(subject: SubjectResult, requirement: RequirementResult) -> RequirementRow:
    holds = requirement.verdict is Verdict.PASS
    return RequirementRow(
        id=requirement.id,
        level=requirement.level,
        verdict=requirement.verdict,
        judged=len(requirement.scenarios),
        told=() if holds else tuple(_told(subject, requirement)),
        says=requirement.says if holds else printable(requirement.reason),
    )


def _told(subject: SubjectResult, requirement: RequirementResult) -> dict[str, None]:
    """The ids of the scenarios that gave the verdict; repeats of one count once, as in ``scenarios``."""
    return {
        scenario.scenario: None
        for scenario in subject.scenarios
        for one in scenario.findings
        if one.requirement == requirement.id and one.verdict is requirement.verdict and one.arose is requirement.arose
    }


def totals(subject: SubjectResult) -> tuple[Totals, ...]:
    """MUST, then SHOULD, where anything was said of them."""
    return tuple(_totals(subject, level) for level in Level if level in subject.levels)


def _totals(subject: SubjectResult, level: Level) -> Totals:
    of_level = [one for one in counted(subject) if one.level is level and one.verdict is not Verdict.UNSUPPORTED]
    held = sum(one.verdict is Verdict.PASS for one in of_level)
    return Totals(level, subject.levels[level], held, len(of_level))


def troubled(subject: SubjectResult) -> tuple[ScenarioResult, ...]:
    """The scenarios to look at, worst first: neither passed nor declared unsupported."""
    found = [one for one in subject.scenarios if one.verdict not in (Verdict.PASS, Verdict.UNSUPPORTED)]
    levels = level_of(subject)
    return tuple(sorted(found, key=lambda one: (-one.verdict.rank, _level_rank(levels, one))))


def _level_rank(levels: Mapping[str, Level], scenario: ScenarioResult) -> int:
    return min((list(Level).index(level) for level in levels_with(levels, scenario, scenario.verdict)), default=0)


def counted_findings(scenario: ScenarioResult) -> tuple[Finding, ...]:
    """The findings that the scenario's verdict is made of: where something failed, that is why others never arose."""
    failed = any(one.verdict is Verdict.FAIL for one in scenario.findings)
    return tuple(one for one in scenario.findings if one.arose or not failed)


def levels_with(levels: Mapping[str, Level], scenario: ScenarioResult, verdict: Verdict) -> frozenset[Level]:
    """The levels at which something of this scenario came to ``verdict``."""
    return frozenset(
        levels.get(one.requirement, Level.MUST) for one in counted_findings(scenario) if one.verdict is verdict
    )


def verdict_at(levels: Mapping[str, Level], scenario: ScenarioResult, level: Level) -> Verdict:
    """What this scenario means to a gate at ``level``: what is below it does not count."""
    if scenario.verdict in (Verdict.PASS, Verdict.ERROR, Verdict.UNSUPPORTED) or level is Level.SHOULD:
        return scenario.verdict
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        if Level.MUST in levels_with(levels, scenario, verdict):
            return verdict
    # Something below the level was said, and nothing else; where nothing at all was said, silence does not pass.
    return Verdict.PASS if levels_with(levels, scenario, scenario.verdict) else scenario.verdict


def findings_to_show(scenario: ScenarioResult) -> tuple[Finding, ...]:
    """The findings that explain a verdict, worst first; none where they only repeat the scenario's own reason."""
    if scenario.timeline is None:
        return ()  # nothing was observed, and the reason is the same for every requirement
    shown = [one for one in counted_findings(scenario) if one.verdict not in (Verdict.PASS, Verdict.UNSUPPORTED)]
    return tuple(sorted(shown, key=lambda one: -one.verdict.rank))


def finding_lines(subject: SubjectResult, scenario: ScenarioResult) -> tuple[str, ...]:
    """``SIG-4 (SHOULD) FAIL: what was seen``, a line a finding that explains the verdict."""
    levels = level_of(subject)
    return tuple(
        f"{one.requirement}{_bracketed(levels.get(one.requirement))} {word(one.verdict)}: {printable(one.reason)}"
        for one in findings_to_show(scenario)
    )


def _bracketed(level: Level | None) -> str:
    return f" ({level})" if level else ""


def is_of_server(scenario: ScenarioResult) -> bool:
    """Whether a server is judged in it, and nobody goes anywhere."""
    return scenario.family in FAMILIES


def went_to(scenario: ScenarioResult) -> str:
    """Which server, and how soon: ``public, 83 ms``."""
    return Group("", (scenario,)).ended


def count_by_verdict(scenarios: Iterable[ScenarioResult]) -> dict[Verdict, int]:
    """How many scenarios came to which verdict, the worst first; verdicts that none came to are left out."""
    found = [one.verdict for one in scenarios]
    return {verdict: found.count(verdict) for verdict in reversed(Verdict) if verdict in found}


# --- families ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """Scenarios of one name that are told together: the cases of a family, or one scenario alone."""

    name: str
    scenarios: tuple[ScenarioResult, ...]

    @property
    def area(self) -> str:
        """What they are about."""
        return self.scenarios[0].family

    @property
    def went_to(self) -> str:
        """The servers that they ended with, ``local`` first."""
        found = {one.connected_to for one in self.scenarios if one.timeline is not None and not is_of_server(one)}
        return ", ".join(outcome.value for outcome in Outcome if outcome in found)

    @property
    def connect(self) -> str:
        """How soon the first session was open: ``61 ms``, or the fastest to the slowest."""
        found = sorted(round(one.connect_ms) for one in self.scenarios if one.connect_ms is not None)
        if not found:
            return ""
        return f"{found[0]} ms" if found[0] == found[-1] else f"{found[0]} to {found[-1]} ms"

    @property
    def ended(self) -> str:
        """Both in words; empty where nothing was observed."""
        if self.went_to == Outcome.NONE.value:
            return f"no server in the end (first after {self.connect})" if self.connect else "no server"
        return ", ".join(part for part in (self.went_to, self.connect) if part)

    @property
    def cases(self) -> tuple[str, ...]:
        """What tells the scenarios apart."""
        return tuple(scenario_name(one).removeprefix(self.name) for one in self.scenarios)


def family_of(scenario: str) -> str:
    """The id without its case."""
    return scenario.partition("[")[0]


def case_of(scenario: str) -> str:
    """What tells the id from others of its family; "" where it has none."""
    return scenario.removeprefix(family_of(scenario)).removeprefix("[").removesuffix("]")


def families(subject: SubjectResult) -> tuple[Group, ...]:
    """The scenarios by family, in the order of the record."""
    return _grouped(subject.scenarios, lambda one: (family_of(one.scenario),))


def alike(subject: SubjectResult) -> tuple[Group, ...]:
    """The scenarios to look at, those of one family that went wrong in the same way together."""

    def way(one: ScenarioResult) -> tuple[object, ...]:
        findings = tuple((finding.requirement, finding.verdict) for finding in findings_to_show(one))
        return family_of(one.scenario), one.verdict, one.connected_to, findings or one.reason

    return _grouped(troubled(subject), way)


def _grouped(
    scenarios: Iterable[ScenarioResult], key: Callable[[ScenarioResult], tuple[object, ...]]
) -> tuple[Group, ...]:
    groups: dict[tuple[object, ...], list[ScenarioResult]] = {}
    for one in scenarios:
        groups.setdefault(key(one), []).append(one)
    return tuple(Group(family_of(found[0].scenario), tuple(found)) for found in groups.values())


# --- repeats -------------------------------------------------------------------------------------

REPEAT_COLUMNS = ("scenario", "verdict", "passed", *(f"p{share * 100:g}" for share in SHARES))
REPEAT_NOTE = (
    "p50, p95, p99: milliseconds to the first session, of the runs that had one, or how many of those it takes. "
    "In brackets: 95 % intervals."
)


@dataclass(frozen=True, slots=True)
class RepeatRow:
    """One repeated scenario, in words."""

    scenario: str
    verdict: str
    passed: str
    connects: tuple[str, ...]


def repeat_rows(subject: SubjectResult) -> tuple[RepeatRow, ...]:
    """What was run more than once, the flaky first."""
    rows = sorted(subject.repeats, key=lambda one: not one.is_flaky)
    return tuple(RepeatRow(one.scenario, one.verdict.upper(), _passed(one), _connects(one)) for one in rows)


def flaky(subject: SubjectResult) -> dict[str, str]:
    """The scenarios that it does right at one time and wrong at another, and how often."""
    return {
        one.scenario: f"{one.passed} of {one.judged} passed{f'; {ids}' if (ids := ', '.join(one.flaky)) else ''}"
        for one in subject.repeats
        if one.is_flaky
    }


def flaky_line(subject: SubjectResult) -> str:
    """All of them in a line; empty when there are none."""
    told = ", ".join(f"{scenario} ({how})" for scenario, how in flaky(subject).items())
    return f"{FLAKY.upper()}: {told}" if told else ""


def _passed(one: Repeats) -> str:
    if one.interval is None:
        return f"none of {one.runs} judged"
    low, high = one.interval
    left_out = f", {one.runs - one.judged} not judged" if one.judged < one.runs else ""
    return f"{one.passed} of {one.judged} ({low:.2f}-{high:.2f}){left_out}"


def _connects(one: Repeats) -> tuple[str, ...]:
    """``83 (80-91)``, or how many it takes; empty where there was no session."""
    return tuple(
        f"needs {each.needs}" if each.value is None else f"{each.value:.0f} ({each.low:.0f}-{each.high:.0f})"
        for each in one.connects
    ) or ("",) * len(SHARES)


# --- several subjects ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One requirement across the subjects of a run. ``verdicts``: None where it was not judged."""

    id: str
    level: Level
    says: str
    verdicts: tuple[Verdict | None, ...]


def matrix(result: RunResult) -> tuple[MatrixRow, ...]:
    """Requirement by subject, in the order of the catalogue; rows that were judged for nobody are left out."""
    known = {one.id: one for subject in result.subjects for one in subject.requirements}
    rows = [
        MatrixRow(one.id, one.level, one.says, tuple(_verdict_on(one.id, subject) for subject in result.subjects))
        for one in known.values()
    ]
    return tuple(row for row in rows if any(verdict is not None for verdict in row.verdicts))


def _verdict_on(requirement: str, subject: SubjectResult) -> Verdict | None:
    return next((one.verdict for one in counted(subject) if one.id == requirement), None)
