"""The proof of the proof, parameter by parameter: a fault that loses one silently makes findings INCONCLUSIVE.

It goes on to do what it does with another value, and to say that it did what it should. No parameter of any fault
may be without a case here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from conformance.model import Address, Drop, FaultSpec, Hold, Json, Outcome, Scenario, Shown, Side, Until
from conformance.results import ScenarioResult
from conformance.rig.fake import Fake
from conformance.rig.faults import FAULTS, answers, build, sessions
from conformance.rig.faults.base import LinkFault
from conformance.rig.link import Link
from conformance.verdict import Verdict
from tests.rig.faults.test_fault_proof import (
    BAD,
    GOOD,
    REFUSED,
    SILENT,
    apart,
    held,
    judged,
    local,
    lost,
    scene,
    untrusted,
)


@dataclass(frozen=True)
class Lost:
    """One parameter of the scene's fault, and what it becomes."""

    scene: Scenario
    parameter: str
    becomes: Any

    @property
    def spec(self) -> FaultSpec:
        drops = [step.fault for step in self.scene.when if isinstance(step, Drop)]
        given = [spec for side in Side for spec in self.scene.given.of(side) if spec.name != "refused"]
        (spec,) = drops or given
        return spec

    @property
    def id(self) -> str:
        return f"{self.spec.name}.{self.parameter}={self.spec.parameters[self.parameter]}"


def good(name: str, **parameters: Json) -> Scenario:
    """A fault that the subject may bear: the session is local."""
    return scene("SIG-3", "SEL-2", local=(FaultSpec(name, parameters),), to=Outcome.LOCAL)


def bad(name: str, **parameters: Json) -> Scenario:
    return local(name, BAD, "SEL-3", "TIME-2", **parameters)


def arguable(name: str, **parameters: Json) -> Scenario:
    return local(name, Shown.ARGUABLE, "SIG-4", **parameters)


def opening(name: str, **parameters: Json) -> Scenario:
    return local(name, GOOD, "FALL-1", **parameters)


def syn_lost(first: int, to: Outcome, shown: Shown) -> Scenario:
    given = (FaultSpec("drop_syn", {"first": first} if first else {}),)
    return replace(scene("TIME-4", local=given, to=to, shown=shown), namespace=True)


KINDS = ("reserved_bits", "bad_opcode", "bad_utf8", "masked")
CERTIFICATES = ("self_signed", "expired", "other_host", "untrusted_ca")

