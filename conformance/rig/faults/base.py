"""What a fault is: one small frozen dataclass, one method, and its proof.

A scenario names a fault by its ``name``; the dataclass' fields are its parameters. The stage says
where on a connection's way it sits, and which base class it has; a side has at most one fault a
stage. ``apply`` misbehaves; the proof that it did is either what ``apply`` returns (ListenFault and NetworkFault,
seen by an independent probe before the subject can meet it) or ``link.took_effect`` (every other, noted
when it was done to a connection of the subject's). A fault without proof makes findings
INCONCLUSIVE, so never note an effect before it is one.

No fault vouches for itself: ``shortfall`` weighs what the probe or the connection has seen against what the scenario
states, parameter by parameter. What is lacking becomes an event (FaultFellShort) in the place of the proof.

To add one: write the class in the stage's module with ``@fault``, and its test. Nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, TypeVar

from conformance.model import Side

if TYPE_CHECKING:
    import ssl

    from conformance.rig.certificates import Certificates, Refusal
    from conformance.rig.http import Request
    from conformance.rig.link import Link
    from conformance.rig.network import Network
    from conformance.rig.ports import ReservedPort
    from conformance.rig.session import Session
    from conformance.rig.traffic import Traffic

BOTH = (Side.LOCAL, Side.PUBLIC)


class Stage(StrEnum):
    """Where on its way a connection meets the fault."""

    RESOLVE = "resolve"  # the browser's look-up of the host
    NETWORK = "network"  # the way to the public server
    LISTEN = "listen"  # the port's answer to a SYN
    CONNECTION = "connection"  # raw bytes, right after accept
    TLS = "tls"
    SIGNATURE = "signature"  # the answer to GET of the signature URL
    WEBSOCKET = "websocket"  # the answer to the upgrade
    SESSION = "session"  # an open WebSocket session


class Fault(ABC):
    """Base of all faults. ``str(fault)`` is how records and reports name it, parameters included."""

    name: ClassVar[str]
    stage: ClassVar[Stage]
    sides: ClassVar[tuple[Side, ...]] = BOTH
    needs_namespace: ClassVar[bool] = False  # only a rig with a network of its own can have it

    def __str__(self) -> str:
        inner = ", ".join(
            f"{field.name}={value}"
            for field in fields(self)  # type: ignore[arg-type]  # every fault is a dataclass: @fault makes it one
            if (value := getattr(self, field.name)) not in (field.default, {})
        )
        return f"{self.name}({inner})" if inner else self.name


class ResolveFault(Fault):
    """The browser does not find the host. A launch flag, so the scenario gets a browser of its own."""

    stage = Stage.RESOLVE

    @abstractmethod
    def apply(self, host: str) -> str:
        """The host-mapping rule that does it."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What an independent probe saw. ``figure``: what it measured of the fault's own measure, if that has one."""

    detail: str
    figure: float = 0.0


class NetworkFault(Fault):
    """The way to the public server misbehaves; what is on the browser's own machine does not."""

    stage = Stage.NETWORK
    sides = (Side.PUBLIC,)
    needs_namespace = True

    @abstractmethod
    async def apply(self, network: Network) -> Probed:
        """Put the network in this state and prove it by a probe. Raises RigFailed when the probe sees another."""

    @abstractmethod
    def shortfall(self, probed: Probed) -> str:
        """What the network lacks to be what the scenario states, by a probe's word; ``""``: nothing."""


class ListenFault(Fault):
    """The port itself misbehaves. ``answers``: connections can come about all the same."""

    stage = Stage.LISTEN
    answers: ClassVar[bool] = False

    @abstractmethod
    async def apply(self, port: ReservedPort) -> Probed:
        """Put the port in this state and prove it by a probe. Raises RigFailed when the probe sees another."""

    @abstractmethod
    def shortfall(self, probed: Probed) -> str:
        """What the port lacks to be what the scenario states, by a probe's word; ``""``: nothing."""


class LinkFault(Fault):
    """A connection of the subject's misbehaves. ``lasts``: beyond its work, for the life of the connection."""

    lasts: ClassVar[bool] = False

    @abstractmethod
    def shortfall(self, link: Link, traffic: Traffic) -> str:
        """What the connection was not sent of it, by what was sent since it met the fault; ``""``: nothing."""


class ConnectionFault(LinkFault):
    """The accepted TCP connection misbehaves before any protocol is spoken."""

    stage = Stage.CONNECTION

    @abstractmethod
    async def apply(self, link: Link) -> None:
        """Serve the whole connection."""


class TlsFault(Fault):
    """The port speaks the wrong TLS, or none. The fake notes the effect when the handshake is over."""

    stage = Stage.TLS

    @abstractmethod
    def apply(self, certificates: Certificates) -> ssl.SSLContext | None:
        """The context to serve with; None for plain text."""

    @abstractmethod
    def shortfall(self, refusal: Refusal | None) -> str:
        """What the context lacks to be what the scenario states, by why a careful client refuses it.

        None: there is no TLS, or none is expected. ``""``: nothing.
        """


class SignatureFault(LinkFault):
    """The answer to the signature GET misbehaves."""

    stage = Stage.SIGNATURE

    @abstractmethod
    async def apply(self, link: Link, request: Request) -> None:
        """Answer the request."""


class UpgradeFault(LinkFault):
    """The answer to a WebSocket upgrade misbehaves."""

    stage = Stage.WEBSOCKET

    @abstractmethod
    async def apply(self, session: Session) -> None:
        """Answer the upgrade."""


class SessionFault(LinkFault):
    """An open session misbehaves: right after it opened, or when a scenario's ``drop`` says so."""

    stage = Stage.SESSION
    is_silence: ClassVar[bool] = False  # whether a subject can notice it only by an answer that it has had before

    @abstractmethod
    async def apply(self, session: Session) -> None:
        """Misbehave on the open session."""


F = TypeVar("F", bound=type[Fault])

FAULTS: dict[str, type[Fault]] = {}


def fault(kind: F) -> F:
    """Register a fault class under its name."""
    FAULTS[kind.name] = kind
    return kind
