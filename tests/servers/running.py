"""Reference servers (and faulty ones) in this process, and what ``conform servers`` finds in them."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import trustme
from servers.listening import loopback_sockets, runner_of, start
from servers.local.app import LocalServer
from servers.local.app import Settings as LocalSettings
from servers.public.front import Front
from servers.public.handlers import Handlers
from servers.public.main import context_of
from servers.public.service import Service
from servers.public.service import Settings as PublicSettings
from servers.public.tables import MemoryTable
from servers.session import Limits

from conformance.files import load_requirements
from conformance.judge import judge_scenario
from conformance.model import Side
from conformance.record import ScenarioRecord
from conformance.results import ScenarioResult
from conformance.rig.serving.examination import Settings
from conformance.rig.serving.examine import Subject, examine
from conformance.rig.serving.wire import Target, find
from conformance.server_cases import EXTENSION
from conformance.server_plan import SERVER_SCENARIOS, ServerScenario

LIMITS = Limits(heartbeat_s=2.5, close_s=1.0)
# Enough for what a test asks.
QUICK = Settings(inputs=200, seed=1, half_open_s=30, probes=60)
# A server that drops nobody is known soon: no other one is waited for with these.
IMPATIENT = replace(QUICK, half_open_s=1, inputs=800)


def local_server(**settings: object) -> LocalServer:
    """The reference local server, dropping silent clients soon."""
    return LocalServer(replace(LocalSettings(limits=LIMITS), **settings))  # type: ignore[arg-type]


def service(*, down: bool = False) -> Service:
    """The reference public server's service."""
    return Service(PublicSettings(frozenset({EXTENSION})), MemoryTable(down=down))


def front_of(its: Service, now_s: Callable[[], float] = lambda: 1_800_000_000.0) -> Front:
    """A front of that service, in the first second of a minute for ever."""
    return Front(Handlers(its, write=lambda _: None, now_s=now_s), LIMITS)


@asynccontextmanager
async def local(server: LocalServer) -> AsyncIterator[Target]:
    """A local server on a port of its own."""
    sockets = loopback_sockets(0)
    runner = runner_of(server.application())
    await start(runner, sockets)
    try:
        yield await find(f"http://localhost:{sockets[0].getsockname()[1]}", Side.LOCAL)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def public(
    front: Front, directory: Path, make: Callable[[trustme.CA], ssl.SSLContext] = context_of
) -> AsyncIterator[Target]:
    """A public server under TLS on a port of its own; its CA goes into ``directory``."""
    authority, sockets = trustme.CA(), loopback_sockets(0)
    port = sockets[0].getsockname()[1]
    ca = directory / f"{port}.pem"
    authority.cert_pem.write_to_path(str(ca))
    runner = runner_of(front.application())
    await start(runner, sockets, make(authority))
    try:
        yield await find(f"https://localhost:{port}", Side.PUBLIC, ca)
    finally:
        await runner.cleanup()


async def results(
    target: Target, settings: Settings = QUICK, only: Callable[[ServerScenario], bool] = lambda _: True
) -> dict[str, ScenarioResult]:
    """What examining the server comes to, by scenario."""
    requirements = {one.id: one for one in load_requirements()}
    scenarios = {one.scenario.id: one.scenario for one in SERVER_SCENARIOS}
    subject = Subject(target, settings, f"{target.side} server")
    records: list[ScenarioRecord] = []
    await examine(subject, records.append, only=only)
    return {
        record.scenario: judge_scenario(scenarios[record.scenario], subject.profile, record, requirements, 5.0)
        for record in records
    }


def named(*names: str) -> Callable[[ServerScenario], bool]:
    """Only the scenarios so called."""
    return lambda one: one.scenario.id in names
