"""The unattached rig: a browser with no debugging interface at all, one a scenario.

The subject is named on the command line (``--load-extension``: Chromium and Chrome for Testing;
branded Chrome 137 and later ignore it). The clock's zero is the first thing that the subject does,
since a cold launch takes as long as it takes. Only profiles whose trigger is the worker's start can
be judged this way: a click needs a page, and a page needs an interface.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from conformance.errors import RigFailed
from conformance.events import FetchStarted, ObservationEnded, SocketStarted, Source, SubjectStarted
from conformance.model import Side, TriggerKind
from conformance.rig.chromium import launch, make_directory
from conformance.rig.faults import build
from conformance.rig.faults.base import ResolveFault
from conformance.rig.mapping import resolver_rules
from conformance.rig.netlog import NetLogParser
from conformance.rig.netlog_pipe import NetLogPipe
from conformance.rig.recorder import Recorder, now_ms
from conformance.rig.rig import Servers
from conformance.rig.starvation import starved_ms, waits_ms
from conformance.rig.steps import Conductor

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.model import Profile, Scenario
    from conformance.rig.netlog import Seen
    from conformance.rig.rig import RigParts
    from conformance.timeline import Timeline

_START_MS_MAX = 15_000  # a cold launch on a busy machine, seven at once: 4.8 s measured


async def observe_unattached(parts: RigParts, directory: Path, profile: Profile, scenario: Scenario) -> Timeline:
    """One scenario in a browser of its own. Raises BrowserDied, RigFailed."""
    if profile.trigger.kind is not TriggerKind.START:
        message = f"{profile.name}: its trigger is a {profile.trigger.kind}, which this rig cannot give; use --rig warm"
        raise RigFailed(message)
    recorder = Recorder()
    servers = Servers(parts)
    make_directory(directory)

    def on_seen(seen: Seen) -> None:
        if not seen.initiator or seen.initiator.startswith("chrome-extension://"):
            recorder.add(seen.event)

    netlog = await NetLogPipe.open(directory / "netlog", NetLogParser(servers.sides), on_seen)
    chromium = None
    try:
        await servers.stranger.open()
        given = {side: build(scenario.given.of(side)) for side in Side}
        for side, faults in given.items():
            servers.of(side).prepare(profile, recorder)
            await servers.of(side).set_faults([each for each in faults if not isinstance(each, ResolveFault)])
        extra = [
            each.apply(host)
            for each in given[Side.PUBLIC]
            if isinstance(each, ResolveFault)
            for host in parts.hosts.public_names
        ]
        rules = resolver_rules(servers.addresses, parts.hosts, trap=servers.trap.port.address, extra=extra)
        flags = [
            f"--log-net-log={directory / 'netlog'}",
            f"--host-resolver-rules={rules}",
            f"--ignore-certificate-errors-spki-list={parts.certificates.spki}",
            f"--load-extension={profile.extension}",
        ]
        begun_ms = now_ms()
        chromium = await launch(parts.browser, directory, flags, headed=parts.headed, piped=False)
        started_ms = await _first_act(recorder)
        waits = waits_ms(chromium.pid)
        recorder.add(SubjectStarted(at_ms=started_ms, source=Source.RIG, extension_id="", how="its first request"))
        reason = await Conductor(servers.of, recorder, profile, None).conduct(scenario)
        ended = recorder.record(
            ObservationEnded,
            Source.RIG,
            reason=reason,
            lag_ms=parts.lag.worst_since(begun_ms),
            starved_ms=starved_ms(waits, waits_ms(chromium.pid)),
        )
        netlog.release_writer()
        await chromium.close()  # the browser writes out the rest of its log as it goes
        chromium = None
        async with asyncio.timeout(_START_MS_MAX / 1000):
            await netlog.ended
        recorder.seal()
        recorder.events = [event for event in recorder.events if event.at_ms <= ended.at_ms]
        return recorder.timeline(started_ms)
    finally:
        if chromium is not None:
            await chromium.close()
        netlog.close()
        await servers.reset()
        servers.close()


async def _first_act(recorder: Recorder) -> float:
    """When the subject first asked for anything; now, when it has not within the time for a cold launch."""

    def acted() -> bool:
        return any(isinstance(event, FetchStarted | SocketStarted) for event in recorder.events)

    await recorder.wait_until(acted, now_ms() + _START_MS_MAX)
    times = [event.at_ms for event in recorder.events if isinstance(event, FetchStarted | SocketStarted)]
    return min(times, default=now_ms())
