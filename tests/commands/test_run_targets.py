"""``conform run`` with targets: what is looked at first, what is left out, what is said, and a run on real servers."""

from __future__ import annotations

import io
import json
import os
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from conformance.commands import rejudge
from conformance.commands import run as run_module
from conformance.commands.options import RunOptions
from conformance.commands.run import run
from conformance.errors import ExitStatus, HarnessError, InputError
from conformance.events import SessionOpened, TargetAnswered, TargetKilled, TargetStarted
from conformance.model import Level, Profile, Side
from conformance.rig.engine import RigMode
from conformance.rig.namespace import why_none
from conformance.rig.serving.bundled import program
from conformance.store import read_run
from conformance.targets import Standing, TargetSpec, parse_target
from tests.commands.stand_ins import StandIn
from tests.commands.test_run import Ran
from tests.rig.processes import PATIENCE_S, adopting, command_of, descendants_of, watched

ELSEWHERE = parse_target(Side.PUBLIC, "https://api.example.org")
LOCAL_COMMAND = "conform serve local --port {port}"
_PATIENCE_S = 120.0  # a browser's start on a busy machine, many times over
PUBLIC_COMMAND = "conform serve public --port {port} --ca {ca} --origin={origin} --quiet"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that answers well, and is not on this machine."""

    async def look_at(specs: Iterable[TargetSpec], _: Sequence[Profile]) -> tuple[Standing, ...]:
        return tuple(Standing(spec, is_here=False) for spec in specs)

    monkeypatch.setattr(run_module, "look_at", look_at)


@pytest.mark.usefixtures("elsewhere")
def test_what_a_strange_target_must_not_get_is_left_out_by_name(engine: StandIn, tmp_path: Path) -> None:
    ran = Ran(tmp_path, scenarios=("local-up", "both-up"), targets=(ELSEWHERE,))
    assert engine.ran == ["both-up"]
    assert engine.settings is not None
    assert engine.settings.targets == (ELSEWHERE,)
    left_out = next(one for one in read_run(ran.directory).records if one.scenario == "local-up")
    assert "it puts a fault before the public target, which is not on this machine" in str(left_out.unsupported)


@pytest.mark.usefixtures("elsewhere")
def test_its_owner_may_do_everything(engine: StandIn, tmp_path: Path) -> None:
    owned = replace(ELSEWHERE, owned=True)
    Ran(tmp_path, scenarios=("local-up", "both-up"), targets=(owned,), repeat=2)
    assert sorted(engine.ran) == ["both-up", "both-up", "local-up", "local-up"]


@pytest.mark.usefixtures("elsewhere")
def test_a_strange_target_gets_no_load(engine: StandIn, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--public-target .* not on this machine, and --repeat 2 is load; leave that"):
        Ran(tmp_path, targets=(ELSEWHERE,), repeat=2)
    assert engine.ran == []
    assert list(tmp_path.iterdir()) == []  # nothing was begun


@pytest.mark.usefixtures("engine")
def test_a_target_that_does_not_answer_is_no_run(tmp_path: Path) -> None:
    command = TargetSpec(
        Side.LOCAL, "a command", command=(sys.executable, "-c", "import sys; sys.exit('no')", "{port}")
    )
    with pytest.raises(InputError, match="--local-target 'a command': it ended before it listened: no"):
        Ran(tmp_path, targets=(command,))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("engine")
def test_interrupted_while_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def look_at(*_: object) -> tuple[Standing, ...]:
        os.kill(os.getpid(), signal.SIGINT)
        return ()

    monkeypatch.setattr(run_module, "look_at", look_at)
    with pytest.raises(HarnessError, match="interrupted before anything ran"):
        Ran(tmp_path, targets=(ELSEWHERE,))


# --- a whole run ---------------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.parametrize("rig", [RigMode.WARM, RigMode.UNATTACHED])
def test_real_servers_in_a_real_browser(rig: RigMode, tmp_path: Path) -> None:
    """The bundled servers as commands, each killed once; faults before them; judged again from the record."""
    targets = (parse_target(Side.LOCAL, LOCAL_COMMAND), parse_target(Side.PUBLIC, PUBLIC_COMMAND))
    chosen = ("both-up", "local-down", "local-killed", "public-killed", "slow-probe[50-ms]", "wrong-signature[null]")
    out, console = io.StringIO(), Console(file=io.StringIO(), width=100)
    options = RunOptions(scenarios=chosen, jobs=2, rig=rig, output=tmp_path, targets=targets)
    status = run(Console(file=out, width=200), console, options)
    (directory,) = tmp_path.iterdir()
    record = read_run(directory)
    assert status is ExitStatus.CONFORMS, out.getvalue()
    assert f"local target {LOCAL_COMMAND} · public target {PUBLIC_COMMAND}" in out.getvalue()
    timelines = {one.scenario: one.timeline for one in record.records}
    for timeline in timelines.values():
        assert timeline is not None
        assert timeline.all(SessionOpened)
        assert timeline.all(TargetAnswered)
    for scenario, side, restarts in (("local-killed", Side.LOCAL, 0), ("public-killed", Side.PUBLIC, 1)):
        timeline = timelines[scenario]
        assert timeline is not None
        (killed,) = timeline.all(TargetKilled)
        assert killed.side is side
        again = timeline.all(TargetStarted, after=killed)
        assert len(again) == restarts
        assert all(event.pid != killed.pid for event in again)
        assert not Path(f"/proc/{killed.pid}").exists()
    data = json.loads((directory / "results.json").read_text())
    assert data["environment"]["targets"] == [f"local: {LOCAL_COMMAND}", f"public: {PUBLIC_COMMAND}"]
    again_out = io.StringIO()
    rejudge.judge(Console(file=again_out, width=200), directory, Level.MUST, verbose=False)
    assert "same verdicts as when it was run" in again_out.getvalue()


_TELLS = """\
import os, sys
with open({fifo!r}, "w") as fifo:
    fifo.write(str(os.getpid()) + chr(10))
