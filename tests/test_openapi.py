"""The document made ready to be drawn from, and what is wanted of a request; schemathesis is not needed for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conformance.codec import decode, encode
from conformance.openapi import (
    BODY_BYTES_MAX,
    METHODS,
    Answered,
    Drawn,
    Order,
    has,
    may_refuse,
    name_of,
    wanted,
    with_every_method,
)
from conformance.server_events import Wanted

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {"/a": {"parameters": [], "get": {"responses": {"200": {"description": "Yes."}}}}},
}


def drawn(method: str = "GET", target: str = "/a", **fields: Any) -> Drawn:  # noqa: ANN401 - its own fields
    return Drawn(method, "/a", target, **({"is_sound": True} | fields))


def test_every_method_is_added_once_and_refused() -> None:
    made = with_every_method(DOCUMENT)
    item = made["paths"]["/a"]
    assert set(item) == {"parameters", *METHODS}
    assert item["get"] is DOCUMENT["paths"]["/a"]["get"]
    assert set(item["post"]["responses"]) == set(item["trace"]["responses"]) == {"4XX", "501"}
    assert set(item["head"]["responses"]) == {"4XX", "501", "200"}  # RFC 9110, 9.3.2
    assert "requestBody" in item["post"]
    assert "requestBody" not in item["trace"]
    assert set(DOCUMENT["paths"]["/a"]) == {"parameters", "get"}, "the document itself is as it was"


@pytest.mark.parametrize(
    ("method", "says"),
    [("GET", Wanted.TAKEN), ("HEAD", Wanted.TAKEN), ("POST", Wanted.REFUSED), ("OPTIONS", Wanted.REFUSED)],
)
def test_what_is_wanted_of_a_method(method: str, says: Wanted) -> None:
    assert wanted(DOCUMENT, drawn(method)) is says
    assert has(DOCUMENT, drawn(method)) is (method == "GET")


def test_what_no_requirement_speaks_of_may_be_refused() -> None:
    assert not may_refuse(drawn())
    assert may_refuse(drawn(target="/a?b=c"))
    assert may_refuse(drawn(is_sound=False))
    assert not may_refuse(drawn("HEAD", is_sound=False)), "of its status alone it is judged anyway"


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (drawn(target="/a?b"), "signature, GET /a?b"),
        (drawn("POST"), "POST /a"),
        (drawn(headers=("A: b", "C: d")), "signature, GET /a with A: b, C: d"),
        (drawn("PUT", headers=("A: b",), body="e30="), "PUT /a with A: b, and '{}'"),
        (drawn("PUT", target="/a?" + "b" * 98), f"PUT /a?{'b' * 96}…"),
        (drawn("PUT", headers=("A: " + "b" * 98,)), f"PUT /a with A: {'b' * 96}…"),
    ],
)
def test_a_request_is_told_so_that_it_can_be_tried(one: Drawn, says: str) -> None:
    assert name_of(one, {"/a": "signature"}) == says
    assert name_of(one, {}) == says.removeprefix("signature, ")


def test_a_request_is_sent_as_it_was_drawn() -> None:
    one = drawn("POST", "/a?b=c", headers=("Origin: \xe9", "Content-Length: 2"), body="e30=")
    head = one.head("localhost:1", "/base")
    assert head == b"POST /base/a?b=c HTTP/1.1\r\nHost: localhost:1\r\nOrigin: \xe9\r\nContent-Length: 2\r\n\r\n"
    assert one.data == b"{}"


def test_what_goes_to_and_fro_stays_what_it_is() -> None:
    told = [
        (Order, Order(DOCUMENT, 5, 7)),
        (Drawn, drawn(headers=("A: b",), body="e30=")),
        (Answered, Answered.of(3, 200, (("a", "b"), ("a", "c")), b"\xff" * (BODY_BYTES_MAX + 1))),
    ]
    for kind, value in told:
        assert decode(kind, json.loads(json.dumps(encode(value)))) == value
    assert len(told[2][1].body) < BODY_BYTES_MAX * 4 / 3 + 4  # type: ignore[attr-defined]  # an Answered
