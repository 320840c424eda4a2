"""Timelines by chance, for properties: what any subject may do, and what has nothing to do with it.

Pure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from conformance.events import (
    AccessChecked,
    BrowserClosed,
    BrowserStarted,
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
    SubjectReloaded,
    WorkerStarted,
    WorkerStopped,
)
from conformance.model import Change, Drop, Outcome, Scenario, Shown, Side, Step, World
from conformance.oracles import ORACLES
from tests.timelines import LOCAL, PUBLIC, REFUSED, Story, fault, scenario, story


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


# --- a subject, and the world that it met ----------------------------------------------------------


def _world(name: str, side: Side = LOCAL, **parameters: Any) -> World:  # noqa: ANN401 - a fault's own parameters
    faults = (fault(name, **parameters),)
    return World(local=faults) if side is LOCAL else World(public=faults)


WORLDS = (
    (World(), Outcome.LOCAL, Shown.GOOD),
    (World(local=(REFUSED,)), Outcome.PUBLIC, Shown.BAD),
    (World(local=(REFUSED,), public=(REFUSED,)), Outcome.NONE, Shown.BAD),
    (_world("silent"), Outcome.PUBLIC, Shown.SILENT),
    (_world("answer", signature="other-name"), Outcome.PUBLIC, Shown.BAD),
    (_world("answer", status=500), Outcome.EITHER, Shown.ARGUABLE),
    (_world("refuse_upgrade", status=403), Outcome.PUBLIC, Shown.GOOD),
    (_world("refuse_upgrade", PUBLIC, status=503), Outcome.LOCAL, Shown.GOOD),
    (_world("certificate", PUBLIC), Outcome.LOCAL, Shown.GOOD),
)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """A world that covers everything, and perhaps a change of it."""
    given, session, shown = draw(st.sampled_from(WORLDS))
    steps: list[Step] = [Change(LOCAL, (REFUSED,)), Change(PUBLIC, ()), Drop(PUBLIC, fault("reset_session"))]
    when = draw(st.lists(st.sampled_from(steps), max_size=2))
    base = scenario(*ORACLES, when=tuple(when), session=session, shown=shown)
    return replace(base, given=given)


def _befalls(told: Story, act: str, at: float) -> None:
    """What the rig does beside the subject."""
    rig = Source.RIG
    match act:
        case "local-gone":
            told.world(LOCAL, "refused", at=at)
        case "all-back":
            told.world(LOCAL, at=at).world(PUBLIC, at=at)
        case "stopped":
            told.seen(WorkerStopped(at_ms=at, source=rig)).seen(WorkerStarted(at_ms=at + 50, source=rig))
        case "reloaded":
            told.seen(SubjectReloaded(at_ms=at, source=rig, version="1.1"))
        case "restarted":
            told.seen(BrowserClosed(at_ms=at, source=rig)).seen(BrowserStarted(at_ms=at + 600, source=rig, how="named"))


def _tries(draw: st.DrawFn, told: Story, act: str, at: float) -> None:
    """What the subject does."""
    lasts = draw(st.sampled_from([None, 1.0, 900.0, 6000.0, 35_000.0]))
    pause = draw(st.sampled_from([1.0, 6.0, 60.0, 990.0, 4990.0]))
    match act:
        case "local":
            told.probe(at=at, ended=at + 5).access("allowed-no-less-public", at=at + 1)
            told.socket(LOCAL, at=at + 5 + pause, opened=at + 9 + pause, closed=lasts and at + 9 + pause + lasts)
        case "public":
            told.refused(at=at).socket(
                PUBLIC, at=at + 2 + pause, opened=at + 40 + pause, closed=lasts and at + 40 + pause + lasts
            )
        case "neither":
            told.no_server(at=at)
        case "silent":
            told.given_up(at=at, ended=at + 1500 + pause).effect(LOCAL, "silent", at=at + 10)
            told.socket(PUBLIC, at=at + 1503 + pause, opened=at + 1540 + pause)
        case "late":
            told.probe(at=at, ended=at + 5).socket(LOCAL, at=at + 6, failed=at + 9)
            told.socket(PUBLIC, at=at + 9 + pause, opened=at + 50 + pause)
        case "sticks":
            told.socket(PUBLIC, at=at, opened=at + 30, closed=lasts and at + 30 + lasts)
        case "asks-in-vain":
            told.probe(at=at, ended=at + 5)
        case "confides":
            told.probe(at=at, ended=at + 5, credentials=("cookie",)).preconnect(
                "https://api.extension.semantest.com/", at=at
            )


@st.composite
def observations(draw: st.DrawFn) -> tuple[Scenario, Story]:
    """A scenario that asks for every requirement, and what some subject may have done in it."""
    given = draw(scenarios())
    told, at = story(), 0.0
    for side in (LOCAL, PUBLIC):
        for spec in given.given.of(side):
            told.proved(side, spec.name)
    acts = ["local", "public", "neither", "silent", "late", "sticks", "asks-in-vain", "confides"]
    befalls = ["local-gone", "all-back", "stopped", "reloaded", "restarted", "drop", "silence"]
    for _ in range(draw(st.integers(0, 6))):
        at += draw(st.sampled_from([1.0, 40.0, 480.0, 520.0, 700.0, 1500.0, 9990.0]))
        act = draw(st.sampled_from([*acts, *befalls]))
        if act in ("drop", "silence"):
            side = draw(st.sampled_from([LOCAL, PUBLIC]))
            told.drop(side, "half_open" if act == "silence" else "reset_session", at=at)
        _befalls(told, act, at)
        _tries(draw, told, act, at)
    return given, told.end(at=at + draw(st.sampled_from([10.0, 3000.0, 12_000.0, 70_000.0])))
