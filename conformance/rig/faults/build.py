"""From a scenario's words to fault objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from conformance.rig.faults.base import FAULTS, Fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.model import FaultSpec


def build(specs: Iterable[FaultSpec]) -> tuple[Fault, ...]:
    """The faults that ``specs`` name. They were validated when the catalogue was read."""
    return tuple(TypeAdapter(FAULTS[spec.name]).validate_python(dict(spec.parameters)) for spec in specs)
