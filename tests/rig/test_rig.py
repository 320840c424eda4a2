"""A rig: what it tells its browser, what it takes for the subject's, and that nothing is left for the next scenario."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from conformance.bundle import bundled
from conformance.errors import BrowserDied
from conformance.events import (
    FetchAnswered,
    FetchStarted,
    RequestReceived,
    SessionOpened,
    SocketOpened,
    SocketStarted,
    Source,
    TcpStarted,
)
from conformance.model import (
    Endpoints,
    Expectation,
    FaultSpec,
    Outcome,
    Profile,
    RequestKind,
    Scenario,
    Shown,
    Side,
    UntilRequest,
    World,
)
from conformance.rig import recorder as recorder_module
from conformance.rig.browsers import Browser
from conformance.rig.certificates import Certificates
from conformance.rig.chromium import Chromium
from conformance.rig.lag import LagMonitor
from conformance.rig.living import Living
from conformance.rig.mapping import hosts_of
from conformance.rig.netlog import Seen
from conformance.rig.page import Page
from conformance.rig.recorder import Recorder, now_ms, settle
from conformance.rig.rig import Rig
from conformance.rig.servers import RigParts
from conformance.rig.starvation import Starvation
from conformance.subjects import load_subject
from conformance.timeline import Timeline
from tests.rig import extensions
from tests.rig.processes import descriptors, stand_in
from tests.rig.servers import staged

NOWHERE = Browser("/nowhere", "None", "0", "a test")
HOSTS = hosts_of([Endpoints()])
CERTIFICATES = Certificates(HOSTS.public_names)
REFERENCE = bundled("fixtures", "extensions", "reference")


def parts(browser: Browser = NOWHERE) -> RigParts:
    return RigParts(browser, HOSTS, CERTIFICATES, LagMonitor())


# --- the subject's and nobody else's -------------------------------------------------------------


def test_only_what_the_subject_does_now_is_taken_for_its_own() -> None:
    def fetch(at_ms: float) -> FetchStarted:
        return FetchStarted(at_ms=at_ms, source=Source.BROWSER, request=1, url="http://localhost:3003/", method="GET")

    async def scene() -> list[float]:
        async with staged() as stage:
            rig = Rig(parts(), stage.servers)
            rig._on_seen(Seen("chrome-extension://subject", fetch(90)))  # no scenario: nobody's
            rig._recorder, rig._loaded_ms, rig._subject = Recorder(), 100, "chrome-extension://subject"
            rig._page_of_subject = "https://www.example.org"
            rig._starvation = Starvation(2**22 + 1)  # of no process
            initiators = ["chrome-extension://subject", "chrome-extension://other", "null", ""]
            initiators += ["https://www.example.org", "https://www.example.org.example"]
            for number, initiator in enumerate(initiators):
                rig._on_seen(Seen(initiator, fetch(100 + number)))
            rig._on_seen(Seen("chrome-extension://subject", fetch(99)))  # kept back of the last scenario
            return [event.at_ms for event in rig._recorder.events]

    assert asyncio.run(scene()) == [100, 103, 104]


def flushes_until_settled(*, told_by: int) -> int:
    """How often the log is asked about a session that it tells of in flush number ``told_by``."""
    recorder, flushes = Recorder(), list[float]()

    async def flush() -> float:
        flushes.append(now_ms())
        if len(flushes) == told_by:
            recorder.record(SocketOpened, Source.BROWSER, request=1)
        return flushes[-1]

    recorder.record(SessionOpened, Source.LOCAL, connection=1)
    assert asyncio.run(settle(recorder, flush)) <= flushes[-1]  # what is known was so before it was asked for
    return len(flushes)


def test_watching_does_not_end_before_the_browser_has_told_of_every_session() -> None:
    assert flushes_until_settled(told_by=3) == 4  # the third found what was not known when it began


def test_a_browser_that_never_tells_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "_BROWSER_LATE_MS_MAX", 1)
    assert flushes_until_settled(told_by=0) > 1


def test_a_rig_whose_browser_does_not_come_up_leaves_nothing(tmp_path: Path) -> None:
    async def scene() -> tuple[int, int]:
        before = descriptors()
        with pytest.raises(BrowserDied, match="it printed: no display"):
            await Rig.open(parts(stand_in(tmp_path, "echo no display", "exit 1")), tmp_path / "rig")
        for _ in range(5):
            await asyncio.sleep(0)  # the transports' own goodbyes
        return before, descriptors()

    before, after = asyncio.run(scene())
    assert after == before
    assert not (tmp_path / "rig").exists()


# --- a real browser ------------------------------------------------------------------------------


@asynccontextmanager
async def opened(browser: Browser, directory: Path) -> AsyncIterator[tuple[Rig, Profile]]:
    rig = await Rig.open(parts(browser), directory)
    try:
        yield rig, load_subject(REFERENCE, None)
    finally:
        await rig.close()


def scenario(session: Outcome, *local: FaultSpec, hold_ms: float = 0, within_ms: float = 10_000) -> Scenario:
    then = Expectation(session, Shown.GOOD, within_ms=within_ms, hold_ms=hold_ms)
    return Scenario("made-up", "Choosing", "", (), World(local=local), (), then)


@pytest.mark.browser
def test_a_flush_is_complete(browser: Browser, tmp_path: Path) -> None:
    """Twenty requests, one at a time: none may still be on its way when the flush after it is over."""

    async def scene() -> list[bool]:
        async with opened(browser, tmp_path / "rig") as (rig, _):
            seen: list[str] = []
            rig._netlog._on_seen = lambda each: (
                seen.append(each.event.url) if isinstance(each.event, FetchStarted) else None
            )
            came = []
            page = await Page.open(rig.cdp)
            for number in range(20):
                url = f"http://nobody.example.org/{number}"
                await page.evaluate(f"fetch('{url}').catch(() => 0)")
                await rig.flush()
                came.append(url in seen)
            return came

    assert asyncio.run(scene()) == [True] * 20


@pytest.mark.browser
def test_no_answer_is_kept_for_the_next_scenario(browser: Browser, tmp_path: Path) -> None:
    kept = FaultSpec("answer", {"headers": {"Cache-Control": "max-age=3600"}})
    wrong = FaultSpec("answer", {"signature": "other-name"})

    subject = load_subject(extensions.write(tmp_path / "takes-what-is-kept"), None)

    async def scene() -> tuple[Timeline, Timeline]:
        async with opened(browser, tmp_path / "rig") as (rig, _):
            first = await rig.observe(subject, scenario(Outcome.LOCAL, kept))
            return first, await rig.observe(subject, scenario(Outcome.PUBLIC, wrong))

    first, second = asyncio.run(scene())
    assert [event.source for event in first.all(SessionOpened)] == [Source.LOCAL]
    assert [event.from_cache for event in second.all(FetchAnswered)] == [False]
    assert second.first(RequestReceived, lambda event: event.source is Source.LOCAL) is not None
    assert [event.source for event in second.all(SessionOpened)] == [Source.PUBLIC]


def established(ports: set[int]) -> list[int]:
    """Which of these ports of ours have a connection."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    taken = [int(row[1].split(":")[1], 16) for row in rows if row[3] == "01"]  # TCP_ESTABLISHED
    return [port for port in taken if port in ports]


