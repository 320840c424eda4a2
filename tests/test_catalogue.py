"""The catalogue: what a file says becomes the model's words, or an error that names the place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.catalogue import by_id, family_id, merge_scenarios, parse_requirements, parse_scenarios
from conformance.errors import DataError
from conformance.model import (
    Act,
    Address,
    Befall,
    Change,
    Drop,
    Expectation,
    FaultSpec,
    Hold,
    Level,
    Outcome,
    RequestKind,
    Requirement,
    Scenario,
    Shown,
    Side,
    Until,
    UntilAttempts,
    UntilRequest,
    World,
)
from conformance.rig.faults import FAULTS

REQUIREMENTS = by_id(
    Requirement(name, Level.MUST, "extension", f"{name} says", "its source", "all")
    for name in ("SEL-1", "SEL-3", "SIG-1")
)
ENTRY = """\
scenarios:
- id: flaps
  family: During the session
  says: comes and goes
  covers: [SEL-1]
  tags: [slow]
  given:
    local: {answer: {status: 201}, refuse_upgrade: {status: 404}}
    public: down
  when:
  - until: {session: either}
  - until_attempts: {count: 3, within_ms: 20000}
  - change: {public: {refuse_upgrade: {status: 503}}}
  - change: {local: up}
  - drop: {local: {close: {code: 1000}}}
  - hold_ms: 3000
  then: {session: none, shown: arguable, within_ms: 500}
"""
FAMILY = """\
scenarios:
- id: wrong
  family: Choosing
  says: $variant is not chosen
  covers: $covers
  cases:
    other-name: {variant: other-name, covers: [SIG-1]}
    null: {variant: "null", covers: [SIG-1, SEL-3]}
  given: {local: {answer: {signature: $variant}}, public: up}
  then: {session: public, shown: bad}
"""


def parse(text: str) -> tuple[Scenario, ...]:
    return parse_scenarios(text, "x.yaml", faults=FAULTS, requirements=REQUIREMENTS)


def test_every_part_of_a_scenario() -> None:
    assert parse(ENTRY) == (
        Scenario(
            id="flaps",
            family="During the session",
            says="comes and goes",
            covers=("SEL-1",),
            given=World(
                local=(FaultSpec("answer", {"status": 201}), FaultSpec("refuse_upgrade", {"status": 404})),
                public=(FaultSpec("refused"),),
            ),
            when=(
                Until(Outcome.EITHER, 6000),
                UntilAttempts(3, 20000),
                Change(Side.PUBLIC, (FaultSpec("refuse_upgrade", {"status": 503}),)),
                Change(Side.LOCAL, ()),
                Drop(Side.LOCAL, FaultSpec("close", {"code": 1000})),
                Hold(3000),
            ),
            then=Expectation(Outcome.NONE, Shown.ARGUABLE, 500, 150),
            tags=("slow",),
            source="x.yaml:2",
        ),
    )


APART = """\
scenarios:
- id: apart
  family: Choosing
  says: has a network of its own
  covers: [SEL-1]
  needs: namespace
  given:
    local: {v4: up, v6: down}
    public: {delay: {rtt_ms: 100}}
  when:
  - change: {public: {offline: {}}}
  then: {session: local, shown: good}
