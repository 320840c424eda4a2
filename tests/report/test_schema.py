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
