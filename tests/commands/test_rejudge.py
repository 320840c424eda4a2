"""``conform judge`` and ``conform report``."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from conformance.commands import rejudge
from conformance.commands.options import RunOptions
from conformance.commands.report_files import ReportFile
from conformance.commands.run import run
from conformance.errors import ExitStatus
from conformance.model import Level
from conformance.plan import PlanItem
from conformance.record import ScenarioRecord
from tests.commands.stand_ins import StandIn


def console() -> Console:
    return Console(file=io.StringIO(), width=100)


def text(on: Console) -> str:
    assert isinstance(on.file, io.StringIO)
    return on.file.getvalue()


def run_in(base: Path) -> Path:
    run(console(), console(), RunOptions(scenarios=("local-up",), jobs=1, output=base))
    (made,) = base.iterdir()
    return made


@pytest.fixture
def directory(engine: StandIn, tmp_path: Path) -> Path:
    """A run of one scenario, which passed."""
    assert engine.ran == []
    return run_in(tmp_path / "runs")


def test_judge_says_what_run_said(directory: Path) -> None:
    out = console()
    assert rejudge.judge(out, directory, Level.MUST, verbose=False) is ExitStatus.CONFORMS
    assert "CONFORMS: reference" in text(out)
    assert "same verdicts as when it was run" in " ".join(text(out).split())


def test_judge_exits_by_the_gate(engine: StandIn, tmp_path: Path) -> None:
    def act(item: PlanItem) -> ScenarioRecord:
        return ScenarioRecord(item.profile.name, item.scenario.id, failure="the fake died")

    engine.act = act
    made = run_in(tmp_path / "runs")
    assert rejudge.judge(console(), made, Level.MUST, verbose=False) is ExitStatus.HARNESS_FAILED


def test_report_renders_again(directory: Path, tmp_path: Path) -> None:
    out = console()
    target = ReportFile("json", tmp_path / "again.json")
    assert rejudge.report(out, directory, [target], Level.MUST, verbose=False) is ExitStatus.CONFORMS
    assert target.path.read_bytes() == (directory / "results.json").read_bytes()
    assert text(out).startswith("json: ")


def test_report_without_a_format_prints(directory: Path) -> None:
    out = console()
    assert rejudge.report(out, directory, [], Level.MUST, verbose=True) is ExitStatus.CONFORMS
    assert "CONFORMS: reference" in text(out)
