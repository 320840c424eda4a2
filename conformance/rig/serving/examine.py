"""Carries the server scenarios out, one after the other, and gives a record of each."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.errors import InputError
from conformance.events import ObservationEnded, Source, SubjectStarted
from conformance.model import Endpoints, Profile
from conformance.record import ScenarioRecord
from conformance.rig.lag import LagMonitor
from conformance.rig.recorder import Recorder, now_ms
from conformance.rig.serving.checks import CHECKS
from conformance.rig.serving.examination import Examination, Settings
from conformance.rig.serving.machine import Missing
from conformance.rig.serving.talk import NoSession
from conformance.rig.serving.wire import Target, Wire, once
from conformance.server_cases import request
from conformance.server_plan import scenarios_of, unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.server_plan import ServerScenario


@dataclass(frozen=True, slots=True)
class Subject:
    """A server under test, and how it is examined."""

    target: Target
    settings: Settings
    name: str
    version: str = ""

    @property
    def profile(self) -> Profile:
        """What the record keeps of it; a server has no extension."""
        url = f"{'https' if self.target.tls else 'http'}://{self.target.host}{self.target.base}"
        endpoints = Endpoints(signature=f"{url}/semantest-signature", local=url, public=None)
        return Profile(self.name, self.version, "", endpoints, absent=self.settings.absent)


async def check_there(target: Target) -> None:
    """Somebody has to be there at all: a slip in the URL is not a server that fails everything."""
    try:
        connection = await Wire(target, verify=False).connect()
    except (OSError, TimeoutError) as error:
        why = os.strerror(error.errno).lower() if error.errno else getattr(error, "reason", "") or "no answer in time"
        what = "start the server, or mend the URL"
        raise InputError(f"--{target.side} {target.url}: nobody answers there ({why}); {what}") from error
    connection.abort()


async def examine(
    subject: Subject,
    on_record: Callable[[ScenarioRecord], None],
    on_start: Callable[[str], None] = lambda _: None,
    only: Callable[[ServerScenario], bool] = lambda _: True,
) -> None:
    """Every scenario of the server's side, in order."""
    lag = LagMonitor()
    lag.start()
    try:
        for one in scenarios_of([subject.target.side]):
            if not only(one):
                continue
            on_start(one.scenario.id)
            on_record(await _carry_out(subject, one, lag))
    finally:
        lag.stop()


async def _carry_out(subject: Subject, one: ServerScenario, lag: LagMonitor) -> ScenarioRecord:
    if (reason := unsupported(one, subject.settings.absent)) is not None:
        return ScenarioRecord(subject.name, one.scenario.id, unsupported=reason)
    recorder, began_ms = Recorder(), now_ms()
    recorder.record(SubjectStarted, Source.RIG, extension_id="", how=f"examined at {subject.target.url}")
    its = Examination(Wire(subject.target), subject.settings, recorder)
    problem = await _try(its, one.scenario.id)
    ended_ms = now_ms()
    recorder.record(ObservationEnded, Source.RIG, reason="all was sent", lag_ms=lag.worst_since(began_ms))
    wall_ms = round(ended_ms - began_ms, 3)
    if isinstance(problem, Missing):
        return ScenarioRecord(subject.name, one.scenario.id, unsupported=str(problem), wall_ms=wall_ms)
    if problem is not None:
        told = f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
        return ScenarioRecord(subject.name, one.scenario.id, failure=told, wall_ms=wall_ms)
    return ScenarioRecord(subject.name, one.scenario.id, timeline=recorder.timeline(began_ms), wall_ms=wall_ms)


async def _try(its: Examination, scenario: str) -> Exception | None:
    """Carry out one scenario; what went wrong with the harness, if anything did."""
    try:
        await CHECKS[scenario](its)
    except (NoSession, OSError, TimeoutError) as error:
        its.gave_up(error)
    except Exception as error:  # noqa: BLE001 - a bug of the harness's is its ERROR, and the rest goes on
        return error
    finally:
        if its.bystander is not None:
            its.bystander.abort()
    return None


async def version_of(target: Target) -> str:
    """What the server says its version is; "" if it says nothing of the kind."""
    try:
        answer = await once(Wire(target, verify=False), request(target.signature_path, target.host))
        version = json.loads(answer.body).get("version")
    except (OSError, TimeoutError, ValueError, AttributeError):
        return ""
    return version if isinstance(version, str) else ""
