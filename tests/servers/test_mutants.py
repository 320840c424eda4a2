"""Server conformance finds what is wrong, and nothing where nothing is: the reference servers, mutants, fakes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.model import Side
from conformance.record import ScenarioRecord
from conformance.results import ScenarioResult
from conformance.rig.serving.examine import Subject, examine
from conformance.rig.serving.wire import Target, find
from conformance.server_cases import EXTENSION, OTHER_EXTENSION, PAGES
from conformance.server_events import Tried
from conformance.server_plan import scenarios_of
from conformance.verdict import Verdict
from tests.rig.servers import Staged, staged
from tests.servers.mutants import LOCAL, PUBLIC, LocalMutant, PublicMutant
from tests.servers.running import IMPATIENT, QUICK, front_of, local, local_server, named, public, results, service

THOROUGH = replace(QUICK, inputs=IMPATIENT.inputs)
# What no answer to a request can bear on, and what takes seconds of waiting.
WAITS = {"local-latency", "local-half-open", "public-half-open"}


def verdict_on(requirement: str, result: ScenarioResult) -> Verdict:
    return next(finding.verdict for finding in result.findings if finding.requirement == requirement)


def not_passed(found: dict[str, ScenarioResult]) -> dict[str, str]:
    return {name: f"{one.verdict}: {one.reason}" for name, one in found.items() if one.verdict is not Verdict.PASS}


# --- what conforms -------------------------------------------------------------------------------


def test_the_reference_local_server_passes() -> None:
    async def examine() -> dict[str, ScenarioResult]:
        async with local(local_server()) as target:
            return await results(target, only=lambda one: one.scenario.id != "local-latency")

    found = asyncio.run(examine())
    assert not_passed(found) == {}
    assert set(found) == {one.scenario.id for one in scenarios_of([Side.LOCAL])} - {"local-latency"}


@pytest.mark.alone
def test_the_reference_local_server_is_as_fast_as_the_machine_lets_it() -> None:
    async def examine() -> dict[str, ScenarioResult]:
        async with local(local_server()) as target:
            return await results(target, only=named("local-latency"))

    (result,) = asyncio.run(examine()).values()
    assert result.verdict in (Verdict.PASS, Verdict.INCONCLUSIVE), result.reason
    if result.verdict is Verdict.INCONCLUSIVE:
        assert "machine too busy" in result.reason


def test_the_reference_public_server_passes(tmp_path: Path) -> None:
    async def examine() -> dict[str, ScenarioResult]:
        async with AsyncExitStack() as stack:
            target = await stack.enter_async_context(public(front_of(service()), tmp_path))
            sick = await stack.enter_async_context(public(front_of(service(down=True)), tmp_path))
            return await results(target, replace(QUICK, unhealthy=sick))

    found = asyncio.run(examine())
    unmeasured = {name: one.verdict for name, one in found.items() if name in ("public-load", "public-alarm")}
    assert unmeasured == {"public-load": Verdict.UNSUPPORTED, "public-alarm": Verdict.UNSUPPORTED}
    assert not_passed({name: one for name, one in found.items() if name not in unmeasured}) == {}
    assert set(found) == {one.scenario.id for one in scenarios_of([Side.PUBLIC])}


def test_the_local_fake_passes_but_for_what_it_does_not_offer() -> None:
    async def examine() -> dict[str, ScenarioResult]:
        async with staged() as stage:
            address = next(address for address, side in stage.servers.sides.items() if side is Side.LOCAL)
            target = replace(await find(f"http://{address}", Side.LOCAL), host="localhost:3003")
            settings = replace(QUICK, absent=("origin-rules", "heartbeat"))
            return await results(target, settings, only=lambda one: one.scenario.id != "local-latency")

    found = asyncio.run(examine())
    lacking = {name for name, one in found.items() if one.verdict is Verdict.UNSUPPORTED}
    assert lacking == {"local-origins", "local-half-open"}
    assert "origin-rules" in found["local-origins"].reason
    assert not_passed({name: one for name, one in found.items() if name not in lacking}) == {}


# What the public fake has not, and why.
PUBLIC_FAKE_LACKS = {
    "public-cors": "origin-list",  # any extension may be the subject, and the rig's own asks, too
    "public-rate-limit": "rate-limit",  # one browser connects for many subjects; a refusal is a fault's to make
    "public-half-open": "heartbeat",  # what keeps a session or ends it is the scenario's to say, not the fake's
}
PUBLIC_FAKE_UNMEASURED = {"public-load", "public-alarm", "public-unhealthy"}  # it is never unhealthy


async def public_fake(stage: Staged, directory: Path) -> Target:
    address = next(address for address, side in stage.servers.sides.items() if side is Side.PUBLIC)
    ca = directory / "ca.pem"
    ca.write_bytes(stage.fake(Side.PUBLIC).certificates.authority)
    name = "api.extension.semantest.com"
    return replace(await find(f"https://{address}", Side.PUBLIC, ca), host=name, name=name)


def test_the_public_fake_passes_but_for_what_it_does_not_offer(tmp_path: Path) -> None:
    async def examine_it() -> dict[str, ScenarioResult]:
        async with staged() as stage:
            target = await public_fake(stage, tmp_path)
            return await results(target, replace(QUICK, absent=tuple(PUBLIC_FAKE_LACKS.values())))

    found = asyncio.run(examine_it())
    lacking = {name for name, one in found.items() if one.verdict is Verdict.UNSUPPORTED}
    assert lacking == PUBLIC_FAKE_LACKS.keys() | PUBLIC_FAKE_UNMEASURED
    assert all(feature in found[name].reason for name, feature in PUBLIC_FAKE_LACKS.items())
    assert not_passed({name: one for name, one in found.items() if name not in lacking}) == {}
    assert set(found) == {one.scenario.id for one in scenarios_of([Side.PUBLIC])}


@pytest.mark.parametrize("side", Side)
def test_a_fake_lets_extensions_read_and_ask_leave_and_no_web_page(side: Side, tmp_path: Path) -> None:
    """What API-4 wants but for the list of extensions; and "null", which an extension is after a redirect."""

    async def examine_it() -> list[ScenarioRecord]:
        records: list[ScenarioRecord] = []
        async with staged() as stage:
            if side is Side.PUBLIC:
                target = await public_fake(stage, tmp_path)
            else:
                address = next(address for address, its in stage.servers.sides.items() if its is side)
                target = replace(await find(f"http://{address}", Side.PUBLIC), host="localhost:3003")
            await examine(Subject(target, QUICK, "fake"), records.append, only=named("public-cors"))
        return records

    (record,) = asyncio.run(examine_it())
    assert record.timeline is not None
    tried = record.timeline.all(Tried)
    let_in = {
        one.origin for one in tried if any(line.startswith("access-control-allow-origin") for line in one.headers)
    }
    assert let_in == {EXTENSION, OTHER_EXTENSION, "null"}
    assert {one.origin for one in tried} - let_in == set(PAGES.values()) - {"null"}
    assert {one.status for one in tried if one.what.startswith("preflight")} == {204, 403}


# --- what does not -------------------------------------------------------------------------------


def of_the_document(mutants: Mapping[str, LocalMutant | PublicMutant], *, found_so: bool) -> list[str]:
    """Those that requests drawn from the document find, or the others."""
    return [name for name, mutant in mutants.items() if mutant.scenario.endswith("-openapi") is found_so]


@pytest.mark.parametrize("name", of_the_document(LOCAL, found_so=False))
def test_a_faulty_local_server_is_found(name: str) -> None:
    mutant = LOCAL[name]

    async def examine() -> dict[str, ScenarioResult]:
        async with local(mutant.make()) as target:
            return await results(target, IMPATIENT, only=named(mutant.scenario))

    (result,) = asyncio.run(examine()).values()
    assert verdict_on(mutant.finds, result) is Verdict.FAIL, result.reason


@pytest.mark.parametrize("name", of_the_document(PUBLIC, found_so=False))
def test_a_faulty_public_server_is_found(name: str, tmp_path: Path) -> None:
    mutant = PUBLIC[name]

    async def examine() -> dict[str, ScenarioResult]:
        async with AsyncExitStack() as stack:
            target = await stack.enter_async_context(public(mutant.make(), tmp_path, mutant.tls))
            settings = IMPATIENT
            if mutant.sick is not None:
                sick = await stack.enter_async_context(public(mutant.sick(), tmp_path, mutant.tls))
                settings = replace(settings, unhealthy=sick)
            return await results(target, settings, only=named(mutant.scenario))

    (result,) = asyncio.run(examine()).values()
    assert verdict_on(mutant.finds, result) is Verdict.FAIL, result.reason


def failed(found: dict[str, ScenarioResult]) -> dict[str, set[str]]:
    """The requirements that failed, by scenario."""
    return {
        name: {finding.requirement for finding in one.findings if finding.verdict is Verdict.FAIL}
        for name, one in found.items()
        if one.verdict is Verdict.FAIL
    }


@pytest.mark.parametrize("name", of_the_document(LOCAL, found_so=True))
def test_only_the_document_finds_it_in_a_local_server(name: str) -> None:
    async def examine() -> dict[str, ScenarioResult]:
        async with local(LOCAL[name].make()) as target:
            return await results(target, THOROUGH, only=lambda one: one.scenario.id not in WAITS)

    assert failed(asyncio.run(examine())) == {"local-openapi": {LOCAL[name].finds}}


@pytest.mark.parametrize("name", of_the_document(PUBLIC, found_so=True))
def test_only_the_document_finds_it_in_a_public_server(name: str, tmp_path: Path) -> None:
    async def examine() -> dict[str, ScenarioResult]:
        async with public(PUBLIC[name].make(), tmp_path) as target:
            return await results(target, THOROUGH, only=lambda one: one.scenario.id not in WAITS)

    assert failed(asyncio.run(examine())) == {"public-openapi": {PUBLIC[name].finds}}


def test_every_requirement_that_can_be_judged_has_a_mutant() -> None:
    found = {mutant.finds for mutant in LOCAL.values()} | {mutant.finds for mutant in PUBLIC.values()}
    judged = {id_ for one in scenarios_of(Side) if not one.unmeasured for id_ in one.scenario.covers}
    assert found == judged
    assert len(LOCAL) + len(PUBLIC) >= 15
