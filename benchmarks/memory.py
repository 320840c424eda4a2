"""Memory of the harness and of its browser over many warm scenarios: it must not grow.

Measured between scenarios, when the subject is gone: what is left then is what a scenario leaves
behind. Two figures of each (Linux ``Documentation/filesystems/proc.rst``, smaps_rollup): PSS, in which
what several processes share is split between them, other programs' processes included; and its part
that no file stands behind, which nobody else's coming and going can change.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.measure import met, plot, slope, table
from benchmarks.shell import (
    Progress,
    arguments,
    at_least_one,
    machine,
    main,
    processes,
    scenario_called,
    subject_and_browser,
    warm_rigs,
    without_waits,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable

SCENARIO = "local-up"
RATIO_MAX = 1.10  # at the end against the first mark
_MARK = 200  # scenarios after which caches are full
_SETTLE_S, _LOOKS = 0.1, 3  # a renderer ends a moment after its subject is removed


@dataclass(frozen=True, slots=True)
class Memory:
    """Mebibytes of some processes: all of it, and what no file stands behind."""

    whole_mib: float
    anonymous_mib: float


@dataclass(frozen=True, slots=True)
class Sample:
    """What there was after so many scenarios."""

    scenarios: int
    harness: Memory
    browser: Memory
    processes: int


def parse_rollup(text: str) -> Memory:
    """One process' smaps_rollup, or its status where the kernel keeps that to itself (then RSS for PSS)."""
    kib = {name: int(rest.split()[0]) for name, rest in re.findall(r"(?m)^(\w+):\s+(\d+ kB)$", text)}
    if "Pss" in kib:
        return Memory(kib["Pss"] / 1024, (kib.get("Pss_Anon", 0) + kib.get("Pss_Shmem", 0)) / 1024)
    return Memory(kib.get("VmRSS", 0) / 1024, (kib.get("RssAnon", 0) + kib.get("RssShmem", 0)) / 1024)


def total(parts: Iterable[Memory]) -> Memory:
    """The sum of several processes."""
    every = list(parts)
    return Memory(sum(one.whole_mib for one in every), sum(one.anonymous_mib for one in every))


def memory_of(pid: int) -> Memory:
    """One process'; nothing for one that has just ended."""
    for name in ("smaps_rollup", "status"):
        try:
            return parse_rollup((Path("/proc") / str(pid) / name).read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue
    return Memory(0.0, 0.0)


async def sample(scenarios: int) -> Sample:
    """The least of a few looks: what is on its way out is no growth."""
    looks = []
    for _ in range(_LOOKS):
        await asyncio.sleep(_SETTLE_S)
        pids = [pid for pid in processes() if pid != os.getpid()]
        looks.append((total(memory_of(pid) for pid in pids), len(pids)))
    browser, count = min(looks, key=lambda look: look[0].anonymous_mib)
    return Sample(scenarios, memory_of(os.getpid()), browser, count)


FIGURES: tuple[tuple[str, Callable[[Sample], float]], ...] = (
    ("harness", lambda one: one.harness.whole_mib),
    ("harness, no files", lambda one: one.harness.anonymous_mib),
    ("browser", lambda one: one.browser.whole_mib),
    ("browser, no files", lambda one: one.browser.anonymous_mib),
)


def report(samples: list[Sample], mark: int) -> str:
    """At the mark, at the end, the ratio, the growth, and a plot of each."""
    later = [one for one in samples if one.scenarios >= mark]
    rows, plots = [], []
    for name, of in FIGURES:
        points = [(float(one.scenarios), of(one)) for one in later]
        first, last, highest = points[0][1], points[-1][1], max(y for _, y in points)
        figures = (f"{first:.1f}", f"{last:.1f}", f"{highest:.1f}", f"{slope(points) * 1024:+.2f}")
        rows.append((name, *figures, f"{last / first:.3f}", met(last / first, at_most=RATIO_MAX)))
        if "," in name:
            continue
        plots.append(f"{name}, MiB over scenarios\n{plot([(float(one.scenarios), of(one)) for one in samples])}")
    end = later[-1].scenarios
    head = ("PSS, MiB", f"at {later[0].scenarios}", f"at {end}", "highest", "KiB a scenario", "ratio", "target")
    counts = f"browser processes: {later[0].processes} at {later[0].scenarios}, {later[-1].processes} at {end}"
    usual = f"{counts}, {median(one.processes for one in later):.0f} most of the time"
    return "\n\n".join([table(head, rows), usual, *plots])


async def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    profile, browser = subject_and_browser(options)
    print(machine(browser), end="\n\n", flush=True)
    scenario = without_waits(scenario_called(SCENARIO))
    samples: list[Sample] = []
    progress = Progress("memory", options.count)
    async with warm_rigs(profile, browser) as (warm,):
        for number in range(1, options.count + 1):
            warm.judge(scenario, await warm.observe(scenario))
            if number % options.every == 0 or number == options.count:
                samples.append(await sample(number))
            last = samples[-1] if samples else None
            progress.step(
                note=f"browser {last.browser.whole_mib:.0f}, harness {last.harness.whole_mib:.0f} MiB" if last else ""
            )
    print(report(samples, min(options.mark, options.count)))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = arguments(__doc__)
    parser.add_argument("--count", type=at_least_one, default=2000, help="scenarios; default: 2000")
    parser.add_argument("--every", type=at_least_one, default=50, help="scenarios between two samples; default: 50")
    parser.add_argument("--mark", type=at_least_one, default=_MARK, help="compare with the sample here; default: 200")
    return parser.parse_args()


if __name__ == "__main__":
    arguments_given = parse()
    sys.exit(main(lambda: run(arguments_given)))
