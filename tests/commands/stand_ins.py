"""A stand-in for the engine: it carries out scenarios without a browser, as the plan would have them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from conformance.commands import run
from conformance.events import (
    AccessChecked,
    ConnectionAccepted,
    Event,
    FaultProved,
    FetchAnswered,
    FetchEnded,
    FetchStarted,
    ObservationEnded,
    RequestReceived,
    ResponseSent,
    SessionOpened,
    SocketOpened,
    SocketStarted,
    Source,
    SubjectStarted,
    TcpEnded,
    TcpStarted,
    WorldSet,
)
from conformance.model import Scenario, Side
from conformance.plan import Plan, PlanItem
from conformance.record import Calibration, Environment, ScenarioRecord
from conformance.rig.browsers import Browser
from conformance.rig.engine import RunSettings
from conformance.timeline import Timeline

LOCAL, BROWSER, RIG = Source.LOCAL, Source.BROWSER, Source.RIG


def world_of(scenario: Scenario) -> Iterator[Event]:
    """What the scenario gives, set and proved."""
    for side in Side:
        faults = tuple(map(str, scenario.given.of(side)))
        yield WorldSet(at_ms=-20, source=RIG, side=side, faults=faults)
        for fault in scenario.given.of(side):
            yield FaultProved(at_ms=-10, source=RIG, side=side, fault=fault.name, detail="probed")


def local_session(item: PlanItem) -> Timeline:
    """A subject that finds its local server: what `local-up` asks for."""
    signature, local = item.profile.endpoints.signature, item.profile.endpoints.local
    request: dict[str, Any] = {"source": LOCAL, "host": "localhost:3003", "origin": None, "method": "GET"}
    return Timeline.of(
        (
            *world_of(item.scenario),
            SubjectStarted(at_ms=0, source=RIG, extension_id="abc", how="loaded"),
            FetchStarted(at_ms=10, source=BROWSER, request=1, url=signature, method="GET"),
            TcpStarted(at_ms=11, source=BROWSER, socket=1, side=Side.LOCAL),
            TcpEnded(at_ms=12, source=BROWSER, socket=1, side=Side.LOCAL, error=""),
            AccessChecked(at_ms=12, source=BROWSER, request=1, result="allowed-no-less-public"),
            ConnectionAccepted(at_ms=12, source=LOCAL, connection=1, endpoint="localhost:3003"),
            RequestReceived(at_ms=13, connection=1, target="/semantest-signature", upgrade=False, **request),
            ResponseSent(at_ms=14, source=LOCAL, connection=1, status=200, size=60),
            FetchAnswered(at_ms=15, source=BROWSER, request=1, status=200),
            FetchEnded(at_ms=15, source=BROWSER, request=1, error=""),
            SocketStarted(at_ms=20, source=BROWSER, request=2, url=local),
            TcpStarted(at_ms=21, source=BROWSER, socket=2, side=Side.LOCAL),
            TcpEnded(at_ms=22, source=BROWSER, socket=2, side=Side.LOCAL, error=""),
            ConnectionAccepted(at_ms=22, source=LOCAL, connection=2, endpoint="localhost:3003"),
            RequestReceived(at_ms=23, connection=2, target="/", upgrade=True, **request),
            SessionOpened(at_ms=24, source=LOCAL, connection=2),
            SocketOpened(at_ms=25, source=BROWSER, request=2),
            ObservationEnded(at_ms=400, source=RIG, reason="done", lag_ms=0.1),
        )
    )


@dataclass
class StandIn:
    """What it does for an item can be replaced; ``ran`` says which items it was given, and with what."""

    act: Callable[[PlanItem], ScenarioRecord]
    ran: list[str] = field(default_factory=list)
    repeats: list[int] = field(default_factory=list)  # of each of them
    settings: RunSettings | None = None
    pause: bool = False  # let the loop breathe between items, so that a signal is heard

    async def run_plan(
        self,
        plan: Plan,
        settings: RunSettings,
        *,
        on_start: Callable[[PlanItem], None],
        on_record: Callable[[ScenarioRecord], None],
        stop: Callable[[], bool],
    ) -> None:
        self.settings = settings
        for item in plan.items:
            if stop():
                return
            on_start(item)
            self.ran.append(item.scenario.id)
            self.repeats.append(item.repeat)
            on_record(self.act(item))
            await asyncio.sleep(0.001 if self.pause else 0)


def _local(item: PlanItem) -> ScenarioRecord:
    timeline = local_session(item)
    return ScenarioRecord(item.profile.name, item.scenario.id, item.repeat, timeline=timeline, wall_ms=400.0)


def install(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Put one in the engine's place; the environment and the browser are made up, too."""
    stand_in = StandIn(_local)

    def describe(settings: RunSettings, started_at: str, calibration: Calibration) -> Environment:
        rig, jobs, seed = settings.rig.value, settings.jobs, settings.seed
        return Environment("Chromium 1", (), "0.1", "3.11", "Linux", 2, rig, jobs, seed, started_at, 2.0, calibration)

    monkeypatch.setattr(run, "run_plan", stand_in.run_plan)
    monkeypatch.setattr(run, "describe_environment", describe)
    monkeypatch.setattr(run, "find_browser", lambda explicit: Browser("/b", "Chromium", "1", explicit or "search"))
    return stand_in
