"""What a scenario says of its servers: ``up``, ``down``, or faults with their parameters.

Pure. The registry of faults is handed in: dataclasses by name, each with ``stage`` and ``sides``. What
a fault does is the rig's business; here it is a name and parameters that fit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from conformance.catalogue_shapes import all_wrong, explain, wrong
from conformance.errors import did_you_mean
from conformance.model import Address, FaultSpec, Side
from conformance.signatures import VARIANTS

if TYPE_CHECKING:
    from conformance.errors import DataError
    from conformance.model import Json
    from conformance.yaml_source import Node

UP: Final = "up"
DOWN: Final = "down"
DOWN_FAULT: Final = "refused"  # what `down` is short for
SESSION_STAGE: Final = "session"  # the faults that can be applied to a session that is open
UNDIVIDED: Final = ("resolve", "network")  # the stages before a connection has one address or the other
VARIANT_PARAMETER: Final = "signature"  # a parameter of this name is a variant of signatures.py


def stage_of(fault: type) -> str:
    """Where in a connection's life the fault does its work, as text."""
    stage = getattr(fault, "stage", "")
    return str(getattr(stage, "value", stage)).lower()


def sides_of(fault: type) -> tuple[Side, ...]:
    """The servers that can have the fault."""
    return tuple(getattr(fault, "sides", tuple(Side)))


def is_by_address(server: Node) -> bool:
    """Whether what it says of a server is said of each of its addresses."""
    return server.is_mapping and not server.fields.keys().isdisjoint(Address)


def parameters_of(fault: type) -> list[str]:
    """The names of what a scenario may state of the fault."""
    return [parameter.name for parameter in fields(fault) if parameter.init]


def _default(parameter: Field[Any]) -> object:
    return parameter.default if parameter.default_factory is MISSING else parameter.default_factory()


@cache
def adapter_of(fault: type) -> TypeAdapter[Any]:
    """The reader of the fault's parameters."""
    return TypeAdapter(fault)


@dataclass(frozen=True, slots=True)
class WorldReader:
    """Reads one file's worlds against one registry of faults."""

    source: str
    registry: Mapping[str, type]

    def server(self, node: Node, side: Side) -> tuple[FaultSpec, ...]:
        """One server: ``up``, ``down``, or a mapping of faults."""
        if node.value == UP:
            return ()
        if node.value == DOWN:
            return (FaultSpec(DOWN_FAULT),)
        if not node.is_mapping or not node.fields:
            raise self._no_server(node)
        if is_by_address(node):
            return self._by_address(node, side)
        by_stage: dict[str, str] = {}
        specs = []
        for name, parameters in node.fields.items():
            specs.append(self.fault(name, parameters, side))
            stage = stage_of(self.registry[name])
            if stage in by_stage:
                beside = by_stage[stage]
                raise self._wrong(parameters, f"'{name}': a second fault of the {stage} stage, beside '{beside}'")
            by_stage[stage] = name
        return tuple(specs)

    def _by_address(self, node: Node, side: Side) -> tuple[FaultSpec, ...]:
        """A server that is not the same on each of its addresses."""
        for name, server in node.fields.items():
            if name not in tuple(Address):
                raise self._wrong(server, f"'{name}': no address of a server's{did_you_mean(name, tuple(Address))}")
        missing = [address.value for address in Address if address not in node.fields]
        if missing:
            raise self._wrong(node, f"'{missing[0]}': missing; say what each address is like: v4 and v6")
        for server in node.fields.values():
            if server.is_mapping and (within := server.fields.keys() & set(Address)):
                raise self._wrong(server, f"'{min(within)}': an address stands by itself, not within another")
            for name in server.fields if server.is_mapping else ():
                if stage_of(self.registry.get(name, object)) in UNDIVIDED:
                    message = "is the same for both addresses; it cannot be said of one"
                    raise self._wrong(server.fields[name], f"'{name}': {message}")
        return tuple(
            replace(spec, on=address) for address in Address for spec in self.server(node.fields[address], side)
        )

    def needs_namespace(self, server: Node) -> str | None:
        """The first word of a server that only a network of the rig's own can give; None: there is none."""
        names = server.fields if server.is_mapping else {}
        return next(
            (
                name
                for name in names
                if name in tuple(Address) or getattr(self.registry.get(name), "needs_namespace", False)
            ),
            None,
        )

    def dropped(self, node: Node, side: Side) -> FaultSpec:
        """The one session fault of a drop."""
        known = [name for name, fault in self.registry.items() if stage_of(fault) == SESSION_STAGE]
        if not node.is_mapping or len(node.fields) != 1:
            raise self._wrong(node, f"a drop is one session fault as a mapping; known: {', '.join(known)}")
        ((name, parameters),) = node.fields.items()
        if name in self.registry and name not in known:
            raise self._wrong(parameters, f"'{name}': no fault of an open session; known: {', '.join(known)}")
        return self.fault(name, parameters, side)

    def fault(self, name: str, node: Node, side: Side) -> FaultSpec:
        """One fault of ``side``, its parameters checked."""
        fault = self.registry.get(name)
        if fault is None:
            raise self._wrong(node, f"'{name}': no such fault{did_you_mean(name, self.registry)}")
        if side not in sides_of(fault):
            only = ", ".join(sides_of(fault))
            raise self._wrong(node, f"'{name}': a fault of the {only} server only, not of the {side} one")
        if not node.is_mapping:
            raise self._wrong(node, f"'{name}': takes a mapping of parameters; write {{}} for none")
        known = parameters_of(fault)
        problems = [
            self._wrong(value, f"'{key}': no such parameter of '{name}'{did_you_mean(key, known) or '; it takes none'}")
            for key, value in node.fields.items()
            if key not in known
        ]
        if problems:
            raise all_wrong(problems)
        return FaultSpec(name, self._parameters(name, fault, node))

    def _parameters(self, name: str, fault: type, node: Node) -> dict[str, Json]:
        """The parameters in one form however they were written: the fault's order and types, no defaults.

        So a fault has the same words in a scenario and in a record, whoever wrote them.
        """
        variant = node.fields.get(VARIANT_PARAMETER)
        if variant is not None and isinstance(variant.value, str) and variant.value not in VARIANTS:
            near = did_you_mean(variant.value, VARIANTS)
            raise self._wrong(variant, f"'{variant.value}': no such signature variant{near}")
        try:
            made = adapter_of(fault).validate_json(json.dumps(node.plain()), strict=True)
        except ValidationError as error:
            raise all_wrong(
                wrong(self.source, node.line_of(one["loc"]), f"{explain(one)} (of '{name}')") for one in error.errors()
            ) from error
        stated = {parameter.name: getattr(made, parameter.name) for parameter in fields(fault) if parameter.init}
        defaults = {parameter.name: _default(parameter) for parameter in fields(fault)}
        plain: dict[str, Json] = adapter_of(fault).dump_python(made, mode="json")
        return {key: plain[key] for key, value in stated.items() if value != defaults[key]}

    def _no_server(self, node: Node) -> DataError:
        said = node.plain()
        hint = f"; write {{{said}: {{}}}}" if isinstance(said, str) and said in self.registry else ""
        return self._wrong(node, f"{json.dumps(said)}: a server is up, down, or a mapping of faults{hint}")

    def _wrong(self, node: Node, message: str) -> DataError:
        return wrong(self.source, node.line, message)
