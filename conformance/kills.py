"""Whether the harness catches what it claims to catch: mutants against what was found of them.

Pure. ``chosen`` says in which scenarios a mutant is looked at, ``kill_of`` what its results come to: it must
fail exactly what it breaks; what is implied may fail along with that; anything else is collateral. A subject
that does nothing and a scenario that nobody can pass (``BOGUS``) are judged beside them: a harness that is
pleased with either is pleased with anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from conformance.catalogue import family_id
from conformance.errors import ExitStatus
from conformance.model import Expectation, FaultSpec, Outcome, Scenario, Shown, World
from conformance.mutants import Mutant
from conformance.plan import FRESH_PROFILE, expected_ms
from conformance.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from conformance.results import RequirementResult, SubjectResult

QUICK: Final = "quick"  # the tag of scenarios that are over in a moment
LONG_MS: Final = 8000.0  # a scenario that takes longer is run for the mutants that name it

# Says that a wrong signature is a good one, so whoever conforms goes to the other server, and fails.
BOGUS: Final = Scenario(
    id="bogus",
    family="Choosing",
    says="a wrong signature is called good; nobody who conforms can pass this",
    covers=("SEL-2", "SIG-3"),
    given=World(local=(FaultSpec("answer", {"signature": "other-name"}),)),
    when=(),
    then=Expectation(Outcome.LOCAL, Shown.GOOD, within_ms=3000, hold_ms=150),
)


# --- where a mutant is looked at -----------------------------------------------------------------


def common(scenarios: Iterable[Scenario]) -> tuple[Scenario, ...]:
    """What every mutant goes through, to show collateral: the first case of each quick scenario."""
    firsts: dict[str, Scenario] = {}
    for scenario in scenarios:
        if QUICK in scenario.tags and FRESH_PROFILE not in scenario.tags:
            firsts.setdefault(family_id(scenario.id), scenario)
    return tuple(firsts.values())


def chosen(mutant: Mutant, scenarios: Sequence[Scenario]) -> tuple[Scenario, ...]:
    """The scenarios that cover what it breaks, or those that it names, and the common ones."""
    shared = {scenario.id for scenario in common(scenarios)}
    if mutant.shows_in:
        wanted = {*mutant.shows_in}
    else:
        wanted = {one.id for one in scenarios if not mutant.breaks.keys().isdisjoint(one.covers) and not _is_long(one)}
    return tuple(scenario for scenario in scenarios if scenario.id in wanted | shared)


def _is_long(scenario: Scenario) -> bool:
    return expected_ms(scenario) > LONG_MS


def may_fail(mutant: Mutant | None, scenario: Scenario) -> bool:
    """Whether what the mutant breaks is what the scenario is there for."""
    return mutant is not None and not mutant.breaks.keys().isdisjoint(scenario.covers)


def cost_ms(mutant: Mutant | None, scenario: Scenario) -> float:
    """About how long the scenario takes: a subject that fails it uses up the time that it is given."""
    return expected_ms(scenario) + (scenario.then.within_ms if may_fail(mutant, scenario) else 0.0)


# --- what came of it -----------------------------------------------------------------------------


class Mark(StrEnum):
    """One requirement of one mutant."""

    KILLED = "killed"  # broken, and found
    SURVIVED = "survived"  # broken, and passed
    UNSEEN = "unseen"  # broken, and inconclusive
    IMPLIED = "implied"  # failed along with what is broken, as said
    COLLATERAL = "collateral"  # failed, and nobody said so
    PASSED = "passed"
    UNSAID = "unsaid"  # inconclusive, and not broken


class Fate(StrEnum):
    """One mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    COLLATERAL = "collateral"
    UNSEEN = "unseen"
    ERROR = "error"  # the harness failed in one of its scenarios
    AWAITED = "awaited"  # not judged: what it needs is not staged, or not on this machine


