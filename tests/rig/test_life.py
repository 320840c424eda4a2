"""What may befall a subject, on files here and in a real browser below."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.bundle import bundled
from conformance.calibration import DEFAULT_ERROR_MS
from conformance.catalogue import by_id
from conformance.errors import RigFailed, StorageFailed, SubjectError
from conformance.events import (
    BrowserClosed,
    BrowserStarted,
    BrowserStarved,
    Event,
    SocketStarted,
    Source,
    StepTimedOut,
    SubjectReloaded,
    TcpStarted,
    WorkerStarted,
    WorkerStopped,
    WorldSet,
)
from conformance.files import load_requirements, load_scenarios
from conformance.judge import judge_scenario
from conformance.model import Act, Befall, Expectation, Outcome, Profile, Scenario, Shown, Side, Step, World
from conformance.plan import Plan, PlanItem
from conformance.record import ScenarioRecord
from conformance.rig import starvation
from conformance.rig.browsers import Browser
from conformance.rig.cdp import Cdp
from conformance.rig.engine import RigMode, RunSettings, run_plan
from conformance.rig.life import next_version, raise_version, renumbered, settled_in, stop_worker
from conformance.subjects import load_subject
from conformance.verdict import Verdict
from tests.rig import extensions

REQUIREMENTS = by_id(load_requirements())
SCENARIOS = {scenario.id: scenario for scenario in load_scenarios()}


def staged(*when: Step) -> Scenario:
    then = Expectation(Outcome.LOCAL, Shown.GOOD, 6000, 150)
    return Scenario("a-scenario", "The browser's life", "what it says", ("LIFE-3",), World(), when, then)


# --- versions and copies -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "following"),
    [("1", "2"), ("1.0.0", "1.0.1"), ("1.2.65535", "1.3.0"), ("1.65535.65535.65535", "2.0.0.0")],
)
def test_the_next_version_is_the_next_one(version: str, following: str) -> None:
    assert next_version(version) == following


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=4).filter(lambda parts: set(parts) != {65535}))
def test_the_next_version_is_newer_and_one_that_chrome_takes(parts: list[int]) -> None:
    following = [int(part) for part in next_version(".".join(map(str, parts))).split(".")]
    assert following > parts
    assert len(following) == len(parts)
    assert max(following) <= 65535


def test_a_raised_version_leaves_the_manifest_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{\n  // by hand\n  "version" : "1.9",\n  "manifest_version": 3\n}\n')
    raise_version(tmp_path)
    assert (tmp_path / "manifest.json").read_text() == (
        '{\n  // by hand\n  "version" : "1.10",\n  "manifest_version": 3\n}\n'
    )


def test_a_manifest_without_a_version_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(SubjectError, match="no 'version' that could be raised"):
        raise_version(tmp_path)


def test_only_a_scenario_with_an_update_gets_a_copy(tmp_path: Path) -> None:
    profile = load_subject(extensions.write(tmp_path / "mine"), None)
    assert asyncio.run(settled_in(profile, staged(Befall(Act.RELOAD)), tmp_path / "rig")) is profile
    for _ in range(2):  # the second scenario of a rig finds the first one's copy
        copied = asyncio.run(settled_in(profile, staged(Befall(Act.UPDATE)), tmp_path / "rig"))
        assert Path(copied.extension) == tmp_path / "rig" / "subject"
        raise_version(Path(copied.extension))
        assert json.loads((Path(copied.extension) / "manifest.json").read_text())["version"] == "2"
    assert json.loads((tmp_path / "mine" / "manifest.json").read_text())["version"] == "1"


def test_a_copy_that_cannot_be_made_is_the_harness_failure(tmp_path: Path) -> None:
    profile = Profile("subject", "1", str(tmp_path / "gone"))
    with pytest.raises(RigFailed, match="cannot be copied"):
        asyncio.run(settled_in(profile, staged(Befall(Act.UPDATE)), tmp_path))


def test_a_version_that_cannot_be_written_is_the_harness_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    extensions.write(tmp_path / "mine")
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StorageFailed, match=r"mine/manifest\.json: no space left on device; free space or set TMPDIR"):
        raise_version(tmp_path / "mine")


# --- numbers -------------------------------------------------------------------------------------


def test_two_browsers_numbers_do_not_meet() -> None:
    socket = SocketStarted(at_ms=1, source=Source.BROWSER, request=7, url="ws://localhost:3003")
    tcp = TcpStarted(at_ms=1, source=Source.BROWSER, socket=7, side=Side.LOCAL)
    world = WorldSet(at_ms=1, source=Source.RIG, side=Side.LOCAL, faults=())
    assert [renumbered(event, 0) for event in (socket, tcp, world)] == [socket, tcp, world]
    again = renumbered(socket, 1)
    assert isinstance(again, SocketStarted)
    assert (again.request, again.url) == (1_000_000_007, socket.url)
    other = renumbered(tcp, 2)
    assert isinstance(other, TcpStarted)
    assert other.socket == 2_000_000_007
    assert renumbered(world, 1) == world


# --- a browser that does not follow --------------------------------------------------------------


class DeafCdp(Cdp):
    """A browser that says yes to every command and does nothing; its worker goes on running."""

    async def send(self, method: str, params: object = None, session: str | None = None) -> dict[str, str]:
        del params
        if method == "ServiceWorker.enable":
            self.tell("running", session)
        return {"targetId": "tab", "sessionId": "session"}

    def tell(self, status: str, session: str | None) -> None:
        version = {"versionId": "1", "scriptURL": "chrome-extension://it/worker.js", "runningStatus": status}
        for listener in self._listeners:
            listener("ServiceWorker.workerVersionUpdated", {"versions": [version]}, session)


class RestlessCdp(DeafCdp):
    """Its worker is stopped, and woken at once for something that is still to be told to it."""

    async def send(self, method: str, params: object = None, session: str | None = None) -> dict[str, str]:
        if method == "ServiceWorker.stopAllWorkers":
            for status in ("stopping", "stopped", "starting", "running"):
                self.tell(status, session)
        return await super().send(method, params, session)


def test_a_worker_that_was_stopped_and_woken_at_once_was_stopped() -> None:
    """Two of 40 were "not stopped within 30 s": nobody had looked between the browser's words."""

    async def scene() -> None:
        await stop_worker(RestlessCdp(), "chrome-extension://it")

    asyncio.run(scene())


