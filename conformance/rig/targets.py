"""Targets at work: where each is found, and how its process is started and killed.

A target that is stated as a URL is there or not, and is left alone. One that is stated as a command is a process of
ours, in a session of its own: one for each rig that is at work, kept for the next one, killed at the end. Whether it
answers well is answering.py's.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from conformance.errors import InputError, TargetFailed
from conformance.rig.answering import let_in, origin_of, signature_of
from conformance.rig.child import die_with_parent
from conformance.rig.scratch import scratching, temporary_directory, temporary_file
from conformance.rig.serving.wire import Connection, Wire, find
from conformance.rig.serving.wire import Target as Place
from conformance.targets import Standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.model import Profile, Side
    from conformance.rig.http import Request
    from conformance.targets import TargetSpec

_UP_S: Final = 30.0
_LOOK_S: Final = 0.02
_HOST: Final = "127.0.0.1"


class Target:
    """One real server in a fake's place, for one rig at a time."""

    def __init__(self, spec: TargetSpec, profiles: Sequence[Profile], directory: Path) -> None:
        self.spec = spec
        self.is_down = False  # whether the scenario has it down just now
        self.signature = b""
        self._profiles = tuple(profiles)
        self._ca = directory / "ca.pem"
        self._directory = directory
        self._process: asyncio.subprocess.Process | None = None
        self._errors: IO[bytes] | None = None
        self._wire: Wire | None = None

    async def ensure(self) -> int:
        """Have it answer; the process that was started for that, 0: none had to be. Raises TargetFailed, InputError."""
        self.is_down = False
        started = 0
        if self.spec.command and (self._process is None or self._process.returncode is not None):
            started = await self._start()
        elif self._wire is None:
            ca = Path(self.spec.ca) if self.spec.ca else None
            self._wire = Wire(await find(self.spec.url, self.spec.side, ca, option=self.spec.option))
        if not self.signature:
            self.signature = await signature_of(self, self._profiles)
        return started

    async def kill(self) -> int:
        """End its process as ``kill -9`` does, and wait until it is gone; its number, 0: there is none of ours."""
        self.is_down = True
        process, self._process = self._process, None
        errors, self._errors = self._errors, None
        if errors is not None:
            errors.close()
        if process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # it leads its own session, so whom it started goes with it
        await process.wait()
        return process.pid

    @property
    def place(self) -> Place:
        """Where it is. Raises TargetFailed before it has ever stood."""
        if self._wire is None:
            raise TargetFailed(f"{self.spec.option}: it was never looked for")
        return self._wire.target

    async def connect(self) -> Connection:
        """A connection to it. Raises OSError, TimeoutError."""
        if self._wire is None or self.is_down:
            raise ConnectionRefusedError
        return await self._wire.connect()

    def forwarded(self, request: Request) -> bytes:
        """A request as the target is sent it.

        Byte for byte as the browser sent it, but below the path that the target's URL has, and for one that is
        not on this machine under its own name: such names are what a request is routed by.
        """
        place = self.place
        line, _, rest = request.raw.partition(b"\r\n")
        if place.base:
            method, target, version = line.split(b" ", 2)
            line = b" ".join((method, place.base.encode() + target, version))
        if not place.is_loopback:
            fields = rest.split(b"\r\n")
            own = b"Host: " + place.host.encode()
            rest = b"\r\n".join(own if each.lower().startswith(b"host:") else each for each in fields)
        return line + b"\r\n" + rest + request.body

    # --- its process

    async def _start(self) -> int:
        port = free_port()
        command = self.spec.arguments(port, str(self._ca), map(origin_of, self._profiles))
        if command[0] == "conform":  # this very one, wherever it was installed
            command[:1] = [sys.executable, "-m", "conformance"]
        with scratching(self._directory):
            self._directory.mkdir(parents=True, exist_ok=True)
            self._ca.unlink(missing_ok=True)
        self._errors = temporary_file()  # closed when the process is
        try:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=self._errors,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        except OSError as error:
            self._errors.close()
            why = f"{command[0]}: {(error.strerror or str(error)).lower()}"
            raise InputError(f"{self.spec.option}: cannot be started: {why}; mend the command") from error
        try:
            await self._listening(port)
            scheme = "https" if self.spec.tls else "http"
            ca = self._ca if self.spec.makes_ca else Path(self.spec.ca) if self.spec.ca else None
            self._wire = Wire(
                Place(
                    side=self.spec.side,
                    url=f"{scheme}://localhost:{port}",
                    host=f"localhost:{port}",
                    name="localhost",
                    port=port,
                    address=_HOST,
                    base="",
                    tls=self.spec.tls,
                    ca=ca,
                )
            )
            self.signature = await signature_of(self, self._profiles)
        except BaseException:
            await self.kill()
            raise
        return self._process.pid

    async def _listening(self, port: int) -> None:
        """Wait until it takes connections: nothing else tells. Raises TargetFailed."""
        until_s = time.monotonic() + _UP_S
        while True:
            if self._process is None or self._process.returncode is not None:
                raise TargetFailed(f"{self.spec.option}: it ended before it listened: {self._last_words()}")
            if await _takes_connections(port) and (not self.spec.makes_ca or self._has_ca()):
                return
            if time.monotonic() > until_s:
                what = f"nobody listened on {_HOST} port {port}"
                if self.spec.makes_ca and not self._has_ca():
                    what = "no certificate was written where {ca} stands"
                raise TargetFailed(f"{self.spec.option}: {what} within {_UP_S:.0f} s")
            await asyncio.sleep(_LOOK_S)

    def _has_ca(self) -> bool:
        """A server may listen before it has written it."""
        return self._ca.is_file() and b"END CERTIFICATE" in self._ca.read_bytes()

    def _last_words(self) -> str:
        if self._errors is None:
            return "it said nothing"
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip().rpartition("\n")[2] or "it said nothing"


