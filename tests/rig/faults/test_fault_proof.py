"""The proof of the proof: each fault, silently disabled, makes findings INCONCLUSIVE and never PASS.

Real fakes, a real conductor and the real judge; in the browser's place a scripted subject that conforms. With
the fault at work it passes, so that what it is denied without the fault is denied for the missing proof alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.catalogue import by_id
from conformance.events import ObservationEnded, Source, SubjectStarted
from conformance.files import load_requirements
from conformance.judge import judge_scenario
from conformance.model import (
    Change,
    Drop,
    Expectation,
    FaultSpec,
    Hold,
    Json,
    Outcome,
    Scenario,
    Shown,
    Side,
    Step,
    Until,
    UntilAttempts,
    World,
)
from conformance.record import ScenarioRecord
from conformance.results import ScenarioResult
from conformance.rig.faults import FAULTS, Stage, build_at
from conformance.rig.faults.base import (
    ConnectionFault,
    Fault,
    ListenFault,
    NetworkFault,
    Probed,
    ResolveFault,
    SessionFault,
    SignatureFault,
    TlsFault,
    UpgradeFault,
)
from conformance.rig.recorder import now_ms
from conformance.rig.steps import Conductor
from conformance.verdict import Verdict
from tests.rig import standing
from tests.rig.scripted import Scripted
from tests.rig.servers import PROFILE, staged

REQUIREMENTS = by_id(load_requirements())
REFUSED = (FaultSpec("refused"),)
BAD, SILENT, GOOD = Shown.BAD, Shown.SILENT, Shown.GOOD


def scene(  # noqa: PLR0913 - a scenario's parts
    *covers: str, local: tuple[FaultSpec, ...] = (), public: tuple[FaultSpec, ...] = (), when: tuple[Step, ...] = (),
    to: Outcome = Outcome.PUBLIC, shown: Shown = GOOD, hold_ms: float = 150,
) -> Scenario:  # fmt: skip
    then = Expectation(to, shown, within_ms=500 if to is Outcome.NONE else 20_000, hold_ms=hold_ms)
    return Scenario("proof", "Choosing", "what it says", covers, World(local, public), when, then)


def local(name: str, shown: Shown, *covers: str, **parameters: Json) -> Scenario:
    return scene(*covers, local=(FaultSpec(name, parameters),), shown=shown)


def untrusted(name: str, **parameters: Json) -> Scenario:
    given = (FaultSpec(name, parameters),)
    return scene("PUB-2", local=REFUSED, public=given, when=(UntilAttempts(2, 3000),), to=Outcome.NONE, shown=BAD)


def lost(name: str, *covers: str, **parameters: Json) -> Scenario:
    when = (Until(Outcome.LOCAL, 3000), Hold(1100), Drop(Side.LOCAL, FaultSpec(name, parameters)))
    return scene(*covers, when=when, to=Outcome.LOCAL, hold_ms=300)


def held(name: str, **parameters: Json) -> Scenario:
    return scene("SEL-6", local=(FaultSpec(name, parameters),), to=Outcome.LOCAL, hold_ms=300)


def apart(name: str, *covers: str, to: Outcome = Outcome.PUBLIC, shown: Shown = GOOD, **parameters: Json) -> Scenario:
    when = (UntilAttempts(3, 5000),) if to is Outcome.NONE else ()
    given = (FaultSpec(name, parameters),)
    return replace(scene(*covers, local=REFUSED, public=given, when=when, to=to, shown=shown), namespace=True)


SCENES: dict[str, Scenario] = {
    "refused": local("refused", BAD, "SEL-3", "TIME-2"),
    "blackhole": local("blackhole", SILENT, "TIME-1"),
    "silent": local("silent", SILENT, "TIME-1"),
    "banner": local("banner", BAD, "SEL-3", text="SSH-2.0-x\r\n\r\n"),
    "reset": local("reset", BAD, "SEL-3", "TIME-2"),
    "hang_up": local("hang_up", BAD, "SEL-3", "TIME-2"),
    "tls_on_port": local("tls_on_port", BAD, "SEL-3"),
    "answer": local("answer", BAD, "SIG-1", "SEL-3", "TIME-2", signature="other-name"),
    "stall": local("stall", SILENT, "TIME-1", after="headers"),
    "drip": local("drip", SILENT, "TIME-1", interval_ms=50.0),
    "endless": local("endless", SILENT, "SIG-6"),
    "huge": local("huge", Shown.ARGUABLE, "SIG-6", mib=1),
    "reset_response": local("reset_response", BAD, "SEL-3", after_bytes=24),
    "cut_response": local("cut_response", BAD, "SEL-3", after_bytes=150),
    "redirect": local("redirect", Shown.ARGUABLE, "SIG-5", status=302, to="other_origin"),
    "die_after_signature": local("die_after_signature", GOOD, "FALL-1"),
    "refuse_upgrade": local("refuse_upgrade", GOOD, "FALL-1", status=404),
    "hang_upgrade": local("hang_upgrade", GOOD, "FALL-1"),
    "wrong_accept": local("wrong_accept", GOOD, "FALL-1"),
    "reset_upgrade": local("reset_upgrade", GOOD, "FALL-1"),
    "close": local("close", GOOD, "FALL-1", code=1011),
    "slow_upgrade": scene("TIME-4", local=REFUSED, public=(FaultSpec("slow_upgrade", {"delay_ms": 300.0}),), shown=BAD),
    "certificate": untrusted("certificate", kind="other_host"),
    "old_tls": untrusted("old_tls"),
    "plaintext": untrusted("plaintext"),
    "name_not_found": scene(
        "RETRY-1", local=REFUSED, public=(FaultSpec("name_not_found"),), when=(UntilAttempts(3, 5000),),
        to=Outcome.NONE, shown=BAD,
    ),
    "ping_only": held("ping_only", interval_ms=250.0),
    "burst": held("burst", count=20, size=200),
    "oversize_frame": held("oversize_frame", mib=1),
    "half_open": lost("half_open", "FALL-3"),
    "reset_session": lost("reset_session", "FALL-2"),
    "offline": apart("offline", "RETRY-1", to=Outcome.NONE, shown=BAD),
    "delay": apart("delay", "TIME-4", shown=BAD, rtt_ms=60.0),
    "loss": apart("loss", "TIME-4", shown=BAD, every=10),
    "drop_syn": replace(local("drop_syn", SILENT, "TIME-1"), namespace=True),
    "malformed_frame": lost("malformed_frame", "FALL-2", kind="bad_opcode"),
}  # fmt: skip


# --- disabling -----------------------------------------------------------------------------------


async def _listen_well(_self: ListenFault, port: Any) -> Probed:  # noqa: ANN401 - a port of the rig's
    port.listen()
    return Probed("")


async def _carry_well(_self: NetworkFault, _network: Any) -> Probed:  # noqa: ANN401
    return Probed("")


async def _serve_well(_self: ConnectionFault, link: Any) -> None:  # noqa: ANN401
    await link.fake._serve_http(link)


async def _sign_well(_self: SignatureFault, link: Any, request: Any) -> None:  # noqa: ANN401
    await link.fake.reply(link, 200, link.fake.signature_headers(request), link.fake.signature())


async def _upgrade_well(_self: UpgradeFault, session: Any) -> None:  # noqa: ANN401
    await session.answer()


async def _leave_alone(_self: SessionFault, _session: Any) -> None:  # noqa: ANN401
    return


def healthy(kind: type[Fault]) -> Callable[..., Any]:
    """What this kind of fault does when it does nothing: exactly what a healthy fake would."""
    if issubclass(kind, NetworkFault):
        return _carry_well
    if issubclass(kind, ListenFault):
        return _listen_well
    if issubclass(kind, ConnectionFault):
        return _serve_well
    if issubclass(kind, SignatureFault):
        return _sign_well
    if issubclass(kind, UpgradeFault):
        return _upgrade_well
    assert issubclass(kind, SessionFault)
    return _leave_alone


def disable(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Take away what the fault does, and nothing else: the scenario, the record and the judge still name it."""
    kind = FAULTS[name]
    if issubclass(kind, TlsFault):
        serves_tls = Side.LOCAL not in kind.sides
        monkeypatch.setattr(kind, "apply", lambda _self, certificates: certificates.context() if serves_tls else None)
    elif not issubclass(kind, ResolveFault):
        monkeypatch.setattr(kind, "apply", healthy(kind))
    if issubclass(kind, ListenFault):
        monkeypatch.setattr(kind, "answers", True)


