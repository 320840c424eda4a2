"""From a record to results: the findings of each scenario, put together to requirements, levels and verdicts.

Pure. The record is all it needs, so judging it again anywhere gives the same answer. Doubt about the
harness comes before the oracles' word: a fault that nobody saw at work, sources that disagree, or a
machine too busy to measure turn PASS and FAIL alike into INCONCLUSIVE.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.crosscheck import disagreements, lateness_ms
from conformance.errors import DataError
from conformance.events import ObservationEnded, StepTimedOut, SubjectStarted, TargetAnswered
from conformance.model import Level, Outcome
from conformance.oracles import ORACLES, Case
from conformance.oracles.proof import unproved
from conformance.repeats import repeats_of
from conformance.results import RequirementResult, RunResult, ScenarioResult, SubjectResult, timeline_path
from conformance.verdict import Finding, Verdict, never_arose, worst

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.model import Profile, Requirement, Scenario
    from conformance.oracles import Oracle
    from conformance.record import RunRecord, ScenarioRecord

# A loop that is this late now and then is an ordinary 2-core machine at work; what it delays by less is
# inside every budget's margin. Beyond it, a figure that near its budget is the machine's, not the subject's.
LAG_MS_MAX = 50.0
_ANSWERS = 3  # of an attempt: one signature, and a session on each side


# --- one scenario --------------------------------------------------------------------------------


def judge_scenario(
    scenario: Scenario,
    profile: Profile,
    record: ScenarioRecord,
    requirements: Mapping[str, Requirement],
    error_ms: float,
) -> ScenarioResult:
    """What one scenario says of one subject. ``error_ms``: the stated error of the record's times.

    What the scenario itself saw of the machine counts where it is worse: how late the harness was, and how
    much later than the servers the browser was.
    """
    if record.failure is not None:
        return _not_judged(scenario, record, Verdict.ERROR, record.failure)
    if record.unsupported is not None:
        return _not_judged(scenario, record, Verdict.UNSUPPORTED, record.unsupported)
    timeline = record.timeline
    ended = None if timeline is None else timeline.first(ObservationEnded)
    if timeline is None or ended is None or timeline.first(SubjectStarted) is None:
        return _not_judged(scenario, record, Verdict.ERROR, "the record of this scenario has no start or no end")
    late_ms = lateness_ms(timeline.until(ended.at_ms), profile.endpoints, error_ms)
    case = Case.of(scenario, profile, timeline, max(error_ms, ended.lag_ms, late_ms))
    found = (_ask(case, each, requirements) for each in _asked(scenario, requirements))
    connected_to = _connected_to(case)
    sure = tuple(_doubted(case, ended, [finding for finding in found if finding is not None]))
    findings = tuple(_unreached(case, sure, connected_to))
    verdict, reason = _summary(findings)
    first = case.sessions[0].opened_ms - case.start_ms if case.sessions else None
    result = _result(scenario, record, verdict, findings, reason, connected_to=connected_to, connect_ms=first)
    return replace(result, error_ms=case.error_ms)


def _not_judged(scenario: Scenario, record: ScenarioRecord, verdict: Verdict, reason: str) -> ScenarioResult:
    line = " ".join(reason.split())
    findings = tuple(Finding(requirement, verdict, line) for requirement in scenario.covers)
    return _result(scenario, record, verdict, findings, line, connected_to=Outcome.NONE, connect_ms=None)


def _result(  # noqa: PLR0913 - what the two ways to a result share
    scenario: Scenario,
    record: ScenarioRecord,
    verdict: Verdict,
    findings: tuple[Finding, ...],
    reason: str,
    *,
    connected_to: Outcome,
    connect_ms: float | None,
) -> ScenarioResult:
    return ScenarioResult(
        scenario=scenario.id,
        repeat=record.repeat,
        verdict=verdict,
        findings=findings,
        connected_to=connected_to,
        connect_ms=connect_ms,
        reason=reason,
        wall_ms=record.wall_ms,
        family=scenario.family,
        says=scenario.says,
        requirements=scenario.covers,
        timeline=None if record.timeline is None else timeline_path(record.subject, scenario.id, record.repeat),
    )


def _asked(scenario: Scenario, requirements: Mapping[str, Requirement]) -> list[str]:
    """The requirements to judge here, in the order of the catalogue: the covered ones, and the invariants."""
    everywhere = [id_ for id_, oracle in ORACLES.items() if oracle.everywhere and id_ in requirements]
    wanted = {*scenario.covers, *everywhere}
    known = [id_ for id_ in requirements if id_ in wanted]
    return known + [id_ for id_ in scenario.covers if id_ not in requirements]


def _ask(case: Case, id_: str, requirements: Mapping[str, Requirement]) -> Finding | None:
    """One oracle's word, however it comes by it: a crash is the harness's failure and never passes."""
    covered = case.covers(id_)
    requirement = requirements.get(id_)
    if requirement is not None and _is_absent(requirement, case.profile):
        reason = f"the subject's profile says that it has no {requirement.feature}"
        return Finding(id_, Verdict.UNSUPPORTED, reason) if covered else None
    oracle: Oracle | None = ORACLES.get(id_)
    if oracle is None:
        return never_arose(id_, "this version of the harness cannot judge it")
    try:
        finding = oracle.judge(case)
    except Exception as error:  # noqa: BLE001 - whatever an oracle breaks on, the rest is still judged
        return Finding(id_, Verdict.ERROR, f"its oracle crashed: {type(error).__name__}: {error}")
    if finding is None and covered:
        return never_arose(id_, "nothing in this scenario came to it")
    return finding


def _is_absent(requirement: Requirement, profile: Profile) -> bool:
    missing_public = requirement.feature == "public" and profile.endpoints.public is None
    return bool(requirement.feature) and (requirement.feature in profile.absent or missing_public)


# --- doubt ---------------------------------------------------------------------------------------


def _doubted(case: Case, ended: ObservationEnded, findings: Sequence[Finding]) -> Iterable[Finding]:
    """The findings, without those that the harness itself makes doubtful."""
    try:
        untold = unproved(case)
        differ = disagreements(case.timeline, case.endpoints, case.error_ms)
    except Exception as error:  # noqa: BLE001 - as with oracles
        crash = f"checking the record crashed: {type(error).__name__}: {error}"
        return [Finding(finding.requirement, Verdict.ERROR, crash) for finding in findings]
    doubt = ""
    if differ:
        doubt = f"sources disagree: {'; '.join(differ)}"
    elif untold:
        doubt = f"fault not proved: {'; '.join(untold)}"
    slow_ms = _target_ms(case)
    return [_unsure(finding, doubt) if doubt else _rushed(case, finding, ended, slow_ms) for finding in findings]


def _target_ms(case: Case) -> float:
    """How long the targets made an attempt wait at the most."""
    return sum(sorted((event.took_ms for event in case.timeline.all(TargetAnswered)), reverse=True)[:_ANSWERS])


def _unsure(finding: Finding, doubt: str) -> Finding:
    if finding.verdict not in (Verdict.PASS, Verdict.FAIL):
        return finding
    reason = f"{doubt} (else it were {finding.verdict.value}: {finding.reason})"
    return replace(finding, verdict=Verdict.INCONCLUSIVE, reason=reason)


def _measured_between(case: Case, finding: Finding) -> tuple[float, float]:
    """The time in which a figure was taken, at the most: from the first event that it rests on to the last.

    Of a wait that did not end there is only the first, and of some only the last: then as long as the figure says.
    """
    times = [event.at_ms for event in case.timeline if event.seq in finding.evidence]
    first_ms, last_ms = min(times, default=case.start_ms), max(times, default=case.end_ms)
    measured_ms = finding.measured_ms or 0.0
    return min(first_ms, last_ms - measured_ms), max(last_ms, first_ms + measured_ms)


def _rushed(case: Case, finding: Finding, ended: ObservationEnded, slow_ms: float) -> Finding:
    """A figure so near its budget that the machine's own lateness may have decided."""
    if finding.measured_ms is None or finding.budget_ms is None or finding.verdict is Verdict.ERROR:
        return finding
    over_ms = finding.measured_ms - finding.budget_ms
    starved_ms = case.starved_ms(*_measured_between(case, finding))
    if ended.lag_ms > LAG_MS_MAX and abs(over_ms) <= ended.lag_ms:
        busy = f"machine too busy, the harness was up to {ended.lag_ms:.0f} ms late"
    elif finding.verdict is Verdict.FAIL and 0 < over_ms <= starved_ms:
        # On a machine of its own the subject would have been that much faster, but never slower.
        busy = f"machine too busy, the browser waited {starved_ms:.0f} ms for a processor"
    elif finding.verdict is Verdict.FAIL and 0 < over_ms <= slow_ms:
        busy = f"the targets took up to {slow_ms:.0f} ms to answer"
    else:
        return finding
    reason = f"{busy}: {finding.reason}"
    return replace(finding, verdict=Verdict.INCONCLUSIVE, reason=reason)


