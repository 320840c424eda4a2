"""What becomes of a crowd of subjects when their server returns, reckoned from one subject's back-off.

Pure; chance comes from the generator that is passed in. All lose their session at one moment, try at
once, and go on trying as the back-off says. The server is away for a while, then takes so many new
connections in any one second and refuses the rest, which wait and try again.

Clients that have failed equally often are alike, so they are counted, not kept one by one: time goes in
steps, and those who are refused in one step are dealt out over the steps to come (a multinomial draw,
which is what as many single draws come to). A crowd of ten million costs no more memory than one of ten.
A wait is rounded up to whole steps: nobody comes before it is over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from conformance.throttle import STEPS_MAX, throttle_ms

if TYPE_CHECKING:
    from conformance.backoff import Backoff

STEP_MS = 100.0
STEPS_A_SECOND = 10
_HORIZON_S = 2 * 24 * 3600
_FAILURES_MAX = 200  # waits that still grow after so many failures grow too slowly to matter

Counts: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.int64]]"
Shares: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.float64]]"


@dataclass(frozen=True, slots=True)
class Outage:
    """How long the server is away, and how many new connections it takes a second once it is back.

    ``throttled``: each client's browser delays its WebSockets, too, as Chromium does. ``horizon_s``: who is not
    back so long after the return is reckoned no further.
    """

    away_s: float = 30.0
    limit: int = 500
    throttled: bool = False
    horizon_s: float = _HORIZON_S


@dataclass(frozen=True, slots=True)
class Storm:
    """What the server saw. ``connects`` and ``accepted`` are counts a step, from its return on.

    ``earlier``: connects while it was away. ``back_s``: when all were back, after its return; None: not by
    the horizon.
    """

    clients: int
    limit: int
    connects: Counts
    accepted: Counts
    earlier: int
    back_s: float | None

    @property
    def peak(self) -> int:
        """The most connects in any second."""
        return int(in_any_second(self.connects).max(initial=0))

    @property
    def least_s(self) -> float:
        """When all would be back if they came just as they can be taken, the first at once."""
        return float(-(-self.clients // self.limit) - 1)

    @property
    def tries(self) -> float:
        """Connects a client needed since the return."""
        return float(self.connects.sum()) / self.clients

    def a_second(self) -> Counts:
        """Connects in each whole second since the return."""
        padding = -len(self.connects) % STEPS_A_SECOND
        padded = np.concatenate([self.connects, np.zeros(padding, np.int64)])
        return np.asarray(padded.reshape(-1, STEPS_A_SECOND).sum(axis=1))


def in_any_second(counts: Counts) -> Counts:
    """Sums over every stretch of one second (those at the ends are shorter)."""
    sums = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    ends = np.arange(1, len(counts) + 1)
    return np.asarray(sums[ends] - sums[np.maximum(0, ends - STEPS_A_SECOND)])


def simulate(clients: int, backoff: Backoff, outage: Outage, rng: np.random.Generator) -> Storm:
    """The storm that ``clients`` with this back-off make."""
    waiting = _Waiting(_laws(backoff, throttled=outage.throttled), rng)
    waiting.begin(clients)
    away = round(outage.away_s * STEPS_A_SECOND)
    earlier = 0
    for _ in range(away):
        due = waiting.due()
        earlier += int(due.sum())
        waiting.refuse(due)
    connects: list[int] = []
    accepted: list[int] = []
    left = clients
    while left and len(connects) < outage.horizon_s * STEPS_A_SECOND:
        due = waiting.due()
        came = int(due.sum())
        took = min(came, outage.limit - sum(accepted[1 - STEPS_A_SECOND :])) if came else 0
        if came > took:
            waiting.refuse(due - _chosen(due, took, rng))
        connects.append(came)
        accepted.append(took)
        left -= took
    back_s = None if left else len(connects) / STEPS_A_SECOND
    return Storm(clients, outage.limit, np.array(connects), np.array(accepted), earlier, back_s)


def _chosen(due: Counts, took: int, rng: np.random.Generator) -> Counts:
    """Who is taken, of those that come in one step: anybody."""
    if took == 0 or np.count_nonzero(due) == 1:
        return np.minimum(due, took)
    return np.asarray(rng.multivariate_hypergeometric(due, took))


# --- who waits for when --------------------------------------------------------------------------


@dataclass(slots=True)
class _Waiting:
    """How many clients come in which step, by how often they have failed: a ring of steps.

    ``laws[k]``: the shares of those who have failed k + 1 times that wait for 1, 2, … steps.
    """

    laws: list[Shares]
    rng: np.random.Generator
    counts: Counts = field(init=False)
    now: int = 0

    def __post_init__(self) -> None:
        longest = max(len(law) for law in self.laws)
        self.counts = np.zeros((len(self.laws) + 1, longest + 1), np.int64)

    def begin(self, clients: int) -> None:
        """All are to come in the first step."""
        self.counts[0, 0] = clients

    def due(self) -> Counts:
        """Who comes now, by failures so far; then it is the next step's turn."""
        place = self.now % self.counts.shape[1]
        due = self.counts[:, place].copy()
        self.counts[:, place] = 0
        self.now += 1
        return due

    def refuse(self, refused: Counts) -> None:
        """Those who came last, and have failed once more, wait."""
        for failures in np.flatnonzero(refused):
            law = self.laws[min(int(failures), len(self.laws) - 1)]
            # ``now`` is already the step after, which is one step of waiting.
            places = (self.now + np.arange(len(law))) % self.counts.shape[1]
            row = min(int(failures) + 1, len(self.laws))
            self.counts[row, places] += self.rng.multinomial(int(refused[failures]), law)


def _laws(backoff: Backoff, *, throttled: bool) -> list[Shares]:
    most = min(_FAILURES_MAX, max(backoff.steps, STEPS_MAX) if throttled else backoff.steps)
    laws = []
    for failures in range(1, most + 1):
        law = _uniform(*backoff.range_ms(failures))
        if throttled:
            least_ms, longest_ms = throttle_ms(failures, 0, 0)
            if longest_ms >= STEP_MS:
                # Both are rounded up: one of the two steps is taken back.
                law = np.convolve(law, _uniform(least_ms, longest_ms))
        laws.append(law / law.sum())
    return laws


def _uniform(low_ms: float, high_ms: float) -> Shares:
    """The shares of waits that end in the first step, the second, …: uniform between the two, rounded up."""
    last = max(1, int(np.ceil(high_ms / STEP_MS - 1e-9)))
    if high_ms - low_ms < 1e-6 * max(1.0, high_ms):
        law = np.zeros(last)
        law[-1] = 1.0
        return law
    ends = np.arange(last + 1) * STEP_MS
    below = np.clip((ends - low_ms) / (high_ms - low_ms), 0.0, 1.0)
    return np.asarray(np.diff(below))


# --- in words ------------------------------------------------------------------------------------


def sentence(storm: Storm) -> str:
    """The answer to whoever runs the server."""
    many = f"{storm.clients:,} extensions"
    over = storm.peak / storm.limit
    against = f"{over:,.0f} times its limit of {storm.limit:,}" if over >= 1 else f"within its limit of {storm.limit:,}"
    rate = f"{many} make up to {storm.peak:,} connects in a second when the server returns, {against}"
    if storm.back_s is None:
        return f"{rate}; not all are back {long(len(storm.connects) / STEPS_A_SECOND)} later"
    return f"{rate}; all are back after {long(storm.back_s)}, and {long(storm.least_s)} is the least that it allows"


def long(seconds: float) -> str:
    """A time as a person says it."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
