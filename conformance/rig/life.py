"""What may befall a subject: its worker stopped and woken, itself reloaded or updated, its browser restarted.

A worker is stopped and woken through the browser's own switchboard of service workers (CDP
``ServiceWorker``), on a tab of the rig's: nothing is attached to the worker itself.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.errors import RigFailed, SubjectError
from conformance.events import (
    BrowserClosed,
    BrowserStarted,
    Event,
    Source,
    SubjectReloaded,
    WorkerStarted,
    WorkerStopped,
)
from conformance.model import Act, Befall
from conformance.rig.scratch import scratching

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conformance.model import Profile, Scenario
    from conformance.rig.cdp import Cdp
    from conformance.rig.recorder import Recorder
    from conformance.rig.rig import Rig

MANIFEST = "manifest.json"
_WORKER_MS_MAX = 30_000  # some 20 ms idle; 5 s and more were seen on a machine with twenty at work
_LAUNCH_NUMBERS = 10**9  # a network log numbers from 1; a browser makes some thousands an hour
_VERSION = re.compile(r'("version"\s*:\s*")([0-9.]+)(")')
_VERSION_PART_MAX = 65535  # Chrome's own limit, four parts at most


class Life:
    """One scenario's acts on the rig that runs it."""

    def __init__(self, rig: Rig, profile: Profile, recorder: Recorder) -> None:
        self._rig = rig
        self._profile = profile
        self._recorder = recorder

    async def befall(self, act: Act) -> None:
        """Do it, and return when it is done. Raises RigFailed when the browser does not follow."""
        match act:
            case Act.STOP_WORKER:
                self._recorder.record(WorkerStopped, Source.RIG)
                await stop_worker(self._rig.cdp, self._rig.subject)
            case Act.START_WORKER:
                self._recorder.record(WorkerStarted, Source.RIG)
                await start_worker(self._rig.cdp, self._rig.subject)
            case Act.RELOAD:
                await self._load_again()
            case Act.UPDATE:
                raise_version(Path(self._profile.extension))
                await self._load_again()
            case Act.RESTART:
                await self._rig.flush()
                self._recorder.record(BrowserClosed, Source.RIG)
                how = await self._rig.restart(self._profile)
                self._recorder.record(BrowserStarted, Source.RIG, how=how)

    async def _load_again(self) -> None:
        path = Path(self._profile.extension)
        found = _VERSION.search((path / MANIFEST).read_text(encoding="utf-8-sig"))
        self._recorder.record(SubjectReloaded, Source.RIG, version=found[2] if found else "")
        loaded = await self._rig.cdp.send("Extensions.loadUnpacked", {"path": str(path)})
        if loaded["id"] not in self._rig.subject:
            message = f"{path}: loaded again, the subject has another id: {loaded['id']}"
            raise RigFailed(message)


async def settled_in(profile: Profile, scenario: Scenario, directory: Path) -> Profile:
    """The profile to run. A scenario that updates its subject gets a copy, from the start: the path makes the id."""
    if Befall(Act.UPDATE) not in scenario.when:
        return profile
    copy = directory / "subject"
    await asyncio.to_thread(shutil.rmtree, copy, ignore_errors=True)
    try:
        await asyncio.to_thread(shutil.copytree, profile.extension, copy)
    except (OSError, shutil.Error) as error:
        message = f"{profile.extension}: cannot be copied to {copy}: {error}; free space or set TMPDIR to another place"
        raise RigFailed(message) from error
    return replace(profile, extension=str(copy))


def raise_version(extension: Path) -> None:
    """Give the extension the next version, and leave the rest of its manifest as it is written."""
    path = extension / MANIFEST
    text, count = _VERSION.subn(
        lambda found: f"{found[1]}{next_version(found[2])}{found[3]}", path.read_text(encoding="utf-8-sig"), count=1
    )
    if not count:
        message = f"{path}: has no 'version' that could be raised; give it one like \"1.0.0\""
        raise SubjectError(message)
    with scratching(path):
        path.write_text(text, encoding="utf-8")


