"""The bodies a server may answer a signature request with: good ones and bad ones, by name.

Pure. A variant is made from the subject's own rule (which field must equal what), so the same names
serve any subject. Status, headers, framing and pace are the faults' business, not in here.

A body is read the way ``Response.json()`` reads it: as UTF-8 whatever the headers say, a byte order
mark ignored, the last of duplicate keys taken.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from conformance.errors import InputError, did_you_mean
from conformance.model import Json, Side, SignatureRule

Build: TypeAlias = Callable[[SignatureRule, Side], bytes]


@dataclass(frozen=True, slots=True)
class Variant:
    """One body. ``good``: whether it satisfies the rule. ``says``: what is particular about it."""

    good: bool
    says: str
    build: Build


def signature_body(variant: str, rule: SignatureRule, side: Side) -> bytes:
    """The body called ``variant``, as a server on ``side`` would send it to a subject with this rule."""
    if variant not in VARIANTS:
        raise InputError(f"'{variant}': no such signature variant{did_you_mean(variant, VARIANTS)}")
    return VARIANTS[variant].build(rule, side)


def is_good(variant: str) -> bool:
    """Whether a subject must take this body for the signature."""
    return VARIANTS[variant].good


# --- writing a body ------------------------------------------------------------------------------
# By hand, from pairs of JSON text, because duplicate keys are among what is written.

VERSION: Final = "1.0.0"
EXTRA: Final[Mapping[str, Json]] = {"unknown": True, "capabilities": ["a", "b"], "nested": {"deep": [1, {"er": None}]}}


def satisfies(rule: SignatureRule, body: bytes) -> bool:
    """Whether this body is a good signature by this rule, read as ``Response.json()`` reads it."""
    try:
        value: Json = json.loads(body.decode("utf-8-sig", "replace"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    for key in rule.field.split("."):
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return _same(value, rule.equals)


def _refuse(constant: str) -> Json:
    """NaN and Infinity are Python's, not JSON's."""
    raise ValueError(constant)


def _json(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _object(members: Iterable[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{_json(key)}:{text}" for key, text in members) + "}"


def _about(side: Side) -> dict[str, Json]:
    """What stands beside the signature itself; no rule but a subject's own looks at it."""
    return {"version": VERSION, "type": side.value}


def _write(rule: SignatureRule, about: Mapping[str, Json], values: Sequence[Json]) -> str:
    """An object with ``values`` at the rule's field: none (missing), one, or several (duplicate keys)."""
    *parents, leaf = rule.field.split(".")
    members = [(leaf, _json(value)) for value in values]
    for parent in reversed(parents):
        members = [(parent, _object(members))]
    head = rule.field.split(".")[0]
    members += [(key, _json(value)) for key, value in about.items() if key != head]
    return _object(members)


def _with(about: Callable[[Side], Mapping[str, Json]]) -> Build:
    """The right value, with something else beside it."""
    return lambda rule, side: _write(rule, about(side), [rule.equals]).encode()


def _good(rule: SignatureRule, side: Side) -> str:
    return _write(rule, _about(side), [rule.equals])


def _without(key: str) -> Build:
    return _with(lambda side: {name: value for name, value in _about(side).items() if name != key})


def _escaped_key(rule: SignatureRule, side: Side) -> bytes:
    """Every letter of the field's last key written as an escape: another spelling of the same JSON."""
    leaf = rule.field.split(".")[-1]
    units = leaf.encode("utf-16-be", "surrogatepass").hex()
    escaped = "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))
    # The keys on the way to the value are written first, so the first of that name is one of them.
    return _good(rule, side).replace(_json(leaf) + ":", f'"{escaped}":', 1).encode()


# --- wrong values --------------------------------------------------------------------------------


