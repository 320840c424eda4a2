"""A timeline in words."""

from __future__ import annotations

from dataclasses import fields

import pytest

from conformance.events import (
    AccessAnswered,
    AccessChecked,
    AccessSet,
    BrowserClosed,
    BrowserStarted,
    BrowserStarved,
    CanaryPlanted,
    CertificateRejected,
    Event,
    FaultFellShort,
    FaultTookEffect,
    FetchAnswered,
    FrameReceived,
    JunkReceived,
    OnlineChanged,
    SessionClosed,
    SessionsDropped,
    SocketClosed,
    SocketFailed,
    Source,
    StepTimedOut,
    SubjectReloaded,
    TargetKilled,
    TargetStarted,
    TlsFailed,
    WorkerStarted,
    WorkerStopped,
)
from conformance.model import Side
from conformance.report.marks import Lane, Mark, Tone, marks, sentence, text
from conformance.server_events import Tried
from conformance.timeline import Timeline
from tests.timelines import story


def only(event: Event) -> Mark:
    (mark,) = marks(Timeline.of((event,)))
    return mark


def test_the_main_events_are_told_and_repetitions_left_out(timeline: Timeline) -> None:
    assert [(mark.lane, mark.to, mark.says) for mark in marks(timeline)] == [
        (Lane.LOCAL, None, "answer(status=500)"),
        (Lane.SUBJECT, None, "started (loaded)"),
        (Lane.SUBJECT, None, "fetch http://localhost:3003/sig"),
        (Lane.SUBJECT, Lane.LOCAL, "GET /<sig>"),
        (Lane.LOCAL, Lane.SUBJECT, "500, 1 byte"),
        (Lane.SUBJECT, None, "new WebSocket ws://localhost:3003"),
        (Lane.LOCAL, Lane.SUBJECT, "101: session open"),
        (Lane.SUBJECT, None, "WebSocket open"),
        (Lane.LOCAL, None, "session lost, code 1006"),
        (Lane.LOCAL, None, "connection reset"),
        (Lane.SUBJECT, None, "fetch: given up"),
        (Lane.SUBJECT, Lane.PUBLIC, "connection refused"),
        (Lane.SUBJECT, None, "end of observation: done"),
    ]


def test_what_a_busy_machine_cost_is_shown_where_it_may_be_taken_for_the_subjects_wait() -> None:
    waits = (BrowserStarved(at_ms=at_ms, source=Source.RIG, over_ms=500, waited_ms=at_ms) for at_ms in (49.9, 50.0))
    assert [mark.at_ms for mark in marks(Timeline.of(waits))] == [50.0]


def test_a_mark_points_at_its_event(timeline: Timeline) -> None:
    assert all(timeline.events[mark.seq].at_ms == mark.at_ms for mark in marks(timeline))