async def _takes_connections(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(_HOST, port)
    except OSError:
        return False
    writer.transport.abort()
    return True


def free_port() -> int:
    """A port that is free on 127.0.0.1 and, where there is one, on ::1."""
    while True:
        with socket.socket() as four, socket.socket(socket.AF_INET6) as six:
            four.bind((_HOST, 0))
            port = int(four.getsockname()[1])
            try:
                six.bind(("::1", port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
            return port


class TargetPool:
    """The targets of a run. A rig takes one a side and gives it back."""

    def __init__(self, specs: Iterable[TargetSpec], profiles: Sequence[Profile], directory: Path) -> None:
        self._specs = {spec.side: spec for spec in specs}
        self._profiles = tuple(profiles)
        self._directory = directory
        self._idle: list[Target] = []
        self._made: list[Target] = []

    def take(self, side: Side) -> Target | None:
        """One that nobody has, or a new one; None: this side has its fake."""
        if side not in self._specs:
            return None
        for target in self._idle:
            if target.spec.side is side:
                self._idle.remove(target)
                return target
        target = Target(self._specs[side], self._profiles, self._directory / f"target-{len(self._made) + 1}")
        self._made.append(target)
        return target

    def give(self, target: Target) -> None:
        """Its rig is gone."""
        self._idle.append(target)

    async def close(self) -> None:
        """Kill every process."""
        await asyncio.gather(*(target.kill() for target in self._made))


async def look_at(specs: Iterable[TargetSpec], profiles: Sequence[Profile]) -> tuple[Standing, ...]:
    """Each target once, before anybody is judged. Raises InputError: a target that does not answer is a slip."""
    found = []
    with temporary_directory() as directory:
        for spec in specs:
            target = Target(spec, profiles, Path(directory))
            try:
                await target.ensure()
                await let_in(target, profiles)
                found.append(Standing(spec, is_here=target.place.is_loopback))
            except TargetFailed as error:
                raise InputError(str(error)) from error
            finally:
                await target.kill()
    return tuple(found)
