"""PUB: how the subject treats the public server.

Pure.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.events import CertificateRejected, SocketOpened, SocketStarted
from conformance.model import FaultSpec, Role, Side
from conformance.oracles.findings import evidence_of
from conformance.oracles.registry import oracle
from conformance.oracles.retrying import judge_waits
from conformance.oracles.waits import noise_ms
from conformance.oracles.world import STAGES, Stage
from conformance.throttle import before_socket_ms
from conformance.verdict import Finding, Verdict

if TYPE_CHECKING:
    from conformance.attempts import SocketTry
    from conformance.events import Event
    from conformance.oracles.case import Case

_PLAIN = ("ws", "http")
_BUSY = (429, 503)  # RFC 6585, 4 and RFC 9110, 15.6.4: both mean "later"


@oracle("PUB-1", everywhere=True)
def tls_only(case: Case) -> Finding | None:
    """It reaches the public host over TLS only."""
    if case.endpoints.public is None:
        return case.without_public("PUB-1")
    contacts = [contact for contact in case.contacts() if case.role(contact.url).side is Side.PUBLIC]
    if not contacts:
        return case.absent("PUB-1", "the subject never contacted the public host")
    plain = next((contact for contact in contacts if urlsplit(contact.url).scheme in _PLAIN), None)
    if plain is not None:
        reason = f"it reached for {plain.url} at {plain.at_ms:.0f} ms, without TLS"
        return Finding("PUB-1", Verdict.FAIL, reason, evidence_of(plain))
    told = "one contact" if len(contacts) == 1 else f"all {len(contacts)} contacts"
    return Finding("PUB-1", Verdict.PASS, f"{told} with the public host over TLS", evidence_of(*contacts))


@oracle("PUB-2")
def certificate(case: Case) -> Finding | None:
    """It opens no session with a public server whose certificate is invalid, or that is not behind TLS at all."""
    if case.endpoints.public is None:
        return case.without_public("PUB-2")
    tries = [socket for socket in _public_tries(case) if _untrusted(case, socket.started)]
    around = _opened_around(case)
    if around is not None:
        reason = f"it had a session with a public server that it must not trust, without TLS, at {around.at_ms:.0f} ms"
        return Finding("PUB-2", Verdict.FAIL, reason, evidence_of(around))
    if not tries:
        return case.absent("PUB-2", "the subject tried no public server that it must not trust")
    opened = next((socket.opened for socket in tries if socket.opened is not None), None)
    if opened is not None:
        reason = f"it had a session with a public server that it must not trust, at {opened.at_ms:.0f} ms"
        return Finding("PUB-2", Verdict.FAIL, reason, evidence_of(opened))
    failed = [socket.failed for socket in tries if socket.failed is not None]
    rejected = case.timeline.all(CertificateRejected)
    if not failed:
        reason = "its public WebSocket was still opening when watching ended"
        return Finding("PUB-2", Verdict.INCONCLUSIVE, reason, evidence_of(tries[0].started, *rejected))
    reason = f"no session with a public server that it must not trust ({failed[0].error})"
    return Finding("PUB-2", Verdict.PASS, reason, evidence_of(*failed, *rejected))


def _public_tries(case: Case) -> list[SocketTry]:
    tries = [socket for attempt in case.attempts for socket in attempt.tries(Side.PUBLIC)]
    return sorted(tries, key=lambda socket: socket.started.seq)


def _untrusted(case: Case, started: Event) -> bool:
    faults = case.span_at(Side.PUBLIC, started.at_ms).faults
    return any(STAGES.get(spec.name) is Stage.TLS for spec in faults)


def _opened_around(case: Case) -> SocketOpened | None:
    """A WebSocket to the public host by another address than the profile's: a way around what it must not trust."""
    others = {
        event.request
        for event in case.timeline.all(SocketStarted)
        if case.role(event.url) is Role.PUBLIC_OTHER and _untrusted(case, event)
    }
    return case.timeline.first(SocketOpened, lambda event: event.request in others)


@oracle("PUB-3")
def backs_off(case: Case) -> Finding | None:
    """It backs off when the public server refuses."""
    if case.endpoints.public is None:
        return case.without_public("PUB-3")
    rows, left_out = _refused_rows(case)
    if rows or left_out:
        return judge_waits(case, "PUB-3", rows, left_out, with_jitter=False)
    met = any(_is_refused(case, socket) for socket in _public_tries(case))
    seen = "never tried again after" if met else "never met"
    return case.absent("PUB-3", f"the subject {seen} a refusal by the public server")


def _refused_rows(case: Case) -> tuple[list[list[tuple[float, Event]]], list[Event]]:
    """For each run of refusals the waits after them; and the ends of those that the browser may have made."""
    rows: list[list[tuple[float, Event]]] = []
    left_out: list[Event] = []
    before = -1
    for place, (refused, following) in enumerate(pairwise(_public_tries(case)), 1):
        if refused.failed is None or not _is_refused(case, refused):
            continue
        since_ms = refused.failed.at_ms
        wait_ms = following.started.at_ms - since_ms
        if before_socket_ms(case.attempts, following, since_ms) > noise_ms(wait_ms, case.error_ms):
            left_out.append(following.started)
            continue
        if before != place - 1:
            rows.append([])
        rows[-1].append((wait_ms, following.started))
        before = place
    return rows, left_out


def _is_refused(case: Case, socket: SocketTry) -> bool:
    return socket.failed is not None and _refuses(case, socket)


def _refuses(case: Case, socket: SocketTry) -> bool:
    return any(map(_is_refusal, case.span_at(Side.PUBLIC, socket.started.at_ms).faults))


def _is_refusal(spec: FaultSpec) -> bool:
    return spec.name == "refuse_upgrade" and spec.parameters.get("status") in _BUSY
