"""What reports choose to say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.model import Level, Outcome
from conformance.report import view
from conformance.results import RunResult, ScenarioResult, SubjectResult
from conformance.verdict import Finding, Verdict


def scenario(subject: SubjectResult, name: str) -> ScenarioResult:
    return next(one for one in subject.scenarios if one.scenario == name)


def test_a_requirement_that_holds_says_what_it_is(subject: SubjectResult) -> None:
    row = next(row for row in view.requirement_rows(subject) if row.id == "SIG-1")
    assert (row.verdict, row.says, row.count) == (Verdict.PASS, "accepts only a good signature", "1")


def test_a_requirement_that_does_not_says_what_was_seen_and_where(subject: SubjectResult) -> None:
    row = next(row for row in view.requirement_rows(subject) if row.id == "SEL-2")
    assert (row.says, row.count) == ("local-good: never opened local", "1 of 2")


def test_what_does_not_count_has_no_row(subject: SubjectResult) -> None:
    assert "LIFE-1" not in [row.id for row in view.requirement_rows(subject)]
    assert view.not_counted(subject) == ("LIFE-1",)


def test_what_never_arose_and_counts_is_a_row_and_inconclusive(subject: SubjectResult) -> None:
    waited_for = tuple(replace(one, counts=True) for one in subject.requirements)
    changed = replace(subject, requirements=waited_for)
    assert next(row.verdict for row in view.requirement_rows(changed) if row.id == "LIFE-1") is Verdict.INCONCLUSIVE
    assert list(map(str, view.totals(changed))) == ["MUST FAIL (1/2)", "SHOULD FAIL (0/3)"]


def test_totals_count_what_was_judged(subject: SubjectResult) -> None:
    assert list(map(str, view.totals(subject))) == ["MUST FAIL (1/2)", "SHOULD FAIL (0/2)"]


def test_the_worst_scenario_comes_first_and_must_before_should(subject: SubjectResult) -> None:
    names = [one.scenario for one in view.troubled(subject)]
    assert names == ["reset", "local-good", "status[500]", "slow[1990]"]


@pytest.mark.parametrize(
    ("name", "at_must", "at_should"),
    [
        ("local-up", Verdict.PASS, Verdict.PASS),
        ("status[500]", Verdict.PASS, Verdict.FAIL),
        ("local-good", Verdict.FAIL, Verdict.FAIL),
        ("slow[1990]", Verdict.PASS, Verdict.INCONCLUSIVE),
        ("reset", Verdict.ERROR, Verdict.ERROR),
        ("public-down", Verdict.UNSUPPORTED, Verdict.UNSUPPORTED),
    ],
)
def test_a_gate_sees_only_its_level(subject: SubjectResult, name: str, at_must: Verdict, at_should: Verdict) -> None:
    levels = view.level_of(subject)
    assert view.verdict_at(levels, scenario(subject, name), Level.MUST) is at_must
    assert view.verdict_at(levels, scenario(subject, name), Level.SHOULD) is at_should


def test_inconclusive_on_nothing_at_all_does_not_pass_any_gate(subject: SubjectResult) -> None:
    silent = replace(scenario(subject, "slow[1990]"), findings=())
    assert view.verdict_at(view.level_of(subject), silent, Level.MUST) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("connected_to", "connect_ms", "says"),
    [
        (Outcome.PUBLIC, 83.4, "public, 83 ms"),
        (Outcome.NONE, None, "no server"),
        (Outcome.NONE, 83.4, "no server in the end (first after 83 ms)"),
    ],
)
def test_went_to(subject: SubjectResult, connected_to: Outcome, connect_ms: float | None, says: str) -> None:
    one = replace(scenario(subject, "local-up"), connected_to=connected_to, connect_ms=connect_ms)
    assert view.went_to(one) == says


def test_what_was_not_observed_went_nowhere(subject: SubjectResult) -> None:
    assert view.went_to(scenario(subject, "reset")) == ""


def test_a_servers_scenario_goes_nowhere_and_does_not_say_so(subject: SubjectResult) -> None:
    server = replace(subject.scenarios[0], family="Local server", connected_to=Outcome.NONE, timeline="t")
    assert view.is_of_server(server)
    assert not view.is_of_server(subject.scenarios[0])
    assert view.went_to(replace(server, connect_ms=None)) == ""


def test_what_never_arose_explains_a_verdict_only_where_nothing_failed(subject: SubjectResult) -> None:
    extra = Finding("LIFE-1", Verdict.INCONCLUSIVE, "its condition never arose", arose=False)
    failed, passed = scenario(subject, "status[500]"), scenario(subject, "local-up")
    assert view.findings_to_show(replace(failed, findings=(*failed.findings, extra))) == failed.findings
    assert view.findings_to_show(replace(passed, findings=(*passed.findings, extra))) == (extra,)


def test_what_was_not_observed_has_one_reason_and_no_findings(subject: SubjectResult) -> None:
    repeated = tuple(Finding(name, Verdict.ERROR, "the fake | died") for name in ("SEL-2", "SIG-4"))
    assert view.findings_to_show(replace(scenario(subject, "reset"), findings=repeated)) == ()


def test_finding_lines_name_requirement_level_and_verdict(subject: SubjectResult) -> None:
    assert view.finding_lines(subject, scenario(subject, "status[500]")) == ("SIG-4 (SHOULD) FAIL: took status <500>",)


def test_the_matrix_has_every_requirement_that_was_judged_for_anybody(result: RunResult) -> None:
    rows = {row.id: row.verdicts for row in view.matrix(result)}
    assert list(rows) == ["SEL-2", "SIG-1", "SIG-4", "TIME-1", "LIFE-1"]
    assert rows["SEL-2"] == (Verdict.FAIL, Verdict.PASS)
    assert rows["LIFE-1"] == (None, Verdict.PASS)


def test_repeats_are_told_apart(subject: SubjectResult) -> None:
    one = scenario(subject, "local-up")
    assert view.scenario_name(one) == "local-up"
    assert view.scenario_name(replace(one, repeat=1)) == "local-up (repeat 2)"


def test_what_a_subject_sent_moves_no_cursor() -> None:
    assert view.printable("took \x1b[2J <500>\r\n and\x00 more") == "took �[2J <500> and� more"


def test_families_gather_their_cases_in_order(subject: SubjectResult) -> None:
    second = replace(
        scenario(subject, "status[500]"), scenario="status[503]", connected_to=Outcome.PUBLIC, connect_ms=7
    )
    groups = {group.name: group for group in view.families(replace(subject, scenarios=(*subject.scenarios, second)))}
    assert list(groups) == ["local-up", "status", "local-good", "slow", "reset", "public-down"]
    assert groups["status"].cases == ("[500]", "[503]")
    assert (groups["status"].went_to, groups["status"].connect) == ("local, public", "7 to 31 ms")
    assert (groups["reset"].went_to, groups["reset"].connect, groups["reset"].cases) == ("", "", ("",))


def test_only_what_went_wrong_in_the_same_way_is_told_together(subject: SubjectResult) -> None:
    failed = scenario(subject, "status[500]")
    like = replace(failed, scenario="status[503]", findings=(replace(failed.findings[0], reason="took 503"),))
    elsewhere = replace(failed, scenario="status[404]", connected_to=Outcome.PUBLIC)
    groups = view.alike(replace(subject, scenarios=(failed, like, elsewhere)))
    assert [group.cases for group in groups] == [("[500]", "[503]"), ("[404]",)]


# --- repeats -------------------------------------------------------------------------------------


def test_flaky_scenarios_come_first_and_in_their_own_words(repeated: RunResult) -> None:
    first, second, third = view.repeat_rows(repeated.subjects[0])
    assert (first.scenario, first.verdict) == ("some|times[<case>]", "FLAKY")
    assert (first.passed, first.connects) == ("60 of 80 (0.64-0.84)", ("", "", ""))
    assert (second.verdict, second.passed) == ("PASS", "80 of 80 (0.95-1.00)")
    assert (third.verdict, third.passed) == ("ERROR", "none of 2 judged")


def test_a_quantile_of_too_few_says_how_many_it_needs(repeated: RunResult) -> None:
    _, steady, _ = view.repeat_rows(repeated.subjects[0])
    assert steady.connects == ("139 (130-149)", "175 (171-179)", "needs 368")


def test_what_was_not_judged_is_said(repeated: RunResult) -> None:
    subject = repeated.subjects[0]
    (one,) = [each for each in subject.repeats if each.scenario == "steady"]
    some = replace(subject, repeats=(replace(one, counts=((Verdict.ERROR, 3), (Verdict.PASS, 77))),))
    assert view.repeat_rows(some)[0].passed == "77 of 77 (0.95-1.00), 3 not judged"


def test_the_flaky_are_named_with_their_requirements(repeated: RunResult) -> None:
    assert view.flaky_line(repeated.subjects[0]) == "FLAKY: some|times[<case>] (60 of 80 passed; SIG-4)"
    assert view.flaky_line(repeated.subjects[1]) == ""
