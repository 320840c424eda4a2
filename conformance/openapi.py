"""The published OpenAPI document, made ready to draw requests from, and what goes to and fro while that is done.

Pure. Who draws is schemathesis, in a process of its own (rig/serving/openapi_process.py); who sends is the rig
(rig/serving/openapi.py). What they tell each other are the dataclasses below, a line of JSON each.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.server_events import Wanted

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")  # those OpenAPI 3.1 has
_WITH_BODY: Final = ("put", "post", "patch", "delete")
_ASKS: Final = ("get", "head")  # a server may answer HEAD wherever it answers GET (RFC 9110, 9.3.2)
BODY_BYTES_MAX: Final = 64 * 1024  # of an answer; a signature has sixty
_LATIN_1: Final = "latin-1"
_SHOWN_CHARACTERS: Final = 100


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be drawn: ``count`` requests, from a document with every method."""

    document: Mapping[str, Any]
    count: int
    seed: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A request. ``is_sound``: it is as the document says; ``target``: the path, and the query if there is one.

    ``body``: Base64, since JSON has no bytes.
    """

    method: str
    path: str
    target: str
    is_sound: bool
    headers: tuple[str, ...] = ()
    body: str = ""

    @property
    def data(self) -> bytes:
        """Its body."""
        return base64.b64decode(self.body)

    def head(self, host: str, base: str = "") -> bytes:
        """The request's head as it is sent, below ``base``."""
        lines = [f"{self.method} {base}{self.target} HTTP/1.1", f"Host: {host}", *self.headers, "", ""]
        return "\r\n".join(lines).encode(_LATIN_1, "replace")

    @property
    def has_query(self) -> bool:
        """Whether anything stands behind the path."""
        return self.target != self.path


@dataclass(frozen=True, slots=True)
class Answered:
    """What the server answered to the request of that number: HTTP, or it would not be here."""

    number: int
    status: int
    headers: tuple[tuple[str, ...], ...]
    body: str = ""

    @classmethod
    def of(cls, number: int, status: int, headers: tuple[tuple[str, str], ...], body: bytes) -> Answered:
        """An answer as it came."""
        return cls(number, status, headers, base64.b64encode(body[:BODY_BYTES_MAX]).decode())


@dataclass(frozen=True, slots=True)
class Checked:
    """What is wrong with that answer, by the document."""

    number: int
    wrong: tuple[str, ...] = field(default=())


# --- the document --------------------------------------------------------------------------------


def with_every_method(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the methods that it does not have: what is refused, whatever comes with it."""
    paths = {
        path: {**item, **{method: _refused(method, item) for method in METHODS if method not in item}}
        for path, item in document["paths"].items()
    }
    return {**document, "paths": paths}


def _refused(method: str, item: Mapping[str, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {"4XX": {"description": "Refused."}, "501": {"description": "No such method."}}
    operation: dict[str, Any] = {"responses": responses}
    if method in _ASKS and "get" in item:
        responses |= {status: {"description": "As to GET."} for status in item["get"]["responses"]}
    if method in _WITH_BODY:
        anything = {"application/json": {"schema": {}}, "text/plain": {"schema": {"type": "string"}}}
        operation["requestBody"] = {"content": anything}
    return operation


def has(document: Mapping[str, Any], drawn: Drawn) -> bool:
    """Whether the published document has the operation."""
    return drawn.method.lower() in document["paths"][drawn.path]


# --- what is wanted ------------------------------------------------------------------------------


def wanted(document: Mapping[str, Any], drawn: Drawn) -> Wanted:
    """What a server that conforms does with the request."""
    if has(document, drawn) or drawn.method.lower() in _ASKS:
        return Wanted.TAKEN
    return Wanted.REFUSED


def may_refuse(drawn: Drawn) -> bool:
    """Whether the requirements on GET leave it to the server to refuse it: what nobody asks for, or another resource.

    A query makes another resource of it (RFC 3986, 3.4). No requirement says that there is one.
    """
    return drawn.method == "GET" and (drawn.has_query or not drawn.is_sound)


def name_of(drawn: Drawn, names: Mapping[str, str]) -> str:
    """What was sent, in words. ``names``: by path, under which a GET is judged."""
    name = names.get(drawn.path, "") if drawn.method == "GET" else ""
    said = f"{name}, {drawn.method}" if name else drawn.method
    along = ", ".join(drawn.headers)
    if drawn.body:
        along += f", and {_cut(repr(drawn.data)[1:])}"
    return f"{said} {_cut(drawn.target)}{f' with {_cut(along)}' if along else ''}"


def _cut(text: str) -> str:
    """For whoever reads it: whoever wants it whole draws it again, by its seed."""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
