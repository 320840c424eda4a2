"""Worlds: servers and their faults, against a registry of this test's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Literal

import pytest

from conformance.catalogue_world import WorldReader
from conformance.errors import DataError
from conformance.model import Address, FaultSpec, Side
from conformance.yaml_source import compose


class Place(StrEnum):
    """Stages may be an enum, or text."""

    LISTEN = "listen"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Refused:
    """Takes no parameters."""

    name: ClassVar[str] = "refused"
    stage: ClassVar[Place] = Place.LISTEN
    sides: ClassVar[tuple[Side, ...]] = (Side.LOCAL, Side.PUBLIC)


@dataclass(frozen=True, slots=True)
class Answer:
    """Takes one of every kind, and checks them together."""

    status: int = 200
    signature: str = "good"
    content_type: str | None = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    delay_ms: float = 0
    gzip: bool = False
    name: ClassVar[str] = "answer"
    stage: ClassVar[Place] = Place.SIGNATURE
    sides: ClassVar[tuple[Side, ...]] = (Side.LOCAL, Side.PUBLIC)

    def __post_init__(self) -> None:
        if self.gzip and self.status == 204:
            raise ValueError("204 has no body to compress")


@dataclass(frozen=True, slots=True)
class Stall:
    """Has no default."""

    after: Literal["request", "headers"]
    name: ClassVar[str] = "stall"
    stage: ClassVar[Place] = Place.SIGNATURE
    sides: ClassVar[tuple[Side, ...]] = (Side.LOCAL,)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Of the public server only."""

    kind: Literal["expired"] = "expired"
    name: ClassVar[str] = "certificate"
    stage: ClassVar[str] = "TLS"
    sides: ClassVar[tuple[Side, ...]] = (Side.PUBLIC,)


@dataclass(frozen=True, slots=True)
class Close:
    """Of an open session."""

    code: int
    name: ClassVar[str] = "close"
    stage: ClassVar[str] = "session"
    sides: ClassVar[tuple[Side, ...]] = (Side.LOCAL, Side.PUBLIC)


@dataclass(frozen=True, slots=True)
class Offline:
    """Of the network, which no address has to itself."""

    name: ClassVar[str] = "offline"
    stage: ClassVar[str] = "network"
    sides: ClassVar[tuple[Side, ...]] = (Side.PUBLIC,)


FAULTS = {kind.name: kind for kind in (Refused, Answer, Stall, Certificate, Close, Offline)}
READER = WorldReader("x.yaml", FAULTS)


def server(text: str, side: Side = Side.LOCAL) -> tuple[FaultSpec, ...]:
    return READER.server(compose(text, "x.yaml"), side)


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("up", ()),
        ("down", (FaultSpec("refused"),)),
        ("{refused: {}}", (FaultSpec("refused"),)),
        ("{answer: {status: 500}}", (FaultSpec("answer", {"status": 500}),)),
        ("{answer: {delay_ms: 5, gzip: true}}", (FaultSpec("answer", {"delay_ms": 5, "gzip": True}),)),
        ("{answer: {status: 200, signature: good, headers: {}}}", (FaultSpec("answer"),)),
        ("{answer: {content_type: null}}", (FaultSpec("answer", {"content_type": None}),)),
        ("{answer: {headers: {Age: '5'}}}", (FaultSpec("answer", {"headers": {"Age": "5"}}),)),
        (
            "{stall: {after: headers}, close: {code: 1000}}",
            (FaultSpec("stall", {"after": "headers"}), FaultSpec("close", {"code": 1000})),
        ),
    ],
)
def test_reads_a_server(text: str, faults: tuple[FaultSpec, ...]) -> None:
    assert server(text) == faults


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("upp", '"upp": a server is up, down, or a mapping of faults'),
        ("refused", '"refused": a server is up, down, or a mapping of faults; write {refused: {}}'),
        ("true", "true: a server is up, down, or a mapping of faults"),
        ("{}", "{}: a server is up, down, or a mapping of faults"),
        ("{anser: {}}", "'anser': no such fault; did you mean 'answer'?"),
        ("{certificate: {}}", "'certificate': a fault of the public server only, not of the local one"),
        ("{answer: }", "'answer': takes a mapping of parameters; write {} for none"),
        ("{answer: {stauts: 5}}", "'stauts': no such parameter of 'answer'; did you mean 'status'?"),
        ("{answer: {name: x}}", "'name': no such parameter of 'answer'"),
        ("{refused: {x: 1}}", "'x': no such parameter of 'refused'; it takes none"),
        ("{answer: {status: '500'}}", "'status': should be a valid integer, not \"500\" (of 'answer')"),
        ("{answer: {gzip: yes}}", "'gzip': should be a valid boolean, not \"yes\" (of 'answer')"),
        ("{answer: {signature: upercase}}", "'upercase': no such signature variant; did you mean 'upper-case'?"),
        ("{answer: {signature: null}}", "'signature': should be a valid string, not null (of 'answer')"),
        ("{answer: {headers: {Age: 5}}}", "'headers.Age': should be a valid string, not 5 (of 'answer')"),
        ("{answer: {gzip: true, status: 204}}", "204 has no body to compress (of 'answer')"),
        ("{stall: {}}", "'after': missing (of 'stall')"),
        ("{stall: {after: header}}", "'after': should be 'request' or 'headers', not \"header\" (of 'stall')"),
        ("{answer: {}, stall: {after: request}}", "'stall': a second fault of the signature stage, beside 'answer'"),
    ],
)
def test_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(DataError) as raised:
        server(text)
    assert str(raised.value).startswith(f"x.yaml:1 {message}")


