"""What holds of judging, whatever was seen: of order, zero, strangers, evidence, error, and the way through a file."""

from __future__ import annotations

import json
from dataclasses import replace

import hypothesis
import pytest
from hypothesis import strategies as st

from conformance import codec, events
from conformance.errors import ExitStatus
from conformance.events import BrowserStarved, Event, ObservationEnded, Source
from conformance.gate import gate
from conformance.judge import judge_run, judge_scenario
from conformance.model import Level, Scenario
from conformance.oracles import ORACLES
from conformance.record import RunRecord, ScenarioRecord
from conformance.results import RunResult, ScenarioResult, SubjectResult, to_json
from conformance.timeline import Timeline
from conformance.verdict import Finding, Verdict, worst
from tests.strategies import observations, strange
from tests.timelines import ENVIRONMENT, PROFILE, REQUIREMENTS, Story

Seen = tuple[Scenario, Story]
ERROR_MS = 5.0


def judged(given: Scenario, timeline: Timeline, error_ms: float = ERROR_MS) -> ScenarioResult:
    record = ScenarioRecord(PROFILE.name, given.id, timeline=timeline)
    return judge_scenario(given, PROFILE, record, REQUIREMENTS, error_ms)


def said(result: ScenarioResult) -> dict[str, Verdict]:
    return {finding.requirement: finding.verdict for finding in result.findings}


def told(result: ScenarioResult) -> tuple[object, ...]:
    """Everything that a shift of numbers or of time must not move."""
    connect_ms = None if result.connect_ms is None else round(result.connect_ms, 6)
    return result.verdict, said(result), result.connected_to, connect_ms


# --- order ---------------------------------------------------------------------------------------


def run_of(seen: list[Seen]) -> RunRecord:
    scenarios = tuple(replace(given, id=f"scenario-{place}") for place, (given, _) in enumerate(seen))
    records = tuple(
        ScenarioRecord(PROFILE.name, given.id, timeline=story.build())
        for given, (_, story) in zip(scenarios, seen, strict=True)
    )
    return RunRecord("a-run", ENVIRONMENT, tuple(REQUIREMENTS.values()), (PROFILE,), scenarios, records)


