"""The shapes of what is written in the data files: which keys a mapping has, and what each may hold.

Pure. Shapes are flat (what a key holds is read with a shape of its own), so that every error can be
given its line and the nearest right name. What stands in a scenario's ``given``, ``change`` and
``drop`` depends on the registry of faults: catalogue_world.py.
"""

from __future__ import annotations

import json
from enum import Enum, StrEnum
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from conformance.errors import DataError, did_you_mean
from conformance.model import Access, Act, Level, Outcome, RequestKind, Shown, Side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

    from conformance.yaml_source import Node

WITHIN_MS_DEFAULT: Final = 6000.0  # a second more than the longest default budget of a first session
HOLD_MS_DEFAULT: Final = 150.0  # enough to see a second socket that was opened in the same breath
WAIT_MS_MAX: Final = 600_000.0  # ten minutes: a longer wait in a scenario is a slip of the pen

NAME: Final = r"^[a-z0-9]+(-[a-z0-9]+)*$"
VARIABLE: Final = r"^[a-z][a-z0-9_]*$"

Name = Annotated[str, Field(pattern=NAME)]
Text = Annotated[str, Field(min_length=1)]
Wait = Annotated[float, Field(gt=0, le=WAIT_MS_MAX)]
Hold = Annotated[float, Field(ge=0, le=WAIT_MS_MAX)]


class Family(StrEnum):
    """The chapters of the catalogue."""

    CHOOSING = "Choosing"
    OPENING = "Opening the session"
    PUBLIC_SIDE = "Public side"
    DURING = "During the session"
    LIFE = "The browser's life"
    CROWDS = "Crowds"
    PRIVACY = "Privacy"


class Shape(BaseModel):
    """A mapping with these keys and no others."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RequirementShape(Shape):
    """One requirement."""

    id: Annotated[str, Field(pattern=r"^[A-Z]+-[0-9]+$")]
    level: Level
    of: Literal["extension", "local-server", "public-server"]
    says: Text
    source: Text
    covers: Text
    feature: Name | Literal[""] = ""


class EntryShape(Shape):
    """One scenario, or a family of cases, its variables filled in."""

    id: Name
    family: Family
    says: Text
    covers: Annotated[list[str], Field(min_length=1)]
    tags: list[Name] = []
    needs: Literal["namespace"] | None = None
    cases: JsonValue = None
    given: JsonValue
    when: list[JsonValue] = []
    then: JsonValue


class GivenShape(Shape):
    """The two servers at the start, and the browser's permission to reach this machine."""

    local: JsonValue
    public: JsonValue
    access: Access | None = None


class UntilShape(Shape):
    """Wait for a session."""

    session: Literal[Outcome.LOCAL, Outcome.PUBLIC, Outcome.EITHER]
    within_ms: Wait = WITHIN_MS_DEFAULT


class UntilAttemptsShape(Shape):
    """Wait for so many attempts, the first one included."""

    count: Annotated[int, Field(ge=1, le=1000)]
    within_ms: Wait = WITHIN_MS_DEFAULT


class UntilRequestShape(Shape):
    """Wait until a server has been asked, since the last step that is no waiting."""

    side: Side
    kind: RequestKind
    within_ms: Wait = WITHIN_MS_DEFAULT


class HoldShape(Shape):
    """Let the world be."""

    hold_ms: Wait


class ThenShape(Shape):
    """What is expected in the end."""

    session: Outcome
    shown: Shown
    within_ms: Wait = WITHIN_MS_DEFAULT
    hold_ms: Hold = HOLD_MS_DEFAULT


S = TypeVar("S", bound=Shape)


def acts_of(whose: str) -> dict[str, Act]:
    """What a step ``whose: word`` may say, by its word."""
    parts = {act: act.value.partition(": ") for act in Act}
    return {word: act for act, (owner, _, word) in parts.items() if owner == whose}


def wrong(source: str, line: int, message: str) -> DataError:
    """The error for ``line`` of ``source``."""
    return DataError(f"{source}:{line} {message}")


def all_wrong(errors: Iterable[DataError]) -> DataError:
    """One error for several, a line each, none twice."""
    lines = [line for error in errors for line in str(error).splitlines()]
    return DataError("\n".join(dict.fromkeys(lines)))


def read(shape: type[S], node: Node, source: str) -> S:
    """``node`` as a ``shape``. A ``DataError`` names everything that is wrong with it, a line each."""
    if not node.is_mapping:
        raise wrong(source, node.line, f"must be a mapping with the keys {', '.join(shape.model_fields)}")
    try:
        # As JSON: there strictness is of types (no text for a number), yet enums are written as text.
        return shape.model_validate_json(json.dumps(node.plain()))
    except ValidationError as error:
        problems = [wrong(source, node.line_of(one["loc"]), explain(one, shape)) for one in error.errors()]
        raise all_wrong(problems) from error


def explain(error: ErrorDetails, shape: type[BaseModel] | None = None) -> str:
    """What pydantic found, in the catalogue's words. ``shape`` gives the right names for a wrong one."""
    names = [str(step) for step in error["loc"] if isinstance(step, str)]
    name = ".".join(names)
    given: Any = error["input"]
    fields = shape.model_fields if shape is not None else {}
    match error["type"]:
        case "extra_forbidden":
            return f"'{name}': no such key{did_you_mean(name, fields)}"
        case "missing":
            return f"'{name}': missing"
        case "enum" | "literal_error" if name in fields and isinstance(given, str):
            return f"'{given}': no such {name}{did_you_mean(given, _choices(fields[name].annotation))}"
        case "too_short" | "string_too_short":
            return f"'{name}': must not be empty"
        case "string_pattern_mismatch":
            return f"'{given}': not {_FORMS.get(error.get('ctx', {}).get('pattern', ''), error['msg'])}"
        case _:
            said = error["msg"].removeprefix("Input ").removeprefix("Value error, ")
            return f"'{name}': {said}, not {json.dumps(given, default=str)}" if name else said


_FORMS: Final = {
    NAME: "a name here: lower-case letters, digits and single dashes",
    r"^[A-Z]+-[0-9]+$": "an id of a requirement, e.g. SEL-1",
}


def _choices(annotation: Any) -> list[str]:  # noqa: ANN401 - an annotation is anything
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [str(member.value) for member in annotation]
    members = [member for member in get_args(annotation) if member is not NoneType]
    return [choice for member in members for choice in (_choices(member) if get_args(member) else [str(member)])]
