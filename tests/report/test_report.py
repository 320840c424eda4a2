"""The registry of formats."""

from __future__ import annotations

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


def test_the_formats_are_those_of_the_command_line() -> None:
    assert set(REPORTERS) == {"json", "junit", "html", "markdown", "allure"}
