"""SIG: what the subject takes for a signature.

Pure. Each of these is judged where a scenario shows the subject such an answer: what it opened next
tells what it took the answer for. Nothing opened tells nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.events import Event, FaultTookEffect, Source
from conformance.model import Change, Drop, Outcome, Shown, Side
from conformance.oracles.findings import evidence_of, gather
from conformance.oracles.registry import oracle
from conformance.oracles.world import Stage, stage_of
from conformance.verdict import Finding, Verdict

if TYPE_CHECKING:
    from conformance.attempts import Attempt
    from conformance.oracles.case import Case


# A fake notes this much after its work at the latest that it has done it. Whatever the stated error: what is
# later than that shows nothing, or a busy harness would make evidence.
_WORK_MS = 50.0


@oracle("SIG-1")
def exact_value(case: Case) -> Finding | None:
    """It accepts only a JSON object with exactly the right value."""
    return _judge(case, "SIG-1")


@oracle("SIG-2")
def no_json(case: Case) -> Finding | None:
    """It treats HTML, empty, truncated and non-JSON bodies as no signature."""
    return _judge(case, "SIG-2")


@oracle("SIG-3")
def tolerant(case: Case) -> Finding | None:
    """It tolerates unknown fields, any version, a missing or other type."""
    return _judge(case, "SIG-3")


@oracle("SIG-4")
def status(case: Case) -> Finding | None:
    """It treats a non-2xx status as no signature, even with the right body."""
    return _judge(case, "SIG-4")


@oracle("SIG-5")
def other_origin(case: Case) -> Finding | None:
    """It does not take a signature from another origin by redirect."""
    return _judge(case, "SIG-5")


@oracle("SIG-6")
def no_stall(case: Case) -> Finding | None:
    """It is not stalled or exhausted by an endless or huge body: it goes on in time, and not to the wrong side."""
    finding = _judge(case, "SIG-6")
    if finding is None or not finding.arose or finding.verdict is not Verdict.INCONCLUSIVE:
        return finding
    waiting = (attempt for attempt in _asked(case) if not attempt.sockets)
    shown = (seen for attempt in waiting if (seen := _answer_seen(case, attempt)))
    stalled = gather(case.nothing_tried("SIG-6", seen[0], "after that body began") for seen in shown)
    if stalled is None:
        return finding
    # Without a figure, so that a busy machine is no excuse: what keeps it busy is the body.
    return replace(stalled, measured_ms=None, budget_ms=None)


def _judge(case: Case, requirement: str) -> Finding | None:
    """What the subject opened after each such answer, against what the scenario expects."""
    asked = _asked(case)
    if not asked:
        return case.absent(requirement, "the subject never asked for the signature")
    shown = [(attempt, seen) for attempt in asked if (seen := _answer_seen(case, attempt))]
    if not shown:
        return case.absent(requirement, "that answer never reached the subject")
    found = gather(_taken(case, requirement, attempt, seen) for attempt, seen in shown)
    return found or case.absent(requirement, "the world changed while it asked")


def _asked(case: Case) -> list[Attempt]:
    """The attempts that asked a server as the scenario first gives it, or with a signature fault set later."""
    found = []
    for attempt in case.attempts:
        if attempt.probe is None or case.died_before(Side.LOCAL, attempt.probe.started.at_ms):
            continue
        span = case.span_at(Side.LOCAL, attempt.probe.started.at_ms)
        if span.given or any(stage_of(spec.name) is Stage.SIGNATURE for spec in span.faults):
            found.append(attempt)
    return found


def _expected(case: Case, attempt: Attempt) -> Outcome | None:
    """Where that answer sends a subject; None: it cannot be said, because the world changed."""
    if not any(isinstance(step, Change | Drop) for step in case.scenario.when):
        return case.scenario.then.session
    shown = case.shown(attempt)
    if shown is Shown.ARGUABLE:
        return case.scenario.then.session
    if shown is None:
        return None
    return Outcome.LOCAL if shown is Shown.GOOD else Outcome.PUBLIC


def _answer_seen(case: Case, attempt: Attempt) -> tuple[Event, ...]:
    """That the subject was shown the answer: its head arrived, or the fault did its work on that probe."""
    if attempt.probe is None:
        return ()
    if attempt.probe.answers:
        # What the browser had kept tells of an earlier answer, not of this one.
        return () if attempt.probe.answers[-1].from_cache else attempt.probe.answers[:1]
    low, high = attempt.probe.started.at_ms, case.probe_over_ms(attempt)
    effects = case.timeline.all(FaultTookEffect, lambda event: low <= event.at_ms <= high + _WORK_MS)
    return tuple(event for event in effects if event.source is Source.LOCAL and _is_answer(event.fault))[:1]


def _is_answer(fault: str) -> bool:
    """Whether this fault is what the subject is shown for a signature, and not what becomes of its session."""
    stage = stage_of(fault)
    return stage is not None and stage <= Stage.SIGNATURE


def _taken(case: Case, requirement: str, attempt: Attempt, seen: tuple[Event, ...]) -> Finding | None:
    expected = _expected(case, attempt)
    if expected is None:
        return None
    evidence = evidence_of(*seen, *(socket.started for socket in attempt.sockets))
    if not attempt.sockets:
        reason = "it was shown that answer, and then opened nothing"
        return Finding(requirement, Verdict.INCONCLUSIVE, reason, evidence)
    right, reason = _verdict(expected, attempt)
    finding = Finding(requirement, Verdict.PASS if right else Verdict.FAIL, reason, evidence)
    if expected is Outcome.EITHER:
        return finding
    # Going public is what an answer that is turned down leads to, and what no answer in time does.
    telling = Verdict.FAIL if expected is Outcome.LOCAL else Verdict.PASS
    after_ms = attempt.sockets[0].started.at_ms - attempt.started.at_ms
    return case.unless_late(finding, attempt.started, after_ms, telling)


def _verdict(expected: Outcome, attempt: Attempt) -> tuple[bool, str]:
    first, local = attempt.sockets[0], attempt.tries(Side.LOCAL)
    when = f"{first.started.at_ms - attempt.started.at_ms:.0f} ms after it asked"
    if expected is Outcome.EITHER:
        return True, f"it opened the {first.side.value} WebSocket {when}; either is right"
    if expected is Outcome.LOCAL:
        if first.side is Side.LOCAL:
            return True, f"it took that answer for a signature: local WebSocket {when}"
        return False, f"it turned a good signature down: public WebSocket {when}"
    if local:
        taken_ms = local[0].started.at_ms - attempt.started.at_ms
        return False, f"it took that answer for a signature: local WebSocket {taken_ms:.0f} ms after it asked"
    return True, f"it turned that answer down: public WebSocket {when}"
