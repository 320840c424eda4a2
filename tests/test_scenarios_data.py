"""The bundled catalogue: whole families, every parameter, and expectations that agree with their worlds."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types

from conformance.bundle import bundled
from conformance.catalogue import by_id, family_id, schema_text
from conformance.files import REQUIREMENTS, load_requirements, load_scenarios
from conformance.model import (
    Address,
    Change,
    Drop,
    FaultSpec,
    Hold,
    Level,
    Outcome,
    Profile,
    Scenario,
    Shown,
    Side,
    Until,
    UntilAttempts,
    written_on,
)
from conformance.oracles.world import LATE, met_at
from conformance.plan import expected_ms, make_plan
from conformance.rig.faults import FAULTS, build
from conformance.signatures import VARIANTS, is_good
from conformance.yaml_source import compose

if TYPE_CHECKING:
    from conformance.model import Requirement, Step

# The catalogue's families as they were asked for: how many results each scenario has to give.
FAMILIES = {
    "Choosing": {
        "local-up": 1, "local-down": 1, "local-blackhole": 1, "local-silent": 1, "slow-probe": 8,
        "headers-then-silence": 1, "dripped-body": 1, "endless-body": 1, "huge-body": 1, "wrong-signature": 13,
        "not-json": 6, "good-signature": 14, "status": 9, "redirect": 3, "squatter": 7, "both-up": 1,
        "both-down": 1, "local-up-after-first-attempt": 1, "fresh-profile": 2,
        "localhost-answers": 7, "localhost-wrong-first": 4, "localhost-empty": 1, "local-syn-lost": 2,
    },
    "Opening the session": {
        "websocket-refused": 8, "websocket-closed-at-once": 5, "local-dies-after-signature": 1,
        "good-once-then-wrong": 1, "cached-signature": 1,
    },
    "Public side": {
        "public-outage": 6, "public-name-not-found": 1, "certificate": 4, "old-tls": 1, "plaintext-on-443": 1,
        "slow-public": 3, "public-returns": 1, "local-returns": 1, "slow-network": 2, "lossy-network": 1,
    },
    "During the session": {
        "local-session-lost": 3, "local-session-half-open": 1, "public-session-lost": 3, "public-session-half-open": 1,
        "local-killed": 1, "public-killed": 1, "local-appears-while-public": 1, "local-flaps": 1, "idle-40-s": 1,
        "pings-only-40-s": 1, "burst": 1, "oversize-frame": 1, "malformed-frame": 4,
    },
    "The browser's life": {
        "worker-stopped": 4, "reloaded": 1, "updated": 1, "browser-restarted": 1, "offline-then-online": 2,
        "offline-in-local-session": 1, "offline-at-start": 1, "offline-at-start-local-up": 1,
    },
    "Privacy": {"local-chosen": 1, "public-chosen": 2, "impostor": 3, "canary-good": 1},
    "Crowds": {"outage-30-s": 1},
}  # fmt: skip
QUICK_MS_MAX = 4000  # a scenario tagged quick has no long wait on a subject that conforms
ANSWERING = {"refused", "answer", "redirect", "reset_response", "banner", "reset", "hang_up", "tls_on_port"}
SILENT = {"blackhole", "drop_syn", "silent", "stall", "drip", "endless"}


@cache
def requirements() -> dict[str, Requirement]:
    return by_id(load_requirements())


@cache
def scenarios() -> tuple[Scenario, ...]:
    return load_scenarios()


def named(name: str) -> list[Scenario]:
    return [scenario for scenario in scenarios() if family_id(scenario.id) == name]


def extension(level: Level) -> set[str]:
    return of(level, "extension")


def of(level: Level, *whose: str) -> set[str]:
    return {one.id for one in requirements().values() if one.of in whose and one.level is level}


# --- requirements --------------------------------------------------------------------------------


def test_every_requirement_is_there() -> None:
    expected = [f"SEL-{n}" for n in range(1, 7)] + [f"SIG-{n}" for n in range(1, 7)]
    expected += [f"TIME-{n}" for n in range(1, 5)] + [f"FALL-{n}" for n in range(1, 4)]
    expected += [f"RETRY-{n}" for n in range(1, 4)] + [f"LIFE-{n}" for n in range(1, 5)]
    expected += [f"PRIV-{n}" for n in range(1, 4)] + [f"PUB-{n}" for n in range(1, 4)] + ["NET-1", "NET-2"]
    assert [one.id for one in requirements().values() if one.of == "extension"] == expected
    assert [name for name, one in requirements().items() if one.of == "local-server"] == [
        f"LOC-{n}" for n in range(1, 6)
    ]
    assert [name for name, one in requirements().items() if one.of == "public-server"] == [
        f"API-{n}" for n in range(1, 9)
    ]


def test_levels() -> None:
    must = "SEL-1 SEL-2 SEL-3 SEL-4 SEL-5 SIG-1 SIG-2 SIG-3 TIME-2 RETRY-3 PRIV-1 PRIV-2 PUB-1 PUB-2"
    assert extension(Level.MUST) == set(must.split())
    servers = ("local-server", "public-server")
    must = "LOC-1 LOC-2 LOC-3 API-1 API-2 API-3 API-4 API-5 API-6"
    assert of(Level.MUST, *servers) == set(must.split())
    assert of(Level.SHOULD, *servers) == {"LOC-4", "LOC-5", "API-7", "API-8"}


def test_what_may_be_declared_absent() -> None:
    absent: dict[str, set[str]] = {}
    for name, one in requirements().items():
        absent.setdefault(one.feature, set()).add(name)
    del absent[""]
    assert absent == {
        "reconnect": {"FALL-2", "RETRY-1", "RETRY-2", "RETRY-3", "PUB-3"},
        "half-open-detection": {"FALL-3"},
        "public": {"PUB-1", "PUB-2"},
        "worker-life": {"LIFE-1", "LIFE-2", "LIFE-3", "LIFE-4"},
    }


# --- families ------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_whole(family: str) -> None:
    counts: dict[str, int] = {}
    for scenario in scenarios():
        if scenario.family == family:
            counts[family_id(scenario.id)] = counts.get(family_id(scenario.id), 0) + 1
    assert counts.items() >= FAMILIES[family].items()


def test_there_are_enough_results() -> None:
    assert len(scenarios()) >= 90
    assert len({scenario.id for scenario in scenarios()}) == len(scenarios())


@pytest.mark.parametrize(
    ("name", "cases"),
    [
        ("slow-probe", "50-ms 250-ms 500-ms 1000-ms 1500-ms 1900-ms 2500-ms 5000-ms"),
        ("status", "201 204 401 403 404 426 429 500 503"),
        ("redirect", "301-same-origin 302-other-origin 307-public"),
        ("websocket-refused", "403 404 426 500 503 hang wrong-accept-key reset"),
        ("websocket-closed-at-once", "1000 1001 1008 1011 1013"),
        ("public-outage", "refused blackhole 429 503 handshake-hang close-at-once"),
        ("certificate", "self-signed expired other-host untrusted-ca"),
        ("slow-public", "500-ms 2000-ms 4000-ms"),
        ("not-json", "html empty truncated text binary utf-16"),
    ],
)
def test_every_parameter_is_there(name: str, cases: str) -> None:
    assert [scenario.id for scenario in named(name)] == [f"{name}[{case}]" for case in cases.split()]


def test_every_wrong_signature_is_there() -> None:
    bad = {f"wrong-signature[{variant}]" for variant in VARIANTS if not is_good(variant)}
    bad -= {scenario.id.replace("not-json", "wrong-signature") for scenario in named("not-json")}
    assert {scenario.id for scenario in named("wrong-signature")} == bad


def test_every_variant_is_judged() -> None:
    used = {fault.parameters.get("signature", "good") for fault in local_faults() if fault.name == "answer"}
    assert used == set(VARIANTS)


def test_every_fault_is_used() -> None:
    used = {fault.name for fault in local_faults()}
    used |= {fault.name for scenario in scenarios() for fault in scenario.given.public}
    used |= {step.fault.name for scenario in scenarios() for step in scenario.when if isinstance(step, Drop)}
    # For targets and other people's scenarios (docs/targets.md); in the catalogue `reset_response` cuts answers short.
    assert used == set(FAULTS) - {"cut_response"}


def test_a_fault_has_the_same_words_in_a_scenario_and_in_a_record() -> None:
    specs = [fault for scenario in scenarios() for side in Side for fault in scenario.given.of(side)]
    specs += [fault for scenario in scenarios() for step in scenario.when for fault in faults_of(step)]
    words = [f"{fault}{written_on(spec.on)}" for fault, spec in zip(build(specs), specs, strict=True)]
    assert words == [str(spec) for spec in specs]


def faults_of(step: Step) -> tuple[FaultSpec, ...]:
    if isinstance(step, Drop):
        return (step.fault,)
    return step.faults if isinstance(step, Change) else ()


def local_faults() -> list[FaultSpec]:
    return [fault for scenario in scenarios() for fault in scenario.given.local]


# --- requirements and scenarios ------------------------------------------------------------------


def test_every_must_of_the_extension_is_covered() -> None:
    assert extension(Level.MUST) <= {name for scenario in scenarios() for name in scenario.covers}


def test_quick_covers_every_must_of_the_extension_without_a_long_wait() -> None:
    quick = [item.scenario for item in make_plan([Profile("a", "1", "/a")], scenarios(), tags=["quick"]).items]
    assert extension(Level.MUST) <= {name for scenario in quick for name in scenario.covers}
    assert {scenario.id: expected_ms(scenario) for scenario in quick if expected_ms(scenario) > QUICK_MS_MAX} == {}


def test_a_family_of_the_extension_covers_the_extension() -> None:
    covered = {name for scenario in scenarios() for name in scenario.covers}
    assert covered <= extension(Level.MUST) | extension(Level.SHOULD)


def test_the_shoulds_of_these_families_are_covered() -> None:
    covered = {name for scenario in scenarios() for name in scenario.covers}
    assert extension(Level.SHOULD) <= covered


# --- expectations agree with worlds --------------------------------------------------------------


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
def test_what_is_shown_is_what_the_local_server_is(scenario: Scenario) -> None:
    local = met_at("localhost", scenario.given.local)
    names = {fault.name for fault in local}
    shown = scenario.then.shown
    if shown is Shown.GOOD:
        answers = [fault.parameters.get("signature", "good") for fault in local if fault.name == "answer"]
        assert all(is_good(str(variant)) for variant in answers)
        assert not names & ((ANSWERING | SILENT) - {"answer"})
    elif shown is Shown.BAD:
        assert names
        assert names <= ANSWERING
    elif shown is Shown.SILENT:
        assert names & SILENT or slowest_ms(scenario) > 2000
    else:
        one_of_two = {fault.on for fault in scenario.given.local} == {Address.V6}  # the other address is healthy
        assert one_of_two or names <= {"answer", "redirect", "huge", "drop_syn"}


def slowest_ms(scenario: Scenario) -> float:
    return max((float(str(fault.parameters.get("delay_ms", 0))) for fault in scenario.given.local), default=0.0)


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
def test_the_expected_session_can_be_had(scenario: Scenario) -> None:
    last = {side: scenario.given.of(side) for side in Side}
    for step in scenario.when:
        if isinstance(step, Change):
            last[step.side] = step.faults
    last[Side.LOCAL] = met_at("localhost", last[Side.LOCAL])
    if scenario.given.both:  # the browser tries the addresses of any name in the same order
        last[Side.PUBLIC] = met_at("localhost", last[Side.PUBLIC])
    down = {side for side in Side if any(fault.name == "refused" for fault in last[side])}
    match scenario.then.session:
        case Outcome.LOCAL:
            assert Side.LOCAL not in down
        case Outcome.PUBLIC | Outcome.EITHER:
            assert all(fault.name in LATE for fault in last[Side.PUBLIC])
        case Outcome.NONE:
            assert Side.LOCAL in down
            assert last[Side.PUBLIC]


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
def test_a_session_is_there_for_a_while_before_it_is_dropped(scenario: Scenario) -> None:
    for place, step in enumerate(scenario.when):
        if isinstance(step, Drop):
            before = scenario.when[:place]
            assert any(isinstance(one, Until) and one.session.admits(step.side) for one in before)
            assert sum(one.ms for one in before if isinstance(one, Hold)) >= 1500


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
def test_attempts_are_waited_for_long_enough(scenario: Scenario) -> None:
    for step in scenario.when:
        if isinstance(step, UntilAttempts):
            assert step.within_ms >= 6000 * (step.count - 1)


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
def test_is_said_in_a_sentence(scenario: Scenario) -> None:
    assert re.fullmatch(r"[a-z0-9]\S* .{15,120}[^.\s]", scenario.says)


# --- the schema ----------------------------------------------------------------------------------


def test_the_committed_schema_is_the_generated_one() -> None:
    committed = bundled("scenarios", "scenario.schema.json").read_text(encoding="utf-8")
    assert committed == schema_text(FAULTS, requirements()), (
        "write it again: conform schema > scenarios/scenario.schema.json"
    )


def test_every_file_fits_the_schema_and_names_it_to_editors() -> None:
    validator = Draft202012Validator(json.loads(schema_text(FAULTS, requirements())))
    paths = [path for path in bundled("scenarios").glob("*.yaml") if path.name != REQUIREMENTS]
    assert paths
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# yaml-language-server: $schema=scenario.schema.json\n")
        assert [error.message for error in validator.iter_errors(compose(text, path.name).plain())] == []
