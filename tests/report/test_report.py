"""The registry of formats."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from conformance.model import Level
from conformance.record import RunRecord
from conformance.report import REPORTERS
from conformance.results import RunResult


@pytest.mark.parametrize("name", sorted(REPORTERS))
def test_every_format_writes_something(name: str, result: RunResult, record: RunRecord, tmp_path: Path) -> None:
    REPORTERS[name](result, record, tmp_path / "out", level=Level.SHOULD)
    assert (tmp_path / "out").exists()


@pytest.mark.parametrize("name", sorted(REPORTERS))
def test_every_format_says_which_servers_were_real(
    name: str, result: RunResult, record: RunRecord, tmp_path: Path
) -> None:
    targets = ("local: serve --port {port}", "public: https://api.example.org")
    on_targets = replace(result, environment=replace(result.environment, targets=targets))
    for one, said in ((result, False), (on_targets, True)):
        out = tmp_path / str(said)
        REPORTERS[name](one, replace(record, environment=one.environment), out, level=Level.SHOULD)
        files = [out] if out.is_file() else [each for each in out.rglob("*") if each.is_file()]
        text = "".join(each.read_text(encoding="utf-8") for each in files)
        assert ("serve --port {port}" in text) is said
        assert ("https://api.example.org" in text) is said


def test_the_formats_are_those_of_the_command_line() -> None:
    assert set(REPORTERS) == {"json", "junit", "html", "markdown", "allure"}