# --- a scenario's verdict ------------------------------------------------------------------------


def _connected_to(case: Case) -> Outcome:
    """The side of the session that was open when watching ended, the latest if there were several."""
    last = next((session for session in reversed(case.sessions) if session.open_at(case.end_ms)), None)
    return Outcome.NONE if last is None else Outcome(last.side.value)


def _arrived(scenario: Scenario, connected_to: Outcome) -> bool:
    """Whether the subject ended where the scenario expects it."""
    expected = scenario.then.session
    return expected is connected_to or (expected is Outcome.EITHER and connected_to is not Outcome.NONE)


def _unreached(case: Case, findings: Sequence[Finding], connected_to: Outcome) -> Iterable[Finding]:
    """The findings, where the scenario did not come to what it is there for, and no failure says why.

    No requirement that it covers has passed then: what the gate counts must say so, too. For a step that was missed
    only a failure of what the scenario covers is a reason: a subject that never comes back fails at the first loss
    of three, and passes what it held until then.
    """
    missed = case.timeline.first(StepTimedOut)
    wanted = case.scenario.then.session
    failed = [finding.requirement for finding in findings if finding.verdict is Verdict.FAIL]
    if missed is not None and missed.changes_left and not any(map(case.covers, failed)):
        why = f"'{missed.step}' was not reached within {missed.within_ms:.0f} ms, so what follows it never was"
    elif not (_arrived(case.scenario, connected_to) or failed):
        why = f"it should have ended with {_session(wanted)}, and ended with {_session(connected_to)}"
    else:
        return findings
    return [
        _unsure(finding, why) if case.covers(finding.requirement) and finding.verdict is Verdict.PASS else finding
        for finding in findings
    ]


