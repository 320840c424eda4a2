"""SEL: which server the subject asks, and which it holds a session with.

Pure.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from conformance.events import FetchEnded, FetchStarted, PreconnectStarted, SocketStarted, SubjectStarted
from conformance.model import Outcome, Role, Shown, Side, TriggerKind
from conformance.oracles.findings import Budget, evidence_of, gather
from conformance.oracles.registry import oracle
from conformance.verdict import Finding, Verdict

if TYPE_CHECKING:
    from conformance.attempts import Attempt, Session, SocketTry
    from conformance.events import Event
    from conformance.oracles.case import Case, Contact


@oracle("SEL-1", everywhere=True)
def asks_first(case: Case) -> Finding | None:
    """It asks the local signature URL before it contacts anything else, at every connect."""
    contacts = [contact for contact in case.contacts() if not _harmless(case, contact)]
    if not contacts:
        return case.absent("SEL-1", "the subject contacted neither server")
    first = contacts[0]
    if case.role(first.url) is not Role.PROBE:
        reason = f"its first contact, {first.at_ms:.0f} ms after its start, was {first.url}, not the local signature"
        return case.did_not_ask("SEL-1", first, reason)
    unasked = next((attempt for attempt in case.attempts if _did_not_ask(attempt)), None)
    if unasked is not None:
        socket = unasked.sockets[0].started
        how = "without asking for" if unasked.probe is None else "on the browser's cached copy of"
        reason = (
            f"attempt {unasked.index + 1} of {len(case.attempts)} opened {socket.url} at "
            f"{socket.at_ms:.0f} ms {how} the local signature"
        )
        return Finding("SEL-1", Verdict.FAIL, reason, evidence_of(unasked.started, socket))
    if (stray := _before_asking_again(case)) is not None:
        reason = (
            f"its session lost, it reached for {stray.url} at {stray.at_ms:.0f} ms before it asked the local server"
        )
        return Finding("SEL-1", Verdict.FAIL, reason, evidence_of(stray))
    probes = [attempt.started for attempt in case.attempts]
    reason = f"each of {len(probes)} attempts began with the local signature"
    return Finding("SEL-1", Verdict.PASS, reason, evidence_of(*probes))


def _did_not_ask(attempt: Attempt) -> bool:
    """Whether it opened a socket and the local server had not been asked."""
    return bool(attempt.sockets) and (attempt.probe is None or attempt.probe.cached)


def _before_asking_again(case: Case) -> FetchStarted | None:
    """A request to the public host after a session was lost and before the local server was asked again.

    WebSockets are not looked at: those that begin an attempt without a question are found by ``_did_not_ask``.
    """
    lost = {session.socket.left.seq for session in case.sessions if session.socket.settled and session.socket.left}
    asked = True
    for event in case.timeline:
        if event.seq in lost:
            asked = False
        if not isinstance(event, FetchStarted) or event not in case.contacts():
            continue
        role = case.role(event.url)
        asked = asked or role is Role.PROBE
        if not asked and role.side is Side.PUBLIC and not case.engaged(event.at_ms):
            return event
    return None


def _harmless(case: Case, contact: Contact) -> bool:
    """A connection made ahead to the local server is the probe's own, whoever the browser made it for."""
    return isinstance(contact, PreconnectStarted) and case.role(contact.url).side is Side.LOCAL


@oracle("SEL-2")
def local_after_good(case: Case) -> Finding | None:
    """It opens the local WebSocket after a good signature."""
    found = gather(_local_after_good(case, attempt) for attempt in case.attempts)
    return found or case.absent("SEL-2", "no good signature reached the subject while it had no session")


def _local_after_good(case: Case, attempt: Attempt) -> Finding | None:
    over = case.probe_over(attempt)
    if attempt.probe is None or over is None or case.engaged(over.at_ms) or case.shown(attempt) is not Shown.GOOD:
        return None
    if not isinstance(over, FetchEnded) or not attempt.probe.delivered:
        return _good_unread(case, attempt, over)
    if not attempt.sockets:
        return case.nothing_tried("SEL-2", over, "after a good signature")
    socket = attempt.sockets[0]
    verdict = Verdict.PASS if socket.side is Side.LOCAL else Verdict.FAIL
    waited_ms = socket.started.at_ms - over.at_ms
    reason = f"{socket.side.value} WebSocket {waited_ms:.0f} ms after the good signature"
    slow = over.at_ms - attempt.started.at_ms > case.profile.budgets.connect_local_ms
    if verdict is Verdict.FAIL and slow and case.scenario.then.session is Outcome.EITHER:
        verdict, reason = Verdict.INCONCLUSIVE, f"{reason}: its time may have been over as the answer came"
    finding = Finding("SEL-2", verdict, reason, evidence_of(over, socket.started))
    return case.unless_late(finding, attempt.started, over.at_ms - attempt.started.at_ms)


