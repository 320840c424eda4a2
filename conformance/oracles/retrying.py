"""RETRY: how the subject tries again, and how soon, while servers are away.

Pure. A wait lasts from the last failure of an attempt to the start of the next one, both as the
browser saw them. The browser's own throttle of WebSockets (throttle.py) is not the subject's.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from conformance.attempts import Ending
from conformance.events import WorldSet
from conformance.model import Side
from conformance.oracles.findings import Budget, evidence_of, gather
from conformance.oracles.registry import oracle
from conformance.oracles.waits import JITTER_WAITS_MIN, Trait, growth, jitter, noise_ms
from conformance.throttle import in_wait_ms
from conformance.verdict import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.attempts import Attempt
    from conformance.events import Event
    from conformance.oracles.case import Case

# While both servers are away, the next attempt may be this many times later than the longest wait
# before it: waits that double, with jitter, stay below.
_SILENCE_FACTOR = 3.0


# --- RETRY-1 -------------------------------------------------------------------------------------


@oracle("RETRY-1")
def keeps_trying(case: Case) -> Finding | None:
    """It keeps trying while both are down, and recovers soon when one returns."""
    found = gather(_over_outage(case, start_ms, end_ms) for start_ms, end_ms in _outages(case))
    return found or case.absent("RETRY-1", "no attempt failed while both servers were away")


def _outages(case: Case) -> list[tuple[float, float]]:
    """The stretches in which no server gave a session."""
    edges = [event.at_ms for event in case.timeline.all(WorldSet) if event.at_ms > case.start_ms]
    marks = [case.start_ms, *edges, case.end_ms]
    outages: list[tuple[float, float]] = []
    for low, high in pairwise(marks):
        if any(case.serves(side, low, (low + high) / 2) for side in Side):
            continue
        if outages and outages[-1][1] == low:
            outages[-1] = (outages[-1][0], high)
        else:
            outages.append((low, high))
    return outages


def _over_outage(case: Case, start_ms: float, end_ms: float) -> Finding | None:
    begun = [attempt for attempt in case.attempts if start_ms <= attempt.started.at_ms < end_ms]
    failed = [
        attempt
        for attempt in case.attempts
        if attempt.outcome is Ending.FAILED and start_ms <= (attempt.ended_at_ms or 0.0) < end_ms
    ]
    if not begun and not failed:
        return None
    trying = _tried_on(case, failed, end_ms) if failed else _pending(begun[-1], end_ms)
    if case.engaged(end_ms):
        return trying if failed else None
    if trying.verdict is Verdict.FAIL:
        return trying
    returned = case.timeline.first(WorldSet, lambda event: event.at_ms == end_ms)
    return (returned and _recovers(case, returned)) or trying


def _pending(attempt: Attempt, end_ms: float) -> Finding:
    waited_ms = end_ms - attempt.started.at_ms
    reason = f"its attempt had neither failed nor been given up after {waited_ms:.0f} ms"
    return Finding("RETRY-1", Verdict.INCONCLUSIVE, reason, evidence_of(attempt.started))


def _tried_on(case: Case, failed: Sequence[Attempt], end_ms: float) -> Finding:
    """Whether it went on trying to the end of the outage, or fell silent."""
    last = failed[-1]
    following = next(iter(case.attempts[last.index + 1 :]), None)
    until_ms = end_ms if following is None else min(end_ms, following.started.at_ms)
    silent_ms = until_ms - (last.ended_at_ms or until_ms)
    waits = [wait_ms for attempt, _, wait_ms in _waits(case) if attempt.index < last.index]
    allowed_ms = max([case.profile.budgets.reconnect_ms, *(_SILENCE_FACTOR * wait_ms for wait_ms in waits)])
    evidence = evidence_of(*(attempt.started for attempt in failed))
    silence = f"it tried nothing for {silent_ms:.0f} ms after {_times(len(failed))}"
    if silent_ms > allowed_ms + case.error_ms:
        reason = f"{silence}; at most {allowed_ms:.0f} ms allowed"
        return Finding("RETRY-1", Verdict.FAIL, reason, evidence, measured_ms=silent_ms, budget_ms=allowed_ms)
    undecided = Finding("RETRY-1", Verdict.INCONCLUSIVE, f"{silence}; {allowed_ms:.0f} ms are allowed", evidence)
    if silent_ms > allowed_ms - case.error_ms:
        return replace(undecided, measured_ms=silent_ms, budget_ms=allowed_ms)
    if following is None and not _waits(case):
        return undecided
    longest_ms = max([silent_ms, *waits])
    reason = (
        f"it kept trying while both servers were away: {_times(len(failed))}, never silent for over {longest_ms:.0f} ms"
    )
    return Finding("RETRY-1", Verdict.PASS, reason, evidence)


def _times(count: int) -> str:
    return "one failure" if count == 1 else f"{count} failures"


def _recovers(case: Case, returned: WorldSet) -> Finding | None:
    waits = [wait_ms for failed, _, wait_ms in _waits(case) if (failed.ended_at_ms or 0.0) <= returned.at_ms]
    budget = Budget("RETRY-1", case.profile.budgets.reconnect_ms + max(waits, default=0.0), case.error_ms)
    opened = next((each for each in case.sessions if each.opened.seq > returned.seq), None)
    until_ms = case.end_ms if opened is None else opened.opened_ms
    if not any(case.serves(side, returned.at_ms, until_ms) for side in Side):
        return None
    taken_ms = until_ms - returned.at_ms
    if opened is None:
        return budget.still_waiting(taken_ms, f"no session since the {returned.side.value} server returned", returned)
    what = f"{opened.side.value} session {taken_ms:.0f} ms after the {returned.side.value} server returned"
    return budget.at_most(taken_ms, what, returned, opened.opened)


# --- RETRY-2 -------------------------------------------------------------------------------------


@oracle("RETRY-2")
def waits_between(case: Case) -> Finding | None:
    """It waits between attempts, longer after repeated failures, with jitter."""
    rows, left_out = _rows(case)
    if not rows and not left_out:
        return case.absent("RETRY-2", "no failed attempt was followed by another")
    return judge_waits(case, "RETRY-2", rows, left_out, with_jitter=True)


def _waits(case: Case) -> list[tuple[Attempt, Attempt, float]]:
    """Each failed attempt with the one after it, and the wait between; not those that ran side by side."""
    return [
        (failed, following, following.started.at_ms - failed.ended_at_ms)
        for failed, following in pairwise(case.attempts)
        if failed.outcome is Ending.FAILED
        and failed.ended_at_ms is not None
        and failed.ended_at_ms <= following.started.at_ms
    ]


def _rows(case: Case) -> tuple[list[list[tuple[float, Event]]], list[Event]]:
    """Waits after failures that follow each other, with the event that ended each wait.

    Also the ends of those that are left out, since the browser may have made them: it delays WebSockets after
    failures, the more the more there were, and at random, which would pass for the subject's own growth and jitter.
    """
    rows: list[list[tuple[float, Event]]] = []
    left_out: list[Event] = []
    before = -1
    for failed, following, wait_ms in _waits(case):
        if in_wait_ms(case.attempts, following, wait_ms) > noise_ms(wait_ms, 0.0):
            left_out.append(following.started)
            continue
        if failed.index != before:
            rows.append([])
        rows[-1].append((wait_ms, following.started))
        before = following.index
    return rows, left_out


def judge_waits(
    case: Case,
    requirement: str,
    rows: Sequence[Sequence[tuple[float, Event]]],
    left_out: Sequence[Event],
    *,
    with_jitter: bool,
) -> Finding | None:
    """Rows of the subject's own waits judged; that others are ``left_out`` is said."""
    if not rows:
        waits = "the only wait" if len(left_out) == 1 else f"each of {len(left_out)} waits"
        reason = f"a part of {waits} may be the browser's own delay of WebSockets, so nothing is told"
        return Finding(requirement, Verdict.INCONCLUSIVE, reason, evidence_of(*left_out))
    found = _judged(case, requirement, rows, with_jitter=with_jitter)
    if found is None or not left_out:
        return found
    told = f"{len(left_out)} more are left out: a part may be the browser's own delay of WebSockets"
    return replace(found, reason=f"{found.reason}; {told}")