CASES: tuple[Lost, ...] = (
    Lost(arguable("answer", status=500), "status", 200),
    Lost(arguable("answer", status=204), "status", 200),
    Lost(bad("answer", signature="duplicate-key-wrong-last"), "signature", "good"),
    Lost(good("answer", signature="bom"), "signature", "good"),
    Lost(bad("answer", body="Upgrade Required\n"), "body", None),
    Lost(bad("answer", signature="html", content_type="text/html"), "content_type", "application/json"),
    Lost(good("answer", content_type=None), "content_type", "application/json"),
    Lost(good("answer", headers={"Cache-Control": "max-age=3600"}), "headers", {}),
    Lost(good("answer", delay_ms=50.0), "delay_ms", 0.0),
    Lost(good("answer", delay_ms=200.0), "delay_ms", 0.0),
    Lost(local("answer", SILENT, "TIME-1", delay_ms=900.0), "delay_ms", 0.0),
    Lost(good("answer", framing="chunked"), "framing", "length"),
    Lost(good("answer", framing="close"), "framing", "length"),
    Lost(good("answer", gzip=True), parameter="gzip", becomes=False),
    Lost(good("answer", cors=False), parameter="cors", becomes=True),
    Lost(local("stall", SILENT, "TIME-1", after="headers"), "after", "request"),
    Lost(local("stall", SILENT, "TIME-1", after="request"), "after", "headers"),
    Lost(local("drip", SILENT, "TIME-1", interval_ms=50.0), "interval_ms", 0.0),
    Lost(local("huge", Shown.ARGUABLE, "SIG-6", mib=2), "mib", 1),
    Lost(bad("reset_response", after_bytes=24), "after_bytes", 0),
    Lost(bad("cut_response", after_bytes=150), "after_bytes", 24),
    Lost(local("redirect", Shown.ARGUABLE, "SIG-5", status=302, to="other_origin"), "status", 307),
    Lost(local("redirect", Shown.ARGUABLE, "SIG-5", status=302, to="other_origin"), "to", "public"),
    Lost(local("redirect", Shown.ARGUABLE, "SIG-5", status=307, to="public"), "to", "other_origin"),
    Lost(local("redirect", Shown.ARGUABLE, "SIG-5", status=301, to="same_origin"), "to", "other_origin"),
    Lost(bad("banner", text="SSH-2.0-x\r\n\r\n"), "text", "220 ready\r\n\r\n"),
    Lost(opening("refuse_upgrade", status=404), "status", 503),
    Lost(scene("TIME-4", local=REFUSED, public=(FaultSpec("slow_upgrade", {"delay_ms": 50.0}),), shown=BAD),
         "delay_ms", 0.0),
    Lost(opening("close", code=1011), "code", 1000),
    Lost(lost("close", "FALL-2", code=1000), "code", 1011),
    Lost(held("ping_only", interval_ms=250.0), "interval_ms", 5.0),
    Lost(held("ping_only", interval_ms=51.0), "interval_ms", 10_000.0),
    Lost(held("burst", count=20, size=200), "count", 19),
    Lost(held("burst", count=20, size=200), "size", 199),
    Lost(held("oversize_frame", mib=1), "mib", 2),
    *(Lost(lost("malformed_frame", "FALL-2", kind=kind), "kind", other)
      for kind, other in zip(KINDS, (*KINDS[1:], KINDS[0]), strict=True)),
    *(Lost(untrusted("certificate", kind=kind), "kind", other)
      for kind, other in zip(CERTIFICATES, (*CERTIFICATES[1:], CERTIFICATES[0]), strict=True)),
    Lost(apart("delay", "TIME-4", shown=BAD, rtt_ms=60.0), "rtt_ms", 1.0),
    Lost(apart("loss", "TIME-4", shown=BAD, every=10), "every", 20),
    Lost(syn_lost(1, Outcome.PUBLIC, Shown.ARGUABLE), "first", 0),
)  # fmt: skip


def lose(monkeypatch: pytest.MonkeyPatch, case: Lost) -> None:
    """Have the fault do its work without that parameter, and say all the same that it was there."""
    kind, stated = FAULTS[case.spec.name], case.spec.parameters[case.parameter]
    apply: Callable[..., Any] = kind.apply  # type: ignore[attr-defined]  # every kind has its own
    became = {case.parameter: case.becomes}
    monkeypatch.setattr(kind, "apply", lambda self, *on: apply(replace(self, **became), *on))
    claim = Link.took_effect

    def vouch(link: Link, fault: LinkFault, detail: str) -> None:
        claim(link, replace(fault, **{case.parameter: stated}), detail)  # type: ignore[type-var]  # a dataclass

    monkeypatch.setattr(Link, "took_effect", vouch)


def is_doubted(result: ScenarioResult) -> None:
    assert result.verdict is Verdict.INCONCLUSIVE, result.reason
    assert {each.verdict for each in result.findings} == {Verdict.INCONCLUSIVE}, result.findings
    assert any("fault not proved" in each.reason for each in result.findings), result.reason


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.id} to {case.becomes}")
def test_a_parameter_that_is_lost_is_never_passed(case: Lost, monkeypatch: pytest.MonkeyPatch) -> None:
    lose(monkeypatch, case)
    is_doubted(judged(case.scene))


AT_WORK = {str(case.spec): case for case in CASES}