@pytest.mark.browser
def test_no_connection_is_kept_for_the_next_scenario(browser: Browser, tmp_path: Path) -> None:
    """A kept-alive socket once answered the probe of a scenario whose local server was down."""

    async def scene() -> tuple[list[int], Timeline, Timeline]:
        async with opened(browser, tmp_path / "rig") as (rig, subject):
            first = await rig.observe(subject, scenario(Outcome.LOCAL))
            ports = {int(address.rpartition(":")[2]) for address in rig.servers.sides}
            left = established(ports)
            return left, first, await rig.observe(subject, scenario(Outcome.PUBLIC, FaultSpec("refused")))

    left, first, second = asyncio.run(scene())
    assert first.first(RequestReceived) is not None
    assert left == []
    assert second.all(FetchAnswered) == []
    assert second.first(TcpStarted, lambda event: event.side is Side.LOCAL) is not None


@pytest.mark.browser
def test_a_closed_rig_gives_its_ports_and_its_directory_back(browser: Browser, tmp_path: Path) -> None:
    async def scene() -> list[str]:
        async with opened(browser, tmp_path / "rig") as (rig, _):
            return [*rig.servers.sides, rig.servers.stranger.port.address]

    addresses = asyncio.run(scene())
    for address in addresses:
        with socket.socket() as other:
            other.bind(("127.0.0.1", int(address.rpartition(":")[2])))
    assert not (tmp_path / "rig").exists()


@pytest.mark.browser
def test_a_subject_that_is_cut_off_does_nothing_in_the_next_scenario(browser: Browser, tmp_path: Path) -> None:
    """Its probe was pending, and the end of its scenario made it go public when the next one had begun."""
    again = "(function again() { ws = new WebSocket('wss://api.extension.semantest.com'); ws.onclose = again; })();"
    impatient = load_subject(extensions.write(tmp_path / "impatient", fall_back=again), None)
    asked = UntilRequest(Side.LOCAL, RequestKind.PROBE, within_ms=20_000)
    silent = scenario(Outcome.NONE, FaultSpec("stall", {"after": "request"}), within_ms=1)
    waiting = replace(silent, when=(asked,))

    async def scene() -> tuple[list[Timeline], list[str]]:
        async with opened(browser, tmp_path / "rig") as (rig, _):
            timelines, alive = [], []
            for _ in range(8):
                timelines.append(await rig.observe(impatient, waiting))
                await rig.observe(impatient, scenario(Outcome.LOCAL))
                targets = (await rig.cdp.send("Target.getTargets"))["targetInfos"]
                alive += [each["url"] for each in targets if each["url"].startswith("chrome-extension://")]
            return timelines, alive

    timelines, alive = asyncio.run(scene())
    assert alive == []  # Chromium answers before it is: on a busy machine, half a second before
    for timeline in timelines:
        assert timeline.all(SocketStarted) == []
        assert [event.source for event in timeline.all(RequestReceived)] == [Source.LOCAL]
        assert len(timeline.all(FetchStarted)) == 1


class Obedient:
    """Stands in for a browser that does at once whatever it is asked."""

    is_alive = True

    async def send(self, _method: str, _params: object = None) -> dict[str, object]:
        return {}

    @property
    def cdp(self) -> Obedient:
        return self


def test_a_removal_is_over_when_the_subject_is_gone_and_not_when_the_browser_says_yes() -> None:
    async def scene() -> list[tuple[bool, bool]]:
        async with staged() as stage:
            rig = Rig(parts(), stage.servers)
            rig._chromium, rig._living = cast("Chromium", Obedient()), Living()
            worker = {"targetId": "1", "url": "chrome-extension://subject/worker.js"}
            rig._living.on_event("Target.targetCreated", {"targetInfo": worker}, None)
            leaving = asyncio.create_task(rig._remove("subject"))
            for _ in range(10):  # turns of the loop
                await asyncio.sleep(0)
            seen = [(leaving.done(), rig.is_alive)]
            rig._living.on_event("Target.targetDestroyed", {"targetId": "1"}, None)
            await asyncio.wait_for(leaving, 5)
            return [*seen, (leaving.done(), rig.is_alive)]

    assert asyncio.run(scene()) == [(False, False), (True, True)]
