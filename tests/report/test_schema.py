"""The published schema of results."""

from __future__ import annotations

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest

from conformance.report.schema import results_schema
from conformance.results import RunResult, to_json


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(results_schema())


def test_results_fit_it(result: RunResult) -> None:
    jsonschema.validate(to_json(result), results_schema())


def test_every_key_of_the_results_is_in_it(result: RunResult) -> None:
    data, defs = to_json(result), results_schema()["$defs"]
    subject = data["subjects"][0]
    for name, example in (
        ("subject", subject),
        ("requirement", subject["requirements"][0]),
        ("scenario", subject["scenarios"][0]),
        ("finding", subject["scenarios"][0]["findings"][0]),
        ("environment", data["environment"]),
    ):
        assert set(example) == set(defs[name]["properties"]), name


def test_a_missing_key_and_a_strange_verdict_do_not_fit(result: RunResult) -> None:
    for spoil in ({"verdict": "maybe"}, {"subjects": [{"name": "x"}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(to_json(result) | spoil, results_schema())


def test_repeats_are_what_the_schema_says(repeated: RunResult) -> None:
    data = to_json(repeated)
    jsonschema.validate(data, results_schema())
    flaky, *_ = [one for one in data["subjects"][0]["repeats"] if one["verdict"] == "flaky"]
    assert (flaky["runs"], flaky["counts"], flaky["flaky"]) == (80, {"fail": 20, "pass": 60}, ["SIG-4"])
    assert flaky["passed"] == {"count": 60, "of": 80, "low": 0.6406, "high": 0.8401}
    (steady,) = [one for one in data["subjects"][0]["repeats"] if one["id"] == "steady"]
    assert [(each["share"], each["value"], each["needs"]) for each in steady["connect_ms"]] == [
        (0.5, 139.0, 6),
        (0.95, 175.0, 72),
        (0.99, None, 368),
    ]
    (twice,) = [one for one in data["subjects"][0]["repeats"] if one["id"] == "twice"]
    assert (twice["verdict"], twice["passed"]["low"]) == ("error", None)
