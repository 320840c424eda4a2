"""When a browser began to start the subject, for a rig that cannot ask it.

Chromium has extensions run in a process that it marks (``--extension-process``), and tells each renderer when its
launch began (``--launch-time-ticks``, microseconds of the clock that its log reads, too;
``content/browser/renderer_host/render_process_host_impl.cc``). Both are in the process' command line, for all to read.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

from conformance.rig.proc import Group

_LOOK_S: Final = 0.025  # a look takes half a millisecond
_MARK: Final = b"--extension-process"
_LAUNCHED: Final = re.compile(rb"--launch-time-ticks=(\d+)")


async def birth(group: int) -> float:
    """Watch a browser's process group until it has an extension's process; when that was launched.

    On the events' clock. The caller ends the wait for one.
    """
    its = Group(group)
    while (at_ms := launched_ms(its)) is None:  # noqa: ASYNC110 - a process tells nobody that it is there
        await asyncio.sleep(_LOOK_S)
    return at_ms


def launched_ms(group: Group) -> float | None:
    """When the first extension's process of the group was launched; None: there is none that says so."""
    told = (_launched_ms(command or b"") for command in group.command_lines().values())
    return min((at_ms for at_ms in told if at_ms is not None), default=None)


def _launched_ms(command: bytes) -> float | None:
    told = _LAUNCHED.search(command) if _MARK in command else None
    return None if told is None else int(told[1]) / 1000