def next_version(version: str) -> str:
    """The least version that Chrome takes for newer and that has as many parts."""
    parts = [int(part) for part in version.split(".")]
    for place in reversed(range(len(parts))):
        if parts[place] < _VERSION_PART_MAX:
            parts[place] += 1
            break
        parts[place] = 0
    return ".".join(map(str, parts))


def renumbered(event: Event, launch: int) -> Event:
    """A browser's event in a record that has other browsers' too: their logs all number from 1."""
    changes: dict[str, Any] = {
        name: getattr(event, name) + launch * _LAUNCH_NUMBERS
        for name in ("request", "socket")
        if launch and hasattr(event, name)
    }
    return replace(event, **changes) if changes else event


# --- workers -------------------------------------------------------------------------------------


async def stop_worker(cdp: Cdp, origin: str) -> None:
    """Stop every worker of this browser, and wait until the one of ``origin`` is. Raises RigFailed."""
    async with _watched(cdp, origin) as workers:
        await workers.bring_about("ServiceWorker.stopAllWorkers", running=False)


async def start_worker(cdp: Cdp, origin: str) -> None:
    """Wake the worker of ``origin``, as any event of the browser's would. Raises RigFailed."""
    async with _watched(cdp, origin) as workers:
        await workers.bring_about("ServiceWorker.startWorker", {"scopeURL": f"{origin}/"}, running=True)


class _Workers:
    """The state of one origin's workers, as the browser tells it."""

    def __init__(self, cdp: Cdp, session: str, origin: str) -> None:
        self._cdp = cdp
        self._session = session
        self._origin = origin
        self._status: dict[str, str] = {}
        self._wanted: bool | None = None
        self._reached = asyncio.Event()

    async def send(self, method: str, params: dict[str, Any] | None = None) -> None:
        await self._cdp.send(method, params, self._session)

    def on_event(self, method: str, params: dict[str, Any], session: str | None) -> None:
        if session != self._session or method != "ServiceWorker.workerVersionUpdated":
            return
        for version in params["versions"]:
            if str(version["scriptURL"]).startswith(f"{self._origin}/"):
                self._status[version["versionId"]] = version["runningStatus"]
        self._look()

    def _look(self) -> None:
        """Whether it is so now, word by word: a worker that was stopped may run again before anybody else looks.

        On a busy machine one is stopped before the browser has told it that it was installed, and is woken to be told.
        """
        if self._wanted is not None and self._holds(running=self._wanted):
            self._reached.set()

    async def bring_about(self, method: str, params: dict[str, Any] | None = None, *, running: bool) -> None:
        """Send the command, and return when it has been so. Raises RigFailed."""
        self._wanted = running
        await self.send(method, params)
        self._look()
        try:
            async with asyncio.timeout(_WORKER_MS_MAX / 1000):
                await self._reached.wait()
        except TimeoutError:
            wanted, told = "running" if running else "stopped", json.dumps(sorted(self._status.values()))
            message = f"the subject's worker was not {wanted} within {_WORKER_MS_MAX / 1000:.0f} s, but {told}"
            raise RigFailed(message) from None

    def _holds(self, *, running: bool) -> bool:
        states = self._status.values()
        return "running" in states if running else bool(states) and set(states) == {"stopped"}


@asynccontextmanager
async def _watched(cdp: Cdp, origin: str) -> AsyncIterator[_Workers]:
    target = (await cdp.send("Target.createTarget", {"url": "about:blank", "background": True}))["targetId"]
    session = (await cdp.send("Target.attachToTarget", {"targetId": target, "flatten": True}))["sessionId"]
    workers = _Workers(cdp, session, origin)
    unlisten = cdp.listen(workers.on_event)
    try:
        await workers.send("ServiceWorker.enable")
        yield workers
    finally:
        unlisten()
        await cdp.send("Target.closeTarget", {"targetId": target})
