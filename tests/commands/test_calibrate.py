"""``conform calibrate``: what it says and keeps, and what a run makes of that."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from conformance import cli
from conformance.commands import calibrate as command
from conformance.commands.calibrate import CalibrateOptions, calibrate
from conformance.commands.options import RunOptions
from conformance.commands.run import run
from conformance.errors import ExitStatus
from conformance.model import Profile
from conformance.plan import PlanItem
from conformance.record import Calibration, ScenarioRecord
from conformance.rig.browsers import Browser
from conformance.rig.calibrating import calibration_path, keep, read_calibration
from conformance.rig.engine import RunSettings
from conformance.store import read_run
from tests.commands.stand_ins import StandIn
from tests.timelines import LOCAL, story

CHROMIUM = Browser("/b", "Chromium", "1", "search")


class Pool:
    """In the rigs' place: every answer comes ``late_ms`` later than asked."""

    def __init__(self, late_ms: float) -> None:
        self._late_ms = late_ms
        self.ran: list[float] = []

    @asynccontextmanager
    async def open(self, _settings: RunSettings, profiles: Iterable[Profile]) -> AsyncIterator[Pool]:
        assert [profile.name for profile in profiles] == ["null"]
        yield self

    def holder(self) -> Pool:
        return self

    async def run(self, item: PlanItem) -> ScenarioRecord:
        delay_ms = float(str(item.scenario.given.local[0].parameters["delay_ms"]))
        self.ran.append(delay_ms)
        over_ms = 12 + delay_ms + self._late_ms
        told = story().probe(at=10, ended=over_ms).socket(LOCAL, at=over_ms + 1, opened=over_ms + 3)
        return ScenarioRecord(item.profile.name, item.scenario.id, timeline=told.build())


def asked(monkeypatch: pytest.MonkeyPatch, late_ms: float, **options: object) -> tuple[Pool, str]:
    pool = Pool(late_ms)
    monkeypatch.setattr(command, "open_pool", pool.open)
    monkeypatch.setattr(command, "find_browser", lambda _: CHROMIUM)
    out = Console(file=io.StringIO(), width=200)
    given = replace(CalibrateOptions(), **options)  # type: ignore[arg-type]
    assert calibrate(out, Console(file=io.StringIO()), given) is ExitStatus.CONFORMS
    assert isinstance(out.file, io.StringIO)
    return pool, out.file.getvalue()


def test_the_error_is_measured_said_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, text = asked(monkeypatch, 3.0)
    assert len(pool.ran) == 3 + 84
    assert max(pool.ran) == 5000
    assert "84 known delays from 0 to 5000 ms, Chromium 1" in text
    assert "error of every time on this machine: ± 3.0 ms" in text
    assert "busy" not in text
    kept = read_calibration(calibration_path(CHROMIUM))
    assert (kept.error_ms, kept.times) == (3.0, 84)
    assert kept.made_at.endswith("Z")


def test_a_busy_machine_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _, text = asked(monkeypatch, 80.0, repeat=2, output=tmp_path / "mine.json")
    assert "the machine was busy meanwhile" in text
    assert read_calibration(tmp_path / "mine.json").times == 168
    assert not calibration_path(CHROMIUM).exists()


def test_a_run_states_what_was_calibrated(engine: StandIn, tmp_path: Path) -> None:
    """The engine's stand-in states an error of its own; the calibration is what it was handed."""
    assert engine.ran == []
    made = Calibration(7.5, 84, "2026-01-31T12:00:00Z")
    keep(made, calibration_path(CHROMIUM))
    keep(replace(made, error_ms=9.0), tmp_path / "mine.json")
    for number, file in enumerate((None, tmp_path / "mine.json")):
        base = tmp_path / str(number)
        options = RunOptions(scenarios=("local-up",), jobs=1, output=base, calibration=file)
        run(Console(file=io.StringIO()), Console(file=io.StringIO()), options)
        (directory,) = base.iterdir()
        stated = read_run(directory).environment.calibration
        assert stated == (made if file is None else replace(made, error_ms=9.0))


def test_the_command_line_asks_for_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[CalibrateOptions] = []

    def stand_in(_out: object, _err: object, options: CalibrateOptions) -> ExitStatus:
        calls.append(options)
        return ExitStatus.CONFORMS

    monkeypatch.setattr(command, "calibrate", stand_in)
    assert cli.main(["calibrate", "--repeat", "5", "--output", str(tmp_path / "mine.json")]) == 0
    assert calls == [CalibrateOptions(repeat=5, output=tmp_path / "mine.json")]
    assert cli.main(["run", "--calibration", str(tmp_path / "none.json"), "--list"]) == 0
