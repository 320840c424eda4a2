"""Injected against measured delay: how far a time in a timeline is from the truth.

What is measured, and the three definitions of the error, are conformance/calibration.py's, which
``conform calibrate`` shares; this adds a baseline, the worst cases and the target.
"""

from __future__ import annotations

import sys
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.measure import met, spread, table
from benchmarks.shell import (
    Progress,
    arguments,
    at_least_one,
    machine,
    main,
    subject_and_browser,
    warm_rigs,
)
from conformance.calibration import DEFAULT_ERROR_MS, Answered, answered, delayed, delays, errors

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def report(seen: list[Answered], unseen: int) -> str:
    """The table of errors, the worst cases, and the target."""
    rows = []
    for name, found in errors(seen).items():
        sizes = spread([abs(error) for error in found])
        figures = (sizes.p50, sizes.p95, sizes.p99, sizes.worst)
        target = met(sizes.p99, at_most=DEFAULT_ERROR_MS) if name == "joined" else ""
        rows.append((name, str(sizes.count), f"{median(found):+.2f}", *(f"{each:.2f}" for each in figures), target))
    head = ("error, ms", "times", "middle", "p50", "p95", "p99", "worst", "p99 target")
    worst = sorted(seen, key=lambda one: abs(one.joined_ms - one.delay_ms))[-3:]
    cases = ", ".join(f"{one.joined_ms:.1f} for {one.delay_ms:g} (loop late {one.lag_ms:.1f})" for one in worst)
    undelayed_ms = median(one.browser_ms for one in seen if one.delay_ms == 0)
    return (
        f"{table(head, rows)}\n\nan undelayed answer takes {undelayed_ms:.1f} ms in the browser's log; "
        f"joined, furthest off, ms: {cases}; not seen whole: {unseen} of {len(seen) + unseen}"
    )


def with_baseline(delays: Sequence[float]) -> list[float]:
    """An undelayed answer before every eighth: one a pass would be no baseline."""
    return [each for place, delay in enumerate(delays) for each in ([0.0, delay] if place % 8 == 0 else [delay])]


async def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    profile, browser = subject_and_browser(options)
    print(machine(browser), end="\n\n", flush=True)
    plan = with_baseline(delays(options.repeats))
    seen: list[Answered] = []
    progress = Progress("delay", len(plan))
    async with warm_rigs(profile, browser) as (warm,):
        for _ in range(options.warmup):
            await warm.observe(delayed(0.0))
        for delay_ms in plan:
            one = answered(await warm.observe(delayed(delay_ms)), profile.endpoints, delay_ms)
            seen += [] if one is None else [one]
            progress.step()
    print(report(seen, len(plan) - len(seen)))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = arguments(__doc__)
    parser.add_argument("--repeats", type=at_least_one, default=5, help="passes over all delays; default: 5")
    parser.add_argument("--warmup", type=at_least_one, default=10, help="scenarios before the first; default: 10")
    return parser.parse_args()


if __name__ == "__main__":
    arguments_given = parse()
    sys.exit(main(lambda: run(arguments_given)))