def _same(one: Json, other: Json) -> bool:
    """Equality as JSON has it: true is not 1, and 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return one == other


def _wrong(rule: SignatureRule, *candidates: Json) -> Json:
    """The first candidate that is not the right value, and a list around the right one if they all are."""
    return next((value for value in candidates if not _same(value, rule.equals)), [rule.equals])


_BOOLEANS: Final = (True, False)


def _text(rule: SignatureRule) -> str:
    return rule.equals if isinstance(rule.equals, str) else _json(rule.equals)


def _bad_value(value: Callable[[SignatureRule], Json]) -> Build:
    return lambda rule, side: _write(rule, _about(side), [value(rule)]).encode()


def _other(rule: SignatureRule) -> Json:
    return _wrong(rule, "other", "another")


def _other_case(rule: SignatureRule) -> Json:
    text = _text(rule)
    return _wrong(rule, text.upper(), text.lower(), text + "X")


def _nested(rule: SignatureRule) -> Json:
    return {rule.field.split(".")[-1]: rule.equals}


def _duplicates(*, right_last: bool) -> Build:
    def build(rule: SignatureRule, side: Side) -> bytes:
        values = [_other(rule), rule.equals] if right_last else [rule.equals, _other(rule)]
        return _write(rule, _about(side), values).encode()

    return build


def _html(rule: SignatureRule, side: Side) -> bytes:
    """A page that shows the right object: what a development server answers any path with."""
    return f"<!doctype html><title>{_text(rule)}</title><pre>{_good(rule, side)}</pre>\n".encode()


def _truncated(rule: SignatureRule, side: Side) -> bytes:
    """All of it but the last brace: whoever searches the text instead of parsing it finds everything."""
    return _good(rule, side)[:-1].encode()


# --- the catalogue of variants -------------------------------------------------------------------

_TABLE: Final[dict[str, Variant]] = {
    "good": Variant(good=True, says="the right object", build=_with(_about)),
    "extra-fields": Variant(
        good=True, says="fields that nobody knows", build=_with(lambda side: {**_about(side), **EXTRA})
    ),
    "no-version": Variant(good=True, says="no version", build=_without("version")),
    "version-99": Variant(
        good=True, says="a version from the future", build=_with(lambda side: {**_about(side), "version": "99.0.0"})
    ),
    "no-type": Variant(good=True, says="no type", build=_without("type")),
    "type-public": Variant(
        good=True, says="the type of a public server", build=_with(lambda side: {**_about(side), "type": "public"})
    ),
    "bom": Variant(
        good=True, says="a byte order mark first", build=lambda rule, side: b"\xef\xbb\xbf" + _good(rule, side).encode()
    ),
    "pretty": Variant(
        good=True,
        says="indented, with line ends",
        build=lambda rule, side: json.dumps(json.loads(_good(rule, side)), indent=2).encode() + b"\r\n",
    ),
    "escaped-key": Variant(good=True, says="the key written in escapes", build=_escaped_key),
    "duplicate-key-right-last": Variant(
        good=True, says="the key twice, the right value last", build=_duplicates(right_last=True)
    ),
    "other-name": Variant(good=False, says="another name", build=_bad_value(_other)),
    "missing": Variant(
        good=False, says="the field is not there", build=lambda rule, side: _write(rule, _about(side), []).encode()
    ),
    "null": Variant(good=False, says="null", build=_bad_value(lambda rule: _wrong(rule, None, "null"))),
    "number": Variant(good=False, says="a number", build=_bad_value(lambda rule: _wrong(rule, 1, 2))),
    "boolean": Variant(good=False, says="a boolean", build=_bad_value(lambda rule: _wrong(rule, *_BOOLEANS))),
    "array": Variant(good=False, says="the right value in a list", build=_bad_value(lambda rule: [rule.equals])),
    "nested": Variant(good=False, says="the right value one level too deep", build=_bad_value(_nested)),
    "upper-case": Variant(good=False, says="the right value in another case", build=_bad_value(_other_case)),
    "padded": Variant(
        good=False, says="the right value between spaces", build=_bad_value(lambda rule: f" {_text(rule)} ")
    ),
    "string-body": Variant(
        good=False, says="the whole body a string", build=lambda rule, _: _json(_text(rule)).encode()
    ),
    "list-body": Variant(
        good=False, says="the right object in a list", build=lambda rule, side: f"[{_good(rule, side)}]".encode()
    ),
    "duplicate-key-wrong-last": Variant(
        good=False, says="the key twice, the wrong value last", build=_duplicates(right_last=False)
    ),
    "empty-object": Variant(good=False, says="an object with nothing in it", build=lambda _rule, _side: b"{}"),
    "html": Variant(good=False, says="a web page", build=_html),
    "empty": Variant(good=False, says="no byte at all", build=lambda _rule, _side: b""),
    "truncated": Variant(good=False, says="the right object without its last brace", build=_truncated),
    "text": Variant(
        good=False, says="plain text", build=lambda rule, _: f"ok: {rule.field} is {_json(rule.equals)}\n".encode()
    ),
    "binary": Variant(
        good=False,
        says="bytes that are no text",
        build=lambda rule, side: b"\x89PNG\r\n\x1a\n\x00\xff\xfe" + _good(rule, side).encode() + b"\x00",
    ),
    # Without a byte order mark: with one, some readers would find out what it is and read it.
    "utf-16": Variant(
        good=False, says="the right object in UTF-16", build=lambda rule, side: _good(rule, side).encode("utf-16-le")
    ),
}
VARIANTS: Final[Mapping[str, Variant]] = MappingProxyType(_TABLE)