os.execv(sys.executable, [sys.executable, {program!r}, "--port", sys.argv[1]])
"""


@pytest.mark.browser
def test_ctrl_c_leaves_no_process(tmp_path: Path) -> None:
    """Neither browsers, nor their children, nor a helper, nor a target.

    The target's process tells when it starts: first to be looked at, then in a scenario, which Ctrl-C ends. Where there
    are namespaces, that has a network of its own beside the warm rig, so two browsers are there by then.
    """
    apart = not why_none()
    scenario = "offline-in-local-session" if apart else "idle-40-s"
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    listening = os.open(fifo, os.O_RDWR)  # so that there is always somebody at the other end
    code = _TELLS.format(fifo=str(fifo), program=str(program(Side.LOCAL)))
    target = shlex.join([sys.executable, "-c", code, "{port}"])
    command = [sys.executable, "-m", "conformance", "run", "--scenario", scenario, "--jobs", "1"]
    options = ["--output", str(tmp_path / "runs"), "--local-target", target]
    with (
        (tmp_path / "said").open("w") as said,  # no pipe, which whoever is left behind would keep open
        adopting() as adopted,
        subprocess.Popen([*command, *options], stderr=said) as process,  # noqa: S603 - ours
    ):
        looked_at, in_scenario = [told(listening) for _ in range(2)]
        there = descendants_of(process.pid)
        commands = [command_of(pid) for pid in there]
        with watched(*there) as processes:
            process.send_signal(signal.SIGINT)
            process.wait(_PATIENCE_S)
            assert processes.left(PATIENCE_S) == set()
        with watched(*adopted()) as processes:  # and whoever was started since
            assert processes.left(PATIENCE_S) == set()
    os.close(listening)
    assert process.returncode == ExitStatus.HARNESS_FAILED
    text = (tmp_path / "said").read_text()
    assert "interrupted; 0 of 1 results kept" in text
    assert "Traceback" not in text
    assert in_scenario in there
    assert looked_at not in there
    browsers = [one for one in commands if "--user-data-dir=" in one and "--type=" not in one]
    assert len(browsers) == 1 + apart, commands
    assert sum("namespace_helper" in one for one in commands) == apart
    assert len(there) > len(browsers) + 1 + apart  # their renderers and so on


def told(listening: int) -> int:
    assert select.select([listening], [], [], _PATIENCE_S)[0], "no target was started"
    return int(os.read(listening, 64))