def _summary(findings: Sequence[Finding]) -> tuple[Verdict, str]:
    """The verdict, and the reason of the finding that it rests on.

    What never arose counts unless something failed: then that is why.
    """
    failed = any(finding.verdict is Verdict.FAIL for finding in findings)
    counted = [finding for finding in findings if finding.arose or not failed]
    verdict = worst(_spoken(counted))
    first = next((finding for finding in counted if finding.verdict is verdict), None)
    return verdict, "nothing was judged" if first is None else f"{first.requirement}: {first.reason}"


def _spoken(findings: Iterable[Finding]) -> list[Verdict]:
    """Their verdicts; UNSUPPORTED is one only where nothing else is said."""
    verdicts = [finding.verdict for finding in findings]
    return [verdict for verdict in verdicts if verdict is not Verdict.UNSUPPORTED] or verdicts


def _session(outcome: Outcome) -> str:
    return (
        "no session"
        if outcome is Outcome.NONE
        else "a session"
        if outcome is Outcome.EITHER
        else f"a {outcome.value} session"
    )


# --- the run -------------------------------------------------------------------------------------


def judge_run(record: RunRecord) -> RunResult:
    """What a whole run came to."""
    requirements = {requirement.id: requirement for requirement in record.requirements}
    subjects = tuple(_subject(record, profile, requirements) for profile in record.profiles)
    verdict = worst(subject.verdict for subject in subjects)
    if verdict is Verdict.UNSUPPORTED:
        verdict = Verdict.INCONCLUSIVE  # nothing was judged, and nothing unjudged passes
    return RunResult(record.run_id, verdict, subjects, record.environment)


