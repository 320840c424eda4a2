"""The command line of ``load``: what is typed, what comes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance import cli, cli_load
from conformance.commands import load
from conformance.commands.load import LoadOptions
from conformance.commands.report_files import ReportFile
from conformance.errors import ExitStatus
from conformance.load import LoadPlan, Place
from conformance.rig.load.generator import Crew
from conformance.server_cases import EXTENSION

PLAN = LoadPlan(place=Place(url="", host="", name="", port=0, address=""), origin=EXTENSION)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[LoadOptions]:
    """What the command was asked to do; it does nothing."""
    calls: list[LoadOptions] = []

    def make(out: object, err: object, options: LoadOptions) -> ExitStatus:
        assert out is not err
        calls.append(options)
        return ExitStatus.INCONCLUSIVE

    monkeypatch.setattr(load, "load", make)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    return calls


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("", {}),
        ("--public https://localhost --ca ca.pem", {"public": "https://localhost", "ca": Path("ca.pem")}),
        ("--local http://localhost:3003 --i-own-this-target", {"local": "http://localhost:3003", "owned": True}),
        ("--users 5 --rate 7.5 --connects 2", {"plan": replace(PLAN, sessions=5, rate=7.5, connects=2)}),
        ("--for 2m --origin x", {"plan": replace(PLAN, hold_s=120, origin="x")}),
        ("--message hello --reply world", {"plan": replace(PLAN, message="hello", reply="world")}),
        ("--no-reply", {"plan": replace(PLAN, reply="")}),
        ("--workers 2", {"crew": Crew(2)}),
        ("--remote-workers 4 --bind 192.0.2.1:5557", {"crew": Crew(0, 4, ("192.0.2.1", 5557))}),
        ("--bind [::1]:5557", {"crew": Crew(3, 0, ("::1", 5557))}),
        ("--report json:x.json --output y", {"reports": (ReportFile("json", Path("x.json")),), "output": Path("y")}),
    ],
)
def test_options(typed: str, wanted: dict[str, Any], asked: list[LoadOptions]) -> None:
    assert cli.main(["load", *typed.split()]) == ExitStatus.INCONCLUSIVE
    usual: dict[str, Any] = {"plan": PLAN, "crew": Crew(3)}
    assert asked == [LoadOptions(**usual | wanted)]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("--for soon", "give a time as 30s or 2m"),
        ("--bind 5557", "--bind '5557': give ADDRESS:PORT"),
        ("--bind a:0", "--bind 'a:0'"),
        ("--report html:x", "no such format"),
        ("--reply=", "say --no-reply"),
        ("--publik x", "--public"),
    ],
)
def test_a_slip_is_exit_4(typed: str, says: str, asked: list[LoadOptions], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["load", *typed.split()]) == ExitStatus.BAD_INPUT
    assert says in capsys.readouterr().err
    assert asked == []


def test_who_only_adds_up_needs_no_worker() -> None:
    assert cli_load.default_workers(2) == 0
