"""How many scenarios a minute: the harness against the bare loop (the limit) and the usual recipe.

Every contender is asked the same of the same subject: which server does it go to, and how fast, the
local server being up. They take turns, a block of scenarios each, in one run, so that what the machine
does to one of them it does to all; every second round goes backwards.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from playwright.async_api import async_playwright

from benchmarks.detail import watching
from benchmarks.limits import Contender, now_ms, pipe_loop, playwright_loop, recipe
from benchmarks.measure import Block, cpu_each_ms, median_ms, met, pace_ratio, per_minute, table
from benchmarks.shell import (
    Progress,
    Warm,
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
from conformance.errors import RigFailed
from conformance.model import Outcome
from conformance.rig.engine import roomy_memory
from conformance.verdict import Verdict

if TYPE_CHECKING:
    import argparse

    from benchmarks.detail import Stopwatch
    from conformance.model import Profile, Scenario
    from conformance.rig.browsers import Browser

SCENARIO = "local-up"
HARNESS, PIPE, PLAYWRIGHT, RECIPE = "harness, warm", "bare loop, pipe", "bare loop, Playwright", "recipe"
TO_PIPE_MAX = 1.25  # times the limit's time
TO_RECIPE_MIN = 5.0  # times the recipe's scenarios a minute


class Harness:
    """The harness as a contender: observed, proved, cleaned up and judged."""

    def __init__(self, warm: Warm, scenario: Scenario, stopwatch: Stopwatch | None) -> None:
        self._warm = warm
        self._scenario = scenario
        self._stopwatch = stopwatch

    async def once(self) -> float | None:
        """One scenario from the fakes' setting to its verdict; None when the verdict does not say which server."""
        timeline = await self._warm.observe(self._scenario)
        begun_s = time.perf_counter()
        result = self._warm.judge(self._scenario, timeline)
        if self._stopwatch is not None:
            self._stopwatch.note("judge", begun_s)
        if result.verdict is Verdict.ERROR or result.connected_to is Outcome.PUBLIC:
            raise RigFailed(f"{self._scenario.id} should have ended on the local server: {result.reason}")
        return result.connect_ms if result.connected_to is Outcome.LOCAL else None


def cpu_ms() -> float:
    """What this process and all below it have used. Only one contender is at work at a time: the others idle."""
    return sum(process.cpu_ms for process in processes().values())


@dataclass(slots=True)
class Lane:
    """One contender, its places (one a job), and what was measured."""

    name: str
    each: int  # scenarios a place and turn
    places: list[Contender]
    blocks: list[Block]
    connect_ms: list[float]
    unanswered: int = 0

    async def turn(self) -> None:
        """One block: every place at once, each one scenario after the other."""
        each_ms: list[float] = []

        async def work(place: Contender) -> None:
            for _ in range(self.each):
                begun_ms = now_ms()
                connect_ms = await place.once()
                each_ms.append(now_ms() - begun_ms)
                if connect_ms is None:
                    self.unanswered += 1
                else:
                    self.connect_ms.append(connect_ms)

        before_ms, begun_ms = cpu_ms(), now_ms()
        await asyncio.gather(*(work(place) for place in self.places))
        wall_ms = now_ms() - begun_ms
        self.blocks.append(Block(tuple(each_ms), wall_ms, cpu_ms() - before_ms))

    def forget(self) -> None:
        """The turns so far were for warming up."""
        self.blocks.clear()
        self.connect_ms.clear()
        self.unanswered = 0


