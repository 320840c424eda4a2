"""When a browser began to start the subject, for a rig that cannot ask it.

Chromium has extensions run in a process that it marks (``--extension-process``), and tells each renderer when its
launch began (``--launch-time-ticks``, microseconds of the clock that its log reads, too;
``content/browser/renderer_host/render_process_host_impl.cc``). Both are in the process' command line, for all to read.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

from conformance.rig.proc import of_group, read

_LOOK_S: Final = 0.025  # a look takes half a millisecond
_MARK: Final = b"--extension-process"
_LAUNCHED: Final = re.compile(rb"--launch-time-ticks=(\d+)")
_COMMAND_BYTES_MAX: Final = 64 * 1024


async def birth(group: int) -> float:
    """Watch a browser's process group until it has an extension's process; when that was launched.

    On the events' clock. The caller ends the wait for one.
    """
    while (at_ms := launched_ms(group)) is None:  # noqa: ASYNC110 - a process tells nobody that it is there
        await asyncio.sleep(_LOOK_S)
    return at_ms


def launched_ms(group: int) -> float | None:
    """When the first extension's process of the group was launched; None: there is none that says so."""
    return min((at_ms for process in of_group(group) if (at_ms := _launched_ms(process)) is not None), default=None)


def _launched_ms(process: str) -> float | None:
    try:
        command = read(f"{process}/cmdline", _COMMAND_BYTES_MAX)
    except OSError:  # it ended while we looked
        return None
    told = _LAUNCHED.search(command) if _MARK in command else None
    return None if told is None else int(told[1]) / 1000
