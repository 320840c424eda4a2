"""The scenarios of servers: every requirement of theirs has some, and every scenario is carried out by something."""

from __future__ import annotations

import re

import pytest

from conformance.errors import InputError
from conformance.files import load_requirements, load_scenarios
from conformance.model import Side
from conformance.rig.serving.checks import CHECKS
from conformance.server_plan import FAMILIES, FEATURES, SERVER_SCENARIOS, check_absent, scenarios_of, unsupported


def test_every_requirement_of_a_server_is_covered() -> None:
    wanted = {one.id for one in load_requirements() if one.of != "extension"}
    assert {id_ for one in SERVER_SCENARIOS for id_ in one.scenario.covers} == wanted


def test_a_scenario_covers_what_its_side_has_to_do() -> None:
    of = {one.id: one.of for one in load_requirements()}
    for one in SERVER_SCENARIOS:
        own = set(one.scenario.covers) - {"API-8"}  # which is both servers'
        assert {of[id_] for id_ in own} <= {f"{one.side}-server"}


def test_every_scenario_that_can_be_measured_is_carried_out() -> None:
    assert set(CHECKS) == {one.scenario.id for one in SERVER_SCENARIOS if not one.unmeasured}


def test_ids_are_their_own_and_say_whose_they_are() -> None:
    ids = [one.scenario.id for one in SERVER_SCENARIOS]
    assert len(set(ids)) == len(ids)
    assert not set(ids) & {scenario.id for scenario in load_scenarios()}
    assert all(one.scenario.id.startswith(f"{one.side}-") for one in SERVER_SCENARIOS)
    assert {one.scenario.family for one in SERVER_SCENARIOS} == set(FAMILIES)


@pytest.mark.parametrize("one", SERVER_SCENARIOS, ids=lambda one: one.scenario.id)
def test_is_said_in_a_sentence(one: object) -> None:
    assert re.fullmatch(r"[a-z0-9A-Z]\S* .{10,110}[^.\s]", one.scenario.says)  # type: ignore[attr-defined]


def test_sides() -> None:
    assert {one.side for one in scenarios_of([Side.LOCAL])} == {Side.LOCAL}
    assert len(scenarios_of(Side)) == len(SERVER_SCENARIOS)


def test_what_is_not_measured_says_why_and_is_never_carried_out() -> None:
    load = next(one for one in SERVER_SCENARIOS if one.scenario.id == "public-load")
    assert "not measured here" in (unsupported(load, ()) or "")


def test_what_a_server_does_not_have_is_named() -> None:
    limit = next(one for one in SERVER_SCENARIOS if one.scenario.id == "public-rate-limit")
    assert unsupported(limit, ()) is None
    assert "no rate-limit" in (unsupported(limit, ["rate-limit"]) or "")
    assert {one.feature for one in SERVER_SCENARIOS} - {""} == set(FEATURES)


def test_a_slip_in_a_feature_gets_the_nearest_name() -> None:
    assert check_absent(["heartbeat"]) == ("heartbeat",)
    with pytest.raises(InputError, match="'ratelimit': no such feature of a server; did you mean 'rate-limit'"):
        check_absent(["ratelimit"])
