"""The ordered events of one scenario, and the questions oracles ask of them.

Pure. A timeline is built once, sorted by time (ties keep the order in which they were seen), and
numbers its events: ``seq`` is what a finding's evidence points at.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from conformance.events import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Events in order of time; ``events[i].seq == i``."""

    events: tuple[Event, ...]

    @classmethod
    def of(cls, events: Iterable[Event]) -> Timeline:
        """Sort by time and number."""
        ordered = sorted(events, key=lambda event: event.at_ms)
        return cls(tuple(replace(event, seq=seq) for seq, event in enumerate(ordered)))

    def until(self, at_ms: float) -> Timeline:
        """What had been seen by then; what another source saw in that very millisecond, too."""
        return Timeline(tuple(event for event in self.events if event.at_ms <= at_ms))

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def all(
        self,
        kind: type[E],
        where: Callable[[E], bool] | None = None,
        *,
        after: Event | None = None,
        before: Event | None = None,
    ) -> list[E]:
        """Events of ``kind``, strictly between ``after`` and ``before`` in the order of the timeline."""
        low = -1 if after is None else after.seq
        high = len(self.events) if before is None else before.seq
        return [
            event
            for event in self.events
            if isinstance(event, kind) and low < event.seq < high and (where is None or where(event))
        ]

    def first(
        self,
        kind: type[E],
        where: Callable[[E], bool] | None = None,
        *,
        after: Event | None = None,
        before: Event | None = None,
    ) -> E | None:
        """The earliest such event, or None."""
        found = self.all(kind, where, after=after, before=before)
        return found[0] if found else None

    def last(
        self,
        kind: type[E],
        where: Callable[[E], bool] | None = None,
        *,
        after: Event | None = None,
        before: Event | None = None,
    ) -> E | None:
        """The latest such event, or None."""
        found = self.all(kind, where, after=after, before=before)
        return found[-1] if found else None
