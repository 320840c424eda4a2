"""What a run came to, as data: results of scenarios, requirements, subjects and the run, and their JSON.

Pure. judge.py makes these from a record; reports and the gate only read them. ``to_json`` is the
published format (reports/results.schema.json): stable keys, stable order, times rounded to 0.1 ms, so
that the same record gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

from conformance.model import Level, Outcome
from conformance.record import Environment
from conformance.repeats import Repeats
from conformance.verdict import Finding, Verdict

SCHEMA = 1  # of the JSON results; more keys may come without a new number


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """One scenario on one subject, once. ``repeat`` counts from 0.

    ``requirements``: what the scenario covers. ``findings``: those and the invariants that arose.
    ``connected_to``: the session that was open at the end of the observation, the latest if there were
    several. ``connect_ms``: from the subject's start to its first session. ``reason``: the worst
    finding's. ``timeline``: where the record has the events, None if there are none. ``error_ms``: of its times.
    """

    scenario: str
    repeat: int
    verdict: Verdict
    findings: tuple[Finding, ...]
    connected_to: Outcome
    connect_ms: float | None
    reason: str
    wall_ms: float
    family: str = ""
    says: str = ""
    requirements: tuple[str, ...] = ()
    timeline: str | None = None
    error_ms: float | None = None


@dataclass(frozen=True, slots=True)
class RequirementResult:
    """One requirement over every scenario that said something of it.

    ``scenarios``: the ids of those scenarios. ``arose``: False when its condition never came up.
    ``counts``: False when that is another requirement's failure, so that its level does not wait for it.
    """

    id: str
    level: Level
    verdict: Verdict
    reason: str
    scenarios: tuple[str, ...]
    says: str = ""
    arose: bool = True
    counts: bool = True


@dataclass(frozen=True, slots=True)
class SubjectResult:
    """One subject. ``levels`` has the levels that something was said of; ``repeats`` what was run more than once."""

    name: str
    version: str
    verdict: Verdict
    levels: Mapping[Level, Verdict]
    requirements: tuple[RequirementResult, ...]
    scenarios: tuple[ScenarioResult, ...]
    repeats: tuple[Repeats, ...] = ()


@dataclass(frozen=True, slots=True)
class RunResult:
    """The whole run."""

    run_id: str
    verdict: Verdict
    subjects: tuple[SubjectResult, ...]
    environment: Environment


# --- JSON ----------------------------------------------------------------------------------------


def timeline_path(subject: str, scenario: str, repeat: int = 0) -> str:
    """Where a run directory keeps a scenario's timeline: repeats are numbered from 2."""
    suffix = f".{repeat + 1}" if repeat else ""
    return f"timelines/{file_name(subject)}/{file_name(scenario)}{suffix}.jsonl"


_NAME_BYTES_MAX = 180  # file systems allow 255; the rest is for suffixes


def file_name(name: str) -> str:
    """``name`` as one path component: brackets stay, what a file system may refuse is percent-coded."""
    coded = quote(name, safe="[]()+=@,; -_.~")
    coded = f"%2E{coded[1:]}" if coded.startswith(".") else coded or "%"
    # A cut name could meet another; the record inside says which scenario it is, so a number is enough.
    return coded if len(coded) <= _NAME_BYTES_MAX else f"{coded[: _NAME_BYTES_MAX - 9]}-{_checksum(name):08x}"


def _checksum(name: str) -> int:
    total = 0
    for byte in name.encode():
        total = (total * 31 + byte) & 0xFFFFFFFF
    return total


def to_json(result: RunResult) -> dict[str, Any]:
    """The run as JSON-ready data."""
    return {
        "schema": SCHEMA,
        "run_id": result.run_id,
        "verdict": result.verdict.value,
        "subjects": [_subject(subject) for subject in result.subjects],
        "environment": _environment(result.environment),
    }


def _environment(made: Environment) -> dict[str, Any]:
    return asdict(made) | {"browser_flags": list(made.browser_flags), "targets": list(made.targets)}


def _subject(subject: SubjectResult) -> dict[str, Any]:
    levels = {requirement.id: requirement.level for requirement in subject.requirements}
    return {
        "name": subject.name,
        "version": subject.version,
        "verdict": subject.verdict.value,
        "levels": {level.value: subject.levels[level].value for level in Level if level in subject.levels},
        "requirements": [_requirement(requirement) for requirement in subject.requirements],
        "scenarios": [_scenario(scenario, levels) for scenario in subject.scenarios],
        "repeats": [_repeats(repeats) for repeats in subject.repeats],
    }


def _requirement(requirement: RequirementResult) -> dict[str, Any]:
    return {
        "id": requirement.id,
        "level": requirement.level.value,
        "verdict": requirement.verdict.value,
        "reason": requirement.reason,
        "scenarios": list(requirement.scenarios),
        "says": requirement.says,
        "arose": requirement.arose,
        "counts": requirement.counts,
    }


def _scenario(scenario: ScenarioResult, levels: Mapping[str, Level]) -> dict[str, Any]:
    return {
        "id": scenario.scenario,
        "repeat": scenario.repeat,
        "verdict": scenario.verdict.value,
        "requirements": list(scenario.requirements),
        "connected_to": scenario.connected_to.value,
        "connect_ms": _rounded(scenario.connect_ms),
        "reason": scenario.reason,
        "timeline": scenario.timeline,
        "family": scenario.family,
        "says": scenario.says,
        "wall_ms": _rounded(scenario.wall_ms),
        "error_ms": _rounded(scenario.error_ms),
        "findings": [_finding(finding, levels) for finding in scenario.findings],
    }


def _finding(finding: Finding, levels: Mapping[str, Level]) -> dict[str, Any]:
    level = levels.get(finding.requirement)
    return {
        "requirement": finding.requirement,
        "level": None if level is None else level.value,
        "verdict": finding.verdict.value,
        "reason": finding.reason,
        "evidence": list(finding.evidence),
        "measured_ms": _rounded(finding.measured_ms),
        "budget_ms": _rounded(finding.budget_ms),
        "arose": finding.arose,
    }


def _repeats(repeats: Repeats) -> dict[str, Any]:
    low, high = repeats.interval or (None, None)
    return {
        "id": repeats.scenario,
        "verdict": repeats.verdict,
        "runs": repeats.runs,
        "counts": {verdict.value: count for verdict, count in repeats.counts},
        "flaky": list(repeats.flaky),
        "passed": {"count": repeats.passed, "of": repeats.judged, "low": _share(low), "high": _share(high)},
        "connected": repeats.connected,
        "connect_ms": [
            {
                "share": each.share,
                "needs": each.needs,
                "value": _rounded(each.value),
                "low": _rounded(each.low),
                "high": _rounded(each.high),
            }
            for each in repeats.connects
        ],
    }


def _share(probability: float | None) -> float | None:
    return None if probability is None else round(probability, 4)


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(float(milliseconds), 1)
