"""Signature bodies: good ones satisfy the rule, bad ones do not, whatever the subject's rule is.

The rule is written down here a second time, from its definition: the body read as ``Response.json()``
reads it, an object, and at the dotted path the very value.
"""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import signatures
from conformance.errors import InputError
from conformance.model import Side, SignatureRule
from conformance.signatures import VARIANTS, is_good, signature_body

if TYPE_CHECKING:
    from collections.abc import Hashable

    from conformance.model import Json

GOOD = [name for name in VARIANTS if is_good(name)]
BAD = [name for name in VARIANTS if not is_good(name)]
NOT_JSON = ["html", "empty", "truncated", "text", "binary", "utf-16"]
RULE = SignatureRule()


# --- the rule, a second time ---------------------------------------------------------------------


def read(body: bytes) -> Json:
    """As the Fetch standard has it: UTF-8 with replacement, a byte order mark dropped, then JSON."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(constant)

    value: Json = json.loads(body.decode("utf-8-sig", errors="replace"), parse_constant=refuse)
    return value


def canonical(value: Json) -> Hashable:
    match value:
        case None | bool() | str():
            return (type(value).__name__, value)
        case int() | float():
            return ("number", Fraction(value))
        case list():
            return ("list", tuple(canonical(item) for item in value))
        case dict():
            return ("object", frozenset((key, canonical(item)) for key, item in value.items()))


def satisfies(body: bytes, rule: SignatureRule) -> bool:
    try:
        value = read(body)
    except ValueError:
        return False
    for key in rule.field.split("."):
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return canonical(value) == canonical(rule.equals)


keys = st.sampled_from(["service", "version", "type", "unknown", "ok"]) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="."), max_size=8
)
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)
rules = st.builds(
    SignatureRule,
    field=st.lists(keys, min_size=1, max_size=3).map(".".join),
    equals=jsons | st.sampled_from(["semantest", "OTHER", "other", "null", "", "5", " x ", 1, 1.0, 0, True, None]),
)
sides = st.sampled_from(Side)


# --- properties ----------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", GOOD)
@settings(max_examples=50, deadline=None)
@given(rule=rules, side=sides)
def test_good_variants_satisfy_any_rule(variant: str, rule: SignatureRule, side: Side) -> None:
    body = signature_body(variant, rule, side)
    assert isinstance(read(body), dict)
    assert satisfies(body, rule)


@pytest.mark.parametrize("variant", BAD)
@settings(max_examples=50, deadline=None)
@given(rule=rules, side=sides)
def test_bad_variants_satisfy_no_rule(variant: str, rule: SignatureRule, side: Side) -> None:
    assert not satisfies(signature_body(variant, rule, side), rule)


@pytest.mark.parametrize("variant", NOT_JSON)
@settings(max_examples=50, deadline=None)
@given(rule=rules, side=sides)
def test_what_is_not_json_cannot_be_decoded(variant: str, rule: SignatureRule, side: Side) -> None:
    with pytest.raises(json.JSONDecodeError):
        read(signature_body(variant, rule, side))


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name not in NOT_JSON])
@settings(max_examples=20, deadline=None)
@given(rule=rules, side=sides)
def test_the_others_are_json(variant: str, rule: SignatureRule, side: Side) -> None:
    read(signature_body(variant, rule, side))


# --- the seed's own rule, body by body -----------------------------------------------------------


@pytest.mark.parametrize(
    ("variant", "body"),
    [
        ("good", '{"service":"semantest","version":"1.0.0","type":"local"}'),
        ("no-version", '{"service":"semantest","type":"local"}'),
        ("version-99", '{"service":"semantest","version":"99.0.0","type":"local"}'),
        ("no-type", '{"service":"semantest","version":"1.0.0"}'),
        ("type-public", '{"service":"semantest","version":"1.0.0","type":"public"}'),
        ("bom", '\ufeff{"service":"semantest","version":"1.0.0","type":"local"}'),
        (
            "duplicate-key-right-last",
            '{"service":"other","service":"semantest","version":"1.0.0","type":"local"}',
        ),
        ("other-name", '{"service":"other","version":"1.0.0","type":"local"}'),
        ("missing", '{"version":"1.0.0","type":"local"}'),
        ("null", '{"service":null,"version":"1.0.0","type":"local"}'),
        ("number", '{"service":1,"version":"1.0.0","type":"local"}'),
        ("boolean", '{"service":true,"version":"1.0.0","type":"local"}'),
        ("array", '{"service":["semantest"],"version":"1.0.0","type":"local"}'),
        ("nested", '{"service":{"service":"semantest"},"version":"1.0.0","type":"local"}'),
        ("upper-case", '{"service":"SEMANTEST","version":"1.0.0","type":"local"}'),
        ("padded", '{"service":" semantest ","version":"1.0.0","type":"local"}'),
        ("string-body", '"semantest"'),
        ("list-body", '[{"service":"semantest","version":"1.0.0","type":"local"}]'),
        (
            "duplicate-key-wrong-last",
            '{"service":"semantest","service":"other","version":"1.0.0","type":"local"}',
        ),
        ("empty-object", "{}"),
        ("empty", ""),
        ("truncated", '{"service":"semantest","version":"1.0.0","type":"local"'),
    ],
)
def test_body_for_the_default_rule(variant: str, body: str) -> None:
    assert signature_body(variant, RULE, Side.LOCAL).decode() == body


def test_the_type_says_the_side() -> None:
    assert json.loads(signature_body("good", RULE, Side.PUBLIC))["type"] == "public"


def test_extra_fields_are_extra() -> None:
    assert json.loads(signature_body("extra-fields", RULE, Side.LOCAL)).keys() > {"service", "version", "type"}


def test_a_dotted_field_nests() -> None:
    body = signature_body("good", SignatureRule("app.id", 7), Side.LOCAL)
    assert json.loads(body) == {"app": {"id": 7}, "version": "1.0.0", "type": "local"}


def test_the_rules_own_field_wins_over_what_stands_beside_it() -> None:
    rule = SignatureRule("type", "semantest")
    assert json.loads(signature_body("type-public", rule, Side.LOCAL)) == {"type": "semantest", "version": "1.0.0"}


@pytest.mark.parametrize(("equals", "wrong"), [(1, 2), (1.0, 2), (True, 1), ("1", 1)])
def test_a_wrong_number_is_not_the_right_one(equals: Json, wrong: int) -> None:
    assert json.loads(signature_body("number", SignatureRule("n", equals), Side.LOCAL))["n"] == wrong


def test_an_unknown_variant_names_the_nearest() -> None:
    with pytest.raises(InputError, match="'uper-case': no such signature variant; did you mean 'upper-case'"):
        signature_body("uper-case", RULE, Side.LOCAL)


def test_every_variant_says_what_is_particular() -> None:
    assert all(variant.says for variant in VARIANTS.values())
    assert len({variant.says for variant in VARIANTS.values()}) == len(VARIANTS)


# --- another server's answer ---------------------------------------------------------------------


@pytest.mark.parametrize("rule", [RULE, SignatureRule("app.name", 7), SignatureRule("ok", equals=True)], ids=str)
@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_a_real_servers_answer_is_read_as_ours_are(name: str, rule: SignatureRule) -> None:
    assert signatures.satisfies(rule, signature_body(name, rule, Side.LOCAL)) is is_good(name)


@pytest.mark.parametrize("body", [b'{"service": "semantest", "x": NaN}', b'{"service"', b"[" * 100_000])
def test_what_no_browser_reads_is_no_signature(body: bytes) -> None:
    assert not signatures.satisfies(RULE, body)
