"""All oracles together: what holds whatever they judge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.events import decode, encode
from conformance.files import load_requirements
from conformance.model import Outcome, Scenario, Shown
from conformance.oracles import ORACLES, Case
from conformance.timeline import Timeline
from conformance.verdict import Verdict
from tests.strategies import stories, strange
from tests.timelines import DOWN, NEITHER, PROFILE, Story, fault, scenario

EXPECTED: dict[str, Iterable[int]] = {
    "SEL": range(1, 7),
    "SIG": range(1, 7),
    "TIME": range(1, 5),
    "FALL": range(1, 4),
    "RETRY": range(1, 4),
    "LIFE": range(1, 5),
    "PRIV": range(1, 4),
    "PUB": range(1, 4),
    "NET": range(1, 3),
    "LOC": range(1, 6),
    "API": (1, 2, 3, 4, 7, 8),  # API-5 and API-6 are in a deployment, and no answer of the server shows them
}
EVERYWHERE = {"SEL-1", "SEL-5", "SEL-6", "TIME-4", "PRIV-1", "PRIV-2", "PRIV-3", "PUB-1", "NET-2"}

SILENT = scenario(local=(fault("silent"),), session=Outcome.PUBLIC, shown=Shown.SILENT)
WRONG = scenario(local=(fault("answer", signature="null"),), session=Outcome.PUBLIC, shown=Shown.BAD)
SCENARIOS = [scenario(), DOWN, NEITHER, SILENT, WRONG]


def test_every_requirement_that_a_timeline_can_show_has_its_oracle() -> None:
    wanted = {f"{family}-{number}" for family, numbers in EXPECTED.items() for number in numbers}
    assert set(ORACLES) == wanted
    assert {id_ for id_, oracle in ORACLES.items() if oracle.everywhere} == EVERYWHERE


def test_every_oracle_judges_a_requirement_of_the_catalogue() -> None:
    assert set(ORACLES) <= {requirement.id for requirement in load_requirements()}


@pytest.mark.parametrize("requirement", ORACLES)
def test_every_oracle_says_in_one_line_what_it_holds(requirement: str) -> None:
    assert (ORACLES[requirement].judge.__doc__ or "").startswith("It ")


# --- properties ----------------------------------------------------------------------------------


def verdicts(timeline: Timeline, given: Scenario) -> dict[str, tuple[Verdict, str] | None]:
    """Every oracle's word."""
    case = Case.of(given, PROFILE, timeline, 5)
    found = {id_: oracle.judge(case) for id_, oracle in ORACLES.items()}
    return {id_: None if word is None else (word.verdict, word.reason) for id_, word in found.items()}


@given(stories(), st.sampled_from(SCENARIOS), st.floats(0, 5000), st.integers(0, 8))
def test_what_goes_elsewhere_changes_no_verdict(told: Story, given_: Scenario, at: float, place: int) -> None:
    timeline = told.build()
    at = min(at, timeline.events[-1].at_ms - 1)
    more = Timeline.of([strange(at)[place], *timeline])
    assert verdicts(more, given_) == verdicts(timeline, given_)


@given(stories(), st.sampled_from(SCENARIOS))
def test_the_record_read_back_gets_the_same_verdicts(told: Story, given_: Scenario) -> None:
    timeline = told.build()
    read = Timeline(tuple(decode(encode(event)) for event in timeline))
    assert verdicts(read, given_) == verdicts(timeline, given_)


@pytest.mark.parametrize("given_", SCENARIOS, ids=["up", "down", "neither", "silent", "wrong"])
def test_nothing_at_all_never_passes(given_: Scenario) -> None:
    said = [word for word in verdicts(Timeline(()), given_).values() if word is not None]
    assert [verdict for verdict, _ in said if verdict in (Verdict.PASS, Verdict.FAIL)] == []


@given(stories(), st.sampled_from(SCENARIOS), st.sampled_from(sorted(ORACLES)))
def test_a_covered_requirement_always_gets_a_word_of_its_own(told: Story, given_: Scenario, id_: str) -> None:
    timeline = told.build()
    finding = ORACLES[id_].judge(Case.of(replace(given_, covers=(id_,)), PROFILE, timeline, 5))
    assert finding is not None
    assert finding.requirement == id_
    assert finding.reason
    assert "\n" not in finding.reason
    assert all(0 <= seq < len(timeline) for seq in finding.evidence)
    assert (finding.measured_ms is None) == (finding.budget_ms is None)
    assert finding.arose or finding.verdict is Verdict.INCONCLUSIVE


@given(stories(), st.sampled_from(SCENARIOS))
def test_more_error_never_turns_one_certainty_into_the_other(told: Story, given_: Scenario) -> None:
    timeline = told.build()
    for id_ in ("TIME-1", "TIME-2", "TIME-3", "TIME-4", "SEL-5", "SEL-6"):
        sharp = ORACLES[id_].judge(Case.of(given_, PROFILE, timeline, 0))
        blurred = ORACLES[id_].judge(Case.of(given_, PROFILE, timeline, 400))
        if sharp is not None and blurred is not None:
            assert {sharp.verdict, blurred.verdict} != {Verdict.PASS, Verdict.FAIL}
