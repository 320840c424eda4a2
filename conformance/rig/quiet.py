"""Long commands of other programs, run without their noise and never without a limit.

What such a command prints is kept for its one line of blame. A command that outlives its limit, or
prints nothing for too long, is ended together with everything it started.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PROGRESS_S = 10.0  # how often a long command says that it is still there
OUTPUT_BYTES_MAX = 64 * 1024  # the end of the output, where the blame is
BLAME_CHARACTERS_MAX = 160


def run_quietly(  # noqa: PLR0913 - limits and environment are options
    command: Sequence[str],
    log: Callable[[str], None],
    *,
    limit_s: float,
    idle_s: float | None = None,
    environment: Mapping[str, str] | None = None,
    progress_s: float = PROGRESS_S,
) -> str | None:
    """Run ``command`` to its end: None when it succeeded, else why not in one line."""
    try:
        process = subprocess.Popen(  # noqa: S603 - the callers' own commands, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # so that its children end with it
        )
    except OSError as error:
        return f"{command[0]} does not run: {error.strerror}"
    try:
        output, why = _read(process, log, limit_s, idle_s or limit_s, progress_s)
    finally:
        _end(process)
    if why is not None:
        return why
    if process.returncode == 0:
        return None
    return last_error(output.decode(errors="replace")) or f"{command[0]}: exit status {process.returncode}"


def _read(
    process: subprocess.Popen[bytes], log: Callable[[str], None], limit_s: float, idle_s: float, progress_s: float
) -> tuple[bytes, str | None]:
    """Everything the process prints (its end, if it is much), and which limit it broke."""
    assert process.stdout is not None  # noqa: S101 - asked for above
    output = b""
    started = heard = told = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if selector.select(timeout=min(1.0, idle_s, limit_s, progress_s)):
                chunk = os.read(process.stdout.fileno(), 65536)
                if not chunk:
                    return output, _wait(process, started + limit_s)
                output = (output + chunk)[-OUTPUT_BYTES_MAX:]
                heard = time.monotonic()
            now = time.monotonic()
            if now - started > limit_s:
                return output, f"not done within {limit_s:.0f} s"
            if now - heard > idle_s:
                return output, f"nothing heard for {idle_s:.0f} s"
            if now - told > progress_s:
                told = now
                log(f"… {now - started:.0f} s")


def _wait(process: subprocess.Popen[bytes], deadline_s: float) -> str | None:
    """Wait for a process that closed its output."""
    try:
        process.wait(timeout=max(0.0, deadline_s - time.monotonic()))
    except subprocess.TimeoutExpired:
        return "its output ended, but it did not"
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that is still there, with its children. What a finished one left running is meant to run."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def last_error(output: str) -> str:
    """The line to blame: the last that says error, else the last that says anything."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("e:", "err:", "error"))]
    return (errors or lines or [""])[-1][:BLAME_CHARACTERS_MAX]
