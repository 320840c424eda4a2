"""What every benchmark needs of the outside: the subject, the browser, a warm rig, progress, and its own words.

Figures go to stdout as Markdown, so that they can be put into docs/benchmarks.md; everything else
goes to stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.bundle import bundled
from conformance.calibration import DEFAULT_ERROR_MS
from conformance.catalogue import by_id
from conformance.errors import ConformError, InputError
from conformance.files import load_requirements, load_scenarios
from conformance.judge import judge_scenario
from conformance.model import Profile, Requirement
from conformance.record import ScenarioRecord
from conformance.rig.browsers import find_browser
from conformance.rig.certificates import Certificates
from conformance.rig.engine import roomy_memory
from conformance.rig.lag import LagMonitor
from conformance.rig.mapping import hosts_of
from conformance.rig.priority import going_first
from conformance.rig.rig import Rig
from conformance.rig.servers import RigParts
from conformance.subjects import load_subject

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from conformance.model import Scenario
    from conformance.results import ScenarioResult
    from conformance.rig.browsers import Browser
    from conformance.timeline import Timeline

_SEED_LITERAL = ("fixtures", "extensions", "seed-literal")
_REFERENCE = ("fixtures", "extensions", "reference")


# --- the command line ----------------------------------------------------------------------------


def arguments(description: str | None, *, subject: str = "seed-literal") -> argparse.ArgumentParser:
    """A parser with what every benchmark takes."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    default = bundled(*(_REFERENCE if subject == "reference" else _SEED_LITERAL))
    parser.add_argument("--extension", type=Path, default=default, metavar="DIR", help=f"default: {subject}")
    parser.add_argument("--browser", metavar="PATH", help="which Chromium; default: the one that conform finds")
    return parser


def at_least_one(text: str) -> int:
    """An argument that counts something."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: give a whole number from 1 on")
    return number


def main(work: Callable[[], Coroutine[None, None, None]]) -> int:
    """Run a benchmark; its exit status."""
    try:
        asyncio.run(work())
    except ConformError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("benchmark: interrupted", file=sys.stderr)
        return 130
    return 0


def machine(browser: Browser) -> str:
    """Where and when this was measured, and how busy the machine was before it began."""
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    load = " ".join(f"{figure:.1f}" for figure in os.getloadavg())
    return (
        f"measured on: {_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB, {platform.system()} "
        f"{platform.release()}, {browser}, Python {platform.python_version()}, {when}, load average {load}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


@dataclass(frozen=True, slots=True)
class Process:
    """A process as /proc/PID/stat has it. ``cpu_ms``: its own and that of the children it has waited for."""

    parent: int
    group: int
    cpu_ms: float


def parse_stat(text: str, ticks_a_second: int) -> Process:
    """One line of /proc/PID/stat. The name, second of its fields, may hold anything, blanks and brackets too."""
    fields = text.rpartition(")")[2].split()
    ticks = sum(int(each) for each in fields[11:15])
    return Process(int(fields[1]), int(fields[2]), ticks / ticks_a_second * 1000)


def processes() -> dict[int, Process]:
    """This process and everything below it."""
    ticks_a_second = os.sysconf("SC_CLK_TCK")
    every = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                every[int(entry.name)] = parse_stat((entry / "stat").read_text(errors="replace"), ticks_a_second)
            except OSError:
                continue  # it ended while we looked
    return below(os.getpid(), every)


def below(root: int, every: Mapping[int, Process]) -> dict[int, Process]:
    """The part of the tree that begins at ``root``."""
    found: dict[int, Process] = {}
    wanted = [root]
    while wanted:
        pid = wanted.pop()
        if pid in every and pid not in found:
            found[pid] = every[pid]
            wanted += [child for child, process in every.items() if process.parent == pid]
    return found


class Progress:
    """One line on stderr: how far, and how much longer. On anything but a terminal, a line every ten seconds."""

    def __init__(self, name: str, total: int) -> None:
        self._name = name
        self._total = total
        self._done = 0
        self._begun = self._told = time.monotonic()
        self._is_live = sys.stderr.isatty()

    def step(self, by: int = 1, note: str = "") -> None:
        """So many more are done."""
        self._done += by
        now = time.monotonic()
        is_last = self._done >= self._total
        if not self._is_live and not is_last and now - self._told < 10:  # noqa: PLR2004 - seconds, said above
            return
        self._told = now
        left_s = (now - self._begun) / self._done * (self._total - self._done)
        line = f"{self._name}: {self._done} of {self._total}, {left_s:.0f} s left{note and f', {note}'}"
        end = "\n" if is_last or not self._is_live else ""
        print(f"\r\033[K{line}" if self._is_live else line, end=end, file=sys.stderr, flush=True)


# --- the harness, warm ---------------------------------------------------------------------------


def without_waits(scenario: Scenario) -> Scenario:
    """The scenario without the watching that it states for its end."""
    return replace(scenario, then=replace(scenario.then, hold_ms=0.0))


def scenario_called(scenario_id: str) -> Scenario:
    """One scenario of the bundled catalogue."""
    for scenario in load_scenarios():
        if scenario.id == scenario_id:
            return scenario
    raise InputError(f"the catalogue has no scenario '{scenario_id}'")


def subject_and_browser(options: argparse.Namespace) -> tuple[Profile, Browser]:
    """What ``arguments`` asked for. Raises SubjectError, BrowserNotFound."""
    return load_subject(options.extension, None), find_browser(options.browser)


@dataclass(frozen=True, slots=True)
class Warm:
    """One warm rig with everything that a scenario's verdict takes."""

    rig: Rig
    profile: Profile
    requirements: Mapping[str, Requirement]

    async def observe(self, scenario: Scenario) -> Timeline:
        """Carry the scenario out."""
        return await self.rig.observe(self.profile, scenario)

    def judge(self, scenario: Scenario, timeline: Timeline) -> ScenarioResult:
        """What the timeline says of the subject."""
        record = ScenarioRecord(self.profile.name, scenario.id, timeline=timeline)
        return judge_scenario(scenario, self.profile, record, self.requirements, DEFAULT_ERROR_MS)


@asynccontextmanager
async def warm_rigs(profile: Profile, browser: Browser, count: int = 1) -> AsyncIterator[list[Warm]]:
    """``count`` warm rigs for one subject, as a run with so many jobs has them."""
    hosts = hosts_of([profile.endpoints])
    requirements = by_id(load_requirements())
    lag = LagMonitor()
    async with AsyncExitStack() as stack:
        directory = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="benchmark-", dir=roomy_memory(), ignore_cleanup_errors=True)
            )
        )
        parts = RigParts(browser, hosts, Certificates(hosts.public_names), lag)
        lag.start()
        stack.callback(lag.stop)
        stack.enter_context(going_first())
        rigs = []
        for number in range(count):
            rig = await Rig.open(parts, directory / f"rig-{number}")
            stack.push_async_callback(rig.close)
            rigs.append(Warm(rig, profile, requirements))
        yield rigs