def test_a_worker_that_does_not_stop_is_the_harness_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.rig.life._WORKER_MS_MAX", 10)

    async def scene() -> None:
        await stop_worker(DeafCdp(), "chrome-extension://it")

    with pytest.raises(RigFailed, match=r'not stopped within 0 s, but \["running"\]'):
        asyncio.run(scene())


# --- in a browser --------------------------------------------------------------------------------


def carried_out(browser: Browser, profile: Profile, *names: str, rig: RigMode = RigMode.WARM) -> list[ScenarioRecord]:
    records: list[ScenarioRecord] = []
    plan = Plan(tuple(PlanItem(profile, SCENARIOS[name], 0) for name in names))
    settings = RunSettings(browser, rig, 1)
    asyncio.run(run_plan(plan, settings, on_start=lambda _: None, on_record=records.append, stop=lambda: False))
    return records


def acts(record: ScenarioRecord) -> list[type[Event]]:
    assert record.timeline is not None, record.failure
    kinds = (WorkerStopped, WorkerStarted, SubjectReloaded, BrowserClosed, BrowserStarted, StepTimedOut)
    return [type(event) for event in record.timeline if isinstance(event, kinds)]


ACTS: dict[str, list[type[Event]]] = {
    "worker-stopped[before-probe]": [WorkerStopped, WorkerStarted],
    "worker-stopped[in-probe]": [WorkerStopped, WorkerStarted],
    "worker-stopped[before-open]": [WorkerStopped, WorkerStarted],
    "worker-stopped[in-session]": [WorkerStopped, WorkerStarted],
    "reloaded": [SubjectReloaded],
    "updated": [SubjectReloaded],
    "browser-restarted": [BrowserClosed, BrowserStarted],
}


@pytest.mark.browser
def test_the_reference_lives_through_everything(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = count()  # the browser has waited a millisecond more at each, whatever else the machine does
    monkeypatch.setattr(starvation, "waits_ms", lambda _group, **_: {1: float(next(looks))})
    profile = load_subject(bundled("fixtures", "extensions", "reference"), None)
    records = carried_out(browser, profile, *ACTS)
    assert {record.scenario: acts(record) for record in records} == ACTS
    for record in records:
        result = judge_scenario(SCENARIOS[record.scenario], profile, record, REQUIREMENTS, DEFAULT_ERROR_MS)
        assert result.verdict is Verdict.PASS, f"{record.scenario}: {result.reason}"
    (restarted,) = [record.timeline for record in records if record.scenario == "browser-restarted"]
    assert restarted is not None
    (closed,), (back,) = restarted.all(BrowserClosed), restarted.all(BrowserStarted)
    waited = [starved for starved in restarted.all(BrowserStarved) if closed.at_ms <= starved.at_ms <= back.at_ms]
    assert len(waited) == 1  # what the browser waited until it was closed, told before it is forgotten


@pytest.mark.browser
def test_an_updated_subject_has_its_old_id_and_a_new_version(browser: Browser) -> None:
    profile = load_subject(bundled("fixtures", "extensions", "reference"), None)
    (record,) = carried_out(browser, profile, "updated")
    assert record.timeline is not None
    (reload,) = record.timeline.all(SubjectReloaded)
    assert reload.version == next_version(profile.version)
    assert load_subject(Path(profile.extension), None).version == profile.version


@pytest.mark.browser
def test_a_rig_without_an_interface_says_that_it_cannot(browser: Browser) -> None:
    profile = load_subject(bundled("fixtures", "extensions", "reference"), None)
    (record,) = carried_out(browser, profile, "worker-stopped[in-session]", rig=RigMode.UNATTACHED)
    assert record.unsupported is not None
    assert "cannot do 'worker: stop'" in record.unsupported
