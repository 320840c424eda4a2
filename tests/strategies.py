"""Timelines by chance, for properties: what any subject may do, and what has nothing to do with it.

Pure.
"""

from __future__ import annotations

from hypothesis import strategies as st

from conformance.events import (
    AccessChecked,
    Event,
    FetchAnswered,
    FetchEnded,
    FetchStarted,
    PreconnectStarted,
    SocketClosed,
    SocketFailed,
    SocketOpened,
    SocketStarted,
    Source,
)
from tests.timelines import LOCAL, PUBLIC, Story, story


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """What a subject may do: attempts of every kind, one after the other, and drops between."""
    told, at = story(), 0.0
    for _ in range(draw(st.integers(0, 5))):
        at += draw(st.sampled_from([1.0, 40.0, 700.0, 2500.0]))
        act = draw(st.sampled_from(["local", "public", "neither", "silent", "late", "sticks", "drop", "nothing"]))
        lasts = draw(st.sampled_from([None, 1.0, 1500.0]))
        if act == "local":
            told.probe(at=at, ended=at + 5).access("allowed-no-less-public", at=at + 1)
            told.socket(LOCAL, at=at + 6, opened=at + 9, closed=lasts and at + 9 + lasts)
        elif act == "public":
            told.refused(at=at).socket(PUBLIC, at=at + 3, opened=at + 40, closed=lasts and at + 40 + lasts)
        elif act == "neither":
            told.no_server(at=at)
        elif act == "silent":
            told.given_up(at=at, ended=at + 1500).socket(PUBLIC, at=at + 1503, opened=at + 1540)
        elif act == "late":
            told.probe(at=at, ended=at + 5).socket(LOCAL, at=at + 6, failed=at + 9).socket(PUBLIC, at=at + 10)
        elif act == "sticks":
            told.socket(PUBLIC, at=at, opened=at + 30)
        elif act == "drop":
            told.drop(
                draw(st.sampled_from([LOCAL, PUBLIC])), draw(st.sampled_from(["reset_session", "half_open"])), at=at
            )
    return told.end(at=at + draw(st.sampled_from([10.0, 3000.0, 20000.0])))


ELSEWHERE = "https://elsewhere.example/"


def strange(at: float) -> list[Event]:
    """What a subject may have to do with some other host."""
    browser = Source.BROWSER
    return [
        FetchStarted(at_ms=at, source=browser, request=9001, url=ELSEWHERE, method="POST"),
        FetchAnswered(at_ms=at, source=browser, request=9001, status=500),
        FetchEnded(at_ms=at, source=browser, request=9001, error="ERR_FAILED"),
        AccessChecked(at_ms=at, source=browser, request=9001, result="blocked"),
        PreconnectStarted(at_ms=at, source=browser, url=ELSEWHERE),
        SocketStarted(at_ms=at, source=browser, request=9002, url="ws://elsewhere.example/"),
        SocketOpened(at_ms=at, source=browser, request=9002),
        SocketClosed(at_ms=at, source=browser, request=9002),
        SocketFailed(at_ms=at, source=browser, request=9003, error="ERR_FAILED"),
    ]
