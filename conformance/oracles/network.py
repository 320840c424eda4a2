"""NET: what the network and the browser itself do to the subject's requests.

Pure. NET-1 is judged where the scenario says that its rig has a network of its own: elsewhere ``localhost``
is led to one address, and nothing can be said of the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.access import ASKS, Passage, checked
from conformance.events import ConnectionAccepted, FetchEnded, FetchStarted, SocketStarted, Source, SubjectStarted
from conformance.model import Address, Shown, Side
from conformance.oracles.findings import Budget, evidence_of
from conformance.oracles.registry import oracle
from conformance.oracles.world import met_at, serves, shown_by
from conformance.verdict import Finding, Verdict

if TYPE_CHECKING:
    from conformance.access import Checked
    from conformance.attempts import Session
    from conformance.events import Event
    from conformance.oracles.case import Case

# A prompt that was up for less than this when watching ended may yet have been answered.
_ANSWER_MS = 1000.0


@oracle("NET-1")
def dual_stack(case: Case) -> Finding | None:
    """It works whether ``localhost`` answers on 127.0.0.1 only, ::1 only, or both.

    What the browser meets at the name decides: a server there that is good has to be found, whatever the other
    address does; where the browser meets a wrong one, the right one on the other address is out of the
    subject's sight, and any session will do.
    """
    if not case.scenario.namespace:
        return case.absent("NET-1", "its rig has no network of its own, so localhost is one address")
    started = case.timeline.first(SubjectStarted)
    if started is None:
        return case.absent("NET-1", "the subject was never started")
    given = case.scenario.given.local
    if not any(serves(Side.LOCAL, tuple(spec for spec in given if spec.on in (None, at))) for at in Address):
        return case.absent("NET-1", "no address of localhost had a good server")
    good = shown_by(met_at("localhost", given)) is Shown.GOOD
    settled = [session for session in case.sessions if session.socket.settled]
    first = next((session for session in settled if session.side is Side.LOCAL or not good), None)
    told = "; ".join(str(spec) for spec in given) or "both addresses healthy"
    if first is not None:
        came = case.timeline.last(ConnectionAccepted, lambda event: event.source is Source.LOCAL, before=first.opened)
        at = f" at {came.address}" if came is not None and came.address and first.side is Side.LOCAL else ""
        reason = f"{first.side.value} session{at} {first.opened_ms - started.at_ms:.0f} ms after its start ({told})"
        return Finding("NET-1", Verdict.PASS, reason, evidence_of(started, came, first.opened))
    return _not_found(case, started, told)


def _not_found(case: Case, started: SubjectStarted, told: str) -> Finding:
    """No session that would do. It is a failure once more than enough time for any session has gone by."""
    patience_ms = case.profile.budgets.seamless_ms
    waited_ms = case.end_ms - started.at_ms
    wrong = next((each for each in case.sessions if each.socket.settled), None)
    if wrong is not None:
        reason = f"it opened a {wrong.side.value} session, although localhost has a good server ({told})"
        given_up = _given_up(case, wrong)
        if given_up is None:
            return case.did_not_ask("NET-1", wrong.socket.started, reason, started, wrong.opened)
        waited_ms = given_up.at_ms - started.at_ms
        reason = f"{reason}: it gave up {waited_ms:.0f} ms after its start, unanswered"
        budget = Budget("NET-1", case.profile.budgets.connect_local_ms, case.error_ms)
        return budget.gave_up(waited_ms, reason, started, given_up, wrong.opened)
    reason = f"no session {waited_ms:.0f} ms after its start ({told})"
    if waited_ms <= patience_ms + case.error_ms:
        reason = f"{reason}; only {patience_ms:.0f} ms would tell"
        return Finding("NET-1", Verdict.INCONCLUSIVE, reason, evidence_of(started))
    last = case.timeline.events[-1]
    evidence = evidence_of(started, last)
    return Finding("NET-1", Verdict.FAIL, reason, evidence, measured_ms=waited_ms, budget_ms=patience_ms)


def _given_up(case: Case, session: Session) -> Event | None:
    """What ended the local check before ``session`` while it was unanswered; None: it was answered, or failed."""
    attempt = next((each for each in case.attempts if session.socket in each.sockets), None)
    if attempt is None or attempt.probe is None or attempt.probe.answers:
        return None
    over = case.probe_over(attempt)
    failed = isinstance(over, FetchEnded) and over.error not in ("", "ERR_ABORTED")
    return None if failed else over


@oracle("NET-2", everywhere=True)
def local_network_access(case: Case) -> Finding | None:
    """It is not stopped by the browser's local-network-access rules."""
    found = checked(case.timeline, case.endpoints)
    if not found:
        return case.absent("NET-2", _why_none(case))
    stopped = [each for each in found if not each.passage.is_through]
    if stopped:
        first = min(stopped, key=lambda each: _ORDER.index(each.passage))
        return _stopped(case, first, len(stopped))
    ways = sorted({each.check.result if each.check is not None else ASKS for each in found})
    count = "1 request" if len(found) == 1 else f"{len(found)} requests"
    asked = sum(each.passage is Passage.PERMITTED for each in found)
    reason = f"the browser let {count} through: {', '.join(ways)}"
    if asked:
        reason = f"{reason}; the permission was asked for {_times(asked)} and given"
    elif case.scenario.given.access is not None:
        reason = f"{reason}; the permission was {case.scenario.given.access}, and none was asked for"
    return Finding("NET-2", Verdict.PASS, reason, evidence_of(*(event for each in found for event in each.events)))


# Which one to tell of, where several were stopped.
_ORDER = (Passage.BLOCKED, Passage.DENIED, Passage.UNANSWERED, Passage.UNKNOWN)


def _why_none(case: Case) -> str:
    """Whoever never tried is told from those whose requests came to nothing before the check."""
    tried = [
        event
        for event in case.timeline
        if isinstance(event, FetchStarted | SocketStarted) and case.role(event.url).side is not None
    ]
    if not tried:
        return "the subject made no request to either server"
    return f"no request of the subject's ({len(tried)}) came so far as to be checked"


def _stopped(case: Case, one: Checked, count: int) -> Finding:
    what = f"the browser stopped its request for {one.started.url} at {one.started.at_ms:.0f} ms"
    evidence = evidence_of(*one.events)
    more = "" if count == 1 else f" (and {count - 1} more)"
    result = one.check.result if one.check is not None else "its check left no trace"
    match one.passage:
        case Passage.UNKNOWN:
            reason = f"the browser's check came to {result!r}, which this harness does not know"
            return Finding("NET-2", Verdict.INCONCLUSIVE, reason, evidence)
        case Passage.UNANSWERED:
            return _unanswered(case, one, more)
        case Passage.DENIED:
            reason = f"{what}: it asked for a permission, which was denied{more}"
        case _:
            reason = f"{what}: {result}{more}"
    return Finding("NET-2", Verdict.FAIL, reason, evidence)


def _unanswered(case: Case, one: Checked, more: str) -> Finding:
    since = one.check or one.started
    until_ms = case.end_ms if one.ended is None else one.ended.at_ms
    waited = f"{until_ms - since.at_ms:.0f} ms"
    reason = f"the browser asked its user whether {one.started.url} may be reached, and held the request for {waited}"
    evidence = evidence_of(*one.events)
    if one.ended is None and until_ms - since.at_ms < _ANSWER_MS:
        return Finding("NET-2", Verdict.INCONCLUSIVE, f"{reason}, when watching ended{more}", evidence)
    return Finding("NET-2", Verdict.FAIL, f"{reason}, unanswered{more}", evidence)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