@hypothesis.given(st.lists(observations(), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_records_may_come_in_any_order(seen: list[Seen], chance: object) -> None:
    run = run_of(seen)
    mixed = list(run.records)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert judge_run(replace(run, records=tuple(mixed))) == judge_run(run)


@hypothesis.given(observations(), st.permutations(list(REQUIREMENTS)))
def test_requirements_and_what_is_covered_may_come_in_any_order(seen: Seen, order: list[str]) -> None:
    given, story = seen
    record = ScenarioRecord(PROFILE.name, given.id, timeline=story.build())
    mixed = {id_: REQUIREMENTS[id_] for id_ in order}
    other = judge_scenario(replace(given, covers=tuple(order)), PROFILE, record, mixed, ERROR_MS)
    assert told(other) == told(judged(given, story.build()))


@hypothesis.given(observations(), st.permutations(list(Source)))
def test_sources_may_tell_of_one_moment_in_any_order(seen: Seen, order: list[Source]) -> None:
    """What two sources saw in the same millisecond has no order; what one source saw has."""
    given, story = seen
    timeline = story.build()
    mixed = Timeline.of(sorted(timeline, key=lambda event: (event.at_ms, order.index(event.source))))
    assert told(judged(given, mixed)) == told(judged(given, timeline))


@hypothesis.given(st.lists(st.sampled_from(Verdict)), st.lists(st.sampled_from(Verdict)))
def test_the_worst_is_the_worst_of_the_parts(some: list[Verdict], others: list[Verdict]) -> None:
    parts = [worst(each) for each in (some, others) if each]
    assert worst([*others, *some]) is worst([*some, *others]) is worst(parts)


# --- time, and strangers -------------------------------------------------------------------------


@hypothesis.given(observations(), st.sampled_from([-3_000.0, 0.25, 17.0, 90_000.0]))
def test_the_clock_may_begin_anywhere(seen: Seen, shift_ms: float) -> None:
    given, story = seen
    timeline = story.build()
    moved = Timeline.of(replace(event, at_ms=event.at_ms + shift_ms) for event in timeline)
    assert told(judged(given, moved)) == told(judged(given, timeline))


@hypothesis.given(observations(), st.lists(st.tuples(st.floats(-50, 80_000), st.integers(0, 8)), max_size=6))
def test_what_goes_elsewhere_changes_nothing(seen: Seen, places: list[tuple[float, int]]) -> None:
    given, story = seen
    timeline = story.build()
    more: list[Event] = [strange(at)[kind] for at, kind in places]
    assert told(judged(given, Timeline.of([*more, *timeline]))) == told(judged(given, timeline))


@hypothesis.given(observations(), observations())
def test_what_comes_after_the_end_changes_nothing(seen: Seen, later: Seen) -> None:
    given, story = seen
    timeline = story.build()
    end_ms = timeline.events[-1].at_ms
    after = [replace(event, at_ms=event.at_ms + end_ms + 100) for event in later[1].build()]
    assert judged(given, Timeline.of([*timeline, *after])) == judged(given, timeline)


# --- evidence ------------------------------------------------------------------------------------


@hypothesis.given(observations())
def test_no_verdict_on_the_subject_without_evidence(seen: Seen) -> None:
    given, story = seen
    timeline = story.build()
    for finding in judged(given, timeline).findings:
        assert set(finding.evidence) <= {event.seq for event in timeline}
        if finding.verdict in (Verdict.PASS, Verdict.FAIL):
            assert finding.evidence, finding


@hypothesis.given(observations())
def test_taking_the_evidence_away_never_leaves_a_pass(seen: Seen) -> None:
    """Again and again, since a requirement may hold for more than one reason; in the end nothing passes."""
    given, story = seen
    timeline = story.build()
    while True:
        result = judged(given, timeline)
        gone = {seq for each in result.findings if each.verdict is Verdict.PASS for seq in each.evidence}
        if not gone:
            break
        timeline = Timeline.of(event for event in timeline if event.seq not in gone)
    assert result.verdict is not Verdict.PASS
    assert Verdict.PASS not in said(result).values()


@hypothesis.given(observations(), st.sets(st.sampled_from(Source), min_size=1))
def test_forgetting_a_source_passes_no_scenario_that_rested_on_it(seen: Seen, forgotten: set[Source]) -> None:
    given, story = seen
    kept = Timeline.of(event for event in story.build() if event.source not in forgotten)
    result = judged(given, kept)
    if forgotten & {Source.BROWSER, Source.RIG}:
        assert result.verdict is not Verdict.PASS
    if Source.RIG in forgotten:
        assert result.verdict is Verdict.ERROR


# --- the stated error ----------------------------------------------------------------------------


@hypothesis.given(observations(), st.floats(0, 2000), st.floats(0, 2000))
def test_a_larger_error_turns_no_verdict_round(seen: Seen, one: float, other: float) -> None:
    """It may make a verdict INCONCLUSIVE or unsaid; it accuses nobody, and it acquits nobody."""
    given, story = seen
    small, large = (said(judged(given, story.build(), error_ms)) for error_ms in sorted((one, other)))
    turned = {
        id_: (small[id_], large[id_])
        for id_ in small.keys() & large.keys()
        if {small[id_], large[id_]} == {Verdict.PASS, Verdict.FAIL}
    }
    assert turned == {}


@hypothesis.given(observations(), st.floats(0, 2000))
def test_a_late_harness_counts_like_an_error(seen: Seen, lag_ms: float) -> None:
    given, story = seen
    timeline = story.build()
    late = Timeline.of(
        replace(each, lag_ms=lag_ms) if isinstance(each, ObservationEnded) else each for each in timeline
    )
    calm, busy = said(judged(given, timeline)), said(judged(given, late))
    turned = [id_ for id_ in calm.keys() & busy.keys() if {calm[id_], busy[id_]} == {Verdict.PASS, Verdict.FAIL}]
    assert turned == []


@hypothesis.given(observations(), st.floats(0, 4000), st.floats(0, 4000), st.floats(0, 4000))
def test_a_starved_browser_excuses_and_never_accuses(seen: Seen, at: float, over: float, waited: float) -> None:
    given, story = seen
    timeline = story.build()
    look = BrowserStarved(at_ms=at, source=Source.RIG, over_ms=over, waited_ms=min(over, waited))
    calm, starved = said(judged(given, timeline)), said(judged(given, Timeline.of([*timeline, look])))
    wrong = {id_: (calm[id_], starved.get(id_)) for id_ in calm}
    wrong = {id_: each for id_, each in wrong.items() if each[1] not in (each[0], Verdict.INCONCLUSIVE)}
    assert wrong == {}


# --- through a file ------------------------------------------------------------------------------


@hypothesis.given(observations())
def test_a_record_read_back_gives_the_same_results(seen: Seen) -> None:
    run = run_of([seen])
    (record,) = run.records
    lines = [json.dumps(events.encode(event)) for event in record.timeline or ()]
    read = Timeline(tuple(events.decode(json.loads(line)) for line in lines))
    scenarios = tuple(codec.decode(Scenario, json.loads(json.dumps(codec.encode(each)))) for each in run.scenarios)
    again = replace(run, scenarios=scenarios, records=(replace(record, timeline=read),))
    assert again == run
    assert json.dumps(to_json(judge_run(again))) == json.dumps(to_json(judge_run(run)))


KINDS = list(events._kinds().values())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@hypothesis.given(data=st.data())
def test_every_event_comes_back_from_its_line(kind: type[Event], data: st.DataObject) -> None:
    finite = st.floats(allow_nan=False, allow_infinity=False)
    event = data.draw(st.builds(kind, at_ms=finite, seq=st.integers(-1, 10**6)))
    line = json.dumps(events.encode(event))
    back = events.decode(json.loads(line))
    assert json.dumps(events.encode(back)) == line  # as text: a figure that is none is not equal to itself
    assert type(back) is kind


# --- the gate ------------------------------------------------------------------------------------

SEVERITY = [ExitStatus.CONFORMS, ExitStatus.INCONCLUSIVE, ExitStatus.FAILS, ExitStatus.HARNESS_FAILED]
LEVELS = st.fixed_dictionaries({level: st.sampled_from(Verdict) for level in Level})


def run_result(levels: dict[Level, Verdict]) -> RunResult:
    verdict = worst(levels.values())
    subject = SubjectResult("subject", "1", verdict, levels, (), ())
    return RunResult("a-run", verdict, (subject,), ENVIRONMENT)


@hypothesis.given(LEVELS, LEVELS, st.sampled_from(Level))
def test_a_worse_verdict_never_opens_the_gate(
    one: dict[Level, Verdict], other: dict[Level, Verdict], at: Level
) -> None:
    worse = {level: worst([one[level], other[level]]) for level in Level}
    hypothesis.assume(Verdict.UNSUPPORTED not in {*one.values(), *other.values()})
    assert SEVERITY.index(gate(run_result(worse), at)) >= SEVERITY.index(gate(run_result(one), at))


@hypothesis.given(LEVELS, st.sampled_from(Level))
def test_only_a_pass_opens_the_gate(levels: dict[Level, Verdict], at: Level) -> None:
    counted = [levels[Level.MUST]] if at is Level.MUST else list(levels.values())
    if gate(run_result(levels), at) is ExitStatus.CONFORMS:
        assert Verdict.PASS in counted
        assert not {Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE} & set(counted)


@hypothesis.given(LEVELS)
def test_the_stricter_level_is_never_the_easier(levels: dict[Level, Verdict]) -> None:
    hypothesis.assume(Verdict.UNSUPPORTED not in levels.values())
    must, should = (SEVERITY.index(gate(run_result(levels), level)) for level in (Level.MUST, Level.SHOULD))
    assert should >= must


def test_every_oracle_takes_part() -> None:
    assert set(REQUIREMENTS) == set(ORACLES)
    assert Finding("SEL-1", Verdict.PASS, "as seen").evidence == ()
