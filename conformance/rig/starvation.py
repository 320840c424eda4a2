"""How long a browser's threads were ready to run and had no core to run on.

The kernel counts it for every thread (``/proc/PID/task/TID/schedstat``, second figure, nanoseconds;
Linux ``Documentation/scheduler/sched-stats``). Added up over the threads that a subject's request passes
through, it bounds what a busy machine can have cost the subject, and so does the time itself: threads that wait
side by side hold it up once. Pool threads that compress caches or write icons wait a lot and hold nobody up, so they
are left out, and so are the processes that draw, that wait to be forked, and that show pages which are not the
subject's: of what a browser waits as it starts, more than half. A kernel without the figure gives 0: then only the
harness' own lateness speaks.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from conformance.events import BrowserStarved, Source
from conformance.rig.proc import Group, read
from conformance.rig.recorder import now_ms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from conformance.model import Profile

# Thread names (15 characters at most): the processes' main threads, their I/O threads, network, workers.
_ON_THE_WAY = (b"chrom", b"Chrome_", b"CrBrowserMain", b"CrRendererMain", b"NetworkService", b"ServiceWorker")

# What a process says of itself (content/public/common/content_switches.cc); the browser itself says nothing.
_ASIDE = (b"--type=zygote", b"--type=gpu-process", b"--type=utility")
_SERVICES = (b"network.mojom.NetworkService", b"storage.mojom.StorageService")
_PAGE, _EXTENSION = b"--type=renderer", b"--extension-process"

_LOOK_MS: Final = 50.0  # a look takes about 1 ms of the harness' time
_EVERY_S: Final = 0.5  # a browser's start takes about twice that, and its threads wait side by side meanwhile
_WORTH_MS: Final = 5.0  # what a time of ours is off on an idle machine


def is_on_the_way(command: bytes, *, pages: bool) -> bool:
    """Whether a subject's requests pass through a process with this command line. ``pages``: so do web pages."""
    if any(service in command for service in _SERVICES):
        return True
    if _PAGE in command:
        return pages or _EXTENSION in command
    return not any(kind in command for kind in _ASIDE)


def waits_ms(group: Group, *, pages: bool) -> dict[int, float]:
    """Thread → milliseconds waited for a core so far, in one process group. Takes about 1 ms.

    A process that does not say what it is may be on the way.
    """
    waits: dict[int, float] = {}
    for process, command in group.command_lines().items():
        if command is not None and not is_on_the_way(command, pages=pages):
            continue
        try:
            for thread in os.listdir(f"{process}/task"):  # noqa: PTH208 - see proc.py
                if (waited_ms := _waited_ms(f"{process}/task/{thread}")) is not None:
                    waits[int(thread)] = waited_ms
        except OSError:
            continue  # it ended while we looked
    return waits


def _waited_ms(thread: str) -> float | None:
    """Of a thread on the way; None of any other, and of one that ended while we looked.

    Its name is read anew each time: until it has had a core for a moment it has the name of whoever made it (a
    subject's worker that of a pool's thread), and that moment is what it waits for.
    """
    try:
        if read(f"{thread}/comm").startswith(_ON_THE_WAY):
            return int(read(f"{thread}/schedstat").split()[1]) / 1e6
    except (OSError, IndexError):
        pass
    return None


def acts_in_pages(profile: Profile) -> bool:
    """Whether the subject asks from web pages, or may bring scripts of its own into them."""
    manifest = Path(profile.extension) / "manifest.json"
    if profile.web is not None or not manifest.is_file():
        return True
    text = manifest.read_text(encoding="utf-8", errors="replace")
    return "content_scripts" in text or '"scripting"' in text


class Starvation:
    """What a browser's threads waited, from look to look: so that what was waited at one time excuses nothing later.

    Nothing is counted before ``begin``.
    """

    def __init__(self, group: int) -> None:
        self._group = Group(group)
        self.begin(0.0, pages=True)

    def begin(self, at_ms: float, *, pages: bool) -> None:
        """From now on, and nothing of before. ``pages``: whether the subject may act in web pages, too."""
        self._pages = pages
        self._waits = waits_ms(self._group, pages=pages)
        self._looked_ms = self._told_ms = at_ms
        self._untold_ms = 0.0  # waited between the two, too little for a word as yet
        self._seen: list[BrowserStarved] = []

    def look(self, at_ms: float) -> None:
        """Note what was waited since the last look, unless that was a moment ago."""
        if at_ms - self._looked_ms >= _LOOK_MS:
            self._look(at_ms)
            if self._untold_ms > _WORTH_MS:
                self._tell(at_ms)

    def told(self, until_ms: float) -> list[BrowserStarved]:
        """Take everything that was seen, with a last look; what comes next is counted from ``until_ms``."""
        self._look(until_ms)
        if self._untold_ms:
            self._tell(until_ms)
        seen, self._seen = self._seen, []
        return [replace(each, at_ms=min(each.at_ms, until_ms)) for each in seen]

    def _look(self, at_ms: float) -> None:
        waits = waits_ms(self._group, pages=self._pages)
        waited = (max(0.0, waited - self._waits.get(thread, 0.0)) for thread, waited in waits.items())
        self._untold_ms += min(sum(waited), max(0.0, at_ms - self._looked_ms))
        self._looked_ms = at_ms
        self._waits |= waits  # a thread that could not be read now has still waited what it had

    def _tell(self, at_ms: float) -> None:
        over_ms, waited_ms = max(0.0, at_ms - self._told_ms), round(self._untold_ms, 1)
        self._seen.append(BrowserStarved(at_ms=at_ms, source=Source.RIG, over_ms=over_ms, waited_ms=waited_ms))
        self._told_ms, self._untold_ms = at_ms, 0.0


@asynccontextmanager
async def looking_on(current: Callable[[], Starvation]) -> AsyncIterator[None]:
    """Look now and then, too, where nothing happens. ``current``: of the browser that is up."""

    async def look_on() -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            current().look(now_ms())

    task = asyncio.create_task(look_on())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        failed = None if task.cancelled() else task.exception()
    if failed is not None:  # it has not looked on, so that a machine that was busy would pass for a calm one
        raise failed
