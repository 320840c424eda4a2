"""The sanity scenario: what it misses and says, that it is asked once, and a rig that is not sane, in a browser."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.bundle import bundled
from conformance.errors import BrowserDied, ExitStatus, RigNotSane
from conformance.events import (
    ConnectionAccepted,
    FetchAnswered,
    ObservationEnded,
    RequestReceived,
    SessionOpened,
    SocketOpened,
    Source,
)
from conformance.files import load_scenarios
from conformance.model import Endpoints, Outcome, Profile, Scenario, Side, Until
from conformance.plan import Plan, PlanItem
from conformance.record import ScenarioRecord
from conformance.rig import sanity
from conformance.rig.browsers import Browser
from conformance.rig.engine import RigMode, RunSettings, run_plan
from conformance.rig.fake import Fake
from conformance.rig.ports import Endpoint
from conformance.rig.sanity import Sanity, scenario_for, troubles, write_extension
from conformance.subjects import load_subject
from conformance.timeline import Timeline
from tests.timelines import LOCAL, PUBLIC, Story, story

LOCAL_ONLY = Endpoints(public=None)


def sane() -> Story:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20)
    return told.socket(PUBLIC, at=18, opened=40)


# --- what it says --------------------------------------------------------------------------------


def test_a_rig_that_answers_on_both_sides_is_sane() -> None:
    assert troubles(sane().build(), Endpoints()) == ()


def test_without_a_public_server_only_the_local_one_is_asked_for() -> None:
    told = story().probe(at=10, ended=15).socket(LOCAL, at=17, opened=20)
    assert troubles(told.build(), LOCAL_ONLY) == ()
    assert troubles(told.build(), Endpoints()) == (
        "the public server has no session",
        "the browser's log has no public session",
    )
    assert [each.session for each in scenario_for(LOCAL_ONLY).when if isinstance(each, Until)] == [Outcome.LOCAL]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (RequestReceived, "the local server was not asked"),
        (FetchAnswered, "the browser's log has no answer"),
        (SessionOpened, "the public server has no session"),
        (SocketOpened, "the browser's log has no local session"),
        (ObservationEnded, "watching did not end"),
    ],
)
def test_what_is_missing_is_said(kind: type, said: str) -> None:
    events = [event for event in sane().build() if not isinstance(event, kind)]
    assert any(said in line for line in troubles(Timeline.of(events), Endpoints()))


def test_silence_is_not_sane() -> None:
    assert len(troubles(story().build(), Endpoints())) == 6


def test_two_stories_are_not_sane() -> None:
    told = troubles(sane().socket(LOCAL, at=100, opened=110).end(at=2000).build(), Endpoints())
    assert told == ()
    events = [e for e in sane().end(at=2000).build() if not (isinstance(e, SocketOpened) and e.at_ms > 30)]
    assert any("the browser did not" in line for line in troubles(Timeline.of(events), Endpoints()))


def test_the_extension_is_for_the_runs_own_endpoints(tmp_path: Path) -> None:
    stated = Endpoints("http://localhost:4100/who", "ws://localhost:4200/session", None)
    profile = write_extension(tmp_path / "it", stated)
    assert profile.endpoints == stated
    worker = (tmp_path / "it" / "worker.js").read_text()
    assert json.dumps({"signature": stated.signature, "sockets": [stated.local]}) in worker
    assert load_subject(tmp_path / "it", None).trigger.kind == "start"


# --- once, and for everybody ---------------------------------------------------------------------


def test_it_is_asked_once_and_everybody_waits_for_the_answer(tmp_path: Path) -> None:
    asked: list[str] = []

    async def observe(_profile: Profile, scenario: Scenario) -> Timeline:
        asked.append(scenario.id)
        await asyncio.sleep(0)
        return sane().build()

    async def scene() -> None:
        it = Sanity(Endpoints(), tmp_path / "it")
        await asyncio.gather(*(it.ensure(observe) for _ in range(5)))
        await it.ensure(observe)

    asyncio.run(scene())
    assert asked == ["sanity"]


def test_no_room_for_its_extension_is_said(tmp_path: Path) -> None:
    async def observe(_profile: Profile, _scenario: Scenario) -> Timeline:
        raise AssertionError

    (tmp_path / "file").touch()
    with pytest.raises(RigNotSane, match=r"carried out: \S+/file/it: not a directory; free space or set TMPDIR"):
        asyncio.run(Sanity(Endpoints(), tmp_path / "file" / "it").ensure(observe))


def test_what_is_not_sane_is_refused_to_everybody(tmp_path: Path) -> None:
    async def observe(_profile: Profile, _scenario: Scenario) -> Timeline:
        return story().build()

    async def dies(_profile: Profile, _scenario: Scenario) -> Timeline:
        raise BrowserDied("it was killed")

    async def scene() -> None:
        it = Sanity(Endpoints(), tmp_path / "it")
        for _ in range(2):
            with pytest.raises(RigNotSane, match=r"not sane: the local server was not asked.*conform doctor"):
                await it.ensure(observe)
        with pytest.raises(RigNotSane, match="could not be carried out: it was killed"):
            await Sanity(Endpoints(), tmp_path / "it").ensure(dies)

    asyncio.run(scene())
    assert RigNotSane.exit_status is ExitStatus.HARNESS_FAILED


# --- in a browser --------------------------------------------------------------------------------


def carry_out(browser: Browser, rig: RigMode = RigMode.WARM, jobs: int = 1) -> list[ScenarioRecord]:
    profile = load_subject(bundled("fixtures", "extensions", "reference"), None)
    scenario = next(each for each in load_scenarios() if each.id == "local-up")
    records: list[ScenarioRecord] = []
    plan = Plan(tuple(PlanItem(profile, scenario, number) for number in range(jobs)))
    settings = RunSettings(browser, rig, jobs)
    asyncio.run(run_plan(plan, settings, on_start=lambda _: None, on_record=records.append, stop=lambda: False))
    return records


@pytest.mark.browser
@pytest.mark.parametrize("side", list(Side))
def test_a_fake_that_is_deaf_stops_the_run(browser: Browser, monkeypatch: pytest.MonkeyPatch, side: Side) -> None:
    accept_from = Fake._accept_from

    def be_deaf(self: Fake, endpoint: Endpoint) -> None:
        if self.side is side:
            endpoint.port.refuse()
        else:
            accept_from(self, endpoint)

    monkeypatch.setattr(Fake, "_accept_from", be_deaf)
    monkeypatch.setattr(sanity, "_PATIENCE_MS", 1500)
    with pytest.raises(RigNotSane, match=f"the {side} server"):
        carry_out(browser, jobs=2)


@pytest.mark.browser
def test_a_log_without_sessions_stops_the_run(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.rig.netlog._SOCKET_SCHEMES", ())
    with pytest.raises(RigNotSane, match="the browser's log has no local session"):
        carry_out(browser)


@pytest.mark.browser
@pytest.mark.parametrize("rig", [RigMode.FRESH, RigMode.UNATTACHED])
def test_other_rigs_are_looked_at_too(browser: Browser, monkeypatch: pytest.MonkeyPatch, rig: RigMode) -> None:
    looked: list[float] = []

    def look(timeline: Timeline, endpoints: Endpoints) -> tuple[str, ...]:
        looked.append(time.monotonic())
        return troubles(timeline, endpoints)

    monkeypatch.setattr(sanity, "troubles", look)
    (record,) = carry_out(browser, rig)
    assert record.timeline is not None, record.failure
    assert record.timeline.first(ConnectionAccepted, lambda event: event.source is Source.LOCAL)
    assert len(looked) == 1


def test_an_empty_scenario_list_needs_no_sanity(tmp_path: Path) -> None:
    it = Sanity(replace(Endpoints()), tmp_path)
    it.cancel()
    assert not list(tmp_path.iterdir())
