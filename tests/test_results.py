"""The published JSON: its shape, its order, and the schema that describes it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.judge import judge_run
from conformance.model import Level, Outcome
from conformance.record import RunRecord, ScenarioRecord
from conformance.report.schema import results_schema
from conformance.results import (
    RequirementResult,
    RunResult,
    ScenarioResult,
    SubjectResult,
    file_name,
    timeline_path,
    to_json,
)
from conformance.verdict import Finding, Verdict
from tests.timelines import DOWN, ENVIRONMENT, LOCAL, PROFILE, PUBLIC, REQUIREMENTS, recorded, scenario, story

SCHEMA = json.loads((Path(__file__).parent.parent / "reports" / "results.schema.json").read_text(encoding="utf-8"))

FINDING = Finding("TIME-2", Verdict.PASS, "fast", evidence=(3, 5), measured_ms=83.149, budget_ms=1000)
SCENARIO = ScenarioResult(
    scenario="wrong-signature[other-name]",
    repeat=0,
    verdict=Verdict.PASS,
    findings=(FINDING, Finding("SIG-9", Verdict.INCONCLUSIVE, "who knows", arose=False)),
    connected_to=Outcome.PUBLIC,
    connect_ms=83.0499,
    reason="TIME-2: fast",
    wall_ms=412.35,
    family="Choosing",
    says="it says",
    requirements=("TIME-2",),
    timeline="timelines/subject/wrong-signature[other-name].jsonl",
)
REQUIREMENT = RequirementResult("TIME-2", Level.MUST, Verdict.PASS, "fast", ("wrong-signature[other-name]",), "says")
RESULT = RunResult(
    "a-run",
    Verdict.PASS,
    (
        SubjectResult(
            "subject",
            "1.0",
            Verdict.PASS,
            {Level.SHOULD: Verdict.FAIL, Level.MUST: Verdict.PASS},
            (REQUIREMENT,),
            (SCENARIO,),
        ),
    ),
    ENVIRONMENT,
)


def judged() -> RunResult:
    """A run with every kind of result in it."""
    up, lost = replace(scenario("SEL-2", "FALL-3"), id="up"), replace(DOWN, id="down", covers=("SEL-3",))
    records = (
        recorded(story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20), "up"),
        recorded(story().proved(LOCAL, "refused").refused(at=10).socket(PUBLIC, at=15, opened=95), "down"),
        ScenarioRecord("subject", "down", 1, failure="the browser died"),
        ScenarioRecord("subject", "down", 2, unsupported="not here"),
    )
    return judge_run(RunRecord("a-run", ENVIRONMENT, tuple(REQUIREMENTS.values()), (PROFILE,), (up, lost), records))


# --- shape ---------------------------------------------------------------------------------------


def test_the_shape_that_was_promised() -> None:
    data = to_json(RESULT)
    assert (data["schema"], data["run_id"], data["verdict"]) == (1, "a-run", "pass")
    (subject,) = data["subjects"]
    assert (subject["name"], subject["version"], subject["verdict"]) == ("subject", "1.0", "pass")
    assert list(subject["levels"].items()) == [("MUST", "pass"), ("SHOULD", "fail")]
    (requirement,) = subject["requirements"]
    assert requirement.items() >= {"id": "TIME-2", "level": "MUST", "verdict": "pass", "counts": True}.items()
    assert requirement["scenarios"] == ["wrong-signature[other-name]"]
    (one,) = subject["scenarios"]
    assert one["id"] == "wrong-signature[other-name]"
    assert one["requirements"] == ["TIME-2"]
    assert (one["connected_to"], one["connect_ms"], one["wall_ms"]) == ("public", 83.0, 412.4)
    assert one["timeline"] == "timelines/subject/wrong-signature[other-name].jsonl"
    assert data["environment"]["browser"] == "Chromium 156"
    assert data["environment"]["error_ms"] == 5.0


def test_findings_have_their_level_and_figures() -> None:
    first, second = to_json(RESULT)["subjects"][0]["scenarios"][0]["findings"]
    assert first == {
        "requirement": "TIME-2",
        "level": "MUST",
        "verdict": "pass",
        "reason": "fast",
        "evidence": [3, 5],
        "measured_ms": 83.1,
        "budget_ms": 1000.0,
        "arose": True,
    }
    assert (second["level"], second["measured_ms"], second["arose"]) == (None, None, False)


def test_the_same_record_gives_the_same_bytes() -> None:
    assert json.dumps(to_json(judged())) == json.dumps(to_json(judged()))


# --- schema --------------------------------------------------------------------------------------


def valid(data: dict[str, Any]) -> None:
    jsonschema.validate(json.loads(json.dumps(data)), SCHEMA)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("result", [RESULT, judged(), replace(RESULT, subjects=())], ids=["by hand", "judged", "empty"])
def test_results_are_as_the_schema_says(result: RunResult) -> None:
    valid(to_json(result))


@pytest.mark.parametrize("key", ["schema", "run_id", "verdict", "subjects", "environment"])
def test_the_schema_asks_for_every_key(key: str) -> None:
    data = to_json(RESULT)
    del data[key]
    with pytest.raises(jsonschema.ValidationError):
        valid(data)


def test_the_published_file_is_the_schema_of_this_version() -> None:
    assert results_schema() == SCHEMA


# --- where a timeline lies -----------------------------------------------------------------------


def test_timelines_lie_where_the_run_directory_has_them() -> None:
    assert timeline_path("mine", "wrong[null]") == "timelines/mine/wrong[null].jsonl"
    assert timeline_path("my/own", "..", 1) == "timelines/my%2Fown/%2E..2.jsonl"
    assert timeline_path("", "é") == "timelines/%/%C3%A9.jsonl"


@given(st.text(st.characters(codec="utf-8"), max_size=250))
def test_any_name_is_a_file_of_its_own_directory(name: str) -> None:
    coded = file_name(name)
    assert "/" not in coded
    assert coded not in ("", ".", "..")
    assert len(coded.encode()) <= 180


def test_long_names_stay_apart() -> None:
    assert file_name("x" * 300) != file_name("x" * 299 + "y")
