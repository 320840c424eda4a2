"""The JSON Schema of ``results.json``, for programs that read it.

Pure. Stable keys; more may come, so readers must let unknown ones be.
"""

from __future__ import annotations

from typing import Any

from conformance.model import Level, Outcome
from conformance.repeats import FLAKY, SHARES
from conformance.results import SCHEMA
from conformance.verdict import Verdict

_TEXT = {"type": "string"}
_IDS = {"type": "array", "items": _TEXT}
_MS = {"type": ["number", "null"], "description": "milliseconds, to 0.1"}
_VERDICT = {"$ref": "#/$defs/verdict"}
_LEVEL = {"$ref": "#/$defs/level"}


def _object(**properties: Any) -> dict[str, Any]:  # noqa: ANN401 - schemas of any shape
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list_of(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _optional(kind: str, says: str) -> dict[str, Any]:
    return {"type": [kind, "null"], "description": says}


def results_schema() -> dict[str, Any]:
    """The schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Results of a conformance run",
        **_object(
            schema={"const": SCHEMA},
            run_id=_TEXT,
            verdict=_VERDICT,
            subjects=_list_of({"$ref": "#/$defs/subject"}),
            environment={"$ref": "#/$defs/environment"},
        ),
        "$defs": {
            "verdict": {"enum": [verdict.value for verdict in Verdict]},
            "level": {"enum": [level.value for level in Level]},
            "subject": _subject(),
            "requirement": _requirement(),
            "scenario": _scenario(),
            "finding": _finding(),
            "repeats": _repeats(),
            "environment": _environment(),
        },
    }


def _subject() -> dict[str, Any]:
    return _object(
        name=_TEXT,
        version=_TEXT,
        verdict=_VERDICT,
        levels={"type": "object", "propertyNames": _LEVEL, "additionalProperties": _VERDICT},
        requirements=_list_of({"$ref": "#/$defs/requirement"}),
        scenarios=_list_of({"$ref": "#/$defs/scenario"}),
        repeats=_list_of({"$ref": "#/$defs/repeats"}),
    )


def _requirement() -> dict[str, Any]:
    arose = {"type": "boolean", "description": "false: its condition came up in no scenario, so it was not judged"}
    counts = {"type": "boolean", "description": "false: its level's verdict does not wait for it"}
    return _object(
        id=_TEXT, level=_LEVEL, verdict=_VERDICT, reason=_TEXT, scenarios=_IDS, says=_TEXT, arose=arose, counts=counts
    )


def _scenario() -> dict[str, Any]:
    return _object(
        id=_TEXT,
        repeat={"type": "integer", "minimum": 0},
        verdict=_VERDICT,
        requirements=_IDS,
        connected_to={"enum": [outcome.value for outcome in Outcome if outcome is not Outcome.EITHER]},
        connect_ms=_MS,
        reason=_TEXT,
        timeline=_optional("string", "a file in the run directory; null where nothing was observed"),
        family=_TEXT,
        says=_TEXT,
        wall_ms=_MS,
        error_ms={**_MS, "description": "of every time in this scenario; null where nothing was observed"},
        findings=_list_of({"$ref": "#/$defs/finding"}),
    )


def _finding() -> dict[str, Any]:
    return _object(
        requirement=_TEXT,
        level={"anyOf": [_LEVEL, {"type": "null"}]},
        verdict=_VERDICT,
        reason=_TEXT,
        evidence={"type": "array", "items": {"type": "integer"}, "description": "seq numbers in the timeline"},
        measured_ms=_MS,
        budget_ms=_MS,
        arose={"type": "boolean"},
    )


def _repeats() -> dict[str, Any]:
    count = {"type": "integer", "minimum": 0}
    probability = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
    says = "Clopper and Pearson's 95 % interval of the probability of a pass; ERROR and UNSUPPORTED runs are left out"
    needs = {"type": "integer", "description": "how many times it takes; with fewer, value, low and high are null"}
    return _object(
        id=_TEXT,
        verdict={"enum": [FLAKY, *(verdict.value for verdict in Verdict)], "description": "flaky: right and wrong"},
        runs={"type": "integer", "minimum": 2},
        counts={"type": "object", "propertyNames": _VERDICT, "additionalProperties": count},
        flaky={**_IDS, "description": "requirements that it met at one time and failed at another"},
        passed={**_object(count=count, of=count, low=probability, high=probability), "description": says},
        connected={**count, "description": "runs with a session; connect_ms is of these"},
        connect_ms=_list_of(_object(share={"enum": list(SHARES)}, needs=needs, value=_MS, low=_MS, high=_MS)),
    )


def _environment() -> dict[str, Any]:
    return _object(
        browser=_TEXT,
        browser_flags=_IDS,
        harness=_TEXT,
        python=_TEXT,
        platform=_TEXT,
        cpus={"type": "integer"},
        rig=_TEXT,
        jobs={"type": "integer"},
        seed={"type": "integer"},
        started_at={"type": "string", "format": "date-time"},
        error_ms={"type": "number", "description": "of every time, in milliseconds; a scenario's own may be larger"},
        calibration={
            "description": "null in a record that is older; made_at is empty where nobody has calibrated",
            "anyOf": [
                {"type": "null"},
                _object(
                    error_ms={"type": "number"},
                    times={"type": "integer"},
                    made_at=_TEXT,
                ),
            ],
        },
        targets={**_IDS, "description": "the real servers in the fakes' places, each as 'side: what was stated'"},
    )
