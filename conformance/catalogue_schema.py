"""The grammar of scenario files as a JSON Schema: an editor completes names and marks slips.

Pure. Generated from the shapes, the registry of faults and the requirements, so it cannot go stale.
It says less than the catalogue does: what a schema cannot say (two faults of one stage, a variable
that no case defines) is found on loading.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pydantic import TypeAdapter

from conformance import catalogue_shapes as shapes
from conformance import catalogue_world as world
from conformance.model import Access, Address, Side
from conformance.signatures import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.model import Requirement

Schema: TypeAlias = "dict[str, Any]"

_BEFALLEN: Final = ("worker", "subject", "browser")
_VARIABLE: Final = {"$ref": "#/$defs/variable"}


def json_schema(faults: Mapping[str, type], requirements: Mapping[str, Requirement]) -> dict[str, Any]:
    """The schema of a file of scenarios."""
    defs: Schema = {
        "variable": {
            "description": "A variable that every case of this scenario defines.",
            "type": "string",
            "pattern": r"^\$[a-z][a-z0-9_]*$",
        }
    }
    for name, fault in faults.items():
        defs[f"fault-{name}"] = _fault(fault, defs)
    drops = [name for name, fault in faults.items() if world.stage_of(fault) == world.SESSION_STAGE]
    for side in Side:
        here = [name for name, fault in faults.items() if side in world.sides_of(fault)]
        defs[f"{side}-server"] = _or_variable(_server(here, faults))
        defs[f"{side}-drop"] = _or_variable(_one_of_keys({name: _fault_ref(name) for name in here if name in drops}))
    for shape in (shapes.UntilShape, shapes.UntilAttemptsShape, shapes.UntilRequestShape, shapes.ThenShape):
        defs[shape.__name__.removesuffix("Shape").lower()] = _or_variable(_flat(TypeAdapter(shape), defs))
    defs["step"] = _or_variable(_step())
    defs["requirement"] = {
        "oneOf": [{"const": one.id, "description": f"{one.level}: {one.says}"} for one in requirements.values()]
    }
    defs["scenario"] = _scenario()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scenarios of the conformance harness",
        **_strict(
            {"scenarios": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/scenario"}}}, ["scenarios"]
        ),
        "$defs": defs,
    }


def schema_text(faults: Mapping[str, type], requirements: Mapping[str, Requirement]) -> str:
    """The schema as it is printed and committed."""
    return json.dumps(json_schema(faults, requirements), indent=2, ensure_ascii=False) + "\n"


def _scenario() -> Schema:
    name = {"type": "string", "pattern": shapes.NAME}
    case = {
        "type": "object",
        "description": "What each $variable is in this case.",
        "minProperties": 1,
        "propertyNames": {"pattern": shapes.VARIABLE},
    }
    properties: Schema = {
        "id": {**name, "description": "Unique over all files. A case's id is id[case]."},
        "family": {"enum": [family.value for family in shapes.Family]},
        "says": {"type": "string", "minLength": 1, "description": "What is expected, in one plain sentence."},
        "covers": _or_variable(
            {
                "description": "The requirements that this scenario is there to judge.",
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": _or_variable({"$ref": "#/$defs/requirement"}),
            }
        ),
        "needs": {"const": "namespace", "description": "A network of the rig's own: real port, ::1, packet faults."},
        "tags": _or_variable({"type": "array", "items": _or_variable(name)}),
        "cases": {"type": "object", "minProperties": 1, "propertyNames": name, "additionalProperties": case},
        "given": _or_variable(
            {
                "description": "The two servers at the start; the browser's permission to reach this machine.",
                **_strict(
                    {
                        **{side.value: {"$ref": f"#/$defs/{side}-server"} for side in Side},
                        "access": _or_variable({"enum": [*Access]}),
                    },
                    [*Side],
                ),
            }
        ),
        "when": _or_variable({"type": "array", "items": {"$ref": "#/$defs/step"}}),
        "then": {"$ref": "#/$defs/then"},
    }
    return _strict(properties, ["id", "family", "says", "covers", "given", "then"])


def _step() -> Schema:
    return _one_of_keys(
        {
            "until": {"$ref": "#/$defs/until"},
            "until_attempts": {"$ref": "#/$defs/untilattempts"},
            "until_request": {"$ref": "#/$defs/untilrequest"},
            "change": _or_variable(_one_of_keys({side.value: {"$ref": f"#/$defs/{side}-server"} for side in Side})),
            "drop": _or_variable(_one_of_keys({side.value: {"$ref": f"#/$defs/{side}-drop"} for side in Side})),
            "hold_ms": _or_variable({"type": "number", "exclusiveMinimum": 0, "maximum": shapes.WAIT_MS_MAX}),
            **{whose: _or_variable({"enum": list(shapes.acts_of(whose))}) for whose in _BEFALLEN},
        }
    )


def _server(names: Iterable[str], registry: Mapping[str, type]) -> Schema:
    known = {name: _fault_ref(name) for name in names}
    here = {name: ref for name, ref in known.items() if world.stage_of(registry[name]) not in world.UNDIVIDED}
    one = _or_variable({"oneOf": _alike(here)})
    return {"oneOf": [*_alike(known), _strict({address.value: one for address in Address}, [*Address])]}


def _alike(faults: Schema) -> list[Schema]:
    return [{"enum": [world.UP, world.DOWN]}, {**_strict(faults, []), "minProperties": 1}]


def _fault_ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/fault-{name}"}


def _fault(fault: type, defs: Schema) -> Schema:
    schema = _flat(world.adapter_of(fault), defs)
    variant = schema["properties"].get(world.VARIANT_PARAMETER)
    if variant is not None:
        nullable = {"type": "null"} in variant["anyOf"][0].get("anyOf", [])
        variant["anyOf"][0] = {"enum": [*sorted(VARIANTS), *([None] if nullable else [])]}
    return _or_variable(schema)


def _flat(adapter: TypeAdapter[Any], defs: Schema) -> Schema:
    """A shape's or a fault's schema: strict, a variable wherever a value may stand, its own $defs moved out."""
    schema: Schema = _untitled(adapter.json_schema())
    defs |= schema.pop("$defs", {})
    schema["properties"] = {key: _or_variable(value) for key, value in schema.get("properties", {}).items()}
    schema["additionalProperties"] = False
    return schema


def _untitled(schema: Any) -> Any:  # noqa: ANN401 - JSON in, JSON out
    """Without pydantic's titles, which repeat the names; a property called ``title`` stays."""
    if isinstance(schema, list):
        return [_untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _untitled(one) for name, one in value.items()} if key == "properties" else _untitled(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }


def _strict(properties: Schema, required: Iterable[str]) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [str(name) for name in required],
        "properties": properties,
    }


def _one_of_keys(properties: Schema) -> Schema:
    return {**_strict(properties, []), "minProperties": 1, "maxProperties": 1}


def _or_variable(schema: Schema) -> Schema:
    return {"anyOf": [schema, _VARIABLE]}