# --- carrying out --------------------------------------------------------------------------------


async def observed(scenario: Scenario, *, knows_public: bool) -> ScenarioRecord:
    async with staged(own_network=scenario.namespace) as stage:
        recorder = stage.recorder
        recorder.events.clear()
        for side in Side:
            faults = build_at(each for each in scenario.given.of(side) if FAULTS[each.name].stage != Stage.RESOLVE)
            await stage.fake(side).set_faults(faults)
        started_ms = now_ms()
        recorder.record(SubjectStarted, Source.RIG, extension_id="scripted", how="by a test")
        subject = asyncio.create_task(Scripted(stage, knows_public=knows_public).live())

        async def flush() -> None:
            await asyncio.sleep(0)

        try:
            reason = await Conductor(stage.servers.of, recorder, PROFILE, flush).conduct(scenario)
            assert not subject.done(), subject.exception()
            recorder.record(ObservationEnded, Source.RIG, reason=reason, lag_ms=0.0)
            recorder.seal()
        finally:
            subject.cancel()
            await asyncio.gather(subject, return_exceptions=True)
        for side in Side:
            assert stage.fake(side).failure is None
        return ScenarioRecord("tested", scenario.id, timeline=recorder.timeline(started_ms))


def judged(scenario: Scenario, *, knows_public: bool = True) -> ScenarioResult:
    record = standing.run(observed(scenario, knows_public=knows_public))
    return judge_scenario(scenario, PROFILE, record, REQUIREMENTS, error_ms=20)


def test_no_fault_is_without_a_scene() -> None:
    assert SCENES.keys() == FAULTS.keys()
    used = {
        name: {each.name for side in Side for each in scenario.given.of(side)}
        | {step.fault.name for step in scenario.when if isinstance(step, Drop)}
        for name, scenario in SCENES.items()
    }
    assert all(name in names for name, names in used.items())
    assert not [step for each in SCENES.values() for step in each.when if isinstance(step, Change)]


@pytest.mark.parametrize("name", SCENES)
def test_with_the_fault_at_work_a_subject_that_conforms_passes(name: str) -> None:
    result = judged(SCENES[name], knows_public=name != "name_not_found")
    covered = [each for each in result.findings if each.requirement in SCENES[name].covers]
    assert [each.verdict for each in covered] == [Verdict.PASS] * len(SCENES[name].covers), result.reason
    assert result.verdict is Verdict.PASS, result.reason


@pytest.mark.parametrize("name", SCENES)
def test_a_fault_that_does_nothing_is_never_passed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    disable(monkeypatch, name)
    result = judged(SCENES[name])
    assert result.verdict is Verdict.INCONCLUSIVE, result.reason
    assert {each.verdict for each in result.findings} == {Verdict.INCONCLUSIVE}, result.findings
    assert any("fault not proved" in each.reason for each in result.findings), result.reason
