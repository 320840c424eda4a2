"""What the doctor says."""

from __future__ import annotations

import io
import socket
import sys
from pathlib import Path

import pytest
from rich.console import Console

from conformance.commands import doctor
from conformance.commands.doctor import MIB, Check, State
from conformance.errors import BrowserNotFound, ExitStatus
from conformance.rig.browsers import Browser


@pytest.mark.parametrize(
    ("check", "state", "advice"),
    [
        (doctor.judge_python((3, 11, 0)), State.OK, ""),
        (doctor.judge_python((3, 10, 9)), State.MISSING, "install Python 3.11 or newer"),
        (doctor.judge_port(taken=True), State.OK, "harmless"),
        (doctor.judge_port(taken=False), State.OK, "not needed"),
        (doctor.judge_loopback(""), State.OK, ""),
        (doctor.judge_loopback("no such device"), State.MISSING, "ip link set lo up"),
        (doctor.judge_shm(None), State.OK, "not needed"),
        (doctor.judge_shm(64 * MIB), State.OK, ""),
        (doctor.judge_shm(8 * MIB), State.NOTE, "--shm-size"),
        (doctor.judge_disk(10_000 * MIB, "here"), State.OK, ""),
        (doctor.judge_disk(3 * MIB, "here"), State.MISSING, "free space"),
        (doctor.judge_screen("/usr/bin/Xvfb"), State.OK, ""),
        (doctor.judge_screen(None), State.NOTE, "apt-get install xvfb"),
        (doctor.judge_namespaces(""), State.OK, ""),
        (doctor.judge_namespaces("no network namespace: not allowed"), State.NOTE, "will be unsupported"),
    ],
)
def test_each_check_says_how_it_is_and_what_to_do(check: Check, state: State, advice: str) -> None:
    assert check.state is state
    assert advice in check.advice
    assert bool(check.advice) or state is State.OK


def test_only_what_is_missing_stops_a_run() -> None:
    note = Check("x", State.NOTE, "")
    assert doctor.exit_status([note]) is ExitStatus.CONFORMS
    assert doctor.exit_status([note, Check("y", State.MISSING, "")]) is ExitStatus.BAD_INPUT


def printed(monkeypatch: pytest.MonkeyPatch, browser: Browser | None) -> tuple[ExitStatus, str]:
    def find(explicit: str | None) -> Browser:
        if browser is None:
            raise BrowserNotFound(f"{explicit}: no browser; install one")
        return browser

    monkeypatch.setattr(doctor, "find_browser", find)
    out = io.StringIO()
    status = doctor.doctor(Console(file=out, width=100), "mine", Path("not/there/yet"))
    return status, " ".join(out.getvalue().split())


def test_it_prints_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    status, text = printed(monkeypatch, Browser("bin/chromium", "Chromium", "156.0", "the system"))
    assert status is ExitStatus.CONFORMS
    assert "Chromium 156.0, bin/chromium: found by the system" in text
    assert ".".join(map(str, sys.version_info[:3])) in text


def test_without_a_browser_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    status, text = printed(monkeypatch, None)
    assert status is ExitStatus.BAD_INPUT
    assert "MISSING browser none: mine: no browser; install one" in text


def test_a_port_that_somebody_uses_is_seen_as_used() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert doctor._taken(port)
    assert not doctor._taken(port)