def _subject(record: RunRecord, profile: Profile, requirements: Mapping[str, Requirement]) -> SubjectResult:
    places = {scenario.id: place for place, scenario in enumerate(record.scenarios)}
    own = [each for each in record.records if each.subject == profile.name]
    if stray := [each.scenario for each in own if each.scenario not in places]:
        raise DataError(f"{record.run_id}: the record has no scenario {stray[0]!r}; run again")
    own.sort(key=lambda each: (places[each.scenario], each.repeat))
    scenarios = tuple(
        judge_scenario(
            record.scenarios[places[each.scenario]], profile, each, requirements, record.environment.error_ms
        )
        for each in own
    )
    judged = tuple(
        result for requirement in requirements.values() if (result := _requirement(requirement, scenarios)) is not None
    )
    levels = {level: worst(_of_level(judged, level)) for level in Level if any(each.level is level for each in judged)}
    verdict = worst([*levels.values(), *(Verdict.ERROR for each in scenarios if each.verdict is Verdict.ERROR)])
    return SubjectResult(profile.name, profile.version, verdict, levels, judged, scenarios, repeats_of(scenarios))


def _of_level(judged: Iterable[RequirementResult], level: Level) -> list[Verdict]:
    counted = [each.verdict for each in judged if each.level is level and each.counts]
    return [verdict for verdict in counted if verdict is not Verdict.UNSUPPORTED] or counted


def _requirement(requirement: Requirement, scenarios: Sequence[ScenarioResult]) -> RequirementResult | None:
    """One requirement over all scenarios; None if none of them speaks of it."""
    said = [
        (scenario, finding)
        for scenario in scenarios
        for finding in scenario.findings
        if finding.requirement == requirement.id
    ]
    if not said:
        return None
    judged = [
        (scenario, finding)
        for scenario, finding in said
        if finding.arose and finding.verdict is not Verdict.UNSUPPORTED
    ]
    silent = [(scenario, finding) for scenario, finding in said if not finding.arose]
    speaking = judged or silent or said
    scenario, finding = max(speaking, key=lambda pair: pair[1].verdict.rank)
    reason, counts = f"{scenario.scenario}: {finding.reason}", True
    if not judged and silent:
        reason, counts = _never(silent)
    ids = tuple(dict.fromkeys(each.scenario for each, _ in speaking))
    return RequirementResult(
        id=requirement.id,
        level=requirement.level,
        verdict=finding.verdict,
        reason=reason,
        scenarios=ids,
        says=requirement.says,
        arose=bool(judged) or not silent,
        counts=counts,
    )


def _never(silent: Sequence[tuple[ScenarioResult, Finding]]) -> tuple[str, bool]:
    """Why nothing could be said, and whether its level has to wait for that.

    Not if something else failed in each of these scenarios: then that is why this never came up.
    """
    failures = [
        next((finding.requirement for finding in scenario.findings if finding.verdict is Verdict.FAIL), None)
        for scenario, _ in silent
    ]
    reason = silent[0][1].reason
    if None in failures:
        return reason, True
    causes = ", ".join(dict.fromkeys(id_ for id_ in failures if id_ is not None))
    return f"{reason}; not counted, because {causes} failed wherever it could have arisen", False
