"""The sanity scenario: before anybody is judged, whether the rig is alive and both fakes answer through the browser.

An extension of the rig's own asks for the local signature and opens both WebSockets, on the same way that a
subject takes: load, browser, host mapping, fakes, network log. What is missing then is the harness' failure,
and no verdict on any subject. It runs once for a pool of rigs, on the first of them.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from conformance.crosscheck import disagreements
from conformance.errors import HarnessError, RigNotSane
from conformance.events import (
    FetchAnswered,
    ObservationEnded,
    RequestReceived,
    SessionOpened,
    SocketOpened,
    SocketStarted,
    Source,
)
from conformance.model import Endpoints, Expectation, Outcome, Profile, Scenario, Shown, Side, Until, World, role_of
from conformance.rig.scratch import scratching

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from conformance.timeline import Timeline

SANITY: Final = "sanity"  # the scenario's id, and the subject's name
_PATIENCE_MS: Final = 15_000  # some 100 ms idle; a machine that takes longer is too busy for any verdict
_ERROR_MS: Final = 100.0  # looser than any verdict's: that the sources tell one story is enough here
_OK: Final = 200
_SOURCE: Final = {Side.LOCAL: Source.LOCAL, Side.PUBLIC: Source.PUBLIC}

_WORKER: Final = """\
const { signature, sockets } = %s;
globalThis.open = [];
fetch(signature, { cache: 'no-store' })
  .then((answer) => answer.text())
  .catch(() => {})
  .finally(() => { globalThis.open = sockets.map((url) => new WebSocket(url)); });
"""


def scenario_for(endpoints: Endpoints) -> Scenario:
    """Both servers are healthy; it is over when both have a session."""
    sides = [Outcome.LOCAL] if endpoints.public is None else [Outcome.LOCAL, Outcome.PUBLIC]
    return Scenario(
        id=SANITY,
        family="Sanity",
        says="the rig's own extension reaches both servers",
        covers=(),
        given=World(),
        when=tuple(Until(side, _PATIENCE_MS) for side in sides),
        then=Expectation(Outcome.EITHER, Shown.GOOD, within_ms=_PATIENCE_MS, hold_ms=0),
    )


def write_extension(directory: Path, endpoints: Endpoints) -> Profile:
    """The extension for these endpoints, unpacked in ``directory``."""
    manifest = {
        "manifest_version": 3,
        "name": "Sanity",
        "version": "1",
        "background": {"service_worker": "worker.js"},
        "host_permissions": ["<all_urls>"],
    }
    sockets = [url for url in (endpoints.local, endpoints.public) if url is not None]
    config = json.dumps({"signature": endpoints.signature, "sockets": sockets})
    with scratching(directory):
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        (directory / "worker.js").write_text(_WORKER % config, encoding="utf-8")
    return Profile(SANITY, "1", str(directory), endpoints=endpoints)


def troubles(timeline: Timeline, endpoints: Endpoints) -> tuple[str, ...]:
    """What did not come about, in words; empty when the rig is sane."""
    told = []
    path = urlsplit(endpoints.signature).path or "/"
    asked = timeline.all(RequestReceived, lambda event: urlsplit(event.target).path == path and not event.upgrade)
    if not any(event.source is Source.LOCAL for event in asked):
        told.append("the local server was not asked for its signature")
    if timeline.first(FetchAnswered, lambda event: event.status == _OK) is None:
        told.append("the browser's log has no answer to that")
    for side in Side:
        if side is Side.LOCAL or endpoints.public is not None:
            told += _without_session(timeline, endpoints, side)
    if timeline.first(ObservationEnded) is None:
        told.append("watching did not end")
    return (*told, *disagreements(timeline, endpoints, _ERROR_MS))


def _without_session(timeline: Timeline, endpoints: Endpoints, side: Side) -> list[str]:
    told = []
    if timeline.first(SessionOpened, lambda event: event.source is _SOURCE[side]) is None:
        told.append(f"the {side} server has no session")
    opened = {event.request for event in timeline.all(SocketOpened)}
    started = timeline.all(SocketStarted, lambda event: role_of(event.url, endpoints).side is side)
    if not any(event.request in opened for event in started):
        told.append(f"the browser's log has no {side} session")
    return told


class Sanity:
    """Asks once, whoever asks first; everybody else waits for that answer."""

    def __init__(self, endpoints: Endpoints, directory: Path) -> None:
        self._endpoints = endpoints
        self._directory = directory
        self._answer: asyncio.Future[None] | None = None

    async def ensure(self, observe: Callable[[Profile, Scenario], Awaitable[Timeline]]) -> None:
        """Return when the rig is known to be sane. Raises RigNotSane, also for whoever asks later."""
        if self._answer is None:
            self._answer = asyncio.ensure_future(self._look(observe))
        await asyncio.shield(self._answer)

    def cancel(self) -> None:
        """Nobody waits for the answer any more."""
        if self._answer is not None:
            self._answer.cancel()

    async def _look(self, observe: Callable[[Profile, Scenario], Awaitable[Timeline]]) -> None:
        step = "run `conform doctor`, and then again; no subject was judged"
        try:
            profile = write_extension(self._directory, self._endpoints)
            timeline = await observe(profile, scenario_for(self._endpoints))
        except (HarnessError, OSError) as error:
            raise RigNotSane(f"the sanity scenario could not be carried out: {error}; {step}") from error
        if told := troubles(timeline, self._endpoints):
            raise RigNotSane(f"the rig is not sane: {'; '.join(told)}; {step}")
