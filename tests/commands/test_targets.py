"""``--report FORMAT:PATH``."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.commands.targets import Target, parse_target
from conformance.errors import InputError


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("json:out.json", Target("json", Path("out.json"))),
        ("allure:a/b", Target("allure", Path("a/b"))),
        ("html:C:/x.html", Target("html", Path("C:/x.html"))),
    ],
)
def test_a_format_and_a_path(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize("text", ["out.json", "json:", "json", ""])
def test_anything_else_names_the_formats(text: str) -> None:
    with pytest.raises(InputError, match=r"must be FORMAT:PATH; formats: allure, html, json, junit, markdown$"):
        parse_target(text)


def test_a_slip_gets_the_nearest_format() -> None:
    with pytest.raises(InputError, match=r"no such format: 'jnit'; did you mean 'junit'\?"):
        parse_target("jnit:x.xml")
