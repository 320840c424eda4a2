"""What an oracle judges: one scenario's timeline, read once, and the questions that many oracles ask.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from conformance.attempts import Attempt, Session, attempts, sessions
from conformance.events import (
    BrowserStarved,
    Event,
    FaultTookEffect,
    FetchStarted,
    ObservationEnded,
    PreconnectStarted,
    SocketStarted,
    Source,
    SubjectStarted,
)
from conformance.model import Profile, Role, Scenario, Shown, Side, authority, role_of
from conformance.oracles.findings import evidence_of, too_late
from conformance.oracles.world import DIES, Span, addresses_of, name_of, serves, shown_by, spans
from conformance.timeline import Timeline
from conformance.verdict import Finding, Verdict, never_arose

if TYPE_CHECKING:
    from conformance.model import Endpoints

Contact: TypeAlias = FetchStarted | SocketStarted | PreconnectStarted

SOURCE = {Side.LOCAL: Source.LOCAL, Side.PUBLIC: Source.PUBLIC}  # whose fake stands for a side

_LOOKS_APART_MS = 1.0  # two looks at the browser that follow each other may be told this far apart


@dataclass(frozen=True, slots=True)
class Case:
    """One scenario on one subject. Make it with ``of``: ``attempts`` and the rest follow from the timeline."""

    scenario: Scenario
    profile: Profile
    timeline: Timeline
    attempts: tuple[Attempt, ...]
    sessions: tuple[Session, ...]
    local: tuple[Span, ...]
    public: tuple[Span, ...]
    error_ms: float

    @classmethod
    def of(cls, scenario: Scenario, profile: Profile, timeline: Timeline, error_ms: float) -> Case:
        """The case that ``timeline`` makes; what comes after the end of the observation is left out."""
        ended = timeline.first(ObservationEnded)
        seen = timeline if ended is None else timeline.until(ended.at_ms)
        return cls(
            scenario=scenario,
            profile=profile,
            timeline=seen,
            attempts=attempts(seen, profile.endpoints),
            sessions=sessions(seen, profile.endpoints),
            local=spans(seen, scenario, Side.LOCAL, authority(profile.endpoints.signature)[0]),
            public=spans(seen, scenario, Side.PUBLIC),
            error_ms=error_ms,
        )

    # --- the scenario

    def covers(self, requirement: str) -> bool:
        """Whether the scenario is there to judge ``requirement``."""
        return requirement in self.scenario.covers

    def absent(self, requirement: str, condition: str) -> Finding | None:
        """The finding where ``condition`` did not come up: none, unless the scenario is there for it."""
        return never_arose(requirement, condition) if self.covers(requirement) else None

    def without_public(self, requirement: str) -> Finding | None:
        """The finding for a subject that has no public server to reach."""
        if not self.covers(requirement):
            return None
        return Finding(requirement, Verdict.UNSUPPORTED, "its profile names no public server")

    @property
    def endpoints(self) -> Endpoints:
        """Where the subject looks."""
        return self.profile.endpoints

    def role(self, url: str) -> Role:
        """What ``url`` is to the subject."""
        return role_of(url, self.profile.endpoints)

    # --- time

    @property
    def start_ms(self) -> float:
        """When the subject started."""
        started = self.timeline.first(SubjectStarted)
        return 0.0 if started is None else started.at_ms

    @property
    def end_ms(self) -> float:
        """When watching ended."""
        return self.timeline.events[-1].at_ms if len(self.timeline) else 0.0

    @property
    def _earliest_start_ms(self) -> float:
        """When it may have started: where nobody saw that, at any time of the record.

        An unattached rig that saw no process of it takes its first request for its start, and names no extension.
        """
        started = self.timeline.first(SubjectStarted)
        unseen = started is not None and not started.extension_id
        return self.timeline.events[0].at_ms if unseen else self.start_ms

    def starved_ms(self, since_ms: float, until_ms: float) -> float:
        """How long the browser waited for a processor in that time, at the most.

        Of a look that reaches beyond it all may have been within, as far as there is room.
        """
        return sum(
            max(0.0, min(seen.waited_ms, min(until_ms, seen.at_ms) - max(since_ms, seen.at_ms - seen.over_ms)))
            for seen in self.timeline.all(BrowserStarved)
        )

    def late_wait_ms(self, since_ms: float, until_ms: float) -> float:
        """How much longer than its timer a wait was, at the most: only what the browser waited at its two ends counts.

        Between them a timer runs whether its browser has a processor or not.
        """
        begun_ms, over_ms = since_ms, until_ms
        looks = [(seen.at_ms - seen.over_ms, seen.at_ms, seen.waited_ms) for seen in self.timeline.all(BrowserStarved)]
        for from_ms, to_ms, waited_ms in looks:
            if from_ms - _LOOKS_APART_MS <= begun_ms < to_ms:
                begun_ms = min(to_ms, begun_ms + waited_ms)
        for from_ms, to_ms, waited_ms in reversed(looks):
            if from_ms < over_ms <= to_ms + _LOOKS_APART_MS:
                over_ms = max(from_ms, over_ms - waited_ms)
        return min(begun_ms - since_ms + until_ms - over_ms, self.starved_ms(since_ms, until_ms))

    def late_ms(self, contact: Event) -> float:
        """How much later than the subject asked, at the most, its question left the browser, or would have by then.

        The subject's time runs from its call: from its start or the end of an attempt at the earliest, and only as
        long as the browser waits for a processor.
        """
        over = (attempt.ended_at_ms for attempt in self.attempts if attempt.ended_at_ms is not None)
        since_ms = max((self._earliest_start_ms, *(at_ms for at_ms in over if at_ms <= contact.at_ms)))
        return min(self.starved_ms(since_ms, contact.at_ms), contact.at_ms - since_ms)

    def unless_late(self, finding: Finding, asked: Event, after_ms: float, telling: Verdict = Verdict.FAIL) -> Finding:
        """What is said of a subject that went on, ``after_ms`` after it ``asked``, as one does whose time is over.

        It tells nothing where the question had left so late that the time for a local server may have been over.
        ``telling``: the verdict that going on leads to.
        """
        late_ms, least_ms = self.late_ms(asked), self.profile.budgets.connect_local_ms
        over = finding.verdict is telling and after_ms < least_ms <= after_ms + late_ms
        return too_late(finding, late_ms) if over else finding

    def did_not_ask(self, requirement: str, contact: Event, reason: str, *seen: Event) -> Finding:
        """The failure of a subject that made its first contact without a question that the browser shows.

        Unless it may have asked, and have given up unseen: that takes as long as a local server may take.
        """
        finding = Finding(requirement, Verdict.FAIL, reason, evidence_of(*(seen or (contact,))))
        late_ms = self.late_ms(contact)
        return too_late(finding, late_ms) if late_ms > self.profile.budgets.connect_local_ms else finding

    # --- the world

    def spans(self, side: Side) -> tuple[Span, ...]:
        """The worlds of one side, in order."""
        return self.local if side is Side.LOCAL else self.public

    def span_at(self, side: Side, at_ms: float) -> Span:
        """The world of one side at a time."""
        return next(span for span in reversed(self.spans(side)) if span.start_ms <= at_ms)

    def serves(self, side: Side, start_ms: float, end_ms: float) -> bool:
        """Whether a session could be had on ``side`` all the time between, by a subject that does it right."""
        if side is Side.PUBLIC and self.endpoints.public is None:
            return False
        between = (span for span in self.spans(side) if span.overlaps(start_ms, end_ms))
        return all(serves(side, span.faults) for span in between) and not self.died_before(side, end_ms)

    def died_before(self, side: Side, at_ms: float) -> bool:
        """Whether the fault that ends a server after its good signature had done so, in the world of that time."""
        span = self.span_at(side, at_ms)
        return (
            self.timeline.first(
                FaultTookEffect,
                lambda event: (
                    name_of(event.fault) == DIES
                    and event.source is SOURCE[side]
                    and span.start_ms <= event.at_ms < at_ms
                ),
            )
            is not None
        )

    def shown_at(self, at_ms: float) -> Shown | None:
        """What the local server showed whoever asked then; None: cannot be said."""
        if self.died_before(Side.LOCAL, at_ms):
            return Shown.BAD
        span = self.span_at(Side.LOCAL, at_ms)
        stated = span.given and not self._asks_by_number
        return self.scenario.then.shown if stated else shown_by(span.faults)

    @property
    def _asks_by_number(self) -> bool:
        """Whether the scenario speaks of each address of ``localhost``, and the subject asks for one of them."""
        host = authority(self.endpoints.signature)[0]
        return len(addresses_of(host)) == 1 and any(spec.on for spec in self.scenario.given.local)

    def shown(self, attempt: Attempt) -> Shown | None:
        """What ``attempt``'s probe was shown; None: it had no probe, or the world changed under it."""
        probe = attempt.probe
        if probe is None:
            return None
        begun = probe.started.at_ms
        if self.span_at(Side.LOCAL, begun) is not self.span_at(Side.LOCAL, self.probe_over_ms(attempt)):
            return None
        return self.shown_at(begun)

    # --- the subject

    def probe_over(self, attempt: Attempt) -> Event | None:
        """What ended ``attempt``'s probe, as far as the subject is concerned: its end, or going on without it."""
        if attempt.probe is None:
            return None
        later = self.attempts[attempt.index + 1 : attempt.index + 2]
        ends: list[Event] = [*(each.started for each in attempt.sockets[:1]), *(each.started for each in later)]
        if attempt.probe.ended is not None:
            ends.append(attempt.probe.ended)
        return min(ends, key=lambda event: event.seq, default=None)

    def probe_over_ms(self, attempt: Attempt) -> float:
        """When that was: the end of the observation if it never was."""
        over = self.probe_over(attempt)
        return self.end_ms if over is None else over.at_ms

    def nothing_tried(self, requirement: str, since: Event, what: str) -> Finding | None:
        """The finding where no WebSocket followed ``since`` in its attempt; None if one soon followed in a later one.

        Doing nothing is a failure once more than enough time for any session has gone by.
        """
        patience_ms = self.profile.budgets.seamless_ms
        later = next((event for event in self.socket_starts() if event.seq > since.seq), None)
        waited_ms = (self.end_ms if later is None else later.at_ms) - since.at_ms
        reason = f"no WebSocket in {waited_ms:.0f} ms {what}"
        evidence = evidence_of(since, later, self.timeline.last(ObservationEnded))
        if waited_ms > patience_ms + self.error_ms:
            return Finding(requirement, Verdict.FAIL, reason, evidence, measured_ms=waited_ms, budget_ms=patience_ms)
        if later is not None and waited_ms <= patience_ms:
            return None
        return Finding(requirement, Verdict.INCONCLUSIVE, f"{reason}; only {patience_ms:.0f} ms would tell", evidence)

    def socket_starts(self) -> tuple[SocketStarted, ...]:
        """Every WebSocket that the subject made to a session endpoint, in order."""
        started = [socket.started for attempt in self.attempts for socket in attempt.sockets]
        return tuple(sorted(started, key=lambda event: event.seq))

    def engaged(self, at_ms: float) -> bool:
        """Whether the subject held a session then, so that it had no need of another."""
        return any(session.open_at(at_ms) for session in self.sessions)

    def contacts(self) -> tuple[Contact, ...]:
        """Every request, socket and preconnect that the browser began for one of the two servers.

        Without the later hops of a redirect: the server chose those.
        """
        seen: set[int] = set()
        found: list[Contact] = []
        for event in self.timeline:
            if not isinstance(event, Contact):
                continue
            hop = isinstance(event, FetchStarted) and event.request in seen
            if isinstance(event, FetchStarted):
                seen.add(event.request)
            if not hop and self.role(event.url).side is not None:
                found.append(event)
        return tuple(found)
