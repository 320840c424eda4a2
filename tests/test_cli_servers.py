"""The command line of servers: what is typed, what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance import cli
from conformance.commands import serve, servers
from conformance.commands.servers import ServersOptions
from conformance.errors import ExitStatus
from conformance.model import Level
from conformance.rig.serving.examination import Settings


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the commands were asked to do; they do nothing."""
    calls: list[Any] = []

    def judge(out: object, err: object, options: ServersOptions) -> ExitStatus:
        assert out is not err
        calls.append(options)
        return ExitStatus.FAILS

    def run(which: str, arguments: list[str]) -> ExitStatus:
        calls.append((which, arguments))
        return ExitStatus.FAILS

    monkeypatch.setattr(servers, "servers", judge)
    monkeypatch.setattr(serve, "serve", run)
    return calls


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("", {}),
        ("--local http://localhost:3003", {"local": "http://localhost:3003"}),
        ("--public https://localhost --ca ca.pem", {"public": "https://localhost", "ca": Path("ca.pem")}),
        ("--public-unhealthy https://b", {"public_unhealthy": "https://b"}),
        ("--scenario local-* --requirement LOC-1", {"scenarios": ("local-*",), "requirements": ("LOC-1",)}),
        ("--i-own-this-target --list -v", {"owned": True, "list_only": True, "verbose": True}),
        ("--level should --output there", {"level": Level.SHOULD, "output": Path("there")}),
        ("--seed 7 --inputs 50 --half-open 5", {"settings": Settings(seed=7, inputs=50, half_open_s=5)}),
        ("--absent rate-limit --origin x", {"settings": Settings(absent=("rate-limit",), origin="x")}),
    ],
)
def test_options(typed: str, wanted: dict[str, Any], asked: list[Any]) -> None:
    assert cli.main(["servers", *typed.split()]) == ExitStatus.FAILS
    assert asked == [ServersOptions(**wanted)]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("--absent ratelimit", "did you mean 'rate-limit'"),
        ("--inputs 0", "--inputs"),
        ("--lokal x", "--local"),
    ],
)
def test_a_slip_is_exit_4(typed: str, says: str, asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["servers", *typed.split()]) == ExitStatus.BAD_INPUT
    assert says in capsys.readouterr().err
    assert asked == []


def test_what_follows_the_server_is_the_servers_own(asked: list[Any]) -> None:
    assert cli.main(["serve", "local", "--port", "0", "--help"]) == ExitStatus.FAILS
    assert asked == [("local", ["--port", "0", "--help"])]


def test_serve_wants_a_server(asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve"]) == ExitStatus.BAD_INPUT
    assert "local|public" in capsys.readouterr().err
    assert asked == []
