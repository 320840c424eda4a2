"""The unattached rig: a browser with no debugging interface at all, one a scenario.

The subject is named on the command line (``--load-extension``: Chromium and Chrome for Testing;
branded Chrome 137 and later ignore it). The clock's zero is when the browser launched the subject's
process, which that process says of itself (birth.py); where it does not, the first thing that the
subject does. Only profiles whose trigger is the worker's start can be judged this way: a click needs a
page, and a page needs an interface.

A browser keeps the newest lines of its log back, and loses them when it ends: one that is told to
quit is often gone before it has written them. So its only tab asks, every 50 ms, for a URL that does not
exist; when such a request that began after a given moment has been read, so has all before it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.errors import BrowserDied, Unsupported
from conformance.events import FetchStarted, ObservationEnded, SocketStarted, Source, SubjectStarted
from conformance.model import TriggerKind
from conformance.rig.birth import birth
from conformance.rig.canary import wants_canary
from conformance.rig.chromium import Chromium, launch, make_directory
from conformance.rig.netlog import NetLogParser
from conformance.rig.netlog_pipe import NetLogPipe
from conformance.rig.recorder import Recorder, now_ms, settle
from conformance.rig.sanity import SANITY
from conformance.rig.scratch import refuse_when_full
from conformance.rig.servers import Servers
from conformance.rig.starvation import Starvation, acts_in_pages, looking_on
from conformance.rig.steps import Conductor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conformance.model import Profile, Scenario
    from conformance.rig.browsers import Browser
    from conformance.rig.netlog import Seen
    from conformance.rig.servers import RigParts
    from conformance.timeline import Timeline

_EXTENSION = "chrome-extension://"
_START_MS_MAX = 15_000  # a cold launch on a busy machine, seven at once: 4.8 s measured
_FLUSH_MS_MAX = 30_000  # a browser that is silent for longer is as good as dead
_BIRTH_S_MAX = 0.5  # it was before the first act, and a busy machine may tell of it after
_LOG_STEP_MS = 1  # the log's times are whole milliseconds

_TICK_URL = "http://tick.invalid/"
_TICKING_PAGE = (
    "data:text/html,<script>const tick = () => "
    f"fetch('{_TICK_URL}').catch(() => 0).finally(() => setTimeout(tick, 50)); tick();</script>"
)


class UnattachedBrowser:
    """A browser that nobody can talk to, heard through its network log. ``launch``, then ``close``."""

    def __init__(self, recorder: Recorder, *, pages: bool = True) -> None:
        self._recorder = recorder
        self._pages = pages
        self._ticked_ms = 0.0  # when the newest tick that was read began
        self._news = asyncio.Event()
        self._netlog: NetLogPipe | None = None
        self._chromium: Chromium
        self.starvation: Starvation
        self._birth: asyncio.Future[float] | None = None
        self._extension = ""  # what acted first
        self._death: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The browser process."""
        return self._chromium.pid

    async def launch(self, parts: RigParts, servers: Servers, directory: Path, flags: Sequence[str]) -> None:
        """Start it and wait until it is heard. Raises BrowserDied, RigFailed."""
        make_directory(directory)
        log = directory / "netlog"
        self._netlog = await NetLogPipe.open(log, NetLogParser(servers.sides), self.on_seen)
        enter = None if servers.namespace is None else servers.namespace.enter()
        self._chromium = await launch(
            parts.browser, directory, flags, headed=parts.headed, page=_TICKING_PAGE, enter=enter
        )
        self.starvation = Starvation(self.pid)
        self.starvation.begin(now_ms(), pages=self._pages)
        self.expect(asyncio.create_task(birth(self.pid)))
        self._death = asyncio.create_task(self._chromium.wait())
        self._death.add_done_callback(lambda _: self._news.set())
        await self.flush()

    def expect(self, coming: asyncio.Future[float]) -> None:
        """The subject's birth. A look then: what the browser waited for before holds up nothing of the subject's."""

        def born(birth: asyncio.Future[float]) -> None:
            if not birth.cancelled():
                self.starvation.look(now_ms())

        coming.add_done_callback(born)
        self._birth = coming

    def on_seen(self, seen: Seen) -> None:
        """What the page does is a tick; what an extension does, or nobody is named for, is the subject's."""
        event = seen.event
        if isinstance(event, FetchStarted) and event.url == _TICK_URL:
            self._ticked_ms = event.at_ms
            self._news.set()
        elif not seen.initiator or seen.initiator.startswith(_EXTENSION):
            self._extension = self._extension or seen.initiator.removeprefix(_EXTENSION).strip("/")
            self.starvation.look(now_ms())
            self._recorder.add(event)

    async def started(self, acted_ms: float) -> SubjectStarted:
        """The subject's start. ``acted_ms``: its first act."""
        if self._birth is not None:
            await asyncio.wait([self._birth], timeout=_BIRTH_S_MAX)
        born_ms = self._birth.result() if self._birth is not None and self._birth.done() else None
        if born_ms is None or born_ms > acted_ms:
            return SubjectStarted(at_ms=acted_ms, source=Source.RIG, extension_id="", how="its first request")
        how = "its process was launched"
        return SubjectStarted(at_ms=born_ms, source=Source.RIG, extension_id=self._extension, how=how)

    async def flush(self) -> float:
        """Have everything read that the browser has done so far; up to when. Raises BrowserDied."""
        asked_ms = now_ms()
        try:
            async with asyncio.timeout(_FLUSH_MS_MAX / 1000):
                while self._ticked_ms <= asked_ms + _LOG_STEP_MS:
                    await self._await_news()
        except TimeoutError:
            message = f"the browser's network log stood still for {_FLUSH_MS_MAX / 1000:.0f} s"
            raise BrowserDied(message) from None
        return asked_ms

    async def _await_news(self) -> None:
        if not self._chromium.is_alive:
            why, printed = await self._chromium.obituary(), self._chromium.last_words()
            message = f"{why}; it printed: {printed}; the scenario says nothing of the subject, run it again"
            raise BrowserDied(message)
        self._news.clear()
        await self._news.wait()

    async def close(self) -> None:
        """End it, if it was ever started."""
        if self._birth is not None:
            self._birth.cancel()
        if self._death is not None:
            self._death.cancel()
            await self._chromium.close()
        if self._netlog is not None:
            self._netlog.close()


