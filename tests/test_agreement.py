"""What runs of the same scenarios say of each other."""

from __future__ import annotations

from dataclasses import replace

from conformance.agreement import Agreement, Gap, named
from conformance.agreement import agreement as agreement_of
from conformance.model import Outcome
from conformance.results import RunResult, ScenarioResult, SubjectResult
from conformance.verdict import Finding, Verdict, never_arose
from tests.timelines import ENVIRONMENT

PASS, FAIL, UNSURE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
Said = dict[str, Verdict]


def scenario(name: str, said: Said, verdict: Verdict | None = None, reason: str = "why") -> ScenarioResult:
    findings = tuple(Finding(requirement, each, "as seen") for requirement, each in said.items())
    worst = verdict or max(said.values(), key=lambda each: each.rank, default=UNSURE)
    return ScenarioResult(name, 0, worst, findings, Outcome.LOCAL, 20.0, reason, 100.0, timeline="t.jsonl")


def run(rig: str, *scenarios: ScenarioResult, subject: str = "one") -> RunResult:
    results = SubjectResult(subject, "1", PASS, {}, (), scenarios)
    return RunResult(f"run-{rig}", PASS, (results,), replace(ENVIRONMENT, rig=rig))


def agreement(runs: list[RunResult]) -> Agreement:
    """By the rigs' names; where two runs are of one rig, they are two looks of it."""
    return agreement_of([(each.environment.rig, each) for each in runs])


def looks(said: dict[str, list[Verdict]]) -> Agreement:
    """Rig → what it says of one requirement, look by look."""
    return agreement([run(rig, scenario("a", {"SEL-1": each})) for rig, verdicts in said.items() for each in verdicts])


def test_rigs_that_find_the_same_agree() -> None:
    found = agreement([run(rig, scenario("a", {"SEL-1": PASS, "SEL-2": FAIL})) for rig in ("warm", "fresh")])
    assert (found.compared, found.differences, found.undecided) == (2, (), ())


def test_pass_here_and_fail_there_names_the_scenario() -> None:
    rigs = [("warm", PASS), ("fresh", PASS), ("unattached", FAIL)]
    found = agreement([run(rig, scenario("a[b]", {"SEL-1": verdict, "SEL-2": PASS})) for rig, verdict in rigs])
    (difference,) = found.differences
    assert str(difference) == "one: a[b]: SEL-1: pass in warm, pass in fresh, fail in unattached"
    assert found.compared == 2


def test_an_inconclusive_takes_no_side() -> None:
    for other in (PASS, FAIL):
        found = agreement(
            [run("warm", scenario("a", {"SEL-1": UNSURE})), run("fresh", scenario("a", {"SEL-1": other}))]
        )
        assert (found.differences, len(found.undecided), found.compared) == ((), 1, 0)


def test_an_inconclusive_hides_no_difference() -> None:
    rigs = [("warm", PASS), ("fresh", UNSURE), ("unattached", FAIL)]
    found = agreement([run(rig, scenario("a", {"SEL-1": verdict})) for rig, verdict in rigs])
    assert (len(found.differences), found.undecided) == (1, ())


def test_where_nobody_is_sure_nothing_is_compared() -> None:
    found = agreement([run(rig, scenario("a", {"SEL-1": UNSURE})) for rig in ("warm", "fresh")])
    assert (found.compared, found.differences, found.undecided) == (0, (), ())


def test_what_one_rig_alone_speaks_of_is_compared_with_nothing() -> None:
    one, other = scenario("a", {"SEL-1": FAIL, "SEL-2": PASS}), scenario("a", {"SEL-2": PASS})
    silent = replace(other, findings=(*other.findings, never_arose("SEL-1", "nobody came")))
    unsupported = replace(other, findings=(*other.findings, Finding("SEL-1", Verdict.UNSUPPORTED, "absent")))
    for each in (other, silent, unsupported):
        found = agreement([run("warm", one), run("fresh", each)])
        assert (found.compared, found.differences, found.undecided) == (1, (), ())
    assert agreement([run("warm", one), run("fresh", scenario("b", {"SEL-1": PASS}))]).compared == 0


def test_what_a_rig_cannot_stage_is_named_and_not_compared() -> None:
    lacking = scenario("a", {"SEL-1": Verdict.UNSUPPORTED}, Verdict.UNSUPPORTED, "it has no interface")
    found = agreement([run("warm", scenario("a", {"SEL-1": FAIL})), run("unattached", lacking)])
    assert found.unsupported == (Gap("unattached", "one", "a", "it has no interface"),)
    assert (found.compared, found.differences, found.failed) == (0, (), ())


def test_a_harness_that_failed_is_named_and_not_compared() -> None:
    broken = scenario("a", {"SEL-1": Verdict.ERROR}, Verdict.ERROR, "the browser died")
    found = agreement([run("warm", scenario("a", {"SEL-1": PASS})), run("fresh", broken)])
    assert found.failed == (Gap("fresh", "one", "a", "the browser died"),)
    assert (found.compared, found.undecided) == (0, ())


def test_subjects_are_compared_with_themselves() -> None:
    right, wrong = scenario("a", {"SEL-1": PASS}), scenario("a", {"SEL-1": FAIL})
    assert agreement([run("warm", right), run("fresh", wrong, subject="other")]).compared == 0


def test_a_rig_that_says_both_is_flaky_and_differs_from_none() -> None:
    found = looks({"warm": [PASS, PASS], "unattached": [FAIL, PASS, PASS]})
    (flaky,) = found.flaky
    assert str(flaky) == "one: a: SEL-1: 2 pass in warm, 1 fail and 2 pass in unattached"
    assert (found.compared, found.differences, found.undecided) == (0, (), ())


def test_repeats_of_one_run_are_looks_of_it() -> None:
    steady, other = scenario("a", {"SEL-1": PASS}), replace(scenario("a", {"SEL-1": FAIL}), repeat=1)
    assert len(agreement([run("warm", steady, other), run("fresh", steady)]).flaky) == 1


def test_rigs_that_say_the_opposite_at_every_look_differ_whatever_a_third_says() -> None:
    found = looks({"warm": [PASS, PASS], "fresh": [PASS, FAIL], "unattached": [FAIL, FAIL]})
    assert (len(found.differences), found.flaky, found.undecided) == (1, (), ())


def test_one_look_that_decides_is_enough() -> None:
    found = looks({"warm": [PASS], "unattached": [UNSURE, UNSURE, PASS]})
    assert (found.compared, found.undecided) == (1, ())


def test_flaky_is_not_undecided() -> None:
    found = looks({"warm": [PASS, FAIL], "fresh": [UNSURE], "unattached": [PASS]})
    assert (len(found.flaky), found.undecided) == (1, ())


def test_who_has_not_decided_is_silent() -> None:
    (open_,) = looks({"warm": [PASS], "fresh": [UNSURE, UNSURE], "unattached": [PASS]}).undecided
    assert open_.silent == ("fresh",)


def test_runs_go_by_their_rigs_and_by_their_ids_where_all_are_of_one() -> None:
    both = [run("warm"), replace(run("warm"), run_id="run-2")]
    assert [name for name, _ in named(both)] == ["run-warm", "run-2"]
    assert [name for name, _ in named([*both, run("fresh")])] == ["warm", "warm", "fresh"]
