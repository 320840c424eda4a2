"""The Markdown report."""

from __future__ import annotations

import re
from pathlib import Path

from conformance.record import RunRecord
from conformance.report import markdown
from conformance.results import RunResult


def rows(text: str) -> list[list[str]]:
    """The cells of every table row; an escaped bar is no border."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_every_row_has_as_many_cells_as_its_head(result: RunResult) -> None:
    for table in re.split(r"\n\n", markdown.render(result)):
        widths = {len(row) for row in rows(table)}
        assert len(widths) <= 1


def test_it_says_how_each_subject_did(result: RunResult) -> None:
    found = rows(markdown.render(result))
    assert ["mine &amp; yours 1.0", "❌ FAIL 1/2", "❌ FAIL 0/2", "6"] in found
    assert ["reference 2.0", "✅ PASS 1/1", "✅ PASS 1/1", "1"] in found


def test_it_shows_where_a_requirement_fails(result: RunResult) -> None:
    assert ["SIG-4", "SHOULD", "❌ FAIL", "1 of 1", r"status\[500\]: took status 500"] in rows(markdown.render(result))


def test_subjects_stand_side_by_side(result: RunResult) -> None:
    assert ["LIFE-1", "SHOULD", "not judged", "✅ PASS"] in rows(markdown.render(result))


def test_what_a_subject_says_breaks_no_table(result: RunResult) -> None:
    found = rows(markdown.render(result))
    assert [r"reset", "💥 ERROR", "", r"the fake \| died"] in found
    assert [r"status\[500\]", "❌ FAIL", "local, 31 ms", "SIG-4 (SHOULD) FAIL: took status &lt;500>"] in found


def test_it_is_written(result: RunResult, record: RunRecord, tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    markdown.write(result, record, path)
    assert path.read_text(encoding="utf-8") == markdown.render(result)


def test_repeats_are_a_table_of_their_own(repeated: RunResult, result: RunResult) -> None:
    text = markdown.render(repeated)
    assert "### Repeats" in text
    assert "**FLAKY: some\\|times\\[&lt;case>\\] (60 of 80 passed; SIG-4)**" in text
    steady = ["139 (130-149)", "175 (171-179)", "needs 368"]
    assert ["steady", "PASS", "80 of 80 (0.95-1.00)", *steady] in rows(text)
    assert "Repeats" not in markdown.render(result)
