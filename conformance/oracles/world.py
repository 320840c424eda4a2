"""What the faults of a world mean to a subject: which stage they meet it at, and what it is shown.

Pure. The faults themselves are the rig's; this is the judge's knowledge of them, by name. A name that
is not known here is judged with the least confidence: nothing is concluded from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from math import inf
from typing import TYPE_CHECKING

from conformance.events import SubjectStarted, WorldSet
from conformance.model import Address, Change, FaultSpec, Json, Shown, Side
from conformance.signatures import VARIANTS, is_good

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.model import Scenario
    from conformance.timeline import Timeline


class Stage(IntEnum):
    """Where a fault meets a connection, in the order in which a connection comes to it."""

    RESOLVE = 0
    NETWORK = 1
    LISTEN = 2
    CONNECTION = 3
    TLS = 4
    SIGNATURE = 5
    WEBSOCKET = 6
    SESSION = 7


STAGES: dict[str, Stage] = {
    "name_not_found": Stage.RESOLVE,
    "offline": Stage.NETWORK,
    "delay": Stage.NETWORK,
    "loss": Stage.NETWORK,
    "refused": Stage.LISTEN,
    "blackhole": Stage.LISTEN,
    "drop_syn": Stage.LISTEN,
    "silent": Stage.CONNECTION,
    "banner": Stage.CONNECTION,
    "reset": Stage.CONNECTION,
    "hang_up": Stage.CONNECTION,
    "tls_on_port": Stage.TLS,
    "plaintext": Stage.TLS,
    "certificate": Stage.TLS,
    "old_tls": Stage.TLS,
    "answer": Stage.SIGNATURE,
    "stall": Stage.SIGNATURE,
    "drip": Stage.SIGNATURE,
    "endless": Stage.SIGNATURE,
    "huge": Stage.SIGNATURE,
    "reset_response": Stage.SIGNATURE,
    "cut_response": Stage.SIGNATURE,
    "redirect": Stage.SIGNATURE,
    "die_after_signature": Stage.SIGNATURE,
    "refuse_upgrade": Stage.WEBSOCKET,
    "hang_upgrade": Stage.WEBSOCKET,
    "wrong_accept": Stage.WEBSOCKET,
    "reset_upgrade": Stage.WEBSOCKET,
    "slow_upgrade": Stage.WEBSOCKET,
    "close": Stage.SESSION,
    "reset_session": Stage.SESSION,
    "half_open": Stage.SESSION,
    "ping_only": Stage.SESSION,
    "burst": Stage.SESSION,
    "oversize_frame": Stage.SESSION,
    "malformed_frame": Stage.SESSION,
}

DIES = "die_after_signature"  # good once, then it refuses: the only fault that changes by itself
HALF_OPEN = "half_open"
OFFLINE = "offline"
LATE = frozenset({"slow_upgrade", "delay", "loss"})  # opens in the end: late, not broken

_BEARABLE = frozenset({"ping_only", "burst", "oversize_frame"})  # a session goes on under these

_SHOWN = {
    "refused": Shown.BAD,
    "reset": Shown.BAD,
    "hang_up": Shown.BAD,
    "tls_on_port": Shown.BAD,
    "reset_response": Shown.BAD,
    "cut_response": Shown.BAD,
    "blackhole": Shown.SILENT,
    "drop_syn": Shown.SILENT,
    "silent": Shown.SILENT,
    "stall": Shown.SILENT,
    DIES: Shown.GOOD,
}


def stage_of(fault: str) -> Stage | None:
    """The stage of a fault as a record writes it: ``name`` or ``name(key=value)``."""
    return STAGES.get(name_of(fault))


def name_of(fault: str) -> str:
    """The name alone, without parameters and address."""
    return fault.partition("(")[0].partition(" ")[0]


# Of a fault whose parameters are not known nothing is concluded.
UNTOLD: Mapping[str, Json] = {"signature": None}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which one side's faults did not change. ``given``: the scenario's first world.

    ``faults``: what a subject that asks for the server by its name meets. ``passed``: those of an address
    that its browser passes over, because no connection comes about there.
    """

    side: Side
    start_ms: float
    end_ms: float
    faults: tuple[FaultSpec, ...]
    given: bool
    passed: tuple[FaultSpec, ...] = ()

    def overlaps(self, start_ms: float, end_ms: float) -> bool:
        """Whether any of it lies between those times."""
        return self.start_ms <= end_ms and start_ms < self.end_ms