def _judged(
    case: Case, requirement: str, rows: Sequence[Sequence[tuple[float, Event]]], *, with_jitter: bool
) -> Finding | None:
    """Rows of waits against the least wait, growth and jitter; what too few waits leave unsaid is said.

    The least wait is taken as it was measured. If what a busy machine may have added were taken off, no wait in a cold
    browser could be told to be long enough.
    """
    budget = Budget(requirement, case.profile.budgets.retry_wait_ms_min, case.error_ms)
    shortest = gather(
        (budget.at_least(ms, f"waited {ms:.0f} ms before trying again", event) for row in rows for ms, event in row),
        shortest=True,
    )
    if shortest is None or shortest.verdict is not Verdict.PASS:
        return shortest
    longest = max(rows, key=len)
    waits = [wait_ms for wait_ms, _ in longest]
    late_ms = [_late_ms(case, wait_ms, event) for wait_ms, event in longest]
    told = f"waited {', '.join(f'{wait_ms:.0f}' for wait_ms in waits)} ms between attempts"
    grown = growth(waits, case.error_ms, late_ms)
    jittered = jitter(waits, case.error_ms, late_ms) if with_jitter else Trait.SEEN
    evidence = evidence_of(*(event for _, event in longest))
    if grown is Trait.NONE:
        reason = f"{told}: no longer after repeated failures than after the first"
        return Finding(requirement, Verdict.FAIL, reason, evidence)
    if jittered is Trait.NONE:
        return Finding(requirement, Verdict.FAIL, f"{told}: on a fixed grid, without jitter", evidence)
    if blurred := _which(Trait.BLURRED, grown, jittered):
        busy = f" and the {max(late_ms):.0f} ms that the browser waited for a processor" if any(late_ms) else ""
        reason = f"{told}: not to be said within the error of ±{case.error_ms:.0f} ms{busy}: {', '.join(blurred)}"
        return Finding(requirement, Verdict.INCONCLUSIVE, reason, evidence)
    unsaid = _which(Trait.UNSAID, grown, jittered)
    reason = f"{told}; at least {budget.ms:.0f} ms asked"
    reason = f"{reason} (not to be said from {_count(waits)}: {', '.join(unsaid)})" if unsaid else reason
    least = min(ms for row in rows for ms, _ in row)
    return Finding(requirement, Verdict.PASS, reason, evidence, measured_ms=least, budget_ms=budget.ms)


