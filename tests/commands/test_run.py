"""``conform run``, from its options to its exit status, without a browser (but for the last test)."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from conformance import store
from conformance.commands import run as run_module
from conformance.commands.options import RunOptions
from conformance.commands.report_files import ReportFile
from conformance.commands.run import run
from conformance.commands.verdict import judged
from conformance.errors import BrowserDied, ExitStatus, HarnessError, InputError, StorageFailed
from conformance.model import Level
from conformance.plan import PlanItem
from conformance.record import ScenarioRecord
from conformance.rig.engine import RigMode, run_plan
from conformance.rig.namespace import why_none
from conformance.store import read_run, results_bytes
from tests.commands.stand_ins import StandIn
from tests.rig.processes import PATIENCE_S


class Ran:
    """One ``conform run`` in a directory of its own."""

    def __init__(self, base: Path, **options: object) -> None:
        self.base = base
        self.out, self.err = io.StringIO(), io.StringIO()
        asked = replace(RunOptions(scenarios=("local-up",), jobs=3, seed=9, output=base), **options)  # type: ignore[arg-type]
        self.status = run(Console(file=self.out, width=100), Console(file=self.err, width=100), asked)

    @property
    def directory(self) -> Path:
        (directory,) = self.base.iterdir()
        return directory

    @property
    def text(self) -> str:
        return " ".join(self.out.getvalue().split())


def failed(item: PlanItem) -> ScenarioRecord:
    return ScenarioRecord(item.profile.name, item.scenario.id, item.repeat, failure="the fake died")


def test_a_run_is_recorded_judged_and_said(engine: StandIn, tmp_path: Path) -> None:
    ran = Ran(tmp_path)
    assert ran.status is ExitStatus.CONFORMS
    assert engine.ran == ["local-up"]
    assert "local-up 1 local 24 ms PASS" in ran.text or "local-up 1 local 25 ms PASS" in ran.text
    assert "CONFORMS: reference" in ran.text
    assert f"record in {ran.directory}" in ran.out.getvalue().replace("\n", "")
    record = read_run(ran.directory)
    assert [one.scenario for one in record.records] == ["local-up"]
    assert [one.id for one in record.scenarios] == ["local-up"]
    results = json.loads((ran.directory / "results.json").read_text(encoding="utf-8"))
    assert results["run_id"] == record.run_id == ran.directory.name


def test_progress_goes_elsewhere(engine: StandIn, tmp_path: Path) -> None:
    ran = Ran(tmp_path)
    assert ran.err.getvalue() == "1/1 in 0 s · 1 PASS\n"
    assert "1/1" not in ran.out.getvalue()
    assert engine.ran


def test_the_engine_gets_what_was_asked_for(engine: StandIn, tmp_path: Path) -> None:
    Ran(tmp_path, rig=RigMode.FRESH, browser="mine", headed=True, repeat=3)
    settings = engine.settings
    assert settings is not None
    assert (settings.rig, settings.jobs, settings.seed, settings.headed) == (RigMode.FRESH, 3, 9, True)
    assert settings.browser.found_by == "mine"
    assert engine.ran == ["local-up"] * 3


def test_list_runs_nothing(engine: StandIn, tmp_path: Path) -> None:
    ran = Ran(tmp_path, list_only=True, scenarios=("wrong-signature",))
    assert ran.status is ExitStatus.CONFORMS
    assert ran.out.getvalue().splitlines()[0].startswith("wrong-signature[")
    assert engine.ran == []
    assert list(tmp_path.iterdir()) == []


def test_what_a_profile_cannot_have_is_unsupported_and_not_run(engine: StandIn, tmp_path: Path) -> None:
    extension = Path(__file__).resolve().parents[2] / "fixtures" / "extensions" / "reference"
    profile = tmp_path / "subject.toml"
    profile.write_text("[endpoints]\npublic = false\n", encoding="utf-8")
    base = tmp_path / "runs"
    ran = Ran(base, extensions=(extension,), subjects=(profile,), scenarios=("local-up", "local-down"))
    assert engine.ran == ["local-up"]
    (unsupported,) = [one for one in read_run(ran.directory).records if one.unsupported]
    assert (unsupported.scenario, unsupported.unsupported) == (
        "local-down",
        "needs a public server, and the profile has none",
    )


def test_subjects_stay_in_the_order_in_which_they_were_named(engine: StandIn, tmp_path: Path) -> None:
    extensions = Path(__file__).resolve().parents[2] / "fixtures" / "extensions"
    named = tuple(extensions / name for name in ("seed-literal", "reference", "seed-literal"))
    ran = Ran(tmp_path, extensions=named, repeat=2)
    names = [subject["name"] for subject in json.loads((ran.directory / "results.json").read_bytes())["subjects"]]
    assert names[1] == "reference"
    assert len(set(names)) == 3
    assert len(engine.ran) == 6


def test_reports_are_written(engine: StandIn, tmp_path: Path) -> None:
    ran = Ran(tmp_path / "runs", reports=(ReportFile("json", tmp_path / "out.json"),), level=Level.SHOULD)
    assert (tmp_path / "out.json").read_bytes() == (ran.directory / "results.json").read_bytes()
    assert f"json: {tmp_path}/out.json" in ran.out.getvalue().replace("\n", "")
    assert engine.ran


def test_a_report_that_cannot_be_written_does_not_hide_the_verdict(engine: StandIn, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    out = io.StringIO()
    asked = RunOptions(
        scenarios=("local-up",),
        jobs=1,
        output=tmp_path / "runs",
        reports=(ReportFile("json", tmp_path / "file" / "x"),),
    )
    with pytest.raises(StorageFailed, match=r"the report was not written"):
        run(Console(file=out, width=100), Console(file=io.StringIO()), asked)
    assert "CONFORMS: reference" in out.getvalue()
    assert engine.ran


def test_fail_fast_begins_nothing_more(engine: StandIn, tmp_path: Path) -> None:
    engine.act = failed
    ran = Ran(tmp_path, repeat=5, fail_fast=True)
    assert ran.status is ExitStatus.HARNESS_FAILED
    assert engine.ran == ["local-up"]
    assert "1 of 5, stopped at the first failure," in ran.text


def test_without_it_everything_is_run(engine: StandIn, tmp_path: Path) -> None:
    engine.act = failed
    Ran(tmp_path, repeat=5)
    assert len(engine.ran) == 5


def test_nothing_selected_is_the_users_to_mend(engine: StandIn, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no scenario is called 'local-upp'; did you mean 'local-up'\?"):
        Ran(tmp_path, scenarios=("local-upp",))
    assert engine.ran == []


# --- what ends a run early ------------------------------------------------------------------------


def stop_after(count: int, engine: StandIn, end: BaseException) -> None:
    """From the scenario after ``count`` on, ``end`` is what comes of it."""
    good = engine.act

    def act(item: PlanItem) -> ScenarioRecord:
        if len(engine.ran) > count:
            raise end
        return good(item)

    engine.act = act


def test_a_browser_that_dies_leaves_what_was_seen(engine: StandIn, tmp_path: Path) -> None:
    stop_after(2, engine, BrowserDied("the browser went away; run again"))
    with pytest.raises(BrowserDied) as raised:
        Ran(tmp_path, repeat=5)
    (directory,) = tmp_path.iterdir()
    assert str(raised.value) == f"the browser went away; run again; 2 of 5 results so far are kept in {directory}"
    assert len(read_run(directory).records) == 2


def test_a_bug_of_ours_leaves_its_traceback_in_the_run(engine: StandIn, tmp_path: Path) -> None:
    stop_after(1, engine, ZeroDivisionError("x"))
    with pytest.raises(HarnessError, match=r"unexpected error: ZeroDivisionError: x; this is a bug of the harness"):
        Ran(tmp_path, repeat=5)
    (directory,) = tmp_path.iterdir()
    assert "ZeroDivisionError" in (directory / "crash.log").read_text(encoding="utf-8")
    assert len(read_run(directory).records) == 1


def test_a_full_disk_says_so_and_keeps_what_there_is(
    engine: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = store.write_atomically

    def full(path: Path, content: bytes) -> None:
        if path.name == "local-up.3.jsonl":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, content)

    monkeypatch.setattr(store, "write_atomically", full)
    with pytest.raises(StorageFailed, match=r"no space left on device: 2 results so far are kept in"):
        Ran(tmp_path, repeat=5)
    assert len(engine.ran) == 3  # nothing more was begun


def test_no_room_for_the_rigs_says_so_and_what_to_do(
    engine: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine's own directory cannot be made: the machine's trouble, and no bug."""
    monkeypatch.setattr(run_module, "run_plan", run_plan)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "gone"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(StorageFailed) as raised:
        Ran(tmp_path / "runs")
    (directory,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(
        rf"{tmp_path}/gone/conform-\S+: no such file or directory; free space or set TMPDIR to another place; "
        rf"0 of 1 results so far are kept in {directory}",
        str(raised.value),
    )
    assert not (directory / "crash.log").exists()
    assert engine.ran == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_and_says_what_is_kept(engine: StandIn, tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    good = engine.act

    def act(item: PlanItem) -> ScenarioRecord:
        if len(engine.ran) == 3:
            os.kill(os.getpid(), number)
        return good(item)

    engine.act = act
    engine.pause = True
    with pytest.raises(HarnessError) as raised:
        Ran(tmp_path, repeat=50)
    (directory,) = tmp_path.iterdir()
    kept = len(read_run(directory).records)
    assert 3 <= kept < 50
    assert str(raised.value) == (
        f"interrupted; {kept} of 50 results kept in {directory}; `conform judge {directory}` reads them"
    )
    assert signal.getsignal(number) == before


def test_an_interrupted_run_can_be_judged(engine: StandIn, tmp_path: Path) -> None:
    stop_after(2, engine, BrowserDied("gone"))
    with pytest.raises(BrowserDied):
        Ran(tmp_path, repeat=5)
    (directory,) = tmp_path.iterdir()
    _, result = judged(directory)
    assert len(json.loads(results_bytes(result))["subjects"][0]["scenarios"]) == 2


# --- in a real browser ---------------------------------------------------------------------------


@contextmanager
def occupied(port: int) -> Iterator[None]:
    """Somebody who accepts and says nothing is at this port of 127.0.0.1: we, or whoever is there already."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            listener.bind(("127.0.0.1", port))
            listener.listen()
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S):
            yield


@pytest.mark.browser
def test_somebody_else_at_the_subjects_port_is_no_matter(tmp_path: Path) -> None:
    """Rigs have ports of their own; one with a network of its own has this very port, on a loopback of its own."""
    v4_only = "localhost-answers[v4-only]"
    with occupied(3003):
        ran = Ran(tmp_path, scenarios=("local-up", "local-down", v4_only), jobs=2)
    (subject,) = json.loads((ran.directory / "results.json").read_bytes())["subjects"]
    verdicts = {one["id"]: one["verdict"] for one in subject["scenarios"]}
    assert verdicts == {"local-up": "pass", "local-down": "pass", v4_only: "unsupported" if why_none() else "pass"}
