"""What the findings on a mutant come to: killed, survived, collateral, unseen; and what must hold beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.errors import ExitStatus
from conformance.files import load_scenarios
from conformance.judge import judge_scenario
from conformance.kills import (
    BOGUS,
    Check,
    Fate,
    Mark,
    bogus_check,
    chosen,
    common,
    cost_ms,
    idle_check,
    kill_of,
    passed_at_first,
    passing_check,
    status_of,
    unjudged,
)
from conformance.model import Level, Outcome
from conformance.mutants import Edit, Mutant
from conformance.record import ScenarioRecord
from conformance.results import RequirementResult, ScenarioResult, SubjectResult
from conformance.verdict import Finding, Verdict
from tests.timelines import LOCAL, PROFILE, PUBLIC, REQUIREMENTS, Story, story

SCENARIOS = load_scenarios()
MUTANT = Mutant(
    name="it",
    says="does it wrong",
    breaks={"SIG-1": Level.MUST},
    implied={"SEL-3": "what it takes for good it opens"},
    edits=(Edit("a", "b", "c", 1),),
)


def requirement(id_: str, verdict: Verdict, level: Level = Level.MUST) -> RequirementResult:
    return RequirementResult(
        id=id_, level=level, verdict=verdict, reason=f"why {id_}", scenarios=("a",), says="", arose=True
    )


def scenario(id_: str, verdict: Verdict) -> ScenarioResult:
    return ScenarioResult(id_, 0, verdict, (), Outcome.NONE, None, f"why {id_}", 1.0)


def subject(*requirements: RequirementResult, scenarios: tuple[ScenarioResult, ...] = ()) -> SubjectResult:
    return SubjectResult("it", "1", Verdict.FAIL, {}, requirements, scenarios)


def kill(**verdicts: Verdict) -> tuple[Fate, dict[str, Mark], tuple[str, ...]]:
    found = kill_of(MUTANT, subject(*(requirement(id_.replace("_", "-"), each) for id_, each in verdicts.items())))
    return found.fate, {id_: cell.mark for id_, cell in found.cells.items()}, found.sentences


# --- one mutant ----------------------------------------------------------------------------------


def test_what_it_breaks_fails_and_nothing_else_so_it_is_killed() -> None:
    fate, marks, sentences = kill(SIG_1=Verdict.FAIL, SIG_2=Verdict.PASS, SIG_3=Verdict.INCONCLUSIVE)
    assert fate is Fate.KILLED
    assert marks == {"SIG-1": Mark.KILLED, "SIG-2": Mark.PASSED, "SIG-3": Mark.UNSAID}
    assert sentences == ()


def test_what_it_breaks_passes_so_it_survives() -> None:
    fate, marks, sentences = kill(SIG_1=Verdict.PASS)
    assert (fate, marks["SIG-1"]) == (Fate.SURVIVED, Mark.SURVIVED)
    assert sentences == ("it does it wrong, and SIG-1 passes: why SIG-1",)


def test_what_else_fails_is_collateral_unless_it_is_implied() -> None:
    fate, marks, sentences = kill(SIG_1=Verdict.FAIL, SEL_3=Verdict.FAIL)
    assert (fate, marks["SEL-3"], sentences) == (Fate.KILLED, Mark.IMPLIED, ())
    fate, marks, sentences = kill(SIG_1=Verdict.FAIL, TIME_2=Verdict.FAIL)
    assert (fate, marks["TIME-2"]) == (Fate.COLLATERAL, Mark.COLLATERAL)
    assert sentences == ("it fails TIME-2, which it is not said to break: why TIME-2",)


@pytest.mark.parametrize("verdicts", [{"SIG_1": Verdict.INCONCLUSIVE}, {"SEL_3": Verdict.FAIL}])
def test_what_it_breaks_is_not_seen(verdicts: dict[str, Verdict]) -> None:
    fate, marks, sentences = kill(**verdicts)
    assert (fate, marks["SIG-1"]) == (Fate.UNSEEN, Mark.UNSEEN)
    assert "SIG-1 could not be judged" in sentences[0]


def test_surviving_is_worse_than_collateral_and_both_are_said() -> None:
    fate, _, sentences = kill(SIG_1=Verdict.PASS, TIME_2=Verdict.FAIL)
    assert fate is Fate.SURVIVED
    assert len(sentences) == 2


def test_another_level_than_the_labelled_one_is_no_kill() -> None:
    found = kill_of(MUTANT, subject(requirement("SIG-1", Verdict.FAIL, Level.SHOULD)))
    assert found.fate is Fate.SURVIVED


def test_what_was_implied_and_held_is_told_apart() -> None:
    assert kill_of(MUTANT, subject(requirement("SIG-1", Verdict.FAIL))).quiet == ("SEL-3",)
    both = subject(requirement("SIG-1", Verdict.FAIL), requirement("SEL-3", Verdict.FAIL))
    assert kill_of(MUTANT, both).quiet == ()


def test_an_error_of_the_harness_is_no_kill() -> None:
    failing = subject(requirement("SIG-1", Verdict.FAIL), scenarios=(scenario("a", Verdict.ERROR),))
    found = kill_of(MUTANT, failing)
    assert found.fate is Fate.ERROR
    assert found.sentences == ("it: the harness failed in a: why a",)


def test_what_cannot_be_staged_is_awaited_and_not_passed() -> None:
    assert kill_of(MUTANT, None).fate is Fate.AWAITED
    assert kill_of(MUTANT, subject(requirement("SIG-1", Verdict.UNSUPPORTED))).fate is Fate.AWAITED
    two = replace(MUTANT, breaks={"SIG-1": Level.MUST, "SIG-2": Level.MUST})
    part = subject(requirement("SIG-1", Verdict.UNSUPPORTED), requirement("SIG-2", Verdict.FAIL))
    assert kill_of(two, part).fate is Fate.KILLED


@pytest.mark.parametrize(
    ("verdicts", "fate"),
    [
        ((Verdict.UNSUPPORTED, Verdict.UNSUPPORTED), Fate.AWAITED),
        ((Verdict.UNSUPPORTED, Verdict.PASS), Fate.SURVIVED),
        ((), Fate.SURVIVED),
    ],
    ids=["in none", "in one", "not carried out"],
)
def test_a_mutant_that_shows_only_where_nothing_can_be_staged_has_not_survived(
    verdicts: tuple[Verdict, ...], fate: Fate
) -> None:
    """What it breaks passed elsewhere, where its fault makes no difference."""
    shown = replace(MUTANT, shows_in=("b", "c"))
    scenarios = tuple(scenario(id_, verdict) for id_, verdict in zip("bc", verdicts, strict=False))
    found = kill_of(
        shown, subject(requirement("SIG-1", Verdict.PASS), scenarios=(scenario("a", Verdict.PASS), *scenarios))
    )
    assert found.fate is fate
    seen = subject(requirement("SIG-1", Verdict.FAIL), scenarios=scenarios)
    assert kill_of(shown, seen).fate is Fate.KILLED  # wherever it showed, it did
    wrong = subject(requirement("SIG-1", Verdict.INCONCLUSIVE), requirement("SEL-5", Verdict.FAIL), scenarios=scenarios)
    assert kill_of(shown, wrong).fate is Fate.COLLATERAL  # and so did what should not


# --- where it is looked at -----------------------------------------------------------------------


def test_common_scenarios_are_quick_and_one_a_family() -> None:
    shared = common(SCENARIOS)
    assert {one.id for one in shared} > {"local-up", "local-down", "both-up", "wrong-signature[other-name]"}
    assert all("quick" in one.tags and "fresh-profile" not in one.tags for one in shared)


def test_a_mutant_goes_through_what_covers_it_and_the_common_ones() -> None:
    looked = {one.id for one in chosen(MUTANT, SCENARIOS)}
    assert looked == {one.id for one in SCENARIOS if "SIG-1" in one.covers} | {one.id for one in common(SCENARIOS)}


def test_a_mutant_may_name_its_scenarios() -> None:
    looked = {one.id for one in chosen(replace(MUTANT, shows_in=("both-down",)), SCENARIOS)}
    assert looked == {"both-down"} | {one.id for one in common(SCENARIOS)}


def test_long_scenarios_are_for_those_who_name_them() -> None:
    half_open = replace(MUTANT, breaks={"FALL-3": Level.SHOULD})
    assert {one.id for one in chosen(half_open, SCENARIOS)} == {one.id for one in common(SCENARIOS)}


def test_a_scenario_that_is_failed_takes_the_time_that_it_gives() -> None:
    one = next(each for each in SCENARIOS if each.id == "wrong-signature[array]")
    assert cost_ms(MUTANT, one) == cost_ms(None, one) + one.then.within_ms
    assert cost_ms(replace(MUTANT, breaks={"LIFE-1": Level.SHOULD}), one) == cost_ms(None, one)


# --- beside the mutants --------------------------------------------------------------------------


def test_who_conforms_must_pass() -> None:
    fine = subject(scenarios=(scenario("a", Verdict.PASS), scenario("bogus", Verdict.FAIL)))
    wrong = subject(scenarios=(scenario("a", Verdict.INCONCLUSIVE),))
    assert passing_check("base", "passes", [fine]) == Check("base", "passes", "")
    assert passing_check("base", "passes", [fine, wrong]).sentence == "it: a is inconclusive: why a"


@pytest.mark.parametrize("wrong", [Verdict.FAIL, Verdict.ERROR])
def test_what_one_look_could_not_judge_another_can(wrong: Verdict) -> None:
    """A failure is taken back by nothing."""
    seen = subject(scenarios=(scenario("a", Verdict.INCONCLUSIVE), scenario("a", Verdict.PASS)))
    assert passing_check("base", "passes", [seen]).sentence == ""
    assert unjudged(seen) == set()
    failed = subject(scenarios=(scenario("a", wrong), scenario("a", Verdict.PASS), scenario("b", Verdict.INCONCLUSIVE)))
    assert (
        passing_check("base", "passes", [failed]).sentence == f"it: a is {wrong}: why a; it: b is inconclusive: why b"
    )
    assert unjudged(failed) == {"b"}


def test_what_was_seen_to_hold_at_first_is_what_every_word_on_it_says() -> None:
    """Where the fault did not show is looked at last; of other requirements it says nothing."""

    def saw(id_: str, repeat: int, **said: Verdict) -> ScenarioResult:
        findings = tuple(Finding(name, verdict, "") for name, verdict in said.items())
        return replace(scenario(id_, Verdict.PASS), repeat=repeat, findings=findings)

    seen = subject(
        scenarios=(
            saw("held", 0, a=Verdict.PASS, b=Verdict.FAIL),
            saw("both", 0, a=Verdict.PASS, c=Verdict.PASS),
            saw("half", 0, a=Verdict.PASS, c=Verdict.INCONCLUSIVE),
            saw("silent", 0, b=Verdict.PASS),
            saw("later", 0, a=Verdict.INCONCLUSIVE),
            saw("later", 1, a=Verdict.PASS),
        )
    )
    assert passed_at_first(seen, {"a", "c"}) == {"held", "both"}
    assert passed_at_first(None, {"a"}) == set()


def test_what_a_rig_cannot_stage_is_not_held_against_the_base_unless_it_is_everything() -> None:
    unstaged = scenario("b", Verdict.UNSUPPORTED)
    assert passing_check("base", "passes", [subject(scenarios=(scenario("a", Verdict.PASS), unstaged))]).sentence == ""
    nothing = passing_check("base", "passes", [subject(scenarios=(unstaged,))])
    assert nothing.sentence == "it: no scenario of its could be staged"


@pytest.mark.parametrize(
    ("verdict", "unseen"),
    [(Verdict.INCONCLUSIVE, True), (Verdict.FAIL, False), (Verdict.ERROR, False), (Verdict.UNSUPPORTED, False)],
)
def test_a_busy_machine_says_nothing_against_the_harness(verdict: Verdict, *, unseen: bool) -> None:
    fine = subject(scenarios=(scenario("a", Verdict.PASS),))
    wrong = subject(scenarios=(scenario("a", Verdict.PASS), scenario("b", verdict)))
    blurred = subject(scenarios=(scenario("c", Verdict.INCONCLUSIVE),))
    assert passing_check("base", "passes", [wrong, blurred, fine]).unseen is (unseen or verdict is Verdict.UNSUPPORTED)
    assert not passing_check("base", "passes", [fine]).unseen
    assert bogus_check(subject(scenarios=(scenario("bogus", verdict),))).unseen is unseen
    assert not bogus_check(subject()).unseen
    idle = idle_check(subject(requirement("TIME-4", verdict)))
    assert idle.unseen is unseen
    assert not idle_check(subject(requirement("TIME-4", verdict), requirement("SEL-5", Verdict.PASS))).unseen


@pytest.mark.parametrize("verdict", [one for one in Verdict if one is not Verdict.FAIL])
def test_the_bogus_scenario_must_be_failed(verdict: Verdict) -> None:
    assert bogus_check(subject(scenarios=(scenario("bogus", Verdict.FAIL),))).sentence == ""
    assert str(verdict) in bogus_check(subject(scenarios=(scenario("bogus", verdict),))).sentence
    assert "was not carried out" in bogus_check(subject()).sentence


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        (story().probe(at=10, ended=15).socket(PUBLIC, at=17, opened=60), Verdict.FAIL),
        (story(), Verdict.INCONCLUSIVE),
    ],
    ids=["conforms", "does nothing"],
)
def test_no_subject_passes_the_bogus_scenario(told: Story, verdict: Verdict) -> None:
    proved = told.effect(LOCAL, "answer(signature=other-name)", at=12)
    record = ScenarioRecord("subject", BOGUS.id, timeline=proved.build())
    assert judge_scenario(BOGUS, PROFILE, record, REQUIREMENTS, 5.0).verdict is verdict


def test_a_subject_that_does_nothing_must_pass_nothing() -> None:
    failing = requirement("TIME-4", Verdict.FAIL)
    assert idle_check(subject(failing)).sentence == ""
    assert "passes SEL-5" in idle_check(subject(failing, requirement("SEL-5", Verdict.PASS))).sentence
    assert "passes a" in idle_check(subject(failing, scenarios=(scenario("a", Verdict.PASS),))).sentence
    assert "fails nothing" in idle_check(subject(requirement("SEL-5", Verdict.INCONCLUSIVE))).sentence


def test_the_worst_decides_the_exit_status() -> None:
    killed = kill_of(MUTANT, subject(requirement("SIG-1", Verdict.FAIL)))
    undecided = Check("a", "b", "not seen", unseen=True)
    assert status_of([killed], [undecided]) is ExitStatus.INCONCLUSIVE
    assert status_of([killed], [undecided, Check("c", "d", "wrong")]) is ExitStatus.FAILS
    statuses = {fate: status_of([killed, replace(killed, fate=fate)], []) for fate in Fate if fate is not Fate.KILLED}
    assert statuses == {
        Fate.SURVIVED: ExitStatus.FAILS,
        Fate.COLLATERAL: ExitStatus.FAILS,
        Fate.UNSEEN: ExitStatus.INCONCLUSIVE,
        Fate.ERROR: ExitStatus.HARNESS_FAILED,
        Fate.AWAITED: ExitStatus.INCONCLUSIVE,
    }
    assert status_of([killed], [Check("a", "b", "")]) is ExitStatus.CONFORMS
    assert status_of([killed], [Check("a", "b", "wrong")]) is ExitStatus.FAILS
    assert status_of([replace(killed, fate=Fate.ERROR)], [Check("a", "b", "wrong")]) is ExitStatus.HARNESS_FAILED
