"""Cases and their variables: filled in with their types, and neither missing nor left over."""

from __future__ import annotations

import pytest

from conformance.catalogue_cases import expand
from conformance.errors import DataError
from conformance.model import Json
from conformance.yaml_source import compose


def expanded(text: str) -> dict[str, Json]:
    return {name: node.plain() for name, node in expand(compose(text, "x.yaml"), "x.yaml").items()}


def test_without_cases_there_is_one() -> None:
    assert expanded("id: a\ngiven: {local: up}") == {"": {"id": "a", "given": {"local": "up"}}}


@pytest.mark.parametrize("value", [5, 1.5, True, None, "text", ["a", 1], {"a": {"b": []}}])
def test_a_whole_value_keeps_its_type(value: Json) -> None:
    entry = {"id": "a", "cases": {"one": {"it": value}}, "given": ["$it", {"x": "$it"}]}
    (filled,) = expanded(str(entry).replace("None", "null").replace("True", "true")).values()
    assert isinstance(filled, dict)
    assert filled["given"] == [value, {"x": value}]


def test_inside_text_words_and_numbers_are_put_in() -> None:
    text = "cases: {one: {n: 5, w: five}}\nsays: $n is $w, $w$n, and costs $$n"
    assert expanded(text)["one"] == {"cases": {"one": {"n": 5, "w": "five"}}, "says": "5 is five, five5, and costs $n"}


def test_a_dollar_alone_is_written_twice() -> None:
    assert expanded("says: $$") == {"": {"says": "$"}}


def test_what_a_variable_holds_is_not_filled_in_again() -> None:
    assert expanded("cases: {one: {n: $m}}\nsays: $n")["one"] == {"cases": {"one": {"n": "$m"}}, "says": "$m"}


def test_id_and_family_are_the_same_in_every_case() -> None:
    filled = expanded("id: $a\nfamily: $b\ncases: {one: {n: 1}, two: {n: 2}}\nsays: $n")
    assert [one["id"] for one in filled.values() if isinstance(one, dict)] == ["$a", "$a"]


def test_a_filled_value_stands_in_its_cases_line() -> None:
    text = "cases:\n  one: {n: 1}\n  two: {n: 2}\ngiven:\n  local: $n\n"
    lines = {name: node.line_of(["given", "local"]) for name, node in expand(compose(text, "x"), "x").items()}
    assert lines == {"one": 2, "two": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("says: $delay", "x.yaml:1 '$delay': a scenario without cases has no variables"),
        (
            "cases:\n  one: {delay: 1}\nsays:\n  $dellay",
            "x.yaml:3 '$dellay': case 'one' has no such variable; did you mean 'delay'?\nx.yaml:2 'delay': the",
        ),
        ("cases:\n  one: {a: 1}\n  two: {b: 1}\nsays: $a", "x.yaml:4 '$a': case 'two' has no such variable; known: b"),
        ("says: a $ here", "x.yaml:1 'a $ here': a $ that no variable's name follows; write $$ for a dollar"),
        ("says: $Delay", "x.yaml:1 '$Delay': a $ that no variable's name follows"),
        ("cases: {}", "x.yaml:1 'cases': must be a mapping of names to variables, one or more"),
        ("cases: [a]", "x.yaml:1 'cases': must be a mapping of names to variables, one or more"),
        ("cases:\n  One: {a: 1}\nsays: $a", "x.yaml:2 'One': a case's name is lower-case letters"),
        ("cases:\n  one: 5\nsays: $a", "x.yaml:2 'one': a case is a mapping of variables, one or more"),
        ("cases:\n  one: {a-b: 5}\nsays: $a", "x.yaml:2 'a-b': a variable's name is lower-case letters"),
        ("cases:\n  one: {a: [1]}\nsays: x $a", "x.yaml:2 'a': stands inside text, so it must be text or a number"),
        ("cases:\n  one: {a: true}\nsays: x $a", "x.yaml:2 'a': stands inside text, so it must be text or a number"),
    ],
)
def test_says_what_is_wrong_and_where(text: str, message: str) -> None:
    with pytest.raises(DataError) as raised:
        expanded(text)
    assert str(raised.value).startswith(message)
