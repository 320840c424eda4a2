"""The words as data: sides, roles, worlds, expectations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.model import (
    Change,
    Endpoints,
    Expectation,
    FaultSpec,
    Hold,
    Outcome,
    Role,
    Scenario,
    Shown,
    Side,
    Until,
    Web,
    World,
    authority,
    role_of,
)

ENDPOINTS = Endpoints()
ELSEWHERE = Endpoints("http://localhost:4100/who", "ws://localhost:4200/session", None)


@pytest.mark.parametrize(
    ("url", "role"),
    [
        ("http://localhost:3003/semantest-signature", Role.PROBE),
        ("http://LOCALHOST:3003/semantest-signature?moved=1", Role.PROBE),
        ("http://localhost:3003/Semantest-Signature", Role.LOCAL_OTHER),
        ("https://localhost:3003/semantest-signature", Role.LOCAL_OTHER),
        ("http://localhost:3003/", Role.LOCAL_OTHER),
        ("ws://localhost:3003", Role.LOCAL_SESSION),
        ("ws://localhost:3003/", Role.LOCAL_SESSION),
        ("ws://localhost:3003/chat", Role.LOCAL_OTHER),
        ("http://localhost:3004/semantest-signature", Role.ELSEWHERE),
        ("wss://api.extension.semantest.com", Role.PUBLIC_SESSION),
        ("wss://api.extension.semantest.com:443/", Role.PUBLIC_SESSION),
        ("ws://api.extension.semantest.com/", Role.PUBLIC_OTHER),
        ("https://api.extension.semantest.com/semantest-signature", Role.PUBLIC_OTHER),
        ("http://api.extension.semantest.com:8080/", Role.PUBLIC_OTHER),
        ("https://extension.semantest.com/", Role.ELSEWHERE),
        ("https://api.extension.semantest.com.example.org/", Role.ELSEWHERE),
        ("", Role.ELSEWHERE),
    ],
)
def test_a_url_has_its_role(url: str, role: Role) -> None:
    assert role_of(url, ENDPOINTS) is role


@pytest.mark.parametrize(
    ("page", "origin"),
    [
        ("https://www.example.org/a?b=1", "https://www.example.org"),
        ("https://WWW.example.org:443", "https://www.example.org"),
        ("https://www.example.org:8443/", "https://www.example.org:8443"),
    ],
)
def test_a_web_page_has_its_origin(page: str, origin: str) -> None:
    assert Web(page).origin == origin


@pytest.mark.parametrize(
    ("url", "role"),
    [
        ("http://localhost:4100/who", Role.PROBE),
        ("ws://localhost:4200/session", Role.LOCAL_SESSION),
        ("http://localhost:4200/who", Role.LOCAL_OTHER),
        ("wss://api.extension.semantest.com", Role.ELSEWHERE),
    ],
)
def test_roles_follow_the_profile(url: str, role: Role) -> None:
    assert role_of(url, ELSEWHERE) is role


@pytest.mark.parametrize(
    ("role", "side"),
    [
        (Role.PROBE, Side.LOCAL),
        (Role.LOCAL_SESSION, Side.LOCAL),
        (Role.LOCAL_OTHER, Side.LOCAL),
        (Role.PUBLIC_SESSION, Side.PUBLIC),
        (Role.PUBLIC_OTHER, Side.PUBLIC),
        (Role.ELSEWHERE, None),
    ],
)
def test_a_role_has_its_side(role: Role, side: Side | None) -> None:
    assert role.side is side


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://Host/x", ("host", 80)),
        ("ws://host", ("host", 80)),
        ("https://host", ("host", 443)),
        ("wss://host:8443/", ("host", 8443)),
        ("http://[::1]:3003/", ("::1", 3003)),
    ],
)
def test_an_authority_has_its_default_port(url: str, expected: tuple[str, int]) -> None:
    assert authority(url) == expected


@given(st.sampled_from(Side))
def test_the_other_side_is_the_other_one(side: Side) -> None:
    assert side.other is not side
    assert side.other.other is side


def test_an_outcome_admits_its_side_and_either_admits_both() -> None:
    admitted = {outcome: [side for side in Side if outcome.admits(side)] for outcome in Outcome}
    assert admitted == {
        Outcome.LOCAL: [Side.LOCAL],
        Outcome.PUBLIC: [Side.PUBLIC],
        Outcome.NONE: [],
        Outcome.EITHER: [Side.LOCAL, Side.PUBLIC],
    }


def test_a_world_knows_each_sides_faults() -> None:
    refused, silent = FaultSpec("refused"), FaultSpec("silent")
    world = World(local=(refused,), public=(silent,))
    assert (world.of(Side.LOCAL), world.of(Side.PUBLIC)) == ((refused,), (silent,))
    assert World().of(Side.LOCAL) == ()


def test_a_fault_is_written_with_its_parameters() -> None:
    assert str(FaultSpec("refused")) == "refused"
    assert str(FaultSpec("close", {"code": 1011, "times": 2})) == "close(code=1011, times=2)"


def test_a_scenario_costs_the_waits_that_it_states() -> None:
    """What it only waits for at most (``within_ms``) is no stated wait."""
    steps = (Hold(3000), Until(Outcome.LOCAL, 5000), Change(Side.LOCAL, ()), Hold(500))
    then = Expectation(Outcome.PUBLIC, Shown.BAD, within_ms=6000, hold_ms=150)
    assert Scenario("a", "Choosing", "says", (), World(), steps, then).stated_wait_ms == 3650
