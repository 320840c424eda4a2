"""The schema for editors: takes what the catalogue takes, and marks the slips that a schema can see."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types

from conformance.catalogue import parse_scenarios
from conformance.catalogue_schema import json_schema, schema_text
from conformance.errors import DataError
from conformance.model import Level, Requirement
from conformance.rig.faults import FAULTS
from conformance.yaml_source import compose

REQUIREMENTS = {
    name: Requirement(name, Level.MUST, "extension", f"{name} says", "its source", "all") for name in ("SEL-1", "SIG-1")
}
SCHEMA = json_schema(FAULTS, REQUIREMENTS)

ENTRY = """
scenarios:
- id: wrong-signature
  family: Choosing
  says: not chosen ($variant)
  covers: [SEL-1, $id]
  tags: [quick]
  cases:
    other-name: {variant: other-name, id: SIG-1, ms: 5}
  given:
    local: {answer: {signature: $variant, delay_ms: $ms}}
    public: up
  when:
  - until: {session: public, within_ms: 5000}
  - until_attempts: {count: 3}
  - change: {public: {certificate: {kind: expired}}}
  - drop: {local: {close: {code: 1000}}}
  - hold_ms: 3000
  then: {session: public, shown: bad}
"""


def complaints(text: str) -> list[str]:
    return [error.json_path for error in Draft202012Validator(SCHEMA).iter_errors(compose(text, "x.yaml").plain())]


def test_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(schema_text(FAULTS, REQUIREMENTS)) == SCHEMA
    assert schema_text(FAULTS, REQUIREMENTS).endswith("}\n")


def test_every_reference_leads_somewhere() -> None:
    def references(node: Any) -> list[str]:  # noqa: ANN401 - JSON
        if isinstance(node, dict):
            own = [node["$ref"]] if "$ref" in node else []
            return own + [one for value in node.values() for one in references(value)]
        return [one for item in node for one in references(item)] if isinstance(node, list) else []

    assert {one.removeprefix("#/$defs/") for one in references(SCHEMA)} <= SCHEMA["$defs"].keys()


def test_takes_a_good_file() -> None:
    assert complaints(ENTRY) == []
    assert parse_scenarios(ENTRY, "x.yaml", faults=FAULTS, requirements=REQUIREMENTS)


APART = """
scenarios:
- id: apart
  family: Choosing
  says: has a network of its own
  covers: [SEL-1]
  needs: namespace
  given:
    local: {v4: up, v6: {answer: {signature: html}}}
    public: {delay: {rtt_ms: 100}}
  then: {session: local, shown: good}
"""


def test_takes_a_network_of_its_own_and_marks_its_slips() -> None:
    assert complaints(APART) == []
    for right, slip in (("v6: {", "v5: {"), ("needs: namespace", "needs: space"), ("rtt_ms: 100", "rtt_ms: -1")):
        assert complaints(APART.replace(right, slip)) != [], slip


@pytest.mark.parametrize(
    ("right", "slip"),
    [
        ("scenarios:", "scenario:"),
        ("id: wrong-signature", "id: Wrong Signature"),
        ("family: Choosing", "family: Choice"),
        ("SEL-1", "SEL-9"),
        ("public: up", "public: on"),
        ("public: up", "public: {tls_on_port: {}}"),
        ("answer:", "anser:"),
        ("signature: $variant", "signature: uper-case"),
        ("signature: $variant", "signatur: good"),
        ("until:", "untill:"),
        ("count: 3", "count: 0"),
        ("kind: expired", "kind: old"),
        ("drop: {local: {close: {code: 1000}}}", "drop: {local: {answer: {}}}"),
        ("hold_ms: 3000", "hold_ms: long"),
        ("shown: bad", "shown: wrong"),
        ("shown: bad", "shown: bad, more: 1"),
        (", shown: bad", ""),
        ("session: public,", "session: none,"),
    ],
)
def test_marks_the_slips_that_loading_refuses(right: str, slip: str) -> None:
    assert right in ENTRY
    text = ENTRY.replace(right, slip)
    assert complaints(text)
    with pytest.raises(DataError):
        parse_scenarios(text, "x.yaml", faults=FAULTS, requirements=REQUIREMENTS)