def _good_unread(case: Case, attempt: Attempt, over: Event) -> Finding | None:
    """A good signature that did not reach the subject: it gave up before, or the browser kept it back."""
    asked_ms = over.at_ms - attempt.started.at_ms
    if case.scenario.then.session is Outcome.EITHER and attempt.sockets:
        socket = attempt.sockets[0]
        reason = f"it gave up after {asked_ms:.0f} ms and opened the {socket.side.value} WebSocket; either is right"
        return Finding("SEL-2", Verdict.PASS, reason, evidence_of(over, socket.started))
    if isinstance(over, FetchEnded) and over.error == "ERR_BLOCKED_BY_CORS":
        reason = "the browser kept the good signature from it (CORS): its manifest gives no leave to read it"
        return Finding("SEL-2", Verdict.INCONCLUSIVE, reason, evidence_of(over))
    if attempt.sockets and attempt.sockets[0].side is Side.LOCAL:
        return _read_enough(attempt, over)
    return _too_impatient(case, attempt, over, asked_ms)


def _read_enough(attempt: Attempt, over: Event) -> Finding | None:
    """It opened the local WebSocket, and had not taken the answer to its end: it may know by then what it needs to."""
    socket, probe = attempt.sockets[0], attempt.probe
    if probe is None or not probe.answers or not isinstance(over, FetchEnded) or over.error != "ERR_ABORTED":
        return None
    waited_ms = socket.started.at_ms - over.at_ms
    reason = f"local WebSocket {waited_ms:.0f} ms after it let go of the good signature's answer"
    return Finding("SEL-2", Verdict.PASS, reason, evidence_of(*probe.answers, over, socket.started))


def _too_impatient(case: Case, attempt: Attempt, over: Event, asked_ms: float) -> Finding | None:
    """Going on without an answer that was on its way, before the time for reaching a local server is over."""
    least = Budget("SEL-2", case.profile.budgets.connect_local_ms, case.error_ms)
    if asked_ms > least.ms + least.error_ms:
        return None
    if isinstance(over, SocketStarted):
        went = "opened the public WebSocket"
    elif isinstance(over, FetchEnded) and over.error == "ERR_ABORTED":
        went = "gave up"
    else:
        return None
    what = f"it {went} {asked_ms:.0f} ms after it asked, and the good signature was on its way"
    finding = least.at_least(asked_ms, what, attempt.started, over)
    return case.unless_late(finding, attempt.started, asked_ms)


@oracle("SEL-3")
def public_after_bad(case: Case) -> Finding | None:
    """It opens the public WebSocket when the local check fails in any way that answers."""
    if case.endpoints.public is None:
        return case.without_public("SEL-3")
    found = gather(_public_after_bad(case, attempt) for attempt in case.attempts if _failed_check(case, attempt))
    return found or case.absent("SEL-3", "no failed local check ended while the subject had no session")


def _failed_check(case: Case, attempt: Attempt) -> bool:
    over = case.probe_over(attempt)
    return over is not None and case.shown(attempt) is Shown.BAD and not case.engaged(over.at_ms)


def _public_after_bad(case: Case, attempt: Attempt) -> Finding | None:
    over = case.probe_over(attempt) or attempt.started
    since_ms = over.at_ms
    tries = attempt.tries(Side.PUBLIC)
    if not tries:
        if local := attempt.tries(Side.LOCAL):
            reason = "it opened the local WebSocket after a failed local check, and never the public one"
            return Finding("SEL-3", Verdict.FAIL, reason, evidence_of(over, local[0].started))
        return case.nothing_tried("SEL-3", over, "after a failed local check")
    opened = next((each for each in tries if each.opened is not None), None)
    if opened is not None and opened.opened is not None:
        reason = f"public session {opened.opened.at_ms - since_ms:.0f} ms after the failed local check"
        return Finding("SEL-3", Verdict.PASS, reason, evidence_of(over, opened.opened))
    return _public_unopened(case, over, tries[-1])


