"""Carries out a plan: several rigs in one process, each taking the next scenario when it is free.

More rigs than cores, longest scenarios first: what a scenario costs is mostly waiting, and the waits
overlap. One process and one clock serve all rigs, so that they share nothing but the machine.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.errors import ConformError, HarnessError, RigNotSane, SubjectError, Unsupported
from conformance.model import Access, Endpoints
from conformance.plan import FRESH_PROFILE
from conformance.record import ScenarioRecord
from conformance.rig.browsers import Browser
from conformance.rig.certificates import Certificates
from conformance.rig.display import screen
from conformance.rig.faults import build
from conformance.rig.faults.base import ResolveFault
from conformance.rig.lag import LagMonitor
from conformance.rig.line import Line
from conformance.rig.mapping import hosts_of
from conformance.rig.priority import going_first
from conformance.rig.recorder import now_ms
from conformance.rig.rig import Rig
from conformance.rig.sanity import SANITY, Sanity
from conformance.rig.scratch import temporary_directory
from conformance.rig.servers import RigParts
from conformance.rig.targets import TargetPool
from conformance.rig.unattached import cannot_show, observe_unattached
from conformance.targets import TargetSpec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from conformance.model import Profile, Scenario
    from conformance.plan import Plan, PlanItem
    from conformance.timeline import Timeline

_MEMORY = "/dev/shm"  # noqa: S108 - the directory in it is made by tempfile
_MEMORY_BYTES_MIN = 2 * 1024**3  # a profile is some 3 MB, a scenario's cache up to 16; many containers have 64 MiB
_LAUNCHES_AT_ONCE = 2  # a cold launch takes half a second alone and five with seven at once


class RigMode(StrEnum):
    """How a scenario gets its browser."""

    WARM = "warm"  # one browser a rig; the subject is loaded and removed
    FRESH = "fresh"  # a browser a scenario
    UNATTACHED = "unattached"  # a browser a scenario, without any debugging interface


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a run is made with. ``jobs``: how many rigs at once."""

    browser: Browser
    rig: RigMode = RigMode.WARM
    jobs: int = 1
    headed: bool = False
    seed: int = 0
    fail_fast: bool = False
    targets: tuple[TargetSpec, ...] = ()


@dataclass(slots=True)
class Apart:
    """The rigs with networks of their own, which all workers share. ``why_none``: this machine gives none."""

    idle: list[Rig] = field(default_factory=list)
    why_none: str = ""


class RigHolder:
    """One worker's rig: launched when first needed, replaced when it died, closed at the end."""

    def __init__(self, pool: RigPool, directory: Path) -> None:
        self._parts = pool.parts
        self._settings = pool.settings
        self._directory = directory
        self._launching = pool.launching
        self._sanity = pool.sanity
        self._apart = pool.apart
        self._launches = 0
        self._rig: Rig | None = None

    async def run(self, item: PlanItem) -> ScenarioRecord:
        """One scenario's record. What the harness could not do is in it (``failure``, ``unsupported``), never raised.

        Raises SubjectError: an extension that the browser refuses is the user's to mend. Raises RigNotSane.
        """
        begun_ms = now_ms()
        timeline, failure, unsupported = None, None, None
        try:
            if self._settings.rig is RigMode.UNATTACHED:
                _refuse(item, self._parts.browser)  # before the rig is looked at, which would fail for the same reason
            if self._settings.rig is RigMode.WARM:
                await self._warm_up()  # the rigs may start while the first of them is looked at
            await self._sanity.ensure(self._observe)
            begun_ms = now_ms()
            timeline = await self._observe(item.profile, item.scenario)
        except Unsupported as error:
            unsupported = str(error)
        except RigNotSane:
            raise
        except HarnessError as error:
            failure = str(error)
            await self.close()
        wall_ms = round(now_ms() - begun_ms, 1)
        whose = (item.profile.name, item.scenario.id, item.repeat)
        return ScenarioRecord(*whose, timeline, failure, unsupported, wall_ms)

    async def _observe(self, profile: Profile, scenario: Scenario) -> Timeline:
        rules = _resolve_rules(scenario, self._parts)
        if self._settings.rig is RigMode.UNATTACHED:
            return await observe_unattached(self._parts, self._next_directory(), profile, scenario, rules)
        if scenario.given.access is Access.PROMPT:
            async with screen() as display:
                return await self._observe_once(profile, scenario, rules, replace(self._parts, display=display))
        if rules or FRESH_PROFILE in scenario.tags or self._settings.rig is RigMode.FRESH:
            return await self._observe_once(profile, scenario, rules, self._parts)
        if scenario.namespace:
            return await self._observe_apart(profile, scenario)
        return await (await self._warm_up()).observe(profile, scenario)

    async def _warm_up(self) -> Rig:
        """The rig of this place, launched if there is none that lives."""
        if self._rig is None or not self._rig.is_alive:
            await self.close()
            self._rig = await self._launch((), self._parts)
        return self._rig

    async def _observe_once(
        self, profile: Profile, scenario: Scenario, rules: Iterable[str], parts: RigParts
    ) -> Timeline:
        """In a browser of its own."""
        rig = await self._launch(rules, parts, own_network=scenario.namespace)
        try:
            return await rig.observe(profile, scenario)
        finally:
            await rig.close()

    async def _observe_apart(self, profile: Profile, scenario: Scenario) -> Timeline:
        """In a rig with a network of its own: one that nobody has just now, else a new one."""
        idle = self._apart.idle
        rig = idle.pop() if idle else await self._launch((), self._parts, own_network=True)
        try:
            timeline = await rig.observe(profile, scenario)
        except BaseException:
            await rig.close()
            raise
        if rig.is_alive:
            idle.append(rig)
        else:
            await rig.close()
        return timeline

    async def _launch(self, rules: Iterable[str], parts: RigParts, *, own_network: bool = False) -> Rig:
        if own_network and self._apart.why_none:
            raise Unsupported(self._apart.why_none)
        directory = self._next_directory()
        async with self._launching:
            try:
                return await Rig.open(parts, directory, extra_rules=tuple(rules), own_network=own_network)
            except Unsupported as error:
                if own_network:
                    self._apart.why_none = str(error)
                raise

    def _next_directory(self) -> Path:
        self._launches += 1
        return self._directory / str(self._launches)

    async def close(self) -> None:
        """End the rig, if there is one."""
        rig, self._rig = self._rig, None
        if rig is not None:
            await rig.close()


