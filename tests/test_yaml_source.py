"""YAML with line numbers: JSON's values and nothing else, every node in its place."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import yaml_source
from conformance.bundle import bundled
from conformance.errors import DataError
from conformance.yaml_source import _FastLoader, _Loader, _root, compose

if TYPE_CHECKING:
    from conformance.model import Json

# What a JSON text in ASCII can hold that YAML reads alike: no surrogate pairs, no DEL.
texts = st.text(
    st.characters(min_codepoint=0, max_codepoint=0xFFFD, exclude_categories=["Cs"], exclude_characters="\x7f")
)
numbers = st.integers(-(10**14), 10**14) | st.floats(-1e9, 1e9).map(lambda number: round(number, 6))
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(texts.filter(lambda key: len(key) < 100), inner, max_size=4)
    ),
    max_leaves=10,
)


@settings(deadline=None)
@given(values)
def test_reads_json_as_json_does(value: Json) -> None:
    assert compose(json.dumps(value), "x.yaml").plain() == json.loads(json.dumps(value))


# What means something to YAML, and a little that does not; nothing that the fast parser is not given.
syntax = st.text(st.sampled_from(" \n-:?,[]{}#&*!|>'\"%@`~ab0.é"), max_size=30)


@given(syntax)
def test_what_both_parsers_take_they_read_the_same(text: str) -> None:
    """Each refuses a little that the other takes."""
    try:
        fast, careful = _FastLoader(text).get_single_node(), _Loader(text).get_single_node()
    except yaml.YAMLError:
        return
    assert shape(fast) == shape(careful)


@pytest.mark.parametrize("path", sorted(bundled("scenarios").glob("*.yaml")), ids=lambda path: path.name)
def test_our_own_files_are_read_the_same_to_the_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = path.read_text(encoding="utf-8")
    fast = compose(text, path.name)
    monkeypatch.setattr(yaml_source, "_FastLoader", _Loader)
    assert compose(text, path.name) == fast


@pytest.mark.parametrize("odd", ["\t", "\r", "\x07", "\x85", "\u2028", "\ufeff", "\U0001f600"])
def test_where_parsers_may_differ_the_careful_one_reads(odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(yaml_source, "_FastLoader", asked.append)
    with contextlib.suppress(yaml.YAMLError):
        assert _root(f"# {odd}\na") is not None
    assert asked == []


def shape(node: yaml.Node | None) -> object:
    """A node's tag and value, all the way down."""
    if node is None:
        return None
    value: object = node.value
    if isinstance(node, yaml.MappingNode):
        value = [(shape(key), shape(member)) for key, member in node.value]
    elif isinstance(node, yaml.SequenceNode):
        value = [shape(member) for member in node.value]
    return node.tag, value


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("No", "No"),
        ("True", "True"),
        ("true", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("'null'", "null"),
        ("Null", "Null"),
        ("010", "010"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("-5", -5),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".inf", ".inf"),
        ("=", "="),
        ("1234567890123456", "1234567890123456"),
    ],
)
def test_plain_words_mean_what_json_says(written: str, meant: Json) -> None:
    value = compose(f"key: {written}", "x.yaml").fields["key"].value
    assert value == meant
    assert type(value) is type(meant)


def test_keys_are_text_whatever_they_look_like() -> None:
    assert list(compose("{null: 1, 404: 2, yes: 3, <<: {a: 4}}", "x.yaml").fields) == ["null", "404", "yes", "<<"]


def test_knows_the_lines() -> None:
    root = compose("one: 1\ntwo:\n- a\n- {three: 3,\n   four: [x,\n     y]}\n", "x.yaml")
    assert (root.line_of(["one"]), root.line_of(["two"]), root.line_of(["two", 0])) == (1, 2, 3)
    assert (root.line_of(["two", 1, "four"]), root.line_of(["two", 1, "four", 1])) == (5, 6)


@pytest.mark.parametrize("path", [["two", 7], ["two", "x"], ["two", 0, 0], ["two", -1]])
def test_the_line_of_what_is_not_there_is_that_of_what_holds_it(path: list[str | int]) -> None:
    assert compose("one: 1\ntwo:\n  - a\n", "x.yaml").line_of(path) in (2, 3)


def test_gives_every_text_with_its_line() -> None:
    root = compose("a: x\nb: [1, y]\nc:\n  d: z\n", "x.yaml")
    assert list(root.texts()) == [("x", 1), ("y", 2), ("z", 4)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.yaml:1 the file is empty"),
        ("# only a comment\n", "x.yaml:1 the file is empty"),
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3 'a': twice; first in line 1"),
        ("a:\n  b: 1\n  b: 1\n", "x.yaml:3 'b': twice; first in line 2"),
        ("a: 1\nb: *a\n", "x.yaml:2 cannot be read as YAML: a YAML anchor or alias (a); write the value out"),
        ("a: &a 1\n", "x.yaml:1 cannot be read as YAML: a YAML anchor or alias (a); write the value out"),
        ("a: 1\nb: !!int abc\n", "x.yaml:2 cannot be read as YAML: a YAML tag (tag:yaml.org,2002:int); write"),
        ("a: !secret x\n", "x.yaml:1 cannot be read as YAML: a YAML tag (!secret); write the value out"),
        ("a: 1\n? [b]\n: 2\n", "x.yaml:2 a key must be text, not a list or a mapping"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2 cannot be read as YAML: expected a single document"),
        ("a: [1,\n", "x.yaml:2 cannot be read as YAML: while parsing a flow node"),
        ("a: 1\n\tb: 2\n", "x.yaml:2 cannot be read as YAML: while scanning"),
        ("a: b\nc: \x07\n", "x.yaml:2 a character that YAML does not allow: U+0007"),
        ("a: 1e999\n", "x.yaml:1 1e999: too large a number"),
        ("[" * 5000, "x.yaml:1 nested too deeply to be read"),
    ],
)
def test_says_what_is_wrong_and_where(text: str, message: str) -> None:
    with pytest.raises(DataError) as raised:
        compose(text, "x.yaml")
    assert str(raised.value).startswith(message)


@settings(deadline=None)
@given(st.text(max_size=60) | st.text("ab:-[]{}\"'#&*!|>%@,? \n\t", max_size=60))
def test_any_text_is_read_or_refused_with_its_line(text: str) -> None:
    try:
        node = compose(text, "x.yaml")
    except DataError as error:
        assert str(error).startswith("x.yaml:")  # noqa: PT017 - most texts are refused, some are not
        assert str(error).removeprefix("x.yaml:").split()[0].isdigit()  # noqa: PT017
    else:
        json.dumps(node.plain(), allow_nan=False)
