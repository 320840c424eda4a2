"""A screen that nobody looks at, for scenarios in which the browser asks its user something.

A headless browser answers every such question with no, at once (Chromium ``permission_request_manager.cc``), so
a question that its user leaves unanswered needs a browser with a screen: Xvfb's, of its own for each.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from conformance.errors import RigFailed, Unsupported
from conformance.rig.child import die_with_parent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PROGRAM = "Xvfb"
_UP_S_MAX = 15.0  # half a second on a machine at rest
_GRACE_S = 3.0


@asynccontextmanager
async def screen() -> AsyncIterator[str]:
    """The name of a display for one browser. Raises Unsupported where there is no Xvfb, RigFailed."""
    program = shutil.which(PROGRAM)
    if program is None:
        message = f"a browser without a screen asks its user nothing; install {PROGRAM} (apt-get install xvfb)"
        raise Unsupported(message)
    read, write = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *("-displayfd", str(write), "-screen", "0", "1024x768x24", "-nolisten", "tcp"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            pass_fds=(write,),
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
    except OSError as error:
        os.close(read)
        raise RigFailed(f"{program} could not be started: {error.strerror}") from error
    finally:
        os.close(write)
    try:
        yield f":{await _number(read, program)}"
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE_S)
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _number(read: int, program: str) -> int:
    """The number of the display, which the program writes when it is up; nothing when it ends."""
    reader = asyncio.StreamReader()
    pipe = os.fdopen(read, "rb", 0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        async with asyncio.timeout(_UP_S_MAX):
            line = await reader.readline()
    except TimeoutError:
        line = b""
    finally:
        transport.close()
    if not line.strip().isdigit():
        message = f"{program} gave no display within {_UP_S_MAX:.0f} s; see that it starts: {PROGRAM} -displayfd 1"
        raise RigFailed(message)
    return int(line)
