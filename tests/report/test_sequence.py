"""The picture of a timeline."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from conformance.events import FetchStarted, SessionOpened, Source
from conformance.report.marks import marks
from conformance.report.sequence import picture, place
from conformance.timeline import Timeline


def lines_of(svg: str, css: str) -> list[ET.Element]:
    return [one for one in ET.fromstring(svg).iter("line") if one.get("class") == css]  # noqa: S314 - our own


def test_it_is_well_formed_whatever_the_subject_sent(timeline: Timeline) -> None:
    svg = picture(timeline)
    texts = ["".join(one.itertext()) for one in ET.fromstring(svg).iter("text")]  # noqa: S314 - our own
    assert "GET /<sig>" in texts


def test_marks_stand_in_order_one_row_each(timeline: Timeline) -> None:
    placed = place(timeline)
    assert [each.mark for each in placed] == list(marks(timeline))
    heights = [each.y for each in placed]
    assert heights == sorted(set(heights))


def test_a_long_pause_is_written_not_drawn(timeline: Timeline) -> None:
    pauses = [each.pause_ms for each in place(timeline) if each.pause_ms]
    assert pauses == [2000.0, 459.0]
    assert "⋮ 2.0 s" in picture(timeline)
    assert "⋮ 459 ms" in picture(timeline)


def test_evidence_stands_on_a_band(timeline: Timeline) -> None:
    assert picture(timeline).count('class="evidence"') == 0
    assert picture(timeline, {4, 5}).count('class="evidence"') == 2


def test_a_session_is_a_stroke_until_it_ends(timeline: Timeline) -> None:
    (stroke,) = lines_of(picture(timeline), "session")
    y_of = {each.mark.says: each.y for each in place(timeline)}
    assert (stroke.get("y1"), stroke.get("y2")) == (
        str(y_of["101: session open"]),
        str(y_of["session lost, code 1006"]),
    )


def test_a_session_that_stays_open_reaches_the_end() -> None:
    svg = picture(Timeline.of((SessionOpened(at_ms=1.0, source=Source.PUBLIC, connection=1),)))
    (stroke,) = lines_of(svg, "session")
    assert int(stroke.get("y2", "0")) > int(stroke.get("y1", "0"))


def test_long_words_are_cut_and_kept_in_the_title() -> None:
    url = "http://localhost:3003/" + "x" * 200
    svg = picture(Timeline.of((FetchStarted(at_ms=1.0, source=Source.BROWSER, request=1, url=url, method="GET"),)))
    root = ET.fromstring(svg)  # noqa: S314 - our own
    assert any((one.text or "").endswith(url) for one in root.iter("title"))
    assert max(len(one.text or "") for one in root.iter("text")) <= 43


def test_nothing_seen_is_an_empty_picture() -> None:
    assert place(Timeline(())) == ()
    assert ET.fromstring(picture(Timeline(()))).tag == "svg"  # noqa: S314 - our own
