"""``--report FORMAT:PATH``."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.commands.report_files import ReportFile, parse_report
from conformance.errors import InputError


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("json:out.json", ReportFile("json", Path("out.json"))),
        ("allure:a/b", ReportFile("allure", Path("a/b"))),
        ("html:C:/x.html", ReportFile("html", Path("C:/x.html"))),
    ],
)
def test_a_format_and_a_path(text: str, file: ReportFile) -> None:
    assert parse_report(text) == file


@pytest.mark.parametrize("text", ["out.json", "json:", "json", ""])
def test_anything_else_names_the_formats(text: str) -> None:
    with pytest.raises(InputError, match=r"must be FORMAT:PATH; formats: allure, html, json, junit, markdown$"):
        parse_report(text)


def test_a_slip_gets_the_nearest_format() -> None:
    with pytest.raises(InputError, match=r"no such format: 'jnit'; did you mean 'junit'\?"):
        parse_report("jnit:x.xml")
