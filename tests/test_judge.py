"""From a record to results: one scenario's findings, doubts about the harness, and putting it all together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.errors import DataError
from conformance.events import (
    FaultProved,
    FaultTookEffect,
    ObservationEnded,
    SessionOpened,
    Source,
    SubjectStarted,
)
from conformance.judge import LAG_MS_MAX, judge_run, judge_scenario
from conformance.model import Address, Drop, Endpoints, Level, Outcome, Profile, Scenario, Shown
from conformance.oracles import ORACLES, Case, Oracle
from conformance.record import Environment, RunRecord, ScenarioRecord
from conformance.results import RequirementResult, RunResult, ScenarioResult, timeline_path
from conformance.verdict import Finding, Verdict
from tests.timelines import (
    DOWN,
    ENVIRONMENT,
    LOCAL,
    NEITHER,
    PROFILE,
    PUBLIC,
    REFUSED,
    REQUIREMENTS,
    Story,
    fault,
    recorded,
    scenario,
    story,
)


def judged(
    told: Story | ScenarioRecord, given: Scenario, *covers: str, profile: Profile = PROFILE, error_ms: float = 5
) -> ScenarioResult:
    record = told if isinstance(told, ScenarioRecord) else recorded(told)
    return judge_scenario(replace(given, covers=covers), profile, record, REQUIREMENTS, error_ms)


def said(result: ScenarioResult) -> dict[str, Verdict]:
    return {finding.requirement: finding.verdict for finding in result.findings}


def fallback() -> Story:
    """Local refuses, public session 83 ms later."""
    return story().proved(LOCAL, "refused").refused(at=10).socket(PUBLIC, at=15, opened=95)


def local_session() -> Story:
    return story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20).end(at=500)


# --- one scenario --------------------------------------------------------------------------------


def test_a_scenario_that_passes() -> None:
    result = judged(fallback(), DOWN, "SEL-3", "TIME-2")
    assert (result.verdict, result.connected_to, result.connect_ms) == (Verdict.PASS, Outcome.PUBLIC, 95)
    assert (result.requirements, result.repeat, result.wall_ms) == (("SEL-3", "TIME-2"), 0, 300)
    assert result.timeline == "timelines/subject/a-scenario.jsonl"


def test_invariants_are_judged_where_they_arise_and_nowhere_else() -> None:
    found = said(judged(fallback(), DOWN, "SEL-3"))
    assert found == dict.fromkeys(["SEL-1", "SEL-3", "SEL-5", "SEL-6", "TIME-4", "PRIV-2", "PUB-1"], Verdict.PASS)


def test_findings_stand_in_the_order_of_the_catalogue() -> None:
    found = list(said(judged(fallback(), DOWN, "TIME-2", "SEL-3")))
    assert found == [id_ for id_ in REQUIREMENTS if id_ in found]


def test_a_scenario_that_fails_says_why_in_one_line() -> None:
    result = judged(story().proved(LOCAL, "refused").refused(at=10).end(at=6000), DOWN, "SEL-3")
    assert result.verdict is Verdict.FAIL
    assert result.reason == "SEL-3: no WebSocket in 5988 ms after a failed local check"
    assert (result.connected_to, result.connect_ms) == (Outcome.NONE, None)


def test_a_lost_session_is_not_where_it_ended() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20, closed=300).end(at=500)
    result = judged(told, scenario(), "PRIV-3")
    assert (result.connected_to, result.connect_ms) == (Outcome.NONE, 20)


def test_the_latest_open_session_is_where_it_ended() -> None:
    told = local_session().socket(PUBLIC, at=100, opened=150)
    assert judged(told, scenario(), "SEL-5").connected_to is Outcome.PUBLIC


def test_not_being_where_it_should_be_is_no_pass_of_what_is_covered() -> None:
    """What the gate counts are findings, so the doubt has to be in them."""
    told = story().probe(at=10, ended=15).end(at=300)
    astray = scenario("PRIV-3", session=Outcome.LOCAL)
    result = judge_scenario(astray, PROFILE, recorded(told), {"PRIV-3": REQUIREMENTS["PRIV-3"]}, 5)
    assert said(result) == {"PRIV-3": Verdict.INCONCLUSIVE}
    assert result.verdict is Verdict.INCONCLUSIVE
    where = "PRIV-3: it should have ended with a local session, and ended with no session (else it were pass: "
    assert result.reason.startswith(where)
    arrived = scenario("PRIV-3", session=Outcome.NONE)
    there = judge_scenario(arrived, PROFILE, recorded(told), {"PRIV-3": REQUIREMENTS["PRIV-3"]}, 5)
    assert said(there) == {"PRIV-3": Verdict.PASS}


def test_an_invariant_that_is_not_covered_holds_wherever_the_subject_ends() -> None:
    told = story().probe(at=10, ended=15).end(at=300)
    result = judged(told, scenario(session=Outcome.LOCAL), "PRIV-3")
    assert said(result) == {**said(result), "PRIV-3": Verdict.INCONCLUSIVE, "SEL-1": Verdict.PASS}


def test_where_something_failed_the_rest_keeps_its_word() -> None:
    told = story().probe(at=10, ended=15).socket(PUBLIC, at=17, opened=20).end(at=500)
    result = judged(told, scenario(session=Outcome.LOCAL), "PRIV-3", "SEL-2")
    assert said(result) == {**said(result), "PRIV-3": Verdict.PASS, "SEL-2": Verdict.FAIL}


# --- what cannot be judged -----------------------------------------------------------------------


def test_a_failure_of_the_harness_is_an_error_of_everything_covered() -> None:
    record = ScenarioRecord("subject", "a-scenario", failure="the fake died:\n  bind failed")
    result = judged(record, DOWN, "SEL-1", "SEL-3")
    assert result.verdict is Verdict.ERROR
    assert said(result) == {"SEL-1": Verdict.ERROR, "SEL-3": Verdict.ERROR}
    assert (result.reason, result.timeline) == ("the fake died: bind failed", None)


def test_what_cannot_be_staged_is_unsupported() -> None:
    result = judged(ScenarioRecord("subject", "a-scenario", unsupported="no namespaces here"), DOWN, "SEL-1")
    assert (result.verdict, said(result), result.reason) == (
        Verdict.UNSUPPORTED,
        {"SEL-1": Verdict.UNSUPPORTED},
        "no namespaces here",
    )


@pytest.mark.parametrize(
    "record",
    [
        ScenarioRecord("subject", "a-scenario"),
        replace(recorded(fallback()), timeline=fallback().without(SubjectStarted).build()),
        replace(recorded(fallback()), timeline=replace(fallback().build(), events=fallback().build().events[:-1])),
    ],
    ids=["no timeline", "no start", "no end"],
)
def test_a_record_that_is_not_whole_is_an_error(record: ScenarioRecord) -> None:
    result = judged(record, DOWN, "SEL-1")
    assert result.verdict is Verdict.ERROR
    assert "has no start or no end" in result.reason


def test_a_feature_that_the_profile_declares_absent_is_unsupported() -> None:
    requirements = REQUIREMENTS | {"FALL-2": replace(REQUIREMENTS["FALL-2"], feature="reconnect")}
    profile = replace(PROFILE, absent=("reconnect",))
    result = judge_scenario(scenario("FALL-2"), profile, recorded(local_session()), requirements, 5)
    assert said(result)["FALL-2"] is Verdict.UNSUPPORTED
    assert result.verdict is Verdict.PASS


def test_without_a_public_server_what_needs_one_is_unsupported() -> None:
    requirements = REQUIREMENTS | {"PUB-1": replace(REQUIREMENTS["PUB-1"], feature="public")}
    profile = replace(PROFILE, endpoints=Endpoints(public=None))
    covered = judge_scenario(scenario("PUB-1"), profile, recorded(local_session()), requirements, 5)
    assert said(covered)["PUB-1"] is Verdict.UNSUPPORTED
    uncovered = judge_scenario(scenario("SEL-2"), profile, recorded(local_session()), requirements, 5)
    assert "PUB-1" not in said(uncovered)


def test_a_requirement_that_nothing_can_judge_never_passes() -> None:
    result = judged(local_session(), scenario(), "NEW-9")
    assert said(result)["NEW-9"] is Verdict.INCONCLUSIVE
    assert "this version of the harness cannot judge it" in result.reason


@pytest.fixture
def crashing(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_case: Case) -> Finding | None:
        raise ZeroDivisionError("float division by zero")

    monkeypatch.setitem(ORACLES, "SEL-3", Oracle("SEL-3", crash, everywhere=False))


@pytest.mark.usefixtures("crashing")
def test_an_oracle_that_crashes_is_an_error_and_the_rest_is_judged() -> None:
    result = judged(fallback(), DOWN, "SEL-3", "TIME-2")
    assert result.verdict is Verdict.ERROR
    assert result.reason == "SEL-3: its oracle crashed: ZeroDivisionError: float division by zero"
    assert said(result)["TIME-2"] is Verdict.PASS


# --- doubt ---------------------------------------------------------------------------------------


def test_a_fault_that_was_not_proved_decides_nothing() -> None:
    for told in (fallback(), story().proved(LOCAL, "refused").refused(at=10).end(at=6000)):
        result = judged(told.without(FaultProved), DOWN, "SEL-3")
        assert result.verdict is Verdict.INCONCLUSIVE
        assert {finding.verdict for finding in result.findings} == {Verdict.INCONCLUSIVE}
        assert "fault not proved: local refused, met at 10 ms" in result.reason


def test_sources_that_disagree_decide_nothing() -> None:
    result = judged(fallback().end(at=6000).without(SessionOpened), DOWN, "SEL-3")
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "sources disagree: the browser opened a public session at 95 ms, the server did not" in result.reason
    assert "else it were pass" in result.reason


def test_doubt_leaves_what_never_arose_as_it_is() -> None:
    result = judged(fallback().without(FaultProved), DOWN, "FALL-3")
    finding = next(finding for finding in result.findings if finding.requirement == "FALL-3")
    assert not finding.arose
    assert "fault not proved" not in finding.reason


def slow(lag: float = 0.0, starved: float = 0.0) -> Story:
    told = story().proved(LOCAL, "refused").refused(at=10).socket(PUBLIC, at=15, opened=1112)
    return told.end(at=2000, lag=lag, starved=starved)


@pytest.mark.parametrize(
    ("lag", "verdict"), [(0, Verdict.FAIL), (LAG_MS_MAX, Verdict.FAIL), (99, Verdict.FAIL), (101, Verdict.INCONCLUSIVE)]
)
def test_a_machine_too_busy_to_measure_says_so(lag: float, verdict: Verdict) -> None:
    finding = next(each for each in judged(slow(lag), DOWN, "TIME-2").findings if each.requirement == "TIME-2")
    assert (finding.verdict, finding.measured_ms) == (verdict, 1100)
    busy = "machine too busy, the harness was up to 101 ms late: "
    assert finding.reason.startswith(busy) is (verdict is Verdict.INCONCLUSIVE)


@pytest.mark.parametrize(("starved", "verdict"), [(99, Verdict.FAIL), (101, Verdict.INCONCLUSIVE)])
def test_a_browser_without_a_processor_is_not_the_subjects_fault(starved: float, verdict: Verdict) -> None:
    finding = next(
        each for each in judged(slow(starved=starved), DOWN, "TIME-2").findings if each.requirement == "TIME-2"
    )
    assert finding.verdict is verdict
    busy = "machine too busy, the browser waited 101 ms for a processor: "
    assert finding.reason.startswith(busy) is (verdict is Verdict.INCONCLUSIVE)


def test_a_starved_browser_may_yet_have_been_about_to_try() -> None:
    told = story().proved(LOCAL, "refused").refused(at=10)
    assert said(judged(told.end(at=6000, starved=2000), DOWN, "SEL-3"))["SEL-3"] is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("given_up", "starved", "verdict"),
    [(1720, 600, Verdict.FAIL), (1720, 800, Verdict.INCONCLUSIVE), (310, 9000, Verdict.FAIL)],
)
def test_giving_up_unanswered_is_excused_by_a_starved_browser(
    given_up: float, starved: float, verdict: Verdict
) -> None:
    """Seen on the reference at a load average of 75: its 1.7 s were over before its question had left the browser."""
    wrong = replace(scenario(local=(replace(REFUSED, on=Address.V4),)), namespace=True)
    told = story().proved(LOCAL, "refused on IPv4").given_up(at=10, ended=given_up)
    told.socket(PUBLIC, at=given_up + 1, opened=given_up + 100).end(at=4000, starved=starved)
    assert said(judged(told, wrong, "NET-1"))["NET-1"] is verdict


@pytest.mark.parametrize(
    ("given_up", "starved", "verdict"),
    [(4012, 3100, Verdict.INCONCLUSIVE), (4012, 2900, Verdict.FAIL), (300, 9000, Verdict.FAIL)],
)
def test_giving_the_public_socket_up_is_excused_by_a_starved_browser(
    given_up: float, starved: float, verdict: Verdict
) -> None:
    told = story().proved(LOCAL, "refused").refused(at=10)
    told.socket(PUBLIC, at=15, failed=given_up, error="ERR_ABORTED").end(at=4500, starved=starved)
    assert said(judged(told, DOWN, "SEL-3"))["SEL-3"] is verdict


def test_what_a_starved_browser_did_in_time_it_did_in_time() -> None:
    assert said(judged(fallback().end(at=2000, starved=5000), DOWN, "TIME-2"))["TIME-2"] is Verdict.PASS


def test_hammering_is_not_excused_by_a_starved_browser() -> None:
    told = story().proved(LOCAL, "refused").proved(PUBLIC, "refused").no_server(at=10).no_server(at=100)
    assert said(judged(told.end(at=500, starved=5000), NEITHER, "RETRY-2"))["RETRY-2"] is Verdict.FAIL


def test_a_figure_far_from_its_budget_stands_even_then() -> None:
    assert said(judged(fallback().end(at=2000, lag=300), DOWN, "TIME-2"))["TIME-2"] is Verdict.PASS


# --- what never arose ----------------------------------------------------------------------------

LOST = replace(DOWN, when=(Drop(PUBLIC, fault("reset_session")),))


def never_back() -> Story:
    """A public session that is dropped, and nothing after it."""
    told = story().proved(LOCAL, "refused").refused(at=10).socket(PUBLIC, at=15, opened=95, closed=2001)
    return told.drop(PUBLIC, "reset_session", at=2000).end(at=14000)


def test_what_never_arose_makes_a_scenario_undecided() -> None:
    result = judged(fallback(), DOWN, "SEL-3", "RETRY-3")
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason == "RETRY-3: its condition never arose: the subject never connected again"


def test_what_never_arose_because_something_failed_does_not_count() -> None:
    result = judged(never_back(), LOST, "FALL-2", "RETRY-3")
    assert result.verdict is Verdict.FAIL
    assert said(result)["RETRY-3"] is Verdict.INCONCLUSIVE


# --- the run -------------------------------------------------------------------------------------


def run(
    *parts: tuple[Scenario, Story | ScenarioRecord],
    profiles: tuple[Profile, ...] = (PROFILE,),
    environment: Environment = ENVIRONMENT,
) -> RunResult:
    scenarios = tuple(dict.fromkeys(given.id for given, _ in parts))
    by_id = {given.id: given for given, _ in parts}
    records: list[ScenarioRecord] = []
    for given, told in parts:
        repeat = sum(record.scenario == given.id for record in records)
        records.append(told if isinstance(told, ScenarioRecord) else recorded(told, given.id, repeat=repeat))
    return judge_run(
        RunRecord(
            "a-run",
            environment,
            tuple(REQUIREMENTS.values()),
            profiles,
            tuple(by_id[id_] for id_ in scenarios),
            tuple(records),
        )
    )


def named(given: Scenario, id_: str, *covers: str) -> Scenario:
    return replace(given, id=id_, covers=covers)


def requirement(result: RunResult, id_: str) -> RequirementResult:
    return next(each for each in result.subjects[0].requirements if each.id == id_)


UP = named(scenario(), "up", "SEL-2", "TIME-3")
FALLS = named(DOWN, "down", "SEL-3", "TIME-2")
IS_LOST = named(LOST, "lost", "FALL-2", "RETRY-3")


def test_a_run_in_which_all_is_well() -> None:
    result = run((UP, local_session()), (FALLS, fallback()))
    assert result.verdict is Verdict.PASS
    (subject,) = result.subjects
    assert subject.levels == {Level.MUST: Verdict.PASS, Level.SHOULD: Verdict.PASS}
    assert [each.scenario for each in subject.scenarios] == ["up", "down"]
    assert requirement(result, "SEL-1").scenarios == ("up", "down")
    assert "SIG-1" not in {each.id for each in subject.requirements}


def test_the_worst_finding_speaks_for_a_requirement() -> None:
    wrong = story().probe(at=10, ended=15).socket(PUBLIC, at=17, opened=60)
    result = run((UP, local_session()), (replace(UP, id="up-again"), wrong))
    assert requirement(result, "SEL-2").verdict is Verdict.FAIL
    assert requirement(result, "SEL-2").reason == "up-again: public WebSocket 2 ms after the good signature"
    assert result.subjects[0].levels[Level.MUST] is Verdict.FAIL


def test_what_never_arose_elsewhere_does_not_weigh_on_what_did() -> None:
    result = run((named(DOWN, "down", "SEL-2", "SEL-3"), fallback()), (UP, local_session()))
    assert (requirement(result, "SEL-2").verdict, requirement(result, "SEL-2").scenarios) == (Verdict.PASS, ("up",))


def test_what_never_arose_at_all_is_undecided() -> None:
    result = run((named(DOWN, "down", "SEL-2"), fallback()))
    assert (requirement(result, "SEL-2").verdict, requirement(result, "SEL-2").arose) == (Verdict.INCONCLUSIVE, False)
    assert requirement(result, "SEL-2").reason.startswith("its condition never arose: ")
    assert result.subjects[0].levels[Level.MUST] is Verdict.INCONCLUSIVE


def test_what_another_failure_kept_from_arising_does_not_count() -> None:
    result = run((IS_LOST, never_back()))
    retry = requirement(result, "RETRY-3")
    assert (retry.verdict, retry.counts) == (Verdict.INCONCLUSIVE, False)
    assert retry.reason.endswith("not counted, because FALL-2 failed wherever it could have arisen")
    assert result.subjects[0].levels == {Level.MUST: Verdict.PASS, Level.SHOULD: Verdict.FAIL}


def test_it_counts_if_it_might_have_arisen_anywhere_else() -> None:
    result = run((IS_LOST, never_back()), (named(DOWN, "down", "RETRY-3"), fallback()))
    assert requirement(result, "RETRY-3").counts
    assert result.subjects[0].levels[Level.MUST] is Verdict.INCONCLUSIVE


def test_unsupported_wins_only_where_nothing_else_is_said() -> None:
    none = ScenarioRecord("subject", "down", unsupported="not here")
    alone = run((FALLS, none))
    assert requirement(alone, "SEL-3").verdict is Verdict.UNSUPPORTED
    assert (alone.subjects[0].verdict, alone.verdict) == (Verdict.UNSUPPORTED, Verdict.INCONCLUSIVE)
    beside = run((FALLS, none), (replace(FALLS, id="down-again"), fallback()))
    assert (requirement(beside, "SEL-3").verdict, requirement(beside, "SEL-3").scenarios) == (
        Verdict.PASS,
        ("down-again",),
    )


def test_an_error_of_the_harness_is_the_runs() -> None:
    result = run((UP, local_session()), (FALLS, ScenarioRecord("subject", "down", failure="the browser died")))
    assert result.verdict is Verdict.ERROR
    assert requirement(result, "SEL-3").reason == "down: the browser died"
    nothing = run((named(DOWN, "down"), ScenarioRecord("subject", "down", failure="the browser died")))
    assert nothing.verdict is Verdict.ERROR


def test_each_repeat_is_its_own_result() -> None:
    result = run((UP, local_session()), (UP, story().probe(at=10, ended=15).socket(PUBLIC, at=17, opened=60)))
    assert [(each.scenario, each.repeat, each.verdict) for each in result.subjects[0].scenarios] == [
        ("up", 0, Verdict.PASS),
        ("up", 1, Verdict.FAIL),
    ]
    assert [each.timeline for each in result.subjects[0].scenarios] == [
        timeline_path("subject", "up", n) for n in (0, 1)
    ]


def test_the_order_in_which_records_came_in_changes_nothing() -> None:
    parts = [
        (UP, recorded(local_session(), "up")),
        (FALLS, recorded(fallback(), "down")),
        (IS_LOST, recorded(never_back(), "lost")),
    ]
    there = run(*parts)
    record = RunRecord(
        "a-run",
        ENVIRONMENT,
        tuple(REQUIREMENTS.values()),
        (PROFILE,),
        tuple(given for given, _ in parts),
        tuple(record for _, record in reversed(parts)),
    )
    assert judge_run(record) == there


def test_subjects_are_judged_apart() -> None:
    other = replace(PROFILE, name="other")
    result = run((UP, local_session()), profiles=(PROFILE, other))
    assert [each.verdict for each in result.subjects] == [Verdict.PASS, Verdict.INCONCLUSIVE]
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.subjects[1].scenarios == ()


def test_a_record_of_an_unknown_scenario_is_bad_input() -> None:
    record = RunRecord("a-run", ENVIRONMENT, (), (PROFILE,), (), (recorded(fallback(), "who-knows"),))
    with pytest.raises(DataError, match="a-run: the record has no scenario 'who-knows'"):
        judge_run(record)


# --- subjects that do it wrong, from end to end --------------------------------------------------


def test_a_subject_that_never_gives_up_on_silence() -> None:
    """A plain fetch without a timeout: no session at all."""
    given = named(
        scenario(local=(fault("silent"),), session=Outcome.PUBLIC, shown=Shown.SILENT), "silent", "TIME-1", "TIME-4"
    )
    told = story().probe(at=10, answered=None).effect(LOCAL, "silent", at=12).end(at=6150)
    result = run((given, told))
    assert result.subjects[0].scenarios[0].verdict is Verdict.FAIL
    assert {each.id for each in result.subjects[0].requirements if each.verdict is Verdict.FAIL} == {"TIME-1", "TIME-4"}


def test_a_subject_that_hammers_a_server_that_is_away() -> None:
    told = story().proved(LOCAL, "refused").proved(PUBLIC, "refused")
    for at in range(10, 2000, 100):
        told.no_server(at=at)
    result = run((named(NEITHER, "both-down", "RETRY-1", "RETRY-2"), told.end(at=2100)))
    assert requirement(result, "RETRY-2").verdict is Verdict.FAIL
    assert requirement(result, "RETRY-2").reason.startswith("both-down: waited 96 ms before trying again")


def test_the_proof_of_a_fault_may_come_from_the_fault_itself() -> None:
    told = fallback().without(FaultProved, FaultTookEffect).effect(LOCAL, "refused", at=11)
    assert judged(told, DOWN, "SEL-3").verdict is Verdict.PASS
    assert REFUSED in DOWN.given.local
    assert told.build().last(ObservationEnded) is not None


# --- the stated error ----------------------------------------------------------------------------


def falls_back_after(taken_ms: float) -> Story:
    """A public session so long after the local refusal; 1000 ms are allowed."""
    return story().proved(LOCAL, "refused").refused(at=10).socket(PUBLIC, at=15, opened=12 + taken_ms).end(at=4000)


@pytest.mark.parametrize(
    ("taken", "calm", "grown"),
    [
        (500, Verdict.PASS, Verdict.PASS),
        (900, Verdict.PASS, Verdict.INCONCLUSIVE),
        (1100, Verdict.FAIL, Verdict.INCONCLUSIVE),
        (1500, Verdict.FAIL, Verdict.FAIL),
    ],
)
def test_with_a_grown_error_what_is_near_its_budget_is_undecided(taken: float, calm: Verdict, grown: Verdict) -> None:
    told = falls_back_after(taken)
    assert said(judged(told, DOWN, "TIME-2", error_ms=5))["TIME-2"] is calm
    result = judged(told, DOWN, "TIME-2", error_ms=250)
    assert said(result)["TIME-2"] is grown
    assert result.error_ms == 250


def test_the_runs_calibration_is_what_its_findings_rest_on() -> None:
    parts = ((named(DOWN, "down", "TIME-2"), falls_back_after(900)),)
    assert requirement(run(*parts), "TIME-2").verdict is Verdict.PASS
    busy = run(*parts, environment=replace(ENVIRONMENT, error_ms=250.0))
    assert requirement(busy, "TIME-2").verdict is Verdict.INCONCLUSIVE
    assert "within the error of ±250 ms" in requirement(busy, "TIME-2").reason


def test_a_browser_that_knew_late_makes_the_scenarios_error() -> None:
    """The server had the session open at 700 ms, the browser at 912: what lies between is the machine's."""
    told = falls_back_after(900).without(SessionOpened)
    told.seen(SessionOpened(at_ms=700, source=Source.PUBLIC, connection=2))
    result = judged(told, DOWN, "TIME-2")
    assert result.error_ms == 212
    assert said(result)["TIME-2"] is Verdict.INCONCLUSIVE


def test_the_worst_of_what_is_known_of_the_machine_is_the_error() -> None:
    assert judged(fallback().end(at=2000, lag=40), DOWN, "TIME-2", error_ms=5).error_ms == 40
    assert judged(fallback().end(at=2000, lag=40), DOWN, "TIME-2", error_ms=50).error_ms == 50
    assert judged(ScenarioRecord("subject", "a-scenario", failure="it died"), DOWN, "TIME-2").error_ms is None