def _late_ms(case: Case, wait_ms: float, end: Event) -> float:
    """What a busy machine may have added to a wait; none where that is no more than timers are late by anyway."""
    late_ms = case.late_wait_ms(end.at_ms - wait_ms, end.at_ms)
    return late_ms if late_ms > noise_ms(wait_ms, case.error_ms) else 0.0


def _which(wanted: Trait, grown: Trait, jittered: Trait) -> list[str]:
    """What is so, in words."""
    more = f" ({JITTER_WAITS_MIN} or more would tell)" if wanted is Trait.UNSAID else ""
    told = ((grown, "whether the waits grow"), (jittered, f"whether they are jittered{more}"))
    return [words for trait, words in told if trait is wanted]


def _count(waits: Sequence[float]) -> str:
    return "one wait" if len(waits) == 1 else f"{len(waits)} waits"


# --- RETRY-3 -------------------------------------------------------------------------------------


@oracle("RETRY-3")
def from_the_start(case: Case) -> Finding | None:
    """It starts every reconnect from the local check."""
    again = [following for before, following in pairwise(case.attempts) if _is_reconnect(case, before, following)]
    sticking = next((attempt for attempt in again if attempt.probe is None), None)
    if sticking is not None:
        url = sticking.sockets[0].started.url
        reason = f"reconnect {again.index(sticking) + 1} of {len(again)} opened {url} without the local check"
        return Finding("RETRY-3", Verdict.FAIL, reason, evidence_of(sticking.started))
    if again:
        reason = f"each of {_reconnects(again)} began with the local check"
        return Finding("RETRY-3", Verdict.PASS, reason, evidence_of(*(attempt.started for attempt in again)))
    short = next(iter(_went_on(case)), None)
    if short is not None:
        reason = "its session was dropped so soon that going on without a check may be the same attempt"
        return Finding("RETRY-3", Verdict.INCONCLUSIVE, reason, evidence_of(short))
    return case.absent("RETRY-3", "the subject never connected again")


def _is_reconnect(case: Case, before: Attempt, following: Attempt) -> bool:
    """Whether the attempt before it had come to its end, and left the subject without a session."""
    begun_ms = following.started.at_ms
    if before.outcome is Ending.UNFINISHED or case.engaged(begun_ms):
        return False
    return before.ended_at_ms is None or before.ended_at_ms <= begun_ms


def _reconnects(again: Sequence[Attempt]) -> str:
    return "1 reconnect" if len(again) == 1 else f"{len(again)} reconnects"


def _went_on(case: Case) -> Iterable[Event]:
    """Sockets that followed a dropped session within one attempt."""
    for attempt in case.attempts:
        for one, two in pairwise(attempt.sockets):
            if one.dropped is not None and two.started.seq > one.dropped.seq:
                yield two.started