"""


def test_a_scenario_that_needs_a_network_of_its_own() -> None:
    (scenario,) = parse(APART)
    assert scenario.namespace
    assert scenario.given.local == (FaultSpec("refused", {}, Address.V6),)
    assert scenario.given.public == (FaultSpec("delay", {"rtt_ms": 100.0}),)
    assert scenario.when == (Change(Side.PUBLIC, (FaultSpec("offline"),)),)
    assert not parse(ENTRY)[0].namespace


@pytest.mark.parametrize(
    ("right", "slip", "message"),
    [
        ("needs: namespace", "needs: namespaces", "x.yaml:6 'namespaces': no such needs; did you mean 'namespace'?"),
        ("  needs: namespace\n", "", "x.yaml:7 'v4': needs a network of the rig's own; say so: 'needs: namespace'"),
        (
            "  needs: namespace\n  given:\n    local: {v4: up, v6: down}",
            "  given:\n    local: up",
            "x.yaml:8 'delay': needs a",
        ),
    ],
)
def test_what_needs_a_network_of_its_own_has_to_say_so(right: str, slip: str, message: str) -> None:
    with pytest.raises(DataError) as raised:
        parse(APART.replace(right, slip))
    assert str(raised.value).startswith(message)


BOTH = APART.replace("{delay: {rtt_ms: 100}}", "{v4: down, v6: up}").replace("{offline: {}}", "{v4: up, v6: down}")


def test_a_public_server_with_two_addresses_is_looked_up_by_name() -> None:
    (scenario,) = parse(BOTH)
    assert scenario.given.both
    assert scenario.given.public == (FaultSpec("refused", {}, Address.V4),)
    assert scenario.when == (Change(Side.PUBLIC, (FaultSpec("refused", {}, Address.V6),)),)
    (up,) = parse(BOTH.replace("{v4: down, v6: up}", "{v4: up, v6: up}"))
    assert up.given.both  # although nothing is wrong with either
    assert not parse(APART)[0].given.both


def test_a_public_server_does_not_get_its_second_address_later() -> None:
    with pytest.raises(DataError, match=r"x\.yaml:11 the public server has two addresses from the start, or one"):
        parse(BOTH.replace("{v4: down, v6: up}", "up"))


def test_a_change_that_needs_a_network_of_its_own_has_to_say_so() -> None:
    text = (
        APART.replace("  needs: namespace\n", "")
        .replace("{v4: up, v6: down}", "up")
        .replace("{delay: {rtt_ms: 100}}", "up")
    )
    with pytest.raises(DataError, match=r"x\.yaml:10 'offline': needs a network of the rig's own"):
        parse(text)


LIFE = """\
scenarios:
- id: lives
  family: The browser's life
  says: much befalls it
  covers: [SEL-1]
  given: {local: up, public: up}
  when:
  - until_request: {side: local, kind: upgrade}
  - worker: stop
  - worker: start
  - subject: reload
  - subject: update
  - browser: restart
  then: {session: local, shown: good}