def test_a_fault_has_the_same_words_however_it_is_written() -> None:
    one, other = (
        server("{answer: {gzip: true, delay_ms: 5}}"),
        server("{answer: {delay_ms: 5.0, status: 200, gzip: true}}"),
    )
    assert str(one[0]) == str(other[0]) == "answer(delay_ms=5.0, gzip=True)"


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("{v4: up, v6: up}", ()),
        ("{v4: up, v6: down}", (FaultSpec("refused", {}, Address.V6),)),
        (
            "{v4: {answer: {status: 500}}, v6: {answer: {gzip: true}}}",
            (FaultSpec("answer", {"status": 500}, Address.V4), FaultSpec("answer", {"gzip": True}, Address.V6)),
        ),
    ],
)
def test_a_local_server_may_differ_by_address(text: str, faults: tuple[FaultSpec, ...]) -> None:
    assert server(text) == faults
    assert READER.needs_namespace(compose(text, "x.yaml")) == "v4"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{v4: up}", "'v6': missing; say what each address is like: v4 and v6"),
        ("{v4: up, v5: up}", "'v5': no address of a server's; did you mean"),
        ("{v4: up, v6: upp}", '"upp": a server is up, down, or a mapping of faults'),
        ("{v4: up, v6: {anser: {}}}", "'anser': no such fault; did you mean 'answer'?"),
        ("{v4: up, v6: {v4: up, v6: up}}", "'v4': an address stands by itself, not within another"),
    ],
)
def test_a_slip_in_an_address_is_named(text: str, message: str) -> None:
    with pytest.raises(DataError) as raised:
        server(text)
    assert str(raised.value).startswith(f"x.yaml:1 {message}")


def test_the_public_server_may_differ_by_address_but_not_the_way_there() -> None:
    assert server("{v4: down, v6: up}", Side.PUBLIC) == (FaultSpec("refused", {}, Address.V4),)
    with pytest.raises(DataError, match=r"x\.yaml:1 'offline': is the same for both addresses; it cannot"):
        server("{v4: up, v6: {offline: {}}}", Side.PUBLIC)


@pytest.mark.parametrize("text", ["up", "{answer: {}}", "{refused: {}}", "{gremlin: {}}"])
def test_ordinary_servers_need_no_network_of_their_own(text: str) -> None:
    assert READER.needs_namespace(compose(text, "x.yaml")) is None


def test_says_where() -> None:
    with pytest.raises(DataError, match=r"^x\.yaml:3 "):
        server("answer:\n  status: 200\n  gzip: 1\n")


def test_a_public_fault_is_for_the_public_server() -> None:
    assert server("{certificate: {}}", Side.PUBLIC) == (FaultSpec("certificate"),)


def test_reads_a_drop() -> None:
    assert READER.dropped(compose("{close: {code: 1001}}", "x.yaml"), Side.PUBLIC) == FaultSpec("close", {"code": 1001})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("close", "a drop is one session fault as a mapping; known: close"),
        ("{close: {code: 1}, answer: {}}", "a drop is one session fault as a mapping; known: close"),
        ("{answer: {}}", "'answer': no fault of an open session; known: close"),
        ("{clos: {}}", "'clos': no such fault; did you mean 'close'?"),
    ],
)
def test_a_drop_is_one_session_fault(text: str, message: str) -> None:
    with pytest.raises(DataError) as raised:
        READER.dropped(compose(text, "x.yaml"), Side.LOCAL)
    assert str(raised.value) == f"x.yaml:1 {message}"
