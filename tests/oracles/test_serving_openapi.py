"""The servers' oracles on requests that were drawn from the OpenAPI document: events only, no server and no drawing."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.events import Event, Source
from conformance.model import Profile
from conformance.oracles import ORACLES, Case
from conformance.server_events import Fuzzed, Outcome, Tried, Wanted
from conformance.server_plan import SERVER_SCENARIOS
from conformance.timeline import Timeline
from conformance.verdict import Finding, Verdict

JSON = ("content-type: application/json",)
SIGNATURE = '{"service":"semantest","version":"1.0.0","type":"public"}'
HEALTH = '{"status":"healthy"}'
SCENARIO = next(one.scenario for one in SERVER_SCENARIOS if one.scenario.id == "public-openapi")
TALLY = Fuzzed(at_ms=1.0, source=Source.PUBLIC, what="described requests", inputs=9, ended=2, wrong_count=0, seed=0)


def answered(what: str, **fields: Any) -> Tried:  # noqa: ANN401 - the event's own fields
    given: dict[str, Any] = {"wanted": Wanted.TAKEN, "outcome": Outcome.ANSWERED, "status": 200, "headers": JSON}
    return Tried(at_ms=1.0, source=Source.PUBLIC, what=what, **(given | fields))


def signature(**fields: Any) -> Tried:  # noqa: ANN401 - as above
    return answered("signature, GET /semantest-signature?a=b", **({"body": SIGNATURE} | fields))


def health(**fields: Any) -> Tried:  # noqa: ANN401 - as above
    return answered("health, GET /health", **({"body": HEALTH} | fields))


def judged(id_: str, *seen: Event) -> Finding:
    finding = ORACLES[id_].judge(Case.of(SCENARIO, Profile("s", "1", ""), Timeline.of([*seen, TALLY]), 5))
    assert finding is not None
    return finding


REFUSED: dict[str, Any] = {"status": 404, "headers": (), "body": ""}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, ""),
        ({"may_refuse": True}, ""),
        ({"may_refuse": True, **REFUSED}, ""),
        (REFUSED, "404; 200 wanted"),
        ({"may_refuse": True, "status": 302}, "302; 200 wanted"),
        ({"may_refuse": True, "status": 500}, "500; 200 wanted"),
        ({"may_refuse": True, "headers": ("content-type: text/html",)}, "content type is text/html"),
        ({"may_refuse": True, "body": SIGNATURE.replace("public", "local")}, "type is 'local'"),
        ({"wrong": ("response_schema_conformance: '' is too short",)}, "response_schema_conformance: '' is too short"),
    ],
)
def test_every_signature_is_the_signature_or_may_be_refused(change: dict[str, Any], says: str) -> None:
    finding = judged("API-3", health(status=500), signature(), signature(**change), signature())
    assert finding.verdict is (Verdict.FAIL if says else Verdict.PASS)
    assert (says or "all of 3 as wanted") in finding.reason
    assert finding.evidence == ((1, 2, 3) if not says else (2,))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, ""),
        ({"may_refuse": True, **REFUSED}, ""),
        (REFUSED, "404; 200 wanted"),
        ({"status": 503}, "503; 200 wanted"),
        ({"body": "fine"}, "no JSON object"),
        ({"body": '{"ok":true}', "wrong": ("response_schema_conformance: 'status' is a required property",)}, ""),
        ({"wrong": ("content_type_conformance: two of them",)}, "content_type_conformance: two of them"),
    ],
)
def test_every_health_is_json_or_may_be_refused(change: dict[str, Any], says: str) -> None:
    """What is in the JSON is in the document, and in no requirement."""
    finding = judged("API-2", signature(status=500), health(), health(**change))
    assert finding.verdict is (Verdict.FAIL if says else Verdict.PASS)
    assert (says or "all of 2 as wanted") in finding.reason


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, ""),
        ({"status": 404}, ""),
        ({"status": 501}, ""),
        ({"status": 503}, ""),
        ({"status": 500}, "500; an answer that is no failure of its own wanted"),
        ({"status": 502}, "502; an answer that is no failure of its own wanted"),
        ({"outcome": Outcome.ENDED, "status": 0}, "ended; an answer that is no failure of its own wanted"),
        ({"outcome": Outcome.SILENT, "status": 0}, "silent; an answer that is no failure of its own wanted"),
        ({"wanted": Wanted.REFUSED}, "200; a refusal wanted"),
        ({"wanted": Wanted.REFUSED, "status": 405}, ""),
        ({"wanted": Wanted.REFUSED, "status": 302}, "302; a refusal wanted"),
        ({"wanted": Wanted.REFUSED, "status": 500}, "500; a refusal wanted"),
    ],
)
def test_nothing_breaks_and_no_method_is_answered_that_is_not_there(change: dict[str, Any], says: str) -> None:
    finding = judged("API-8", signature(), answered("PUT /health", **change))
    assert finding.verdict is (Verdict.FAIL if says else Verdict.PASS)
    assert finding.reason == (
        f"PUT /health: {says}" if says else "9 inputs (seed 0), 2 of them refused; all of 2 as wanted"
    )


def test_those_that_were_answered_alike_are_counted() -> None:
    assert judged("API-3", signature(alike=40), signature(alike=2)).reason == "all of 42 as wanted"
    wrong = judged("API-3", signature(alike=40), signature(status=302, alike=2), signature(status=500, alike=3))
    assert wrong.reason.endswith("302; 200 wanted (and 4 more of 45)")
    assert judged("API-3", signature(alike=40), signature(status=302)).reason.endswith("302; 200 wanted")


def test_a_server_that_was_left_alone_is_not_judged() -> None:
    """It answered 429 to everything."""
    none = Fuzzed(at_ms=1.0, source=Source.PUBLIC, what="", inputs=0, ended=0, wrong_count=0, seed=0)
    beside = answered("bystander, after everything", wanted=Wanted.KEPT)
    seen = Timeline.of([beside, none])
    for id_ in SCENARIO.covers:
        finding = ORACLES[id_].judge(Case.of(SCENARIO, Profile("s", "1", ""), seen, 5))
        assert finding is not None
        assert finding.verdict is Verdict.INCONCLUSIVE
