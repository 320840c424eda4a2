"""What draws requests from an OpenAPI document and checks the answers: a process of its own, by schemathesis.

Nothing else imports it, since schemathesis takes long to load and changes Hypothesis. It reads an order, a line of
JSON and an empty one, and writes the requests and an empty line; reads what was answered, and writes what is wrong
with that. It opens no connection.
"""

from __future__ import annotations

import base64
import json
import sys
from typing import TYPE_CHECKING, Any, Final, TextIO, TypeAlias, TypeVar
from urllib.parse import urlsplit

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from conformance.codec import decode, encode
from conformance.openapi import METHODS, Answered, Checked, Drawn, Order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis.checks import CheckFunction

    Case: TypeAlias = schemathesis.Case[Any]
    APIOperation: TypeAlias = schemathesis.APIOperation[Any, Any, Any, Any]
    Sent: TypeAlias = tuple[Case, Drawn, requests.PreparedRequest]

T = TypeVar("T")

_BASE: Final = "http://localhost"  # nothing is sent there: only what stands behind it is used
_GET_WEIGHT: Final = 5  # the answers to GET are what there is to be held to the document
# schemathesis' and requests' own, which would be the same in every request.
_THEIRS: Final = ("accept", "accept-encoding", "connection", "x-schemathesis-testcaseid")
_THEIR_NAME: Final = "schemathesis/"
_SAID_CHARACTERS: Final = 200
# Without the one of headers: what the document says of them, no requirement does.
_CHECKS: Final[tuple[CheckFunction, ...]] = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


def main(told: TextIO, tell: TextIO) -> None:
    """One order, and the answers that came of it."""
    (order,) = _heard(told, Order)
    found: list[Sent] = []
    for sent in _all(order):
        found.append(sent)
        _say(tell, sent[1])
    _end(tell)
    for answered in _heard(told, Answered):
        _say(tell, _check(found[answered.number], answered))
    _end(tell)


def _heard(told: TextIO, kind: type[T]) -> list[T]:
    found = []
    while line := told.readline().strip():
        found.append(decode(kind, json.loads(line)))
    return found


def _say(tell: TextIO, value: object) -> None:
    """At once: whoever listens waits for the next line, and not for ever."""
    tell.write(json.dumps(encode(value)) + "\n")
    tell.flush()


def _end(tell: TextIO) -> None:
    tell.write("\n")
    tell.flush()


# --- drawing -------------------------------------------------------------------------------------


def _all(order: Order) -> Iterator[Sent]:
    """Every operation's share, first what is as the document says, then what is not."""
    schema = schemathesis.openapi.from_dict(dict(order.document), config=schemathesis.Config())
    operations = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    operations.sort(key=lambda one: (one.path, METHODS.index(one.method)))
    weights = [_GET_WEIGHT if one.method == "get" else 1 for one in operations]
    for operation, weight in zip(operations, weights, strict=True):
        share = max(1, order.count * weight // sum(weights) // 2)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for case in _cases(operation, mode, share, order.seed):
                request = _prepared(case)
                yield case, _drawn(case, request, is_sound=mode is GenerationMode.POSITIVE), request


def _cases(operation: APIOperation, mode: GenerationMode, count: int, seed: int) -> list[Case]:
    found: list[Case] = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(operation.as_strategy(generation_mode=mode))
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found


def _prepared(case: Case) -> requests.PreparedRequest:
    return requests.Request(**case.as_transport_kwargs(base_url=_BASE)).prepare()


def _drawn(case: Case, request: requests.PreparedRequest, *, is_sound: bool) -> Drawn:
    parts = urlsplit(request.url or "")
    body = request.body or b""
    if not isinstance(body, str | bytes):
        raise TypeError(f"a body of {type(body).__name__}")  # only files have such
    return Drawn(
        method=case.method,
        path=case.path,
        target=f"{parts.path}?{parts.query}" if parts.query else parts.path,
        is_sound=is_sound,
        headers=tuple(
            f"{_text(name)}: {_text(value)}" for name, value in request.headers.items() if _is_drawn(name, value)
        ),
        body=base64.b64encode(body.encode() if isinstance(body, str) else body).decode(),
    )


def _is_drawn(name: str, value: str | bytes) -> bool:
    return name.lower() not in _THEIRS and not _text(value).startswith(_THEIR_NAME)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


# --- checking ------------------------------------------------------------------------------------


def _check(sent: Sent, answered: Answered) -> Checked:
    case, _, request = sent
    headers: dict[str, list[str]] = {}
    for name, value in answered.headers:
        headers.setdefault(name, []).append(value)
    body = base64.b64decode(answered.body)
    response = schemathesis.Response(answered.status, headers, body, request, elapsed=0.0, verify=True)
    return Checked(answered.number, tuple(said for check in _CHECKS for said in _wrong(case, response, check)))


def _wrong(case: Case, response: schemathesis.Response, check: CheckFunction) -> Iterator[str]:
    try:
        case.validate_response(response, checks=[check])
    except (Failure, FailureGroup) as group:
        for failure in group.exceptions if isinstance(group, FailureGroup) else (group,):
            said = " ".join(f"{failure.title}: {failure.message}".split())
            yield f"{check.__name__}: {said[:_SAID_CHARACTERS]}"


if __name__ == "__main__":
    main(sys.stdin, sys.stdout)
