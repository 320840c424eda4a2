"""TIME: how long the subject takes, against the budgets of its profile.

Pure. Times are the browser's own, so that the harness's work is not in them; a figure within its error
of the budget is INCONCLUSIVE.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.events import Event, FetchAnswered, FetchEnded, SocketOpened, SubjectStarted, WorldSet
from conformance.model import Outcome, Shown, Side
from conformance.oracles.findings import Budget, gather
from conformance.oracles.registry import oracle
from conformance.oracles.world import LATE
from conformance.verdict import Finding, Verdict

if TYPE_CHECKING:
    from conformance.attempts import Attempt
    from conformance.oracles.case import Case


@oracle("TIME-1")
def gives_up(case: Case) -> Finding | None:
    """It gives up on a silent local server in time, whichever stage is silent."""
    budget = Budget("TIME-1", case.profile.budgets.probe_timeout_ms, case.error_ms)
    found = gather(_gives_up(case, budget, each) for each in case.attempts if case.shown(each) is Shown.SILENT)
    return found or case.absent("TIME-1", "the subject asked no silent server")


def _gives_up(case: Case, budget: Budget, attempt: Attempt) -> Finding:
    over = case.probe_over(attempt)
    waited_ms = case.probe_over_ms(attempt) - attempt.started.at_ms
    if over is None:
        return budget.still_waiting(waited_ms, "still waiting for the silent local server", attempt.started)
    if isinstance(over, FetchEnded) and over.error != "ERR_ABORTED" and (over.error or _answered(attempt)):
        # The wait ended without the subject's doing: an answer after all, or the browser's own limit.
        cause = over.error or "a late answer"
        what = f"it waited {waited_ms:.0f} ms for the local server, until {cause} came"
        finding = budget.at_most(waited_ms, what, attempt.started, over)
        if finding.verdict is not Verdict.PASS:
            return finding
        return replace(finding, verdict=Verdict.INCONCLUSIVE, reason=f"{what}: it had no need to give up")
    what = f"it gave the silent local server up after {waited_ms:.0f} ms"
    return budget.at_most(waited_ms, what, attempt.started, over)


def _answered(attempt: Attempt) -> bool:
    return attempt.probe is not None and bool(attempt.probe.answers)


@oracle("TIME-2")
def falls_back_fast(case: Case) -> Finding | None:
    """It reaches the public server soon after a local refusal or wrong answer."""
    if case.endpoints.public is None:
        return case.without_public("TIME-2")
    budget = Budget("TIME-2", case.profile.budgets.fallback_ms, case.error_ms)
    found = gather(_falls_back(case, budget, each) for each in case.attempts if case.shown(each) is Shown.BAD)
    return found or case.absent("TIME-2", "no local refusal or wrong answer while the public server was up")


def _falls_back(case: Case, budget: Budget, attempt: Attempt) -> Finding | None:
    known = _known_wrong(case, attempt)
    if known is None or case.engaged(known.at_ms):
        return None
    opened = _next_open(case, known, Side.PUBLIC)
    until_ms = case.end_ms if opened is None else opened.at_ms
    if not case.serves(Side.PUBLIC, known.at_ms, min(until_ms, known.at_ms + budget.ms)):
        return None
    what = "refusal" if isinstance(known, FetchEnded) and known.error else "wrong answer"
    if opened is None:
        waited_ms = until_ms - known.at_ms
        return budget.still_waiting(waited_ms, f"no public session since the local {what}", known)
    taken_ms = opened.at_ms - known.at_ms
    return budget.at_most(taken_ms, f"public session {taken_ms:.0f} ms after the local {what}", known, opened)


def _known_wrong(case: Case, attempt: Attempt) -> Event | None:
    """The moment from which the subject could know: the end of its probe, or the head if it read no further."""
    over = case.probe_over(attempt)
    if attempt.probe is None or over is None or isinstance(over, FetchEnded):
        return over if isinstance(over, FetchEnded) else None
    heads: list[FetchAnswered] = [head for head in attempt.probe.answers if head.seq < over.seq]
    return heads[-1] if heads else None


@oracle("TIME-3")
def local_fast(case: Case) -> Finding | None:
    """It reaches the local server soon, when that answers at once."""
    budget = Budget("TIME-3", case.profile.budgets.connect_local_ms, case.error_ms)
    found = gather(_local_fast(case, budget, attempt) for attempt in case.attempts if attempt.probe is not None)
    return found or case.absent("TIME-3", "the subject asked no local server that answers well and at once")


def _local_fast(case: Case, budget: Budget, attempt: Attempt) -> Finding | None:
    begun = attempt.started
    opened = _next_open(case, begun, Side.LOCAL)
    until_ms = case.end_ms if opened is None else opened.at_ms
    prompt = case.serves(Side.LOCAL, begun.at_ms, min(until_ms, begun.at_ms + budget.ms))
    if not prompt or case.engaged(begun.at_ms):
        return None
    if opened is None:
        return budget.still_waiting(until_ms - begun.at_ms, "no local session since it asked", begun)
    taken_ms = opened.at_ms - begun.at_ms
    return budget.at_most(taken_ms, f"local session {taken_ms:.0f} ms after it asked", begun, opened)


def _next_open(case: Case, after: Event, side: Side) -> SocketOpened | None:
    opened = (session.opened for session in case.sessions if session.side is side)
    return next((event for event in opened if event.seq > after.seq), None)


@oracle("TIME-4", everywhere=True)
def seamless(case: Case) -> Finding | None:
    """It has a session soon after its start, whatever the local server does."""
    budget = Budget("TIME-4", case.profile.budgets.seamless_ms, case.error_ms)
    started = case.timeline.first(SubjectStarted)
    if started is None:
        return case.absent("TIME-4", "the subject was never started")
    if case.scenario.then.session is Outcome.NONE or not _reachable(case):
        return case.absent("TIME-4", "no server could be reached at the start")
    first = next((session for session in case.sessions if session.socket.settled), None)
    until_ms = case.end_ms if first is None else first.opened_ms
    changed = case.timeline.first(WorldSet, lambda event: started.at_ms < event.at_ms < until_ms)
    if changed is not None and changed.at_ms - started.at_ms <= budget.ms + budget.error_ms:
        return case.absent("TIME-4", "the world changed before the first session")
    if first is None:
        return budget.still_waiting(until_ms - started.at_ms, "no session since its start", started)
    taken_ms = first.opened_ms - started.at_ms
    return budget.at_most(
        taken_ms, f"{first.side.value} session {taken_ms:.0f} ms after its start", started, first.opened
    )


def _reachable(case: Case) -> bool:
    """Whether the first world has a server that a subject which does it right ends up with."""
    at_ms = case.start_ms
    if case.serves(Side.LOCAL, at_ms, at_ms) or case.serves(Side.PUBLIC, at_ms, at_ms):
        return True
    # A server that is only slow can be reached; whether in time is for the scenario to say.
    late = case.endpoints.public is not None and {spec.name for spec in case.public[0].faults} <= LATE
    return late and case.covers("TIME-4")
