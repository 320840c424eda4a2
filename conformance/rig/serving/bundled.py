"""The bundled reference servers as processes of their own, for as long as they are looked at."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from conformance.bundle import bundled
from conformance.errors import RigFailed
from conformance.rig.child import die_with_parent
from conformance.rig.scratch import temporary_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from conformance.model import Side

_UP_S: Final = 30.0
_DOWN_S: Final = 10.0
_URL: Final = re.compile(r"https?://localhost:\d+")


def program(side: Side) -> Path:
    """The bundled server of one side, as Python runs it."""
    return bundled("fixtures", "servers", side.value)


@asynccontextmanager
async def running(side: Side, *options: str) -> AsyncIterator[str]:
    """A bundled server on any free port; its URL. It ends with the block, as a user ends it."""
    with temporary_file() as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(program(side)),
            "--port",
            "0",
            *options,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            preexec_fn=die_with_parent(),
        )
        try:
            line = await _first_line(process)
            found = _URL.search(line)
            if found is None:
                errors.seek(0)
                said = line or errors.read().decode(errors="replace").strip().rpartition("\n")[2] or "it said nothing"
                raise RigFailed(f"the bundled {side} server did not start: {said}; `conform serve {side}` says more")
            yield found.group()
        finally:
            await _end(process)


async def _first_line(process: asyncio.subprocess.Process) -> str:
    if process.stdout is None:
        return ""
    try:
        async with asyncio.timeout(_UP_S):
            return (await process.stdout.readline()).decode(errors="replace").strip()
    except TimeoutError:
        return ""


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_DOWN_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
