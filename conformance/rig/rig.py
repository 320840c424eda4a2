"""A rig: one browser and its fakes, ready for scenarios, one after the other.

Warm and fresh are the same rig, used often or once: the subject is loaded by CDP
(``Extensions.loadUnpacked``), which starts its worker, and removed again (``uninstall``). Nothing is
attached to the subject; what it does is read from the browser's network log and from the fakes.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING

from conformance.errors import BrowserDied, SubjectError, Unsupported
from conformance.events import CanaryPlanted, ObservationEnded, OnlineChanged, Source, SubjectStarted
from conformance.model import TriggerKind
from conformance.rig import canary
from conformance.rig.cdp import CdpError
from conformance.rig.chromium import Chromium, launch, make_directory
from conformance.rig.life import Life, renumbered, settled_in
from conformance.rig.living import Living
from conformance.rig.mark import set_mark
from conformance.rig.netlog import NetLogParser
from conformance.rig.netlog_pipe import NetLogPipe
from conformance.rig.page import Page, open_trigger_page, pull
from conformance.rig.permission import Permission
from conformance.rig.recorder import Recorder, now_ms, settle
from conformance.rig.sanity import SANITY
from conformance.rig.scratch import refuse_when_full
from conformance.rig.servers import RigParts, Servers
from conformance.rig.starvation import Starvation, acts_in_pages, looking_on
from conformance.rig.steps import Conductor
from conformance.rig.web import leave, visit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence
    from pathlib import Path

    from conformance.model import Profile, Scenario
    from conformance.rig.cdp import Cdp
    from conformance.rig.netlog import Seen
    from conformance.timeline import Timeline

_FLUSH_MS_MAX = 30_000  # 5 ms idle; a browser that takes longer than this is as good as dead


class Rig:
    """One browser and its fakes. ``open``, then ``observe`` as often as wanted, then ``close``."""

    def __init__(self, parts: RigParts, servers: Servers) -> None:
        self.parts = parts
        self.servers = servers
        self.flags: tuple[str, ...] = ()
        self._chromium: Chromium
        self._netlog: NetLogPipe
        self._living: Living
        self._haunted = False
        self._recorder: Recorder | None = None
        self._subject = "chrome-extension://"
        self._page_of_subject: str | None = None
        self._visited = ""
        self._permission = Permission()
        self._begun_ms = 0.0
        self._loaded_ms = math.inf
        self._starvation: Starvation
        self._directory: Path
        self._launch_number = 0

    @classmethod
    async def open(
        cls, parts: RigParts, directory: Path, *, extra_rules: Sequence[str] = (), own_network: bool = False
    ) -> Rig:
        """Launch the browser in ``directory``. Raises BrowserDied, RigFailed, Unsupported."""
        rig = cls(parts, await Servers.open(parts, own_network=own_network))
        try:
            await rig._launch(directory, extra_rules)
        except BaseException:
            await rig.close()
            raise
        return rig

    async def _launch(self, directory: Path, extra_rules: Sequence[str]) -> None:
        make_directory(directory)
        self._directory = directory
        self.flags = self.servers.flags(self.parts, directory / "netlog", extra_rules)
        await self._start_browser()

    async def _start_browser(self, *more_flags: str) -> None:
        log = self._directory / "netlog"
        log.unlink(missing_ok=True)
        self._netlog = await NetLogPipe.open(log, NetLogParser(self.servers.sides), self._on_seen)
        flags = (*self.flags, *more_flags)
        self._chromium = await launch(
            self.parts.browser,
            self._directory,
            flags,
            headed=self.parts.headed,
            display=self.parts.display,
            enter=None if self.servers.namespace is None else self.servers.namespace.enter(),
        )
        self._living = await Living.open(self._chromium.cdp)
        self._starvation = Starvation(self._chromium.pid)

    def _on_seen(self, seen: Seen) -> None:
        """A browser event counts when the subject caused it, or when nobody is named for it.

        What the browser kept back of the last scenario, whose subject may be the same, does not. That the network
        is away the browser may notice before there is a subject.
        """
        since_ms = self._begun_ms if isinstance(seen.event, OnlineChanged) else self._loaded_ms
        who = seen.initiator
        is_the_subjects = not who or who.startswith(self._subject) or who == self._page_of_subject
        if self._recorder is not None and is_the_subjects and seen.event.at_ms >= since_ms:
            self._starvation.look(now_ms())
            self._recorder.add(renumbered(seen.event, self._launch_number))

    async def restart(self, profile: Profile) -> str:
        """End the browser and start it again on the same profile; what brings the subject back, in words.

        Chromium forgets an extension that was loaded by CDP when it ends, so the subject is named on the
        command line. Raises Unsupported for a browser that does not listen to that.
        """
        if self.parts.browser.product == "Google Chrome":
            message = f"{self.parts.browser} ignores --load-extension, so no subject outlives it; use a Chromium"
            raise Unsupported(message)
        self._tell_starvation(now_ms())
        await self._chromium.quit()
        self._netlog.close()
        self._launch_number += 1
        await self._start_browser(f"--load-extension={profile.extension}")
        self._starvation.begin(now_ms(), pages=acts_in_pages(profile))
        return "it was named on the command line"

    @property
    def cdp(self) -> Cdp:
        """The browser's debugging pipe."""
        return self._chromium.cdp

    @property
    def subject(self) -> str:
        """The subject's origin."""
        return self._subject

    @property
    def is_alive(self) -> bool:
        """Whether the next scenario can run here.

        Not in a browser that keeps its subject, as a restarted one does; nor in one whose network was away: what
        Chromium does about that after a while (it may end requests: ERR_NETWORK_CHANGED) is not the next one's.
        """
        was_cut = self.servers.network is not None and self.servers.network.was_cut
        return self._chromium.is_alive and not self._launch_number and not self._haunted and not was_cut

    async def observe(self, profile: Profile, scenario: Scenario) -> Timeline:
        """Carry out one scenario on one subject and return what was seen.

        Raises SubjectError when the browser refuses the extension, BrowserDied, RigFailed, StorageFailed.
        """
        extension_id = ""
        self._loaded_ms = math.inf
        try:
            staged = await self._permission.stage(self.cdp, scenario.given.access)
            # What the browser did until now is the rig's doing.
            recorder = self._recorder = Recorder()
            self._begun_ms = now_ms()
            recorder.events += staged
            self._page_of_subject = profile.web.origin if profile.web is not None else None
            profile = await settled_in(profile, scenario, self._directory)
            life = Life(self, profile, recorder)
            conductor = Conductor(self.servers.of, recorder, profile, self.flush, life.befall)
            await self.servers.prepare(profile, recorder, scenario.given, scripted=scenario.id == SANITY)
            await canary.plant(self.cdp, profile, scenario)
            extension_id, started_ms = await self._start(profile, recorder)
            if planted := await canary.plant_token(self.cdp, extension_id, scenario):
                recorder.record(CanaryPlanted, Source.RIG, what=planted)
            async with looking_on(lambda: self._starvation):
                reason = await conductor.conduct(scenario)
            ended_ms = await settle(recorder, self.flush)
            leaving = asyncio.ensure_future(self._remove(extension_id))
            await asyncio.sleep(0)  # the browser takes the subject away while we look at its threads
            ended = self._ended(recorder, reason, ended_ms)
            await leaving
            self.servers.refuse_to_lie()
            refuse_when_full(self._directory)
            extension_id = ""
            recorder.seal()
            recorder.events = [event for event in recorder.events if event.at_ms <= ended.at_ms]
            return recorder.timeline(started_ms)
        except BrowserDied as error:
            why = "" if self._chromium.is_alive else f" ({await self._chromium.obituary()})"
            raise BrowserDied(f"{error}{why}; the scenario says nothing of the subject, run it again") from error
        finally:
            self._recorder = None
            self._subject = "chrome-extension://"
            self._page_of_subject = None
            await self._clean(extension_id)

    def _ended(self, recorder: Recorder, reason: str, at_ms: float) -> ObservationEnded:
        """Note the end, with what the machine cost the browser since the subject was loaded."""
        self._tell_starvation(at_ms)
        lag_ms = self.parts.lag.worst_since(self._begun_ms)
        ended = ObservationEnded(at_ms=at_ms, source=Source.RIG, reason=reason, lag_ms=lag_ms)
        recorder.add(ended)
        return ended

    def _tell_starvation(self, until_ms: float) -> None:
        for starved in self._starvation.told(until_ms):
            if self._recorder is not None:
                self._recorder.add(starved)

    async def _start(self, profile: Profile, recorder: Recorder) -> tuple[str, float]:
        """Load and trigger the subject; its id, and the time at which it was asked to connect."""
        cdp = self._chromium.cdp
        started = recorder.record(SubjectStarted, Source.RIG, extension_id="", how="its worker was started")
        self._loaded_ms = started.at_ms
        self._starvation.begin(started.at_ms, pages=acts_in_pages(profile))
        try:
            loaded = await cdp.send("Extensions.loadUnpacked", {"path": profile.extension})
        except CdpError as error:
            refuse_when_full(self._directory)
            message = f"{profile.extension}: the browser refuses this extension: {error.text}; mend it and run again"
            raise SubjectError(message) from error
        extension_id = str(loaded["id"])
        self._subject = f"chrome-extension://{extension_id}"
        how, started_ms = started.how, started.at_ms
        page = await open_trigger_page(cdp, extension_id, profile.trigger)
        if page is not None:
            how, started_ms = f"{profile.trigger.kind} in {profile.trigger.page}", now_ms()
            await pull(page, profile.trigger)
        elif profile.trigger.kind is TriggerKind.VISIT and profile.web is not None:
            how, started_ms = f"a visit of {profile.web.page}", now_ms()
            self._visited = await visit(cdp, profile.web.page)
        recorder.events.remove(started)
        recorder.add(SubjectStarted(at_ms=started_ms, source=Source.RIG, extension_id=extension_id, how=how))
        return extension_id, started_ms

    async def flush(self) -> float:
        """Have everything read from the browser's log that it has done so far; up to when, on the events' clock."""
        seen = self._netlog.expect(now_ms())
        try:
            async with asyncio.timeout(_FLUSH_MS_MAX / 1000):
                known_ms, _ = await asyncio.gather(seen, set_mark(self.cdp))
        except TimeoutError:
            message = f"the browser's network log stood still for {_FLUSH_MS_MAX / 1000:.0f} s"
            raise BrowserDied(message) from None
        return known_ms

    async def _remove(self, extension_id: str) -> None:
        """Take the subject away, and what it has left among the cookies and in the cache."""
        self._haunted = True
        leaving: list[Awaitable[object]] = [canary.clear(self.cdp)]
        if not self._launch_number:  # one that was named on the command line cannot be taken away
            leaving.insert(0, self.cdp.send("Extensions.uninstall", {"id": extension_id}))
            leaving.append(self._living.gone(f"chrome-extension://{extension_id}"))
        tab, self._visited = self._visited, ""
        if tab:
            leaving.append(leave(self.cdp, tab))
        await asyncio.gather(*leaving, self._permission.reset(self.cdp))
        await self._clear_cache()
        self._haunted = False

    async def _clear_cache(self) -> None:
        """Empty the browser's HTTP cache, if there can be anything in it that it would use again.

        It takes a tab, which costs 230 ms of core time: none is opened before it must. One that stayed open would
        cost every later scenario a quarter of its core time.
        """
        if self.servers.may_be_cached:
            page = await Page.open(self.cdp, minimized=True)
            await page.clear_cache()
            await page.close()

    async def _clean(self, extension_id: str) -> None:
        """Leave nothing to the next scenario: no subject, socket, cache entry or fault."""
        with contextlib.suppress(BrowserDied, CdpError):
            if extension_id:
                await self._remove(extension_id)
        await self.servers.reset()

    async def close(self) -> None:
        """End the browser and give everything back."""
        if hasattr(self, "_chromium"):
            await self._chromium.close()
        if hasattr(self, "_netlog"):
            self._netlog.close()
        await self.servers.close()
