"""The page that stands alone."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from conformance.record import RunRecord
from conformance.report import html
from conformance.results import RunResult

_VOID = {"meta", "circle", "line", "path", "rect"}


class Balance(HTMLParser):
    """Checks that what opens closes, and collects attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _VOID
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_every_element_is_closed(result: RunResult, record: RunRecord) -> None:
    page = Balance()
    page.feed(html.render(result, record))
    assert page.open == []


def test_nothing_is_fetched_and_nothing_runs(result: RunResult, record: RunRecord) -> None:
    page = html.render(result, record)
    checked = Balance()
    checked.feed(page)
    names = {name for name, _ in checked.attributes}
    assert not names & {"src", "href", "onclick", "onload"}
    assert "<script" not in page
    assert not re.search(r"url\(|@import", page)


def test_what_a_subject_says_is_text(result: RunResult, record: RunRecord) -> None:
    page = html.render(result, record)
    assert "took status &lt;500&gt;" in page
    assert "mine &amp; yours 1.0" in page
    assert "<it>" not in page


def test_only_what_did_not_pass_has_its_picture(result: RunResult, record: RunRecord) -> None:
    assert html.render(result, record).count("<svg") == 3  # two FAIL, one INCONCLUSIVE; ERROR has no timeline


def test_it_is_written(result: RunResult, record: RunRecord, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.html"
    html.write(result, record, path)
    assert path.read_text(encoding="utf-8") == html.render(result, record)