_EXIT: Final = {
    Fate.ERROR: ExitStatus.HARNESS_FAILED,
    Fate.SURVIVED: ExitStatus.FAILS,
    Fate.COLLATERAL: ExitStatus.FAILS,
    Fate.UNSEEN: ExitStatus.INCONCLUSIVE,
    Fate.AWAITED: ExitStatus.INCONCLUSIVE,  # a machine that stages nothing must not look like one that killed all
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A mark, and the reason of the finding that it rests on."""

    mark: Mark
    reason: str


@dataclass(frozen=True, slots=True)
class Kill:
    """What came of one mutant. ``sentences``: what is wrong, one each; empty where nothing is.

    ``quiet``: what was implied and did not fail this time.
    """

    mutant: Mutant
    fate: Fate
    cells: Mapping[str, Cell]
    sentences: tuple[str, ...]
    scenarios: int = 0
    quiet: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so whatever the mutants do. ``sentence``: what is wrong; empty where nothing is.

    ``unseen``: nothing contradicts it, but on a machine that was too busy it was not seen either.
    """

    name: str
    says: str
    sentence: str
    unseen: bool = False


def kill_of(mutant: Mutant, subject: SubjectResult | None) -> Kill:
    """What the results of a mutant come to. None: it was not carried out."""
    if subject is None:
        return Kill(mutant, Fate.AWAITED, {}, (), 0)
    errors = [each for each in subject.scenarios if each.verdict is Verdict.ERROR]
    if errors:
        told = f"{mutant.name}: the harness failed in {errors[0].scenario}: {errors[0].reason}"
        return Kill(mutant, Fate.ERROR, {}, (told,), len(subject.scenarios))
    found = {each.id: each for each in subject.requirements}
    cells = {id_: _cell(mutant, each) for id_, each in found.items() if each.verdict is not Verdict.UNSUPPORTED}
    staged = [id_ for id_ in mutant.breaks if id_ not in found or found[id_].verdict is not Verdict.UNSUPPORTED]
    telling = {each.verdict for each in subject.scenarios if each.scenario in mutant.shows_in}
    says_something = any(cell.mark in (Mark.KILLED, Mark.COLLATERAL) for cell in cells.values())
    if not staged or (telling == {Verdict.UNSUPPORTED} and not says_something):
        return Kill(mutant, Fate.AWAITED, cells, (), len(subject.scenarios))
    for id_ in staged:
        cells.setdefault(id_, Cell(Mark.UNSEEN, "no scenario that was run came to it"))
    sentences = [line for id_, cell in cells.items() if (line := _sentence(mutant, id_, cell))]
    quiet = tuple(id_ for id_ in mutant.implied if cells.get(id_) is None or cells[id_].mark is not Mark.IMPLIED)
    return Kill(mutant, _fate(cells), cells, tuple(sentences), len(subject.scenarios), quiet)


def _cell(mutant: Mutant, found: RequirementResult) -> Cell:
    failed, passed = found.verdict is Verdict.FAIL, found.verdict is Verdict.PASS
    if found.id in mutant.breaks:
        right = failed and found.level is mutant.breaks[found.id]
        mark = Mark.KILLED if right else Mark.SURVIVED if passed or failed else Mark.UNSEEN
    elif failed:
        mark = Mark.IMPLIED if found.id in mutant.implied else Mark.COLLATERAL
    else:
        mark = Mark.PASSED if passed else Mark.UNSAID
    return Cell(mark, found.reason)


def _sentence(mutant: Mutant, id_: str, cell: Cell) -> str:
    match cell.mark:
        case Mark.SURVIVED:
            return f"{mutant.name} {mutant.says}, and {id_} passes: {cell.reason}"
        case Mark.UNSEEN:
            return f"{mutant.name} {mutant.says}, and {id_} could not be judged: {cell.reason}"
        case Mark.COLLATERAL:
            return f"{mutant.name} fails {id_}, which it is not said to break: {cell.reason}"
    return ""


def _fate(cells: Mapping[str, Cell]) -> Fate:
    marks = {cell.mark for cell in cells.values()}
    for mark, fate in ((Mark.SURVIVED, Fate.SURVIVED), (Mark.COLLATERAL, Fate.COLLATERAL), (Mark.UNSEEN, Fate.UNSEEN)):
        if mark in marks:
            return fate
    return Fate.KILLED


# --- beside the mutants --------------------------------------------------------------------------


def unjudged(subject: SubjectResult) -> set[str]:
    """The scenarios that no look at could judge."""
    judged = {each.scenario for each in subject.scenarios if each.verdict is not Verdict.INCONCLUSIVE}
    return {each.scenario for each in subject.scenarios} - judged


def passed_at_first(subject: SubjectResult | None, requirements: Collection[str]) -> set[str]:
    """The scenarios in which the first look saw these requirements hold, those of them that it speaks of."""
    said = {
        each.scenario: [finding.verdict for finding in each.findings if finding.requirement in requirements]
        for each in (subject.scenarios if subject is not None else ())
        if each.repeat == 0
    }
    return {scenario for scenario, verdicts in said.items() if verdicts and set(verdicts) == {Verdict.PASS}}


def passing_check(name: str, says: str, subjects: Iterable[SubjectResult]) -> Check:
    """Who conforms passes what the rig can stage: else the failures of mutants say nothing of their faults."""
    told, unseen = [], True
    for subject in subjects:
        own = [each for each in subject.scenarios if each.scenario != BOGUS.id]
        staged = [each for each in own if each.verdict is not Verdict.UNSUPPORTED]
        # What a busy machine kept one look from seeing, another has seen; no other verdict is taken back.
        passed = {each.scenario for each in own if each.verdict is Verdict.PASS}
        wrong = [
            each
            for each in staged
            if each.verdict is not Verdict.PASS
            and not (each.verdict is Verdict.INCONCLUSIVE and each.scenario in passed)
        ]
        told += [f"{subject.name}: {each.scenario} is {each.verdict}: {each.reason}" for each in wrong]
        told += [] if staged else [f"{subject.name}: no scenario of its could be staged"]
        unseen &= bool(staged) and all(each.verdict is Verdict.INCONCLUSIVE for each in wrong)
    return Check(name, says, "; ".join(told), unseen and bool(told))


def bogus_check(subject: SubjectResult) -> Check:
    """The scenario that nobody can pass is failed."""
    seen = [one for one in subject.scenarios if one.scenario == BOGUS.id]
    told = "" if seen and all(one.verdict is Verdict.FAIL for one in seen) else "; ".join(_bogus(seen))
    unseen = bool(told) and {one.verdict for one in seen} <= {Verdict.FAIL, Verdict.INCONCLUSIVE} and bool(seen)
    return Check(BOGUS.id, "a scenario that calls a wrong signature good is failed by the base", told, unseen)


def _bogus(seen: Iterable[object]) -> list[str]:
    told = [f"{BOGUS.id}: no subject can pass it, and it is {getattr(one, 'verdict', '')}" for one in seen]
    return told or [f"{BOGUS.id}: was not carried out"]


def idle_check(subject: SubjectResult) -> Check:
    """A subject that does nothing passes nothing, and fails something."""
    passed = [one.id for one in subject.requirements if one.verdict is Verdict.PASS]
    pleased = [one.scenario for one in subject.scenarios if one.verdict is Verdict.PASS]
    failed = any(one.verdict is Verdict.FAIL for one in subject.requirements)
    told, unseen = "", False
    if passed or pleased:
        told = f"{subject.name} does nothing, and passes {', '.join((*passed, *pleased))}"
    elif not failed:
        told = f"{subject.name} does nothing, and fails nothing"
        unseen = any(one.verdict is Verdict.INCONCLUSIVE for one in subject.requirements)
    return Check("do-nothing", "an extension that does nothing passes nothing, and fails something", told, unseen)


def status_of(kills: Iterable[Kill], checks: Iterable[Check]) -> ExitStatus:
    """Worst first: the harness failed, a survivor or collateral, something unseen."""
    statuses = {_EXIT[kill.fate] for kill in kills if kill.fate in _EXIT}
    statuses |= {ExitStatus.INCONCLUSIVE if check.unseen else ExitStatus.FAILS for check in checks if check.sentence}
    for status in (ExitStatus.HARNESS_FAILED, ExitStatus.FAILS, ExitStatus.INCONCLUSIVE):
        if status in statuses:
            return status
    return ExitStatus.CONFORMS
