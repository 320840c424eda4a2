"""The page that stands alone."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from conformance.forecast import Assumed
from conformance.model import Endpoints
from conformance.record import RunRecord
from conformance.report import html
from conformance.results import RunResult
from tests.timelines import NEITHER, Story, recorded, story

_VOID = {"meta", "circle", "line", "path", "rect", "polyline"}
SMALL = Assumed((1000, 2000))


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


# --- crowds --------------------------------------------------------------------------------------


def with_outage(record: RunRecord, told: Story, **profile: object) -> RunRecord:
    """The same run with an outage of its first subject's, told in ``told``."""
    outage = replace(NEITHER, id="an-outage", family="Crowds")
    first, *others = record.profiles
    observed = replace(recorded(told, outage.id), subject=first.name)
    profiles = (replace(first, **profile), *others)  # type: ignore[arg-type]
    return replace(record, scenarios=(outage,), profiles=profiles, records=(*record.records, observed))


def doubling() -> Story:
    told = story()
    for at in (100.0, 1104, 3108, 7112, 13116, 19120):
        told.no_server(at=at)
    return told


def test_an_outage_has_its_crowd(result: RunResult, record: RunRecord) -> None:
    page = html.render(result, with_outage(record, doubling()), SMALL)
    assert page.count("A crowd of them, when the public server returns") == 1
    assert '<svg class="plot"' in page
    assert "2,000 extensions make up to 2,000 connects in a second when the server returns" in page
    assert "It waits 1.00 s, 2.00 times as long after each failure up to 6.00 s" in page
    assert "of them the browser&#x27;s" in page
    balance = Balance()
    balance.feed(page)
    assert balance.open == []


def test_the_same_record_gives_the_same_page(result: RunResult, record: RunRecord) -> None:
    told = with_outage(record, doubling())
    assert html.render(result, told, SMALL) == html.render(result, told, SMALL)


def test_a_subject_that_never_tries_again_is_told(result: RunResult, record: RunRecord) -> None:
    page = html.render(result, with_outage(record, story().no_server(at=100)), SMALL)
    assert "It never tried again in an outage" in page
    assert '<svg class="plot"' not in page


@pytest.mark.parametrize("without", ["an outage", "a public server", "a timeline"])
def test_there_is_no_crowd_without(without: str, result: RunResult, record: RunRecord) -> None:
    told = record
    if without == "a public server":
        told = with_outage(record, doubling(), endpoints=Endpoints(public=None))
    elif without == "a timeline":
        told = with_outage(record, doubling())
        told = replace(told, records=(*told.records[:-1], replace(told.records[-1], timeline=None, failure="died")))
    assert "A crowd of them" not in html.render(result, told, SMALL)


def test_it_is_written(result: RunResult, record: RunRecord, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.html"
    html.write(result, record, path)
    assert path.read_text(encoding="utf-8") == html.render(result, record)


def test_repeats_are_a_table_of_their_own(repeated: RunResult, result: RunResult, record: RunRecord) -> None:
    page = html.render(repeated, record)
    assert "<h3>Repeats</h3>" in page
    assert '<span class="badge flaky">FLAKY</span></td><td>60 of 80 (0.64-0.84)' in page
    assert "<code>some|times[&lt;case&gt;]</code>" in page
    assert "<td>needs 368</td>" in page
    assert "Repeats" not in html.render(result, record)
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