def _resolve_rules(scenario: Scenario, parts: RigParts) -> list[str]:
    faults = [fault for fault in build(scenario.given.public) if isinstance(fault, ResolveFault)]
    looked_up = [f"EXCLUDE {host}" for host in parts.hosts.public_names if scenario.given.both]
    return [*looked_up, *(fault.apply(host) for fault in faults for host in parts.hosts.public_names)]


class RigPool:
    """Rigs for some subjects. ``open_pool`` makes it; ``holder`` gives a worker its own."""

    def __init__(self, parts: RigParts, settings: RunSettings, directory: Path, sanity: Sanity) -> None:
        self.parts = parts
        self.settings = settings
        self.launching = asyncio.Semaphore(_LAUNCHES_AT_ONCE)
        self.sanity = sanity
        self.apart = Apart()
        self._directory = directory
        self._holders: list[RigHolder] = []

    def holder(self) -> RigHolder:
        """A new worker's place."""
        directory = self._directory / f"rig-{len(self._holders) + 1}"
        holder = RigHolder(self, directory)
        self._holders.append(holder)
        return holder

    async def close(self) -> None:
        """End every rig."""
        self.sanity.cancel()
        apart, self.apart.idle = self.apart.idle, []
        await asyncio.gather(*(holder.close() for holder in self._holders), *(rig.close() for rig in apart))


def _refuse(item: PlanItem, browser: Browser) -> None:
    if (why := cannot_show(item.profile, item.scenario, browser)) is not None:
        raise Unsupported(why)


def roomy_memory() -> str | None:
    """A directory in memory for the browsers' own, where there is room; None: the machine's usual place.

    Chromium syncs its profile to disk some thirty times when an extension is loaded and removed.
    """
    if "TMPDIR" in os.environ or not os.access(_MEMORY, os.W_OK):
        return None
    return _MEMORY if shutil.disk_usage(_MEMORY).free >= _MEMORY_BYTES_MIN else None


@asynccontextmanager
async def open_pool(settings: RunSettings, profiles: Iterable[Profile]) -> AsyncIterator[RigPool]:
    """Everything that the rigs of a run share: keys, the lag monitor, a directory that is removed at the end.

    Raises StorageFailed where no directory can be made.
    """
    subjects = tuple(profiles)
    endpoints = [profile.endpoints for profile in subjects]
    pages = (profile.web.page for profile in subjects if profile.web is not None)
    hosts = hosts_of(endpoints, pages)
    lag = LagMonitor()
    with temporary_directory(where=roomy_memory()) as directory:
        targets = TargetPool(settings.targets, subjects, Path(directory))
        parts = RigParts(
            settings.browser, hosts, Certificates(hosts.public_names), lag, settings.headed, targets=targets
        )
        sanity = Sanity(next(iter(endpoints), Endpoints()), Path(directory) / SANITY)
        pool = RigPool(parts, settings, Path(directory), sanity)
        lag.start()
        try:
            with going_first():
                yield pool
        finally:
            lag.stop()
            await pool.close()
            await targets.close()


async def run_plan(
    plan: Plan,
    settings: RunSettings,
    *,
    on_start: Callable[[PlanItem], None],
    on_record: Callable[[ScenarioRecord], None],
    stop: Callable[[], bool],
) -> None:
    """Carry out every item; ``on_record`` gets each as it ends. ``stop()`` true: begin no other.

    Raises SubjectError at once, since every other scenario of that subject would fail alike, and RigNotSane
    before anything else is carried out.
    """
    line = Line(plan.items, jobs=settings.jobs, cores=os.cpu_count() or 1)

    async def work(holder: RigHolder) -> None:
        while (item := await line.take()) is not None:
            if stop():
                await line.clear()
                return
            on_start(item)
            try:
                on_record(await holder.run(item))
            finally:
                await line.done(item)

    profiles = {item.profile.name: item.profile for item in plan.items}
    async with open_pool(settings, profiles.values()) as pool:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(settings.jobs, len(plan.items))):
                    group.create_task(work(pool.holder()))
        except* ConformError as errors:
            raise _first(errors) from None


def _first(errors: BaseExceptionGroup[ConformError]) -> ConformError:
    for error in errors.exceptions:
        if isinstance(error, ConformError):
            return error
        if isinstance(error, BaseExceptionGroup):
            return _first(error)
    return SubjectError(str(errors))
