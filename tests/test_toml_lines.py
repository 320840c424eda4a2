"""Where in a TOML text a key stands."""

from __future__ import annotations

import pytest

from conformance.toml_lines import line_of, not_toml

TEXT = """\
# a comment with name = "not this"
name = "x"
"quoted" = 1
dotted.inner = 2

[endpoints]
local = "ws://localhost:1"
  signature = "http://localhost:1/"
[ budgets . nested ]
deep = 3
inline = { one = 1 }
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 2),
        (("quoted",), 3),
        (("dotted", "inner"), 4),
        (("endpoints",), 6),
        (("endpoints", "local"), 7),
        (("endpoints", "signature"), 8),
        (("budgets", "nested", "deep"), 10),
        (("budgets", "nested", "inline", "one"), 11),
    ],
)
def test_a_key_is_found_where_it_stands(path: tuple[str, ...], line: int) -> None:
    assert line_of(TEXT, path) == line


def test_a_missing_key_is_placed_at_its_table() -> None:
    assert line_of(TEXT, ("endpoints", "public")) == 6


def test_a_missing_table_is_placed_at_the_top() -> None:
    assert line_of(TEXT, ("trigger", "kind")) == 1


def test_the_same_name_in_two_tables_is_told_apart() -> None:
    assert line_of("[a]\nx = 1\n[b]\nx = 2\n", ("b", "x")) == 4


def test_the_parsers_place_moves_to_the_front() -> None:
    assert not_toml("Invalid value (at line 3, column 8)", "", "s.toml") == "s.toml:3:8 is not TOML: Invalid value"


def test_an_end_too_soon_is_placed_on_the_last_line() -> None:
    problem = "Unclosed array (at end of document)"
    assert not_toml(problem, "a = [\n1,\n", "s.toml") == f"s.toml:2 is not TOML: {problem}"
