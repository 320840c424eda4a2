"""Whether every fault that the subject met was seen at work: without that, nothing it did tells anything.

Pure. A fault that the subject never came to needs no proof: a WebSocket fault when it opened no
WebSocket, a public one when it left the public server alone. One that was seen to be another than the scenario
states, in any of its parameters or at another address, is doubted wherever it was met.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.events import (
    ConnectionAccepted,
    ConnectionClosed,
    Event,
    FaultFellShort,
    FaultProved,
    FaultTookEffect,
    FetchStarted,
    RequestReceived,
    ResponseSent,
    SessionClosed,
    SessionOpened,
    SessionsDropped,
    SocketClosed,
    SocketFailed,
    SocketStarted,
    TcpEnded,
    TcpStarted,
)
from conformance.model import Address, Change, Drop, Side, written_on
from conformance.oracles.case import SOURCE
from conformance.oracles.world import HALF_OPEN, STAGES, UNTOLD, Stage, name_of

if TYPE_CHECKING:
    from conformance.model import FaultSpec
    from conformance.oracles.case import Case
    from conformance.oracles.world import Span

# A fault does its work, and a fake records it, this much after the connection that meets it at the latest.
_WORK_MS = 50.0
# A fake notes a request before a fault can wait, and the answer after, by one clock: so far it may be rounded.
_CLOCK_MS = 1.0
_PINGS = "ping_only"  # goes on, and proves itself again and again


def unproved(case: Case) -> tuple[str, ...]:
    """The faults that the subject met and that nobody saw at work, in words."""
    told = [f"{each.side.value} {each.fault}: {each.detail}" for each in case.timeline.all(FaultFellShort)]
    told += [line for side in Side for line in (*_misplaced(case, side), *_paused(case, side))]
    for side in Side:
        for span in case.spans(side):
            for spec in (*span.faults, *span.passed):
                met = _met(case, span, STAGES.get(spec.name))
                if met is not None and not (_proved(case, span, spec) or _seen_at_work(case, span, spec)):
                    told.append(f"{side.value} {spec}, met at {met.at_ms:.0f} ms")
    drops = case.timeline.all(SessionsDropped, lambda drop: drop.count > 0)
    told += [
        f"{drop.side.value} drop {drop.fault} at {drop.at_ms:.0f} ms" for drop in drops if not _dropped(case, drop)
    ]
    return tuple(told)


def _met(case: Case, span: Span, stage: Stage | None) -> Event | None:
    """The first event that shows the subject at ``stage`` with the fault in force, and time left to work on it."""
    until_ms = min(span.end_ms, case.end_ms) - _WORK_MS - case.error_ms
    between = (event for event in case.timeline if span.start_ms <= event.at_ms < until_ms)
    return next((event for event in between if _is_at(case, event, span, stage)), None)


def _is_at(case: Case, event: Event, span: Span, stage: Stage | None) -> bool:
    there = event.source is SOURCE[span.side]
    match stage:
        case Stage.RESOLVE | Stage.NETWORK | Stage.LISTEN:
            return _is_contact(case, event, span.side)
        case Stage.CONNECTION | Stage.TLS:
            came = isinstance(event, TcpEnded) and event.side is span.side and not event.error
            return came or (there and isinstance(event, ConnectionAccepted))
        case Stage.SIGNATURE:
            return there and isinstance(event, RequestReceived) and _asks(case, event)
        case Stage.WEBSOCKET:
            return there and isinstance(event, RequestReceived) and event.upgrade
        case Stage.SESSION:
            return there and isinstance(event, SessionOpened)
    return _is_contact(case, event, span.side)  # a fault that is not known here: any contact meets it


def _is_contact(case: Case, event: Event, side: Side) -> bool:
    if isinstance(event, TcpStarted):
        return event.side is side
    return isinstance(event, FetchStarted | SocketStarted) and case.role(event.url).side is side


def _asks(case: Case, event: RequestReceived) -> bool:
    path = urlsplit(case.endpoints.signature).path or "/"
    return not event.upgrade and (urlsplit(event.target).path or "/") == path


def _proved(case: Case, span: Span, spec: FaultSpec) -> bool:
    """Proof may be had from when the rig began to set the fault, or come a little after its time.

    It is the fault's with these parameters, and a probe's at this address, as far as the record tells.
    """
    near_ms = _WORK_MS + case.error_ms
    before = [each.start_ms for each in case.spans(span.side) if each.start_ms < span.start_ms]
    for event in case.timeline:
        match event:
            case FaultProved(side=side, fault=name) if side is span.side and _is_of(spec, name, spec.on):
                if max(before, default=span.start_ms) <= event.at_ms < span.end_ms:
                    return True
            case FaultTookEffect(fault=name) if event.source is SOURCE[span.side] and _is_of(spec, name):
                if span.start_ms - near_ms <= event.at_ms < span.end_ms + near_ms:
                    return True
            case _:
                pass
    return False


def _is_of(spec: FaultSpec, written: str, on: Address | None = None) -> bool:
    """Whether a record's word for a fault is this one's."""
    if spec.parameters is UNTOLD:
        return name_of(written) == spec.name
    return written == str(replace(spec, on=on))


def _seen_at_work(case: Case, span: Span, spec: FaultSpec) -> bool:
    """Two faults show by what others saw: a name that was not found, and an answer that was held back.

    The fault that delays notes its effect when the delay is over, and the subject may have left by then.
    """
    if STAGES.get(spec.name) is Stage.RESOLVE:
        failed = case.timeline.all(SocketFailed, lambda event: event.error == "ERR_NAME_NOT_RESOLVED")
        return any(span.start_ms <= event.at_ms < span.end_ms for event in failed)
    delay_ms = spec.parameters.get("delay_ms")
    if not isinstance(delay_ms, int | float) or delay_ms <= 0:
        return False
    there = [event for event in case.timeline if event.source is SOURCE[span.side] and event.at_ms >= span.start_ms]
    asked = next((event for event in there if _is_at(case, event, span, STAGES.get(spec.name))), None)
    if not isinstance(asked, RequestReceived):
        return False
    early_ms = asked.at_ms + delay_ms - _CLOCK_MS
    return not any(
        isinstance(event, ResponseSent | SessionOpened)
        and event.connection == asked.connection
        and asked.at_ms <= event.at_ms < early_ms
        for event in there
    )


def _misplaced(case: Case, side: Side) -> list[str]:
    """Each fault that was seen at work on an address where the scenario has none such."""
    steps = [step for step in case.scenario.when if isinstance(step, Change | Drop) and step.side is side]
    later = [spec for step in steps for spec in (step.faults if isinstance(step, Change) else (step.fault,))]
    stated = {(spec.name, spec.on) for spec in (*case.scenario.given.of(side), *later)}
    return [
        f"{side.value} {fault}: it was at work at {address.written}"
        for fault, address in _seen_at(case, side)
        if not {(name_of(fault), None), (name_of(fault), address)} & stated
    ]


def _seen_at(case: Case, side: Side) -> list[tuple[str, Address]]:
    """Every fault that was seen, with where, as far as the record tells."""
    accepted = case.timeline.all(ConnectionAccepted, lambda event: event.source is SOURCE[side] and event.address != "")
    at = {event.connection: Address.V6 if event.address.startswith("[") else Address.V4 for event in accepted}
    effects = case.timeline.all(FaultTookEffect, lambda event: event.source is SOURCE[side] and event.connection in at)
    proved = case.timeline.all(FaultProved, lambda event: event.side is side)
    probed = [
        (event.fault, address) for event in proved for address in Address if event.fault.endswith(written_on(address))
    ]
    return [*((event.fault, at[event.connection]) for event in effects), *probed]


def _paused(case: Case, side: Side) -> list[str]:
    """Each session in which a fault that goes on did not, for longer than its interval."""
    spec = next((spec for spec in case.scenario.given.of(side) if spec.name == _PINGS), None)
    interval_ms = None if spec is None else spec.parameters.get("interval_ms")
    if not isinstance(interval_ms, int | float):
        return []
    told = []
    there = [event for event in case.timeline if event.source is SOURCE[side]]
    pings = [event for event in there if isinstance(event, FaultTookEffect) and name_of(event.fault) == _PINGS]
    for connection in dict.fromkeys(event.connection for event in pings):
        times = [event.at_ms for event in pings if event.connection == connection]
        ends = [
            e.at_ms for e in there if isinstance(e, SessionClosed | ConnectionClosed) and e.connection == connection
        ]
        ends += [drop.at_ms for drop in case.timeline.all(SessionsDropped) if drop.side is side and drop.count]
        times.append(min((end_ms for end_ms in ends if end_ms >= times[0]), default=case.end_ms))
        longest_ms = max(later - earlier for earlier, later in pairwise(times))
        if longest_ms > interval_ms + _WORK_MS + case.error_ms:
            told.append(f"{side.value} {spec}: it paused for {longest_ms:.0f} ms")
    return told


def _dropped(case: Case, drop: SessionsDropped) -> bool:
    """Whether the drop was seen at work: by its own event or, where sessions end by it, by such an end."""
    since_ms = drop.at_ms - _WORK_MS - case.error_ms
    later = [event for event in case.timeline if event.at_ms >= since_ms]
    there = SOURCE[drop.side]
    name = name_of(drop.fault)
    if any(
        isinstance(event, FaultTookEffect) and event.source is there and name_of(event.fault) == name for event in later
    ):
        return True
    ends = any(isinstance(event, SessionClosed) and event.source is there for event in later)
    gone = {session.socket.closed for session in case.sessions if session.socket.dropped == drop}
    return name != HALF_OPEN and (ends or any(isinstance(event, SocketClosed) and event in gone for event in later))
