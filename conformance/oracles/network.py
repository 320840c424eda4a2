"""NET: what the browser itself does to the subject's requests.

Pure. NET-1 (which address of localhost answers) needs rigs that own their network; it has no oracle yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.access import ASKS, Passage, checked
from conformance.events import FetchStarted, SocketStarted
from conformance.oracles.findings import evidence_of
from conformance.oracles.registry import oracle
from conformance.verdict import Finding, Verdict

if TYPE_CHECKING:
    from conformance.access import Checked
    from conformance.oracles.case import Case

# A prompt that was up for less than this when watching ended may yet have been answered.
_ANSWER_MS = 1000.0


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