def _public_unopened(case: Case, over: Event, last: SocketTry) -> Finding:
    """It tried the public server after its failed check, and came to no session."""
    evidence = evidence_of(over, last.started, last.failed)
    if not case.serves(Side.PUBLIC, last.started.at_ms, case.end_ms if last.left is None else last.left.at_ms):
        reason = f"public WebSocket {last.started.at_ms - over.at_ms:.0f} ms after the failed local check"
        return Finding("SEL-3", Verdict.PASS, f"{reason}; the public server was not up", evidence)
    if last.failed is None:
        return Finding("SEL-3", Verdict.INCONCLUSIVE, "its public WebSocket was still opening at the end", evidence)
    reason = f"its public WebSocket ended with {last.failed.error}, although the public server was up"
    if last.failed.error != "ERR_ABORTED":
        return Finding("SEL-3", Verdict.INCONCLUSIVE, reason, evidence)
    budget = Budget("SEL-3", case.profile.budgets.fallback_ms, case.error_ms)
    return budget.gave_up(last.failed.at_ms - over.at_ms, reason, over, last.started, last.failed)


@oracle("SEL-4")
def by_itself(case: Case) -> Finding | None:
    """It needs no user action and no configuration."""
    if case.profile.trigger.kind is not TriggerKind.START:
        reason = f"its profile says that it is triggered by a {case.profile.trigger.kind.value}"
        return Finding("SEL-4", Verdict.UNSUPPORTED, reason)
    started = case.timeline.first(SubjectStarted)
    if started is None:
        return case.absent("SEL-4", "the subject was never started")
    first = next((session for session in case.sessions if session.socket.settled), None)
    if first is not None:
        waited_ms = first.opened_ms - started.at_ms
        reason = f"{first.side.value} session {waited_ms:.0f} ms after its start, with nothing done for it"
        return Finding("SEL-4", Verdict.PASS, reason, evidence_of(started, first.opened))
    contacts = case.contacts()
    if contacts:
        reason = "it set out by itself, but had no session"
        return Finding("SEL-4", Verdict.INCONCLUSIVE, reason, evidence_of(started, contacts[0]))
    return case.nothing_tried("SEL-4", started, "after its start")


@oracle("SEL-5", everywhere=True)
def one_server(case: Case) -> Finding | None:
    """It holds a session with one server at a time."""
    if not case.sessions:
        return case.absent("SEL-5", "the subject had no session")
    pairs = [(one, two) for one, two in combinations(case.sessions, 2) if one.side is not two.side]
    return _apart(case, "SEL-5", pairs, "sessions with both servers")


@oracle("SEL-6", everywhere=True)
def one_socket(case: Case) -> Finding | None:
    """It holds one socket to its server."""
    if not case.sessions:
        return case.absent("SEL-6", "the subject had no session")
    pairs = [(one, two) for one, two in combinations(case.sessions, 2) if one.side is two.side]
    return _apart(case, "SEL-6", pairs, "two sessions with one server")


def _apart(case: Case, requirement: str, pairs: list[tuple[Session, Session]], what: str) -> Finding:
    worst = max(pairs, key=lambda pair: _overlap_ms(case, *pair), default=None)
    shared_ms = 0.0 if worst is None else _overlap_ms(case, *worst)
    if worst is None or shared_ms <= 0:
        count = len(case.sessions)
        told = f"{count} session{'' if count == 1 else 's, no two of them at once'}"
        return Finding(requirement, Verdict.PASS, told, evidence_of(*(one.opened for one in case.sessions)))
    evidence = evidence_of(worst[0].opened, worst[1].opened)
    reason = f"it held {what} for {shared_ms:.0f} ms"
    if shared_ms > case.error_ms:
        return Finding(requirement, Verdict.FAIL, reason, evidence)
    return Finding(
        requirement, Verdict.INCONCLUSIVE, f"{reason}: within the error of ±{case.error_ms:.0f} ms", evidence
    )


def _overlap_ms(case: Case, one: Session, two: Session) -> float:
    ends = [case.end_ms if each.left_ms is None else each.left_ms for each in (one, two)]
    return min(ends) - max(one.opened_ms, two.opened_ms)
