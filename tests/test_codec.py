"""Dataclasses ↔ JSON: what goes out comes back the same, and what was never sent out is refused."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from conformance import codec
from conformance.files import load_scenarios
from conformance.model import (
    Change,
    Drop,
    Expectation,
    FaultSpec,
    Heartbeat,
    Hold,
    Outcome,
    Profile,
    Scenario,
    Shown,
    Side,
    SignatureRule,
    Step,
    Trigger,
    TriggerKind,
    Until,
    UntilAttempts,
    World,
)

SCENARIO = Scenario(
    id="flaps[twice]",
    family="During the session",
    says="the local server goes and comes back",
    covers=("FALL-2",),
    given=World(local=(FaultSpec("answer", {"status": 500, "headers": {"x": "y"}, "body": None}),)),
    when=(
        Until(Outcome.LOCAL, 5000),
        UntilAttempts(3, 20000.5),
        Change(Side.LOCAL, (FaultSpec("refused"),)),
        Drop(Side.PUBLIC, FaultSpec("close", {"code": 1011})),
        Hold(10),
    ),
    then=Expectation(Outcome.EITHER, Shown.ARGUABLE, 6000, 150),
    source="session.yaml:3",
)
PROFILE = Profile(
    "mine",
    "2.0",
    "/somewhere/mine",
    signature=SignatureRule("a.b", ["x", {"y": None}]),
    trigger=Trigger(TriggerKind.MESSAGE, "popup.html", "", {"type": "connect", "n": [1, 2.5, True]}),
    heartbeat=Heartbeat("ping", "pong"),
    absent=("reconnect",),
)


def through_json(value: object) -> object:
    return json.loads(json.dumps(codec.encode(value)))


@pytest.mark.parametrize("value", [SCENARIO, PROFILE], ids=["scenario", "profile"])
def test_comes_back_the_same(value: Scenario | Profile) -> None:
    assert codec.decode(type(value), through_json(value)) == value


def test_a_step_says_of_which_kind_it_is() -> None:
    kinds = [step["kind"] for step in codec.encode(SCENARIO)["when"]]
    assert kinds == ["Until", "UntilAttempts", "Change", "Drop", "Hold"]


def test_writing_what_was_read_gives_the_same_bytes() -> None:
    once = json.dumps(codec.encode(SCENARIO))
    again = json.dumps(codec.encode(codec.decode(Scenario, json.loads(once))))
    assert once == again


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: data.update(idd=1), "Scenario has no field 'idd'; did you mean 'id'?"),
        (lambda data: data.pop("covers"), "Scenario needs the field 'covers'"),
        (lambda data: data.update(covers="FALL-2"), "covers: 'FALL-2' is no list"),
        (
            lambda data: data["then"].update(session="lcal"),
            "then.session: 'lcal' is not one of local, public, none, either",
        ),
        (lambda data: data["then"].update(hold_ms="150"), "then.hold_ms: '150' is no float"),
        (lambda data: data["then"].update(hold_ms=True), "then.hold_ms: True is no float"),
        (lambda data: data["when"][4].update(kind="Hodl"), "when[4]: no such kind: 'Hodl'; did you mean 'Hold'?"),
        (lambda data: data["given"].update(local={}), "given.local: {} is no list"),
    ],
)
def test_names_what_is_wrong_and_where(spoil: object, message: str) -> None:
    data = through_json(SCENARIO)
    spoil(data)  # type: ignore[operator]
    with pytest.raises(ValueError, match=r".") as raised:
        codec.decode(Scenario, data)
    assert str(raised.value) == message


def test_an_optional_value_may_be_null() -> None:
    bare = Profile("bare", "1", "/x")
    assert codec.encode(bare)["heartbeat"] is None
    assert codec.decode(Profile, through_json(bare)) == bare


def test_every_step_of_a_scenario_is_read_back_as_it_was() -> None:
    """A step's own field must not be called ``kind``, as its class is in a record."""
    for scenario in load_scenarios():
        assert codec.decode(Scenario, codec.encode(scenario)) == scenario
    used = {type(step) for scenario in load_scenarios() for step in scenario.when}
    assert used == set(get_args(Step))