"""


def test_what_may_befall_the_subject() -> None:
    (scenario,) = parse(LIFE)
    assert scenario.when == (
        UntilRequest(Side.LOCAL, RequestKind.UPGRADE, 6000),
        *(Befall(act) for act in Act),
    )


@pytest.mark.parametrize(
    ("right", "slip", "message"),
    [
        ("worker: stop", "worker: stopp", "x.yaml:9 'stopp': no worker step; did you mean 'stop'?"),
        ("subject: reload", "subject: {reload: now}", "x.yaml:11 '{'reload': 'now'}': no subject step"),
        ("browser: restart", "browser: stop", "x.yaml:13 'stop': no browser step"),
        ("side: local", "side: lokal", "x.yaml:8 'lokal': no such side; did you mean 'local'?"),
        ("kind: upgrade", "kind: session", "x.yaml:8 'session': no such kind; known: probe, upgrade"),
        ("- until_request", "- untilrequest", "x.yaml:8 'untilrequest': no such step; did you mean 'until_request'?"),
    ],
)
def test_a_slip_in_what_befalls_it_is_named_with_its_place(right: str, slip: str, message: str) -> None:
    assert right in LIFE
    with pytest.raises(DataError) as raised:
        parse(LIFE.replace(right, slip, 1))
    assert str(raised.value).startswith(message)


def test_a_family_is_a_scenario_a_case() -> None:
    other, null = parse(FAMILY)
    assert (other.id, other.says, other.covers) == ("wrong[other-name]", "other-name is not chosen", ("SIG-1",))
    assert (null.id, null.covers, null.source) == ("wrong[null]", ("SIG-1", "SEL-3"), "x.yaml:8")
    assert null.given.local == (FaultSpec("answer", {"signature": "null"}),)
    assert family_id(null.id) == "wrong"


@pytest.mark.parametrize(
    ("right", "slip", "message"),
    [
        ("scenarios:", "scenario:", "x.yaml:1 'scenario': no such key; did you mean 'scenarios'?"),
        ("- id: flaps\n", "- idd: flaps\n", "x.yaml:2 'idd': no such key; did you mean 'id'?"),
        ("says: comes", "sayz: comes", "x.yaml:4 'sayz': no such key; did you mean 'says'?"),
        ("[SEL-1]", "[SEL-1, SLE-3]", "x.yaml:5 'SLE-3': no such requirement; did you mean 'SEL-3'?"),
        ("[SEL-1]", "[SEL-1, SEL-1]", "x.yaml:5 'SEL-1': covered twice"),
        ("[SEL-1]", "SEL-1", "x.yaml:5 'covers': should be a valid array"),
        ("[slow]", "[Slow]", "x.yaml:6 'Slow': not a name here"),
        ("    public: down\n", "", "x.yaml:7 'public': missing"),
        ("public: down", "pubic: down", "x.yaml:9 'pubic': no such key; did you mean 'public'?"),
        ("refuse_upgrade: {status: 404}", "refuse_upgrad: {}", "x.yaml:8 'refuse_upgrad': no such fault; did you mean"),
        ("- until:", "- unitl:", "x.yaml:11 'unitl': no such step; did you mean 'until'?"),
        ("{session: either}", "either", "x.yaml:11 must be a mapping with the keys session, within_ms"),
        ("{session: either}", "{session: none}", "x.yaml:11 'none': no such session"),
        ("count: 3", "count: three", "x.yaml:12 'count': should be a valid integer, not \"three\""),
        ("{public: {refuse_upgrade: {status: 503}}}", "{pubic: up}", "x.yaml:13 'pubic': no such server; did you mean"),
        ("{local: up}", "{local: up, public: up}", "x.yaml:14 one server a step: local or public"),
        ("{local: up}", "up", "x.yaml:14 one server a step: local or public"),
        ("{close: {code: 1000}}", "{answer: {}}", "x.yaml:15 'answer': no fault of an open session; known: close"),
        ("hold_ms: 3000", "hold_ms: 3 s", "x.yaml:16 'hold_ms': should be a valid number, not \"3 s\""),
        (
            "hold_ms: 3000",
            "hold_ms: 1\n    drop: {}",
            "x.yaml:16 a step is a mapping with one key: until, until_attempts",
        ),
        ("- hold_ms: 3000", "- hold", "x.yaml:16 a step is a mapping with one key"),
        ("arguable", "aguable", "x.yaml:17 'aguable': no such shown; did you mean 'arguable'?"),
        ("within_ms: 500", "within: 500", "x.yaml:17 'within': no such key; did you mean 'within_ms'?"),
    ],
)
def test_a_slip_is_named_with_its_place(right: str, slip: str, message: str) -> None:
    assert right in ENTRY
    with pytest.raises(DataError) as raised:
        parse(ENTRY.replace(right, slip, 1))
    assert any(line.startswith(message) for line in str(raised.value).splitlines()), str(raised.value)


@pytest.mark.parametrize(
    ("right", "slip", "message"),
    [
        (
            "variant: other-name,",
            "variant: othername,",
            "x.yaml:7 'othername': no such signature variant; did you mean",
        ),
        (
            "$variant}}",
            "$varient}}",
            "x.yaml:9 '$varient': case 'other-name' has no such variable; did you mean 'variant'?",
        ),
        ("[SIG-1, SEL-3]", "[SIG-2]", "x.yaml:8 'SIG-2': no such requirement; did you mean 'SIG-1'?"),
    ],
)
def test_a_slip_in_a_case_is_named_with_its_place(right: str, slip: str, message: str) -> None:
    with pytest.raises(DataError) as raised:
        parse(FAMILY.replace(right, slip, 1))
    assert any(line.startswith(message) for line in str(raised.value).splitlines()), str(raised.value)


def test_every_bad_entry_is_named_and_nothing_twice() -> None:
    second = FAMILY.removeprefix("scenarios:\n").replace("session: public", "session: lokal")
    with pytest.raises(DataError) as raised:
        parse(ENTRY.replace("[SEL-1]", "[SEL-9]") + second)
    assert str(raised.value).splitlines() == [
        "x.yaml:5 'SEL-9': no such requirement; did you mean 'SEL-3'?",
        "x.yaml:26 'lokal': no such session; did you mean 'local'?",
    ]


def test_an_id_stands_once_in_a_file() -> None:
    with pytest.raises(DataError, match=r"^x\.yaml:18 'flaps': twice; first in line 2$"):
        parse(ENTRY + ENTRY.removeprefix("scenarios:\n"))


def test_an_id_stands_in_one_file() -> None:
    one, other = parse(FAMILY), parse_scenarios(FAMILY, "y.yaml", faults=FAULTS, requirements=REQUIREMENTS)
    with pytest.raises(DataError) as raised:
        merge_scenarios([one, parse(ENTRY), other])
    assert str(raised.value) == "y.yaml:7 'wrong': twice; first in x.yaml:7"


def test_files_are_merged_in_their_order() -> None:
    assert [one.id for one in merge_scenarios([parse(ENTRY), parse(FAMILY)])] == [
        "flaps",
        "wrong[other-name]",
        "wrong[null]",
    ]


@pytest.mark.parametrize(
    "text", ["scenarios: []", "scenarios: {}", "scenarios: up", "{}", "[]", "text", "requirements: [1]"]
)
def test_a_file_without_scenarios_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"^x\.yaml:1 "):
        parse(text)


@pytest.mark.parametrize("entry", ["5", "[]", "null", "{}", "{id: 5}", "{id: {a: b}}", "{cases: 5}"])
def test_an_entry_that_is_no_scenario_is_refused(entry: str) -> None:
    with pytest.raises(DataError, match=r"^x\.yaml:1 "):
        parse(f"scenarios: [{entry}]")


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_whatever_is_done_to_a_file_it_is_read_or_refused(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([ENTRY, FAMILY]))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    put = data.draw(
        st.sampled_from(["", "$x", "{}", "[]", "null", "up", "5", "\n", " ", ": ", "- ", "'"]) | st.text(max_size=3)
    )
    try:
        found = parse(text[:start] + put + text[end:])
    except DataError as error:
        assert all(line.startswith("x.yaml:") for line in str(error).splitlines())  # noqa: PT017 - some are read
    else:
        assert found


# --- requirements --------------------------------------------------------------------------------

REQUIREMENT = """\
requirements:
- id: SEL-1
  level: MUST
  of: extension
  says: asks the local server first
  source: Try it FIRST
  covers: the first contacts
