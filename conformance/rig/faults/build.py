"""From a scenario's words to fault objects, and from those to what a fake asks at each stage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.catalogue_world import adapter_of
from conformance.model import Address
from conformance.rig.faults.base import (
    FAULTS,
    ConnectionFault,
    Fault,
    ListenFault,
    NetworkFault,
    SessionFault,
    SignatureFault,
    TlsFault,
    UpgradeFault,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.model import FaultSpec


def build(specs: Iterable[FaultSpec]) -> tuple[Fault, ...]:
    """The faults that ``specs`` name. They were validated when the catalogue was read."""
    return tuple(adapter_of(FAULTS[spec.name]).validate_python(dict(spec.parameters)) for spec in specs)


def build_at(specs: Iterable[FaultSpec]) -> dict[Address | None, tuple[Fault, ...]]:
    """The same by the address that has them; None alone: every address is alike."""
    stated = list(specs)
    places: tuple[Address | None, ...] = tuple(Address) if any(spec.on for spec in stated) else (None,)
    return {place: build(spec for spec in stated if spec.on in (None, place)) for place in places}


@dataclass(frozen=True, slots=True)
class FaultSet:
    """At most one fault a stage; None: healthy there."""

    network: NetworkFault | None = None
    listen: ListenFault | None = None
    connection: ConnectionFault | None = None
    tls: TlsFault | None = None
    signature: SignatureFault | None = None
    upgrade: UpgradeFault | None = None
    session: SessionFault | None = None

    @classmethod
    def of(cls, faults: Iterable[Fault]) -> FaultSet:
        """Each fault in its place."""
        chosen = cls()
        for fault in faults:
            match fault:
                case NetworkFault():
                    chosen = replace(chosen, network=fault)
                case ListenFault():
                    chosen = replace(chosen, listen=fault)
                case ConnectionFault():
                    chosen = replace(chosen, connection=fault)
                case TlsFault():
                    chosen = replace(chosen, tls=fault)
                case SignatureFault():
                    chosen = replace(chosen, signature=fault)
                case UpgradeFault():
                    chosen = replace(chosen, upgrade=fault)
                case SessionFault():
                    chosen = replace(chosen, session=fault)
        return chosen