@pytest.mark.parametrize(
    ("event", "says", "tone"),
    [
        (
            SessionsDropped(at_ms=0, source=Source.RIG, side=Side.LOCAL, fault="reset", count=2),
            "reset on 2 sessions",
            Tone.RIG,
        ),
        (TargetStarted(at_ms=0, source=Source.RIG, side=Side.LOCAL, pid=7), "target started, process 7", Tone.RIG),
        (TargetKilled(at_ms=0, source=Source.RIG, side=Side.LOCAL, pid=7), "target killed, process 7", Tone.RIG),
        (
            StepTimedOut(at_ms=0, source=Source.RIG, step="until", within_ms=5000.0),
            "until: not within 5000 ms",
            Tone.BAD,
        ),
        (
            FaultTookEffect(at_ms=0, source=Source.PUBLIC, connection=1, fault="drip", detail="1 byte"),
            "drip: 1 byte",
            Tone.RIG,
        ),
        (
            FaultFellShort(at_ms=0, source=Source.LOCAL, side=Side.LOCAL, fault="drip", detail="2 bytes", connection=1),
            "drip fell short: 2 bytes",
            Tone.BAD,
        ),
        (
            FaultFellShort(at_ms=0, source=Source.RIG, side=Side.PUBLIC, fault="delay", detail="it took 1 ms"),
            "delay fell short: it took 1 ms",
            Tone.BAD,
        ),
        (
            TlsFailed(at_ms=0, source=Source.PUBLIC, connection=1, detail="no shared cipher"),
            "TLS failed: no shared cipher",
            Tone.BAD,
        ),
        (JunkReceived(at_ms=0, source=Source.LOCAL, connection=1, size=517), "517 bytes that are no request", Tone.BAD),
        (
            FrameReceived(at_ms=0, source=Source.LOCAL, connection=1, opcode="text", size=15),
            "text frame, 15 bytes",
            Tone.PLAIN,
        ),
        (
            SessionClosed(at_ms=0, source=Source.LOCAL, connection=1, code=1000, by="subject"),
            "session closed by the subject, code 1000",
            Tone.PLAIN,
        ),
        (
            FetchAnswered(at_ms=0, source=Source.BROWSER, request=1, status=200, from_cache=True),
            "answered from the cache: 200",
            Tone.BAD,
        ),
        (
            SocketFailed(at_ms=0, source=Source.BROWSER, request=1, error="ERR_CONNECTION_RESET"),
            "WebSocket: connection reset",
            Tone.BAD,
        ),
        (SocketClosed(at_ms=0, source=Source.BROWSER, request=1), "WebSocket closed", Tone.PLAIN),
        (WorkerStopped(at_ms=0, source=Source.RIG), "its worker is stopped", Tone.RIG),
        (WorkerStarted(at_ms=0, source=Source.RIG), "its worker is woken", Tone.RIG),
        (SubjectReloaded(at_ms=0, source=Source.RIG, version="1.1"), "loaded again, version 1.1", Tone.RIG),
        (BrowserClosed(at_ms=0, source=Source.RIG), "the browser is closed", Tone.RIG),
        (
            BrowserStarved(at_ms=0, source=Source.RIG, over_ms=500.2, waited_ms=50.0),
            "no processor for up to 50 of 500 ms",
            Tone.RIG,
        ),
        (
            AccessSet(at_ms=0, source=Source.RIG, access="denied", told="a"),
            "access to this machine: denied",
            Tone.RIG,
        ),
        (CanaryPlanted(at_ms=0, source=Source.RIG, what=("a cookie",)), "planted: a cookie", Tone.RIG),
        (
            AccessChecked(at_ms=0, source=Source.BROWSER, request=1, result="lna-permission-required"),
            "access check: lna-permission-required",
            Tone.BAD,
        ),
        (AccessAnswered(at_ms=0, source=Source.BROWSER, request=1, answer="denied"), "access was denied", Tone.BAD),
        (AccessAnswered(at_ms=0, source=Source.BROWSER, request=1, answer="granted"), "access was granted", Tone.GOOD),
        (BrowserStarted(at_ms=0, source=Source.RIG, how="as before"), "the browser is up again: as before", Tone.RIG),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Event) else "",
)
def test_each_kind_has_its_words(event: Event, says: str, tone: Tone) -> None:
    mark = only(event)
    assert (mark.says, mark.tone) == (says, tone)


def test_what_was_sent_to_a_server_is_told_with_what_came() -> None:
    tried = Tried(at_ms=1.0, source=Source.PUBLIC, what="frames, close 999", wanted="x", outcome="ended", code=1002)
    mark = only(tried)
    assert (mark.says, mark.lane, mark.to) == ("frames, close 999: ended 1002", Lane.SUBJECT, Lane.PUBLIC)


@pytest.mark.parametrize(("online", "says"), [(True, "on line"), (False, "off line")])
def test_what_the_browser_notices_of_the_network_is_told(online: bool, says: str) -> None:
    mark = only(OnlineChanged(at_ms=5, source=Source.BROWSER, online=online))
    assert (mark.lane, mark.says) == (Lane.SUBJECT, f"the browser takes itself for {says}")


def test_a_refused_certificate_names_the_flags() -> None:
    values = {field.name: Side.PUBLIC for field in fields(CertificateRejected) if field.name == "side"}
    event = CertificateRejected(at_ms=0, source=Source.BROWSER, flags=("DATE_INVALID",), **values)  # type: ignore[arg-type]
    assert only(event).says == "certificate refused: DATE_INVALID"


def test_a_socket_that_the_browsers_throttle_may_have_held_back_says_so() -> None:
    tries = story()
    for number in range(16):
        tries.socket(Side.PUBLIC, at=1000 + 900 * number, failed=1010 + 900 * number)
    says = [mark.says for mark in marks(tries.build()) if mark.lane is Lane.SUBJECT and mark.to is None]
    assert says[1] == "new WebSocket wss://api.extension.semantest.com"  # after "started", and nothing between
    last = len(says) - 1 - says[::-1].index(says[1])
    assert says[last - 1] == "held by the browser for up to 890 ms"


def test_a_sentence_has_time_and_direction(timeline: Timeline) -> None:
    said = [sentence(mark) for mark in marks(timeline)]
    assert "14.0 ms  subject → local: GET /<sig>" in said
    assert "31.0 ms  subject: WebSocket open" in said


def test_text_has_every_event_and_points_at_the_evidence(timeline: Timeline) -> None:
    lines = text(timeline, evidence=(4,)).splitlines()
    assert len(lines) == len(timeline)
    assert [line.split()[1] for line in lines if line.startswith(">")] == ["4"]
    assert "faults=[answer(status=500)]" in lines[0]
    assert "RequestReceived connection=1 method=GET" in lines[4]
