"""How well the harness measures time: known delays against what its timelines say of them.

Pure. The local fake answers the signature GET after a stated delay; the subject is one without timing of
its own. Three figures are compared with the delay:

joined     request at the fake → answer in the browser's log. Two sources on one clock: the harness's
           own timing with everything that can be wrong with it. The stated error of every time is this.
browser    request → answer, both in the browser's log, less the middle one of what that takes with no
           delay. What a finding about the subject rests on; holds the browser's own jitter too.
fake       request → answer sent, both at the fake: how well the delay itself is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from conformance.events import FetchAnswered, FetchStarted, ObservationEnded, RequestReceived, ResponseSent, Source
from conformance.intervals import quantile
from conformance.model import Expectation, FaultSpec, Outcome, Role, Scenario, Shown, World, role_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.model import Endpoints
    from conformance.timeline import Timeline

# What is stated where nobody has calibrated: the p99 of an idle machine with two cores (docs/benchmarks.md).
DEFAULT_ERROR_MS = 5.0
ERROR_SHARE = 0.99

DELAY_MS_MAX, DELAY_MS_STEP = 400, 5
LONG_DELAYS_MS = (1000.0, 2000.0, 5000.0)

_PATIENCE_MS = 10_000.0  # beyond the delay; a machine that is slower than that measures nothing


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer to the signature GET with a stated delay. ``lag_ms``: how late the harness's loop was at worst."""

    delay_ms: float
    joined_ms: float
    browser_ms: float
    fake_ms: float
    lag_ms: float

    @property
    def error_ms(self) -> float:
        """By how much the harness was off."""
        return abs(self.joined_ms - self.delay_ms)


# --- what to measure -----------------------------------------------------------------------------


def delays(passes: int = 1) -> tuple[float, ...]:
    """Every delay once a pass; each pass in an order of its own, so that drift falls on all alike."""
    each = (*(float(ms) for ms in range(0, DELAY_MS_MAX + 1, DELAY_MS_STEP)), *LONG_DELAYS_MS)
    strides = [stride for stride in range(31, 31 + len(each)) if len(each) % stride and _coprime(stride, len(each))]
    return tuple(
        each[(place * strides[number % len(strides)] + number) % len(each)]
        for number in range(passes)
        for place in range(len(each))
    )


def _coprime(one: int, other: int) -> bool:
    while other:
        one, other = other, one % other
    return one == 1


def delayed(delay_ms: float) -> Scenario:
    """Both servers are up and the good answer comes so late; it ends with the local session."""
    return Scenario(
        id=f"calibration[{delay_ms:g}-ms]",
        family="Choosing",
        says=f"the good answer comes after {delay_ms:g} ms",
        covers=(),
        given=World(local=(FaultSpec("answer", {"delay_ms": delay_ms}),)),
        when=(),
        then=Expectation(Outcome.LOCAL, Shown.GOOD, within_ms=delay_ms + _PATIENCE_MS, hold_ms=0),
    )


# --- what was seen -------------------------------------------------------------------------------


def answered(timeline: Timeline, endpoints: Endpoints, delay_ms: float) -> Answered | None:
    """What the timeline says of the first signature GET; None when a part of it was not seen."""
    asked = timeline.first(FetchStarted, lambda event: role_of(event.url, endpoints) is Role.PROBE)
    received = timeline.first(RequestReceived, lambda event: event.source is Source.LOCAL and not event.upgrade)
    sent = timeline.first(ResponseSent, lambda event: event.source is Source.LOCAL)
    ended = timeline.first(ObservationEnded)
    if asked is None or received is None or sent is None or ended is None:
        return None
    known = timeline.first(FetchAnswered, lambda event: event.request == asked.request)
    if known is None:
        return None
    return Answered(
        delay_ms,
        joined_ms=known.at_ms - received.at_ms,
        browser_ms=known.at_ms - asked.at_ms,
        fake_ms=sent.at_ms - received.at_ms,
        lag_ms=ended.lag_ms,
    )


def errors(seen: Sequence[Answered]) -> dict[str, list[float]]:
    """Measured minus injected, one list a definition."""
    undelayed_ms = median(one.browser_ms for one in seen if one.delay_ms == 0)
    return {
        "joined": [one.joined_ms - one.delay_ms for one in seen],
        "browser": [one.browser_ms - undelayed_ms - one.delay_ms for one in seen],
        "fake": [one.fake_ms - one.delay_ms for one in seen],
    }


# --- the stated error ----------------------------------------------------------------------------


def error_of(seen: Sequence[Answered]) -> float:
    """The error that 99 of 100 times stay below; of fewer than a hundred, the worst. To 0.1 ms, upwards never down."""
    return round(quantile([one.error_ms for one in seen], ERROR_SHARE) + 0.049, 1)