def spans(timeline: Timeline, scenario: Scenario, side: Side, host: str = "localhost") -> tuple[Span, ...]:
    """The worlds of one side, from before the subject's start to the end, as the rig set them.

    ``host``: how the subject calls the local server.
    """
    started = timeline.first(SubjectStarted)
    start_ms = 0.0 if started is None else started.at_ms
    later = timeline.all(WorldSet, lambda event: event.side is side and event.at_ms > start_ms)
    stated = [step.faults for step in scenario.when if isinstance(step, Change) and step.side is side]
    edges = [event.at_ms for event in later]
    worlds = [scenario.given.of(side), *(_specs(event, stated[place:]) for place, event in enumerate(later))]
    return tuple(
        Span(side, low, high, met_at(host, faults), given=place == 0, passed=_passed(host, faults))
        for place, (low, high, faults) in enumerate(zip([-inf, *edges], [*edges, inf], worlds, strict=True))
    )


def met_at(host: str, faults: tuple[FaultSpec, ...]) -> tuple[FaultSpec, ...]:
    """The faults of the address at which a connection to ``host`` comes about.

    The browser connects to ::1 first and, where that fails or is not answered within 300 ms, to 127.0.0.1
    (Chromium ``TransportConnectJob``); it never goes back for what was answered there.
    """
    order = addresses_of(host)
    at = {address: tuple(spec for spec in faults if spec.on in (None, address)) for address in order}
    return next((specs for specs in at.values() if not any(_is_deaf(spec) for spec in specs)), at[order[-1]])


def addresses_of(host: str) -> tuple[Address, ...]:
    """The addresses of the local server's host, in the order in which the browser tries them."""
    if host == "localhost" or host.endswith(".localhost"):
        return (Address.V6, Address.V4)
    return (Address.V6,) if host == "::1" else (Address.V4,)


def _is_deaf(spec: FaultSpec) -> bool:
    return STAGES.get(spec.name) is Stage.LISTEN


def _passed(host: str, faults: tuple[FaultSpec, ...]) -> tuple[FaultSpec, ...]:
    met = met_at(host, faults)
    return tuple(spec for spec in faults if _is_deaf(spec) and spec not in met)


def _specs(event: WorldSet, stated: Sequence[tuple[FaultSpec, ...]]) -> tuple[FaultSpec, ...]:
    """The faults of a change as the scenario states them; the record has their names, and not every parameter."""
    names = [name_of(fault) for fault in event.faults]
    if stated and sorted(spec.name for spec in stated[0]) == sorted(names):
        return stated[0]
    return tuple(FaultSpec(name, UNTOLD) for name in names)


def shown_by(faults: tuple[FaultSpec, ...]) -> Shown | None:
    """What a local server with these faults shows a subject that asks; None: cannot be said."""
    early = [spec for spec in faults if STAGES.get(spec.name, Stage.RESOLVE) <= Stage.SIGNATURE]
    if not early:
        return Shown.GOOD
    first = min(early, key=lambda spec: STAGES.get(spec.name, Stage.RESOLVE))
    if first.name == "drop_syn" and first.parameters.get("first"):
        return None  # a second later the connection is there
    return _answer_shows(first) if first.name == "answer" else _SHOWN.get(first.name)


def _answer_shows(answer: FaultSpec) -> Shown | None:
    known = answer.parameters
    variant = known.get("signature", "good")
    if known.get("body") is not None or known.get("delay_ms") or not isinstance(variant, str):
        return None
    if variant not in VARIANTS:
        return None
    if not is_good(variant):
        return Shown.BAD
    return Shown.GOOD if known.get("status", 200) == 200 else None  # noqa: PLR2004 - the rest is arguable


def serves(side: Side, faults: tuple[FaultSpec, ...]) -> bool:
    """Whether a subject that does it right gets a session there, without any delay of the server's."""
    hard = [spec for spec in faults if spec.name not in _BEARABLE]
    if side is Side.PUBLIC:
        return not hard
    return shown_by(faults) is Shown.GOOD and all(spec.name == "answer" for spec in hard)