async def observe_unattached(
    parts: RigParts, directory: Path, profile: Profile, scenario: Scenario, extra_rules: Sequence[str] = ()
) -> Timeline:
    """One scenario in a browser of its own. Raises Unsupported, BrowserDied, RigFailed, StorageFailed."""
    if (why := cannot_show(profile, scenario, parts.browser)) is not None:
        raise Unsupported(why)
    recorder = Recorder()
    servers = await Servers.open(parts, own_network=scenario.namespace)
    browser = UnattachedBrowser(recorder, pages=acts_in_pages(profile))
    try:
        await servers.prepare(profile, recorder, scenario.given, scripted=scenario.id == SANITY)
        flags = [*servers.flags(parts, directory / "netlog", extra_rules), f"--load-extension={profile.extension}"]
        await browser.launch(parts, servers, directory, flags)
        started = await browser.started(await _first_act(recorder))
        recorder.add(started)
        async with looking_on(lambda: browser.starvation):
            reason = await Conductor(servers.of, recorder, profile, browser.flush).conduct(scenario)
        ended_ms = await settle(recorder, browser.flush)
        for starved in browser.starvation.told(ended_ms):
            recorder.add(starved)
        lag_ms = parts.lag.worst_since(started.at_ms)
        recorder.add(ObservationEnded(at_ms=ended_ms, source=Source.RIG, reason=reason, lag_ms=lag_ms))
        servers.refuse_to_lie()
        refuse_when_full(directory)
        recorder.seal()
        recorder.events = [event for event in recorder.events if event.at_ms <= ended_ms]
        return recorder.timeline(started.at_ms)
    finally:
        await browser.close()
        await servers.reset()
        await servers.close()


def cannot_show(profile: Profile, scenario: Scenario, browser: Browser) -> str | None:
    """Why this rig cannot have this scenario on this subject; known without a browser being started."""
    if (why := cannot_have(profile, browser)) is not None:
        return why
    if scenario.given.access is not None:
        return "the permission is set by the debugging interface, and this browser has none"
    if wants_canary(scenario):
        return "the canary cookie is planted by the debugging interface, and this browser has none"
    return None


def cannot_have(profile: Profile, browser: Browser) -> str | None:
    """Why this rig cannot start this subject in this browser."""
    if profile.trigger.kind is not TriggerKind.START:
        return f"{profile.name}: its trigger is a {profile.trigger.kind}, which this rig cannot give; use --rig warm"
    if browser.product == "Google Chrome":
        return f"{browser} ignores --load-extension; use --rig warm, or a Chromium or Chrome for Testing"
    return None


async def _first_act(recorder: Recorder) -> float:
    """When the subject first asked for anything; now, when it has not within the time for a cold launch."""

    def times() -> list[float]:
        return [event.at_ms for event in recorder.events if isinstance(event, FetchStarted | SocketStarted)]

    await recorder.wait_until(lambda: bool(times()), now_ms() + _START_MS_MAX)
    return min(times(), default=now_ms())
