"""The catalogue: requirements and scenarios, read strictly from their YAML text.

Pure: text in, the words of model.py out; files.py reads the files. Whatever is wrong becomes a
``DataError`` with a line ``file:line what is wrong, the nearest right name`` for each problem found.

    yaml_source         YAML with line numbers
    catalogue_shapes    which keys there are, and what each may hold
    catalogue_cases     families with cases: $variables
    catalogue_world     servers and their faults
    catalogue_schema    the same grammar as a JSON Schema, for editors
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from conformance.catalogue_cases import expand
from conformance.catalogue_schema import json_schema, schema_text
from conformance.catalogue_shapes import (
    EntryShape,
    GivenShape,
    HoldShape,
    RequirementShape,
    ThenShape,
    UntilAttemptsShape,
    UntilRequestShape,
    UntilShape,
    acts_of,
    all_wrong,
    read,
    wrong,
)
from conformance.catalogue_world import WorldReader, is_by_address
from conformance.errors import DataError, did_you_mean
from conformance.model import (
    Act,
    Befall,
    Change,
    Drop,
    Expectation,
    Hold,
    Requirement,
    Scenario,
    Side,
    Until,
    UntilAttempts,
    UntilRequest,
    World,
)
from conformance.yaml_source import Node, compose

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.model import Access, Step

__all__ = [
    "by_id",
    "family_id",
    "json_schema",
    "merge_scenarios",
    "parse_requirements",
    "parse_scenarios",
    "schema_text",
]

STEPS: Final = (
    "until",
    "until_attempts",
    "until_request",
    "change",
    "drop",
    "hold_ms",
    "worker",
    "subject",
    "browser",
)


def parse_requirements(text: str, source: str) -> tuple[Requirement, ...]:
    """The requirements in ``text``, in their order."""
    problems: list[DataError] = []
    lines: dict[str, int] = {}
    found = []
    for node in _entries(text, source, "requirements"):
        try:
            shape = read(RequirementShape, node, source)
        except DataError as error:
            problems.append(error)
            continue
        if shape.id in lines:
            problems.append(wrong(source, node.line, f"'{shape.id}': twice; first in line {lines[shape.id]}"))
        lines.setdefault(shape.id, node.line)
        found.append(Requirement(**shape.model_dump()))
    if problems:
        raise all_wrong(problems)
    return tuple(found)


def parse_scenarios(
    text: str, source: str, *, faults: Mapping[str, type], requirements: Mapping[str, Requirement]
) -> tuple[Scenario, ...]:
    """The scenarios in ``text``, every case one of its own, in their order."""
    reader = _Reader(source, WorldReader(source, faults), requirements)
    problems: list[DataError] = []
    lines: dict[str, int] = {}
    found: list[Scenario] = []
    for node in _entries(text, source, "scenarios"):
        name = str(node.fields["id"].plain()) if "id" in node.fields else ""
        if name in lines:
            problems.append(wrong(source, node.line_of(["id"]), f"'{name}': twice; first in line {lines[name]}"))
        if name:
            lines.setdefault(name, node.line)
        try:
            found += reader.entry(node)
        except DataError as error:
            problems.append(error)
    if problems:
        raise all_wrong(problems)
    return tuple(found)


def merge_scenarios(files: Iterable[tuple[Scenario, ...]]) -> tuple[Scenario, ...]:
    """The scenarios of several files as one catalogue; an id may stand in one of them only."""
    problems = []
    seen: dict[str, str] = {}
    merged: list[Scenario] = []
    for scenarios in files:
        own = {family_id(scenario.id): scenario.source for scenario in reversed(scenarios)}
        problems += [
            DataError(f"{place} '{name}': twice; first in {seen[name]}") for name, place in own.items() if name in seen
        ]
        seen |= own
        merged += scenarios
    if problems:
        raise all_wrong(problems)
    return tuple(merged)


def family_id(scenario_id: str) -> str:
    """The id as it is written in the file, without the case."""
    return scenario_id.partition("[")[0]


def by_id(requirements: Iterable[Requirement]) -> dict[str, Requirement]:
    """The requirements by their ids."""
    return {requirement.id: requirement for requirement in requirements}


def _entries(text: str, source: str, key: str) -> tuple[Node, ...]:
    """The list that the file holds under its only key."""
    root = compose(text, source)
    if not root.is_mapping:
        raise wrong(source, root.line, f"must be a mapping with the key '{key}'")
    for name, node in root.fields.items():
        if name != key:
            raise wrong(source, node.line, f"'{name}': no such key{did_you_mean(name, [key])}")
    entries = root.fields[key].items if key in root.fields else ()
    if not entries:
        raise wrong(source, root.line_of([key]), f"'{key}': must be a list with something in it")
    return entries


def _changes(steps: Iterable[Node]) -> list[Node]:
    return [step.fields["change"] for step in steps if step.is_mapping and "change" in step.fields]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the entries of one file."""

    source: str
    worlds: WorldReader
    requirements: Mapping[str, Requirement]

    def entry(self, node: Node) -> list[Scenario]:
        """One entry: one scenario, or one a case."""
        problems: list[DataError] = []
        found = []
        for case, filled in expand(node, self.source).items():
            try:
                found.append(self._scenario(case, filled))
            except DataError as error:
                problems.append(error)
        if problems:
            raise all_wrong(problems)
        return found

    def _scenario(self, case: str, node: Node) -> Scenario:
        entry = read(EntryShape, node, self.source)
        self._known(node.fields["covers"])
        given = node.fields["given"]
        access = read(GivenShape, given, self.source).access
        then = read(ThenShape, node.fields["then"], self.source)
        steps = node.fields["when"].items if "when" in node.fields else ()
        if entry.needs is None:
            self._ordinary(given, steps)
        return Scenario(
            id=f"{entry.id}[{case}]" if case else entry.id,
            family=entry.family.value,
            says=entry.says,
            covers=tuple(entry.covers),
            given=self._world(given, access, steps),
            when=tuple(self._step(step) for step in steps),
            then=Expectation(then.session, then.shown, then.within_ms, then.hold_ms),
            tags=tuple(entry.tags),
            source=f"{self.source}:{node.line}",
            namespace=entry.needs is not None,
        )

    def _world(self, given: Node, access: Access | None, steps: Iterable[Node]) -> World:
        both = is_by_address(given.fields[Side.PUBLIC])
        for server in _changes(steps):
            if server.is_mapping and not both and (public := server.fields.get(Side.PUBLIC)) and is_by_address(public):
                message = "the public server has two addresses from the start, or one; say of each what is given"
                raise wrong(self.source, public.line, message)
        servers = {side.value: self.worlds.server(given.fields[side], side) for side in Side}
        return World(**servers, access=access, both=both)

    def _ordinary(self, given: Node, steps: Iterable[Node]) -> None:
        """Only what every rig can stage."""
        servers = [node for world in (given, *_changes(steps)) if world.is_mapping for node in world.fields.values()]
        for server in servers:
            if (what := self.worlds.needs_namespace(server)) is not None:
                message = "needs a network of the rig's own; say so: 'needs: namespace' in the scenario"
                raise wrong(self.source, server.line, f"'{what}': {message}")

    def _known(self, covers: Node) -> None:
        ids = [str(item.plain()) for item in covers.items]
        for place, (name, item) in enumerate(zip(ids, covers.items, strict=True)):
            if name not in self.requirements:
                near = did_you_mean(name, self.requirements)
                raise wrong(self.source, item.line, f"'{name}': no such requirement{near}")
            if name in ids[:place]:
                raise wrong(self.source, item.line, f"'{name}': covered twice")

    def _step(self, node: Node) -> Step:
        if not node.is_mapping or len(node.fields) != 1:
            raise wrong(self.source, node.line, f"a step is a mapping with one key: {', '.join(STEPS)}")
        ((kind, value),) = node.fields.items()
        if kind.startswith("until") and kind in STEPS:
            return self._until(kind, value)
        match kind:
            case "worker" | "subject" | "browser":
                return Befall(self._act(kind, value))
            case "hold_ms":
                return Hold(read(HoldShape, node, self.source).hold_ms)
            case "change":
                side, server = self._side(value)
                return Change(side, self.worlds.server(server, side))
            case "drop":
                side, fault = self._side(value)
                return Drop(side, self.worlds.dropped(fault, side))
            case _:
                raise wrong(self.source, node.line_of([kind]), f"'{kind}': no such step{did_you_mean(kind, STEPS)}")

    def _until(self, kind: str, node: Node) -> Step:
        if kind == "until_attempts":
            attempts = read(UntilAttemptsShape, node, self.source)
            return UntilAttempts(attempts.count, attempts.within_ms)
        if kind == "until_request":
            request = read(UntilRequestShape, node, self.source)
            return UntilRequest(request.side, request.kind, request.within_ms)
        until = read(UntilShape, node, self.source)
        return Until(until.session, until.within_ms)

    def _act(self, whose: str, node: Node) -> Act:
        known = acts_of(whose)
        word = str(node.plain())
        if word not in known:
            raise wrong(self.source, node.line, f"'{word}': no {whose} step{did_you_mean(word, known)}")
        return known[word]

    def _side(self, node: Node) -> tuple[Side, Node]:
        if not node.is_mapping or len(node.fields) != 1:
            raise wrong(self.source, node.line, "one server a step: local or public")
        ((name, value),) = node.fields.items()
        if name not in tuple(Side):
            raise wrong(self.source, value.line, f"'{name}': no such server{did_you_mean(name, tuple(Side))}")
        return Side(name), value