- id: RETRY-1
  level: SHOULD
  of: public-server
  says: keeps trying
  source: outages end
  covers: outages
  feature: reconnect
"""


def test_requirements() -> None:
    first, second = parse_requirements(REQUIREMENT, "r.yaml")
    assert first == Requirement(
        "SEL-1", Level.MUST, "extension", "asks the local server first", "Try it FIRST", "the first contacts"
    )
    assert (second.level, second.of, second.feature) == (Level.SHOULD, "public-server", "reconnect")


@pytest.mark.parametrize(
    ("right", "slip", "message"),
    [
        ("RETRY-1", "SEL-1", "r.yaml:8 'SEL-1': twice; first in line 2"),
        ("level: MUST", "level: MAY", "r.yaml:3 'MAY': no such level"),
        ("of: extension", "of: extensions", "r.yaml:4 'extensions': no such of; did you mean 'extension'?"),
        ("  says: keeps trying\n", "", "r.yaml:8 'says': missing"),
        ("source: outages end", "source:", "r.yaml:12 'source': should be a valid string, not null"),
        ("covers: outages", "cover: outages", "r.yaml:13 'cover': no such key; did you mean 'covers'?"),
        ("requirements:", "requirement:", "r.yaml:1 'requirement': no such key; did you mean 'requirements'?"),
    ],
)
def test_a_slip_in_a_requirement_is_named_with_its_place(right: str, slip: str, message: str) -> None:
    with pytest.raises(DataError) as raised:
        parse_requirements(REQUIREMENT.replace(right, slip, 1), "r.yaml")
    assert any(line.startswith(message) for line in str(raised.value).splitlines()), str(raised.value)
