"""locust as processes: a master and its workers, or one that is both; started, listened to, and ended.

They die with the harness, and are in sessions of their own, so that Ctrl-C is the harness' to handle. locust itself
is never imported here: it patches sockets and threads of the whole process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from conformance.codec import decode, encode
from conformance.errors import InputError, RigFailed
from conformance.load import Measured
from conformance.rig.child import die_with_parent
from conformance.rig.ports import ReservedPort
from conformance.rig.scratch import temporary_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.load import LoadPlan

LOCUSTFILE: Final = Path(__file__).with_name("locustfile.py")
LOOPBACK: Final = "127.0.0.1"
_NEEDED: Final = ("locust", "hdrh")
_JOIN_S: Final = 60  # for workers to come to their master
_DOWN_S: Final = 5.0
_LINE_BYTES_MAX: Final = 1024 * 1024
_TICKS_MIN: Final = 20


@dataclass(frozen=True, slots=True)
class Crew:
    """Who makes the load. ``workers``: processes of this machine; ``remote``: of others, which come to ``bind``."""

    workers: int = 1
    remote: int = 0
    bind: tuple[str, int] | None = None

    @property
    def has_master(self) -> bool:
        """Whether somebody has to add up."""
        return self.workers + self.remote > 1 or self.workers == 0

    @property
    def size(self) -> int:
        """All workers."""
        return self.workers + self.remote


def check_installed() -> None:
    """Raises InputError where the extra is missing."""
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise InputError(
            f"{' and '.join(missing)} is not installed, which makes the load; "
            "install it: pip install 'semantest-conformance[load]'"
        )


async def carry_out(
    plan: LoadPlan, crew: Crew | None = None, on_progress: Callable[[Measured], None] = lambda _: None
) -> Measured:
    """Make the load and measure it. Raises InputError, RigFailed. However it ends, no process is left."""
    check_installed()
    its = crew or Crew()
    async with AsyncExitStack() as stack:
        first = _Locust(stack)
        port = its.bind[1] if its.bind else _free_port()
        await first.start(_first_command(plan, its, port))
        workers = []
        for _ in range(its.workers if its.has_master else 0):
            worker = _Locust(stack)
            await worker.start(("--worker", "--master-host", LOOPBACK, "--master-port", str(port)))
            workers.append(worker)
        return await _listen(plan, first, workers, on_progress)


def _first_command(plan: LoadPlan, crew: Crew, port: int) -> tuple[str, ...]:
    """Whoever adds up: the master, or the only process."""
    users, longest = str(plan.sessions), f"{round(plan.longest_s)}s"
    asked: tuple[str, ...] = (
        "--headless",
        "--only-summary",
        "--users",
        users,
        "--spawn-rate",
        users,
        "--run-time",
        longest,
    )
    asked += ("--conform-plan", json.dumps(encode(plan)))
    if not crew.has_master:
        return asked
    host = crew.bind[0] if crew.bind else LOOPBACK
    wait = ("--expect-workers", str(crew.size), "--expect-workers-max-wait", str(_JOIN_S))
    return (*asked, "--master", "--master-bind-host", host, "--master-bind-port", str(port), *wait)


async def _listen(
    plan: LoadPlan, first: _Locust, workers: Sequence[_Locust], on_progress: Callable[[Measured], None]
) -> Measured:
    result = asyncio.create_task(first.result(on_progress))
    ends = {asyncio.create_task(worker.wait()): worker for worker in workers}
    try:
        await asyncio.wait([result, *ends], timeout=plan.longest_s + _JOIN_S, return_when=asyncio.FIRST_COMPLETED)
        if result.done():
            return result.result()
        for task, worker in ends.items():
            if task.done():
                raise RigFailed(f"a worker of the load generator ended too soon: {worker.said()}")
        raise RigFailed(f"the load was not over {plan.longest_s:.0f} s after it began: {first.said()}")
    finally:
        tasks: list[asyncio.Task[Any]] = [result, *ends]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Locust:
    """One process. It ends with ``stack``."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._errors: IO[bytes] = stack.enter_context(temporary_file())
        self._process: asyncio.subprocess.Process | None = None
        stack.push_async_callback(self.end)

    async def start(self, arguments: Sequence[str]) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
        command = (sys.executable, "-P", "-m", "locust", "-f", str(LOCUSTFILE), "--loglevel", "WARNING", *arguments)
        self._process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            cwd=LOCUSTFILE.parent,  # locust reads settings from where it is started
            start_new_session=True,
            preexec_fn=die_with_parent(),
            limit=_LINE_BYTES_MAX,
        )

    async def result(self, on_progress: Callable[[Measured], None]) -> Measured:
        """What it has measured when the load is over. Raises RigFailed."""
        if self._process is None or self._process.stdout is None:
            raise RigFailed("the load generator was not started")
        cores = Cores()
        while line := await self._process.stdout.readline():
            if not line.startswith(b"{"):
                continue
            told = json.loads(line)
            measured = decode(Measured, told["measured"])
            if measured.counts.broken:
                raise RigFailed(f"the load generator failed: {'; '.join(measured.counts.broken)}")
            if told["over"]:
                return replace(measured, idle=cores.least_idle)
            if measured.counts.opened:
                cores.look()
            on_progress(measured)
        raise RigFailed(f"the load generator ended too soon: {self.said()}")

    async def wait(self) -> None:
        """Until it has ended; what it prints is not kept."""
        if self._process is not None and self._process.stdout is not None:
            while await self._process.stdout.read(_LINE_BYTES_MAX):
                pass
            await self._process.wait()

    def said(self) -> str:
        """Its last words."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    async def end(self) -> None:
        """End it and wait for it."""
        if self._process is None:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_DOWN_S):
                await self._process.communicate()
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        """Not by the process' own ``terminate``: it may reap what has just ended, and asyncio then misses it aloud."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


class Cores:
    """How much of this machine is idle, from one look to the next."""

    def __init__(self, stat: Path = Path("/proc/stat")) -> None:
        self.least_idle = 1.0
        self._stat = stat
        self._last = self._read()

    def look(self) -> None:
        """The time since the last look is over. One that was too short to tell is lengthened."""
        idle, total = self._read()
        spent = total - self._last[1]
        if spent < _TICKS_MIN:
            return
        self.least_idle = min(self.least_idle, (idle - self._last[0]) / spent)
        self._last = idle, total

    def _read(self) -> tuple[int, int]:
        """Idle ticks and all ticks (Documentation/filesystems/proc.rst, 1.7); waiting for a disk is idle, too."""
        ticks = [int(each) for each in self._stat.read_text(encoding="ascii").partition("\n")[0].split()[1:9]]
        return ticks[3] + ticks[4], sum(ticks)


def _free_port() -> int:
    """A port for the master: below the ephemeral range, so no outgoing connection of anybody's takes it meanwhile."""
    port = ReservedPort.reserve()
    port.close()
    return port.number
