"""At which delay does a subject leave one choice for the other? The search, without the trials themselves.

Pure: ``next_delay`` says what to try next, from the trials so far; ``edge_of`` says what they tell. First
both ends of the range, then bisection to the precision, then repeats at the edge: a subject's timers are
late by chance, so each side of the edge is tried until it has been unanimous so often, and moves outwards
where it was not.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.intervals import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Search:
    """Where to look and how closely. ``repeat``: trials at each side of the edge."""

    from_ms: float = 0.0
    to_ms: float = 6000.0
    precision_ms: float = 5.0
    repeat: int = 10


@dataclass(frozen=True, slots=True)
class Trial:
    """One try: whether the subject stayed with the local server at that delay."""

    delay_ms: float
    local: bool


@dataclass(frozen=True, slots=True)
class Share:
    """How often it stayed at one delay, and the interval of its probability."""

    delay_ms: float
    local: int
    trials: int

    @property
    def value(self) -> float:
        """The share seen."""
        return self.local / self.trials

    @property
    def interval(self) -> tuple[float, float]:
        """Where the probability lies (Clopper and Pearson)."""
        return clopper_pearson(self.local, self.trials)


@dataclass(frozen=True, slots=True)
class Edge:
    """``stays_ms``: the longest delay at which it always stayed; ``leaves_ms``: the shortest at which it never did.

    None: there is no such delay in the range. Both lie at the edge; what is between them is left to chance.
    """

    stays_ms: float | None
    leaves_ms: float | None
    shares: tuple[Share, ...]


# --- what to try next ----------------------------------------------------------------------------


def next_delay(search: Search, trials: Sequence[Trial]) -> float | None:
    """The delay to try next; None: enough is known. Raises ValueError where the range is none."""
    if not search.from_ms < search.to_ms or search.precision_ms <= 0 or search.repeat < 1:
        raise ValueError("a sweep goes upwards, to a precision above 0, with one trial or more at each side")
    tried = _by_delay(trials)
    for end in (search.from_ms, search.to_ms):
        if end not in tried:
            return end
    low, high = _bracket(search, tried)
    if low is None or high is None:  # no change in the range: make sure of its ends
        return next((end for end in (search.from_ms, search.to_ms) if len(tried[end]) < search.repeat), None)
    if high - low > search.precision_ms * (1 + 1e-9):
        return _between(search, low, high)
    below = _unsettled(search, tried, low, way=-1, wanted=True)
    return _unsettled(search, tried, high, way=1, wanted=False) if below is None else below


def _by_delay(trials: Iterable[Trial]) -> Mapping[float, list[bool]]:
    tried: dict[float, list[bool]] = defaultdict(list)
    for trial in trials:
        tried[trial.delay_ms].append(trial.local)
    return dict(tried)


def _bracket(search: Search, tried: Mapping[float, list[bool]]) -> tuple[float | None, float | None]:
    """What bisection has found, by the first trial at each delay: repeats come later and do not move it."""
    if not tried[search.from_ms][0] or tried[search.to_ms][0]:
        return None, None
    low, high = search.from_ms, search.to_ms
    while high - low > search.precision_ms * (1 + 1e-9):
        middle = _between(search, low, high)
        if middle not in tried:
            break
        low, high = (middle, high) if tried[middle][0] else (low, middle)
    return low, high


def _between(search: Search, low: float, high: float) -> float:
    """The middle, on the grid of the precision, so that delays are round and repeats meet."""
    steps = round((high - low) / search.precision_ms)
    return low + max(1, steps // 2) * search.precision_ms


def _unsettled(
    search: Search, tried: Mapping[float, list[bool]], edge: float, *, way: int, wanted: bool
) -> float | None:
    """Outwards from ``edge``: the first delay that still needs trials, until one is unanimous."""
    distance = 0
    while True:
        delay = edge + way * distance * search.precision_ms
        delay = min(max(delay, search.from_ms), search.to_ms)
        seen = tried.get(delay, [])
        if len(seen) < search.repeat:
            return delay
        if all(one is wanted for one in seen) or delay in (search.from_ms, search.to_ms):
            return None
        distance = max(1, 2 * distance)


# --- what the trials tell ------------------------------------------------------------------------


def edge_of(search: Search, trials: Sequence[Trial]) -> Edge:
    """The edge as far as it is known. Only delays with enough repeats say always or never, single ones say nothing."""
    shares = tuple(
        Share(delay, sum(seen), len(seen)) for delay, seen in sorted(_by_delay(trials).items(), key=lambda one: one[0])
    )
    sure = [share for share in shares if share.trials >= search.repeat]
    leaves = next((share.delay_ms for share in _unbroken(reversed(sure), local=False)), None)
    stays = next((share.delay_ms for share in _unbroken(sure, local=True)), None)
    return Edge(stays, leaves, shares)


def _unbroken(shares: Iterable[Share], *, local: bool) -> list[Share]:
    """From one end on, as long as all agree; the innermost first."""
    found: list[Share] = []
    for share in shares:
        if share.local != (share.trials if local else 0):
            break
        found.insert(0, share)
    return found


def sentence(name: str, search: Search, edge: Edge) -> str:
    """The answer."""
    stays, leaves = edge.stays_ms, edge.leaves_ms
    everywhere = f"from {search.from_ms:g} to {search.to_ms:g} ms"
    if stays is None and leaves is None:
        return f"{name} has no edge {everywhere}: chance decides everywhere"
    if leaves is None:
        here = everywhere if stays == search.to_ms else f"up to {stays:g} ms; elsewhere, chance decides"
        return f"{name} stays local {here}"
    if stays is None:
        here = everywhere if leaves == search.from_ms else f"from {leaves:g} ms on; elsewhere, chance decides"
        return f"{name} is never local {here}"
    between = leaves - stays > search.precision_ms * (1 + 1e-9)
    return f"{name} leaves local between {stays:g} and {leaves:g} ms{'; in between, chance decides' if between else ''}"
