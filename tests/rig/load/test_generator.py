"""locust's processes: one, two, one from elsewhere; what they say, and that none is left."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import InputError, RigFailed
from conformance.load import Counts, LoadPlan, Measured
from conformance.rig.load import generator
from conformance.rig.load.generator import LOOPBACK, Cores, Crew, _free_port, carry_out, check_installed
from tests.rig.load.servers import plan_on, serving

ROOT = Path(__file__).resolve().parents[3]


def children() -> set[int]:
    task = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return set(map(int, task.read_text().split()))


def made(plan: LoadPlan, crew: Crew) -> Measured:
    return asyncio.run(carry_out(plan, crew))


@pytest.mark.parametrize("workers", [1, 2])
def test_every_worker_does_its_part(workers: int) -> None:
    told: list[Measured] = []
    with serving() as place:
        plan = plan_on(place, sessions=7, rate=70.0, hold_s=2.0)
        found = asyncio.run(carry_out(plan, Crew(workers), told.append))
    expected = Counts(opened=7, finished=7, sent=140, answered=140, storm_s=found.counts.storm_s)
    assert found.counts == expected
    assert (found.connect.count, found.answer.count, found.send_lag.count) == (7, 140, 140)
    assert found.workers == workers
    assert told, "and it was told while it went on"
    assert max(one.counts.opened for one in told) == 7
    assert children() == set()


def test_a_worker_may_come_from_elsewhere() -> None:
    """By the command that the document gives for other machines."""
    text = (ROOT / "docs" / "load.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"(?m)^python -m locust .*$", text)
    port = _free_port()
    typed = line.replace("python ", f"{sys.executable} ").replace("192.0.2.1", LOOPBACK).replace("5557", str(port))
    file = subprocess.check_output([sys.executable, "-c", *_file_command(text)], text=True).strip()  # noqa: S603
    command = [word.replace("$LOCUSTFILE", file) for word in shlex.split(typed)]
    with serving() as place, subprocess.Popen(command, stderr=subprocess.DEVNULL) as remote:  # noqa: S603
        try:
            found = made(plan_on(place), Crew(1, 1, (LOOPBACK, port)))
        finally:
            remote.terminate()
    assert (found.counts.opened, found.counts.answered, found.workers) == (4, 20, 2)


def _file_command(text: str) -> list[str]:
    (line,) = re.findall(r"(?m)^LOCUSTFILE=\$\(python -c \"(.*)\"\)$", text)
    return [line]


def test_the_busiest_second_is_kept(tmp_path: Path) -> None:
    stat = tmp_path / "stat"

    def after(idle: int, busy: int) -> None:
        stat.write_text(f"cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 2 3\n")

    after(100, 100)
    cores = Cores(stat)
    for idle, busy in ((150, 150), (160, 240), (161, 249), (260, 250)):  # half, a tenth, too short to tell, most of it
        after(idle, busy)
        cores.look()
    assert cores.least_idle == pytest.approx(0.1)


# --- how it ends ---------------------------------------------------------------------------------


def test_interrupted_it_leaves_nobody() -> None:
    async def scene(plan: LoadPlan) -> None:
        begun = asyncio.Event()
        task = asyncio.create_task(carry_out(plan, Crew(2), lambda _: begun.set()))
        await begun.wait()
        assert len(children()) == 3
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with serving() as place:
        asyncio.run(scene(plan_on(place, hold_s=60.0)))
    assert children() == set()


def test_a_worker_that_dies_ends_the_load() -> None:
    killed: list[int] = []

    def kill(_: Measured) -> None:
        for pid in children():
            if b"--worker" in Path(f"/proc/{pid}/cmdline").read_bytes() and not killed:
                killed.append(pid)
                os.kill(pid, signal.SIGKILL)

    with serving() as place, pytest.raises(RigFailed, match="a worker of the load generator ended too soon"):
        asyncio.run(carry_out(plan_on(place, hold_s=60.0), Crew(2), kill))
    assert children() == set()


def test_what_locust_says_is_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(generator, "LOCUSTFILE", tmp_path / "none.py")
    with serving() as place, pytest.raises(RigFailed, match=r"ended too soon: .*none\.py"):
        made(plan_on(place), Crew(1))


def test_a_bug_of_the_generators_is_its_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    real = generator.LOCUSTFILE.read_text(encoding="utf-8")
    file.write_text(f"from conformance.rig.load import work\nwork.LoadSession = None\nexec({real!r})\n")
    monkeypatch.setattr(generator, "LOCUSTFILE", file)
    with serving() as place, pytest.raises(RigFailed, match="the load generator failed: AttributeError"):
        made(plan_on(place), Crew(1))


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: str) -> Any:  # noqa: ANN401 - importlib's own type
        return None

    monkeypatch.setattr(generator, "find_spec", none)
    with pytest.raises(InputError, match=r"locust and hdrh is not installed.*semantest-conformance\[load\]"):
        check_installed()


def test_the_harness_itself_is_not_patched() -> None:
    """Neither locust nor gevent is in it, and pytest has none of locust's plugin."""
    code = "import sys, conformance.cli; sys.exit('gevent' in sys.modules or 'locust' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603
    assert "pytest_locust.plugin" not in sys.modules