@pytest.mark.parametrize("case", AT_WORK.values(), ids=AT_WORK)
def test_with_the_parameter_a_subject_that_conforms_passes(case: Lost) -> None:
    result = judged(case.scene)
    covered = [each for each in result.findings if each.requirement in case.scene.covers]
    assert [each.verdict for each in covered] == [Verdict.PASS] * len(case.scene.covers), result.findings
    assert result.verdict is Verdict.PASS, result.reason


def test_no_parameter_is_without_a_case() -> None:
    every = {(name, each.name) for name, kind in FAULTS.items() for each in fields(kind)}  # type: ignore[arg-type]
    assert {(case.spec.name, case.parameter) for case in CASES} == every


def test_no_kind_of_anything_is_without_a_case() -> None:
    for name, kind in FAULTS.items():
        for parameter, hint in get_type_hints(kind).items():
            if get_origin(hint) is Literal:
                cases = [case for case in CASES if (case.spec.name, case.parameter) == (name, parameter)]
                default = {each.name: each.default for each in fields(kind)}[parameter]  # type: ignore[arg-type]
                shown = {case.spec.parameters[parameter] for case in cases} | {default}
                assert set(get_args(hint)) <= shown, f"{name}.{parameter}"


# --- lost before it is at work -------------------------------------------------------------------


class Forgetful:
    """Reads a fault's parameters, and drops some."""

    def __init__(self, kind: type, became: Mapping[str, Any]) -> None:
        self._kind, self._became = kind, became

    def validate_python(self, parameters: Mapping[str, Any]) -> object:
        return self._kind(**{**parameters, **self._became})


@pytest.mark.parametrize(
    ("stated", "kind", "became"),
    [
        (bad("answer", signature="other-name"), answers.Answer, {"signature": "empty"}),
        (good("answer", delay_ms=50.0), answers.Answer, {"delay_ms": 0.0}),
        (opening("close", code=1011), sessions.Close, {"code": 1000}),
    ],
    ids=["variant", "delay", "code"],
)
def test_a_fault_that_was_built_as_another_one_proves_nothing(
    stated: Scenario, kind: type, became: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules[build.__module__]  # which the package's function of that name hides
    read = module.adapter_of
    monkeypatch.setattr(module, "adapter_of", lambda asked: Forgetful(kind, became) if asked is kind else read(asked))
    is_doubted(judged(stated))


# --- an address that is lost ---------------------------------------------------------------------


def on(address: Address, name: str, **parameters: Json) -> Scenario:
    """The scripted subject goes to 127.0.0.1: what is on ::1 is out of its sight, as long as it is there."""
    given = (FaultSpec(name, parameters, address),)
    reached = address is Address.V4
    made = scene(
        *(("SEL-3", "TIME-2") if reached else ("SEL-2",)),
        local=given,
        to=Outcome.PUBLIC if reached else Outcome.LOCAL,
        shown=BAD if reached else GOOD,
    )
    return replace(made, namespace=True)


@pytest.mark.parametrize("name", ["answer", "hang_up", "refused"])
def test_a_fault_that_loses_its_address_is_never_passed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters: dict[str, Json] = {"signature": "other-name"} if name == "answer" else {}
    monkeypatch.setattr(Fake, "_faults_at", lambda fake, _address: list(fake._faults.values())[-1])  # IPv6's
    is_doubted(judged(on(Address.V6, name, **parameters)))


@pytest.mark.alone
def test_a_session_that_is_lost_twice_shows_both_drops() -> None:
    """Two faults of a session at once: neither is taken for the other. Alone: a ping that is late is a pause."""
    given = (FaultSpec("ping_only", {"interval_ms": 50.0}),)
    when = (Until(Outcome.LOCAL, 3000), Hold(1100), Drop(Side.LOCAL, FaultSpec("reset_session")))
    result = judged(scene("FALL-2", local=given, when=when, to=Outcome.LOCAL, hold_ms=300))
    assert result.verdict is Verdict.PASS, result.reason
