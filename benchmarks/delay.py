"""Injected against measured delay: how far a time in a timeline is from the truth.

The local fake answers the signature GET after a stated delay. Three figures are compared with it:

joined     request at the fake → answer in the browser's log. Two sources on one clock: the harness's
           own timing with everything that can be wrong with it. The stated error of every time is this.
browser    request → answer, both in the browser's log, less the middle one of what that takes with no
           delay. What a finding about the subject rests on; holds the browser's own jitter too.
fake       request → answer sent, both at the fake: how well the delay itself is kept.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.measure import met, spread, table
from benchmarks.shell import (
    Progress,
    arguments,
    at_least_one,
    machine,
    main,
    scenario_called,
    subject_and_browser,
    warm_rigs,
    without_waits,
)
from conformance.events import FetchAnswered, FetchStarted, ObservationEnded, RequestReceived, ResponseSent, Source
from conformance.model import FaultSpec, Role, World, role_of

if TYPE_CHECKING:
    import argparse

    from conformance.model import Endpoints, Scenario
    from conformance.timeline import Timeline

SCENARIO = "local-up"
DELAY_MS_MAX, DELAY_MS_STEP = 400, 5
ERROR_MS_MAX = 5.0  # p99, joined: what conformance/rig/environment.py states as the error of every time


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer to the signature GET with a stated delay. ``lag_ms``: how late the harness's loop was at worst."""

    delay_ms: float
    joined_ms: float
    browser_ms: float
    fake_ms: float
    lag_ms: float


def delayed(scenario: Scenario, delay_ms: float) -> Scenario:
    """The scenario with a local server that takes this long for its signature."""
    slow = World(local=(FaultSpec("answer", {"delay_ms": delay_ms}),), public=scenario.given.public)
    return replace(without_waits(scenario), given=slow)


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


def errors(seen: list[Answered]) -> dict[str, list[float]]:
    """Measured minus injected, one list a definition."""
    undelayed_ms = median(one.browser_ms for one in seen if one.delay_ms == 0)
    return {
        "joined": [one.joined_ms - one.delay_ms for one in seen],
        "browser": [one.browser_ms - undelayed_ms - one.delay_ms for one in seen],
        "fake": [one.fake_ms - one.delay_ms for one in seen],
    }


def report(seen: list[Answered], unseen: int) -> str:
    """The table of errors, the worst cases, and the target."""
    rows = []
    for name, found in errors(seen).items():
        sizes = spread([abs(error) for error in found])
        figures = (sizes.p50, sizes.p95, sizes.p99, sizes.worst)
        target = met(sizes.p99, at_most=ERROR_MS_MAX) if name == "joined" else ""
        rows.append((name, str(sizes.count), f"{median(found):+.2f}", *(f"{each:.2f}" for each in figures), target))
    head = ("error, ms", "times", "middle", "p50", "p95", "p99", "worst", "p99 target")
    worst = sorted(seen, key=lambda one: abs(one.joined_ms - one.delay_ms))[-3:]
    cases = ", ".join(f"{one.joined_ms:.1f} for {one.delay_ms:g} (loop late {one.lag_ms:.1f})" for one in worst)
    undelayed_ms = median(one.browser_ms for one in seen if one.delay_ms == 0)
    return (
        f"{table(head, rows)}\n\nan undelayed answer takes {undelayed_ms:.1f} ms in the browser's log; "
        f"joined, furthest off, ms: {cases}; not seen whole: {unseen} of {len(seen) + unseen}"
    )


def in_random_order(step: int, seed: int) -> list[int]:
    """Each delay once."""
    delays = list(range(0, DELAY_MS_MAX + 1, step))
    random.Random(seed).shuffle(delays)  # noqa: S311 - an order, not a secret
    return delays


def with_baseline(delays: list[int]) -> list[int]:
    """An undelayed answer before every eighth: one a pass would be no baseline."""
    return [each for place, delay in enumerate(delays) for each in ([0, delay] if place % 8 == 0 else [delay])]


async def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    profile, browser = subject_and_browser(options)
    print(machine(browser), end="\n\n", flush=True)
    scenario = scenario_called(SCENARIO)
    # An order of its own for every pass, so that drift falls on all delays alike.
    passes = [in_random_order(options.step, number) for number in range(options.repeats)]
    plan = [delay_ms for one in passes for delay_ms in with_baseline(one)]
    seen: list[Answered] = []
    progress = Progress("delay", len(plan))
    async with warm_rigs(profile, browser) as (warm,):
        for _ in range(options.warmup):
            await warm.observe(delayed(scenario, 0))
        for delay_ms in plan:
            one = answered(await warm.observe(delayed(scenario, delay_ms)), profile.endpoints, delay_ms)
            seen += [] if one is None else [one]
            progress.step()
    print(report(seen, len(plan) - len(seen)))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = arguments(__doc__)
    parser.add_argument("--repeats", type=at_least_one, default=5, help="passes over all delays; default: 5")
    parser.add_argument("--step", type=at_least_one, default=DELAY_MS_STEP, help="between two delays, ms; default: 5")
    parser.add_argument("--warmup", type=at_least_one, default=10, help="scenarios before the first; default: 10")
    return parser.parse_args()


if __name__ == "__main__":
    arguments_given = parse()
    sys.exit(main(lambda: run(arguments_given)))
