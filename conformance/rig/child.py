"""A process of the rig's that is started beside the loop, and whose end is told to it.

From fork to exec a new process waits for a core as everybody does, and whoever forked it waits with it. asyncio forks
on the loop: with sixteen browsers at work that held it up for 20 to 60 ms a browser, and once for longer than what was
being measured. A thread can wait as well. The end is told by the kernel (pidfd_open(2), Linux 5.3): no thread a child.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from conformance.rig.priority import go_first

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_PR_SET_PDEATHSIG: Final = 1
# Not the loop's own executor: who changes the world must not queue there behind whoever waits for a core. And few who
# fork: each has the interpreter's lock for 10 ms meanwhile, and sixteen kept the loop from it for 80.
_STARTERS: Final = ThreadPoolExecutor(2, "starter", initializer=go_first)  # for as long as the harness lives
_REAPERS: Final = ThreadPoolExecutor(4, "reaper", initializer=go_first)


def die_with_parent() -> Callable[[], None]:
    """What a child has to do first, so that it dies with the harness (with the thread that forked it: prctl(2))."""
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """A process that leads a session of its own: Ctrl-C at the terminal is ours to handle. ``start`` makes it."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen
        self._ended = asyncio.Event()
        try:
            self._told_by = os.pidfd_open(popen.pid)
        except OSError:
            self.kill_group()
            popen.wait()
            raise
        asyncio.get_running_loop().add_reader(self._told_by, self._reap)

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        *,
        output: int,
        environment: Mapping[str, str],
        keep: Sequence[int] = (),
        first: Callable[[], None] | None = None,
    ) -> Child:
        """Start it. ``keep``: descriptors that it is left; ``first``: called in it before it is the other program.

        Nothing of it is left when its start is cancelled. Raises OSError where it cannot be.
        """

        def popen() -> subprocess.Popen[bytes]:
            return subprocess.Popen(  # noqa: S603 - a browser, by its path
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
                pass_fds=keep,
                preexec_fn=first,  # noqa: PLW1509 - system calls and nothing that a lock is needed for
            )

        starting = asyncio.get_running_loop().run_in_executor(_STARTERS, popen)
        try:
            return cls(await asyncio.shield(starting))
        except asyncio.CancelledError:
            await cls._undo(starting)
            raise

    @classmethod
    async def _undo(cls, starting: asyncio.Future[subprocess.Popen[bytes]]) -> None:
        """End what is on its way; the descriptors that it was given are in use until then."""
        while not starting.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([starting])
        if starting.exception() is None:
            child = cls(starting.result())
            child.kill_group()
            await child.wait()

    @property
    def pid(self) -> int:
        """The process, and its group."""
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """As of subprocess: None while it runs, minus the signal's number where one ended it."""
        return self._popen.returncode

    async def wait(self) -> None:
        """Return when it has ended."""
        await self._ended.wait()

    def terminate(self) -> None:
        """Ask it to end."""
        self._popen.terminate()

    def kill_group(self) -> None:
        """End what is left of its session: a browser's renderers and helpers outlive a killed parent for a while."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._told_by)
        os.close(self._told_by)
        # The kernel takes up to 40 ms for what is left of a browser.
        reaping = asyncio.get_running_loop().run_in_executor(_REAPERS, self._popen.wait)
        reaping.add_done_callback(lambda _: self._ended.set())