async def lanes(
    stack: AsyncExitStack, options: argparse.Namespace, profile: Profile, browser: Browser, stopwatch: Stopwatch | None
) -> list[Lane]:
    """Every contender, ready."""
    jobs = range(options.jobs)
    scenario = without_waits(scenario_called(SCENARIO))
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=roomy_memory(), ignore_cleanup_errors=True)))
    playwright = await stack.enter_async_context(async_playwright())
    rigs = await stack.enter_async_context(warm_rigs(profile, browser, options.jobs))
    places: dict[str, list[Contender]] = {
        HARNESS: [Harness(warm, scenario, stopwatch) for warm in rigs],
        PIPE: [await stack.enter_async_context(pipe_loop(profile, browser, directory / str(job))) for job in jobs],
        PLAYWRIGHT: [await stack.enter_async_context(playwright_loop(playwright, profile, browser)) for _ in jobs],
        RECIPE: [await stack.enter_async_context(recipe(playwright, profile, browser)) for _ in jobs],
    }
    if options.no_recipe:
        del places[RECIPE]
    each = {RECIPE: options.recipes}
    return [Lane(name, each.get(name, options.block), found, [], []) for name, found in places.items()]


async def measure(all_lanes: list[Lane], rounds: int, stopwatch: Stopwatch | None) -> None:
    """Let every contender take its turns; the first round is for warming up."""
    progress = Progress("throughput", rounds + 1)
    for number in range(rounds + 1):
        for lane in all_lanes if number % 2 else reversed(all_lanes):
            await lane.turn()
        if number == 0:
            for lane in all_lanes:
                lane.forget()
            if stopwatch is not None:
                stopwatch.forget()
        progress.step()


def report(all_lanes: list[Lane], jobs: int) -> str:
    """The table, the ratios and the targets."""
    rows = [
        (
            lane.name,
            str(sum(len(block.each_ms) for block in lane.blocks)),
            f"{median_ms(lane.blocks):.1f}",
            f"{per_minute(lane.blocks):.0f}",
            f"{cpu_each_ms(lane.blocks):.0f}",
            f"{median(lane.connect_ms):.1f}" if lane.connect_ms else "none",
            str(lane.unanswered),
        )
        for lane in all_lanes
    ]
    first = f"{jobs} job{'s' if jobs > 1 else ''}"
    head = (first, "scenarios", "median ms", "a minute", "core, ms", "load to open, ms", "no answer")
    blocks = {lane.name: lane.blocks for lane in all_lanes}
    ratios = []
    for limit in (PIPE, PLAYWRIGHT):
        ratio = pace_ratio(blocks[HARNESS], blocks[limit])
        ratios.append((f"time of {HARNESS} / {limit}", str(ratio), met(ratio.middle, at_most=TO_PIPE_MAX)))
    if RECIPE in blocks:
        ratio = pace_ratio(blocks[RECIPE], blocks[HARNESS])
        ratios.append((f"a minute of {HARNESS} / {RECIPE}", str(ratio), met(ratio.middle, at_least=TO_RECIPE_MIN)))
    return "\n\n".join(
        [table(head, rows), table(("ratio, of one round (middle, quartiles)", "measured", "target"), ratios)]
    )


async def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    profile, browser = subject_and_browser(options)
    print(machine(browser), end="\n\n", flush=True)
    async with AsyncExitStack() as stack:
        watch = ExitStack()
        stack.callback(watch.close)
        stopwatch = watch.enter_context(watching()) if options.detail else None
        found = await lanes(stack, options, profile, browser, stopwatch)
        await measure(found, options.rounds, stopwatch)
        print(report(found, options.jobs))
        if stopwatch is not None:
            print("\n" + table(("part of a warm scenario", "times", "median ms"), stopwatch.rows()))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = arguments(__doc__)
    parser.add_argument("--jobs", type=at_least_one, default=1, help="browsers of each contender at once; default: 1")
    parser.add_argument("--rounds", type=at_least_one, default=20, help="turns of each contender; default: 20")
    parser.add_argument("--block", type=at_least_one, default=10, help="scenarios a turn and job; default: 10")
    parser.add_argument("--recipes", type=at_least_one, default=2, help="the recipe's scenarios a turn; default: 2")
    parser.add_argument("--no-recipe", action="store_true", help="leave the recipe out: half a second a scenario")
    parser.add_argument("--detail", action="store_true", help="where the harness's milliseconds go, part by part")
    return parser.parse_args()


if __name__ == "__main__":
    arguments_given = parse()
    sys.exit(main(lambda: run(arguments_given)))
