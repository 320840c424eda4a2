"""The unattached rig: what it cannot have, what it hears, and that it hears everything."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from conformance.bundle import bundled
from conformance.errors import BrowserDied
from conformance.events import (
    Event,
    FetchStarted,
    SessionOpened,
    SocketOpened,
    Source,
    SubjectStarted,
    TcpStarted,
)
from conformance.files import load_scenarios
from conformance.judge import judge_scenario
from conformance.model import Endpoints, Profile, Scenario, Side, Trigger, TriggerKind
from conformance.plan import Plan, PlanItem
from conformance.record import ScenarioRecord
from conformance.rig import starvation, unattached
from conformance.rig.browsers import Browser
from conformance.rig.certificates import Certificates
from conformance.rig.chromium import Chromium
from conformance.rig.engine import RigMode, RunSettings, run_plan
from conformance.rig.lag import LagMonitor
from conformance.rig.mapping import hosts_of
from conformance.rig.netlog import Seen
from conformance.rig.recorder import Recorder, now_ms
from conformance.rig.servers import RigParts
from conformance.rig.starvation import Starvation
from conformance.rig.unattached import UnattachedBrowser, cannot_have, observe_unattached
from conformance.subjects import load_subject
from conformance.timeline import Timeline
from tests.rig.processes import PATIENCE_S, says_its_pid, stand_in, watched

CHROMIUM = Browser("/nowhere", "Chromium", "156.0", "a test")
STARTS = Profile("starts", "1", "/nowhere")
CLICKED = Profile("clicked", "1", "/nowhere", trigger=Trigger(TriggerKind.CLICK, "popup.html", "#go"))
EXTENSION = "chrome-extension://abc"
LOCAL_UP = next(scenario for scenario in load_scenarios() if scenario.id == "local-up")


# --- what it cannot have -------------------------------------------------------------------------


def carry_out(profile: Profile) -> ScenarioRecord:
    records: list[ScenarioRecord] = []
    plan, settings = Plan((PlanItem(profile, LOCAL_UP, 0),)), RunSettings(CHROMIUM, RigMode.UNATTACHED)
    asyncio.run(run_plan(plan, settings, on_start=lambda _: None, on_record=records.append, stop=lambda: False))
    return records[0]


def test_a_trigger_that_needs_a_page_is_unsupported_and_no_failure() -> None:
    record = carry_out(CLICKED)
    assert record.failure is None
    assert record.timeline is None
    assert str(record.unsupported).startswith("clicked: its trigger is a click")
    assert judge_scenario(LOCAL_UP, CLICKED, record, {}, 5.0).verdict == "unsupported"


@pytest.mark.parametrize(
    ("product", "supported"), [("Chromium", True), ("Google Chrome for Testing", True), ("Google Chrome", False)]
)
def test_a_browser_that_takes_no_extension_by_its_command_line_is_not_blamed_on_the_subject(
    product: str, *, supported: bool
) -> None:
    why = cannot_have(STARTS, Browser("/nowhere", product, "156.0", "a test"))
    assert (why is None) is supported
    assert supported or "--rig warm" in str(why)


# --- what it hears -------------------------------------------------------------------------------


class Alive:
    """Stands in for a browser that runs."""

    is_alive = True
    pid = 0


def heard(recorder: Recorder) -> UnattachedBrowser:
    browser = UnattachedBrowser(recorder)
    browser._chromium = cast("Chromium", Alive())
    browser.starvation = Starvation(2**22 + 1)  # of no process
    return browser


def fetch(url: str, at_ms: float = 0) -> FetchStarted:
    return FetchStarted(at_ms=at_ms, source=Source.BROWSER, request=1, url=url, method="GET")


def test_it_keeps_what_extensions_do_and_what_nobody_is_named_for() -> None:
    recorder = Recorder()
    browser = heard(recorder)
    probe = fetch("http://localhost:3003/semantest-signature")
    syn = TcpStarted(at_ms=0, source=Source.BROWSER, socket=1, side=Side.LOCAL)
    browser.on_seen(Seen(EXTENSION, probe))
    browser.on_seen(Seen("", syn))
    browser.on_seen(Seen("null", fetch("http://example.org/")))
    browser.on_seen(Seen("null", fetch(unattached._TICK_URL)))
    assert recorder.events == [probe, syn]


def test_everything_has_been_read_when_a_later_tick_has() -> None:
    async def scene() -> tuple[bool, bool]:
        browser = heard(Recorder())
        flushing = asyncio.create_task(browser.flush())
        await asyncio.sleep(0)
        browser.on_seen(Seen("null", fetch(unattached._TICK_URL, now_ms() - 50)))  # was on its way already
        for _ in range(3):
            await asyncio.sleep(0)
        early = flushing.done()
        browser.on_seen(Seen("null", fetch(unattached._TICK_URL, now_ms() + 50)))
        async with asyncio.timeout(PATIENCE_S):
            await flushing
        return early, flushing.done()

    assert asyncio.run(scene()) == (False, True)


def test_a_tick_is_asked_for_by_the_page_at_the_url_that_is_listened_for() -> None:
    assert f"fetch('{unattached._TICK_URL}')" in unattached._TICKING_PAGE


# --- the subject's start


async def started(born_ms: float | None, acted_ms: float) -> SubjectStarted:
    """What is said of the start."""
    browser = heard(Recorder())
    browser.on_seen(Seen("", TcpStarted(at_ms=0, source=Source.BROWSER, socket=1, side=Side.LOCAL)))
    browser.on_seen(Seen(f"{EXTENSION}/", fetch("http://localhost:3003/semantest-signature")))
    browser.on_seen(Seen("chrome-extension://other", fetch("http://localhost:3003/semantest-signature")))
    birth: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    if born_ms is not None:
        birth.set_result(born_ms)
    browser.expect(birth)
    return await browser.started(acted_ms)


def test_it_starts_when_its_process_is_launched() -> None:
    start = asyncio.run(started(100.0, acted_ms=2500.0))
    assert (start.at_ms, start.extension_id, start.how) == (100.0, "abc", "its process was launched")


@pytest.mark.parametrize("born", [None, 2500.1], ids=["unseen", "another-after-it"])
def test_without_a_process_it_starts_with_its_first_request(born: float | None) -> None:
    """No id then: that is how an oracle knows that nobody saw the start."""
    start = asyncio.run(started(born, acted_ms=2500.0))
    assert (start.at_ms, start.extension_id, start.how) == (2500.0, "", "its first request")


@pytest.mark.parametrize("born", [True, False])
def test_what_the_browser_waited_before_its_birth_excuses_nothing_after_it(
    *, born: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = {1: 0.0}
    monkeypatch.setattr(starvation, "waits_ms", lambda _group, *, pages: dict(waited) if pages else {})

    async def scene() -> list[float]:
        browser = heard(Recorder())
        begun_ms = now_ms() - 1000
        browser.starvation.begin(begun_ms, pages=True)
        waited[1] = 700.0
        birth: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        browser.expect(birth)
        if born:
            birth.set_result(now_ms())
        else:
            birth.cancel()
        await asyncio.sleep(0)
        waited[1] += 20.0
        return [seen.waited_ms for seen in browser.starvation.told(begun_ms + 2000)]

    assert asyncio.run(scene()) == ([700.0, 20.0] if born else [720.0])


# --- a browser that does not do its part ---------------------------------------------------------


def observe(browser: Browser, directory: Path, profile: Profile = STARTS, scenario: Scenario = LOCAL_UP) -> Timeline:
    hosts = hosts_of([Endpoints()])
    parts = RigParts(browser, hosts, Certificates(hosts.public_names), LagMonitor())
    return asyncio.run(observe_unattached(parts, directory, profile, scenario))


def test_a_browser_that_does_not_come_up_is_no_verdict_on_the_subject(tmp_path: Path) -> None:
    broken = stand_in(tmp_path, "echo no display", "exit 5")
    with pytest.raises(BrowserDied, match=r"exited with status 5; it printed: no display;.*nothing of the subject"):
        observe(broken, tmp_path / "rig")
    assert not (tmp_path / "rig").exists()


def test_a_browser_whose_log_stands_still_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unattached, "_FLUSH_MS_MAX", 300)
    up = tmp_path / "pid"
    silent = stand_in(tmp_path, says_its_pid(up), "exec sleep 1000")
    with pytest.raises(BrowserDied, match="network log stood still"):
        observe(silent, tmp_path / "rig")
    with watched(int(up.read_text())) as browser:
        assert browser.left() == set()


# --- a real one ----------------------------------------------------------------------------------


@pytest.mark.browser
def test_nothing_of_the_record_is_lost_with_the_browser(browser: Browser, tmp_path: Path) -> None:
    """The log's last lines used to go down with it: a session on the server's side only."""
    subject = load_subject(bundled("fixtures", "extensions", "reference"), None)
    at_once = replace(LOCAL_UP, then=replace(LOCAL_UP.then, hold_ms=0))
    timeline = observe(browser, tmp_path / "rig", subject, at_once)
    seen = Counter[type[Event]](type(event) for event in timeline)
    assert seen[SessionOpened] == seen[SocketOpened] == 1
