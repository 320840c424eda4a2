"""One Chromium process: its flags, its throw-away profile, its end.

The process gets a directory of its own below ``directory`` (profile, HOME, network log pipe), a
session of its own (Ctrl-C at the terminal is ours to handle), and dies with the harness: the kernel sends
the signal (prctl PR_SET_PDEATHSIG). That the debugging pipe closes then would not do: a browser that is kept
waiting (desktop.py) does not quit.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
from typing import TYPE_CHECKING

from conformance.errors import BrowserDied
from conformance.rig.cdp import Cdp, open_pipe
from conformance.rig.child import Child, die_with_parent
from conformance.rig.desktop import Desktop
from conformance.rig.scratch import no_room, scratching

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from conformance.rig.browsers import Browser

# Quiet, hermetic, and as fast in the background as in front. Each flag has its reason.
FLAGS = (
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",  # update checks and account lists are not the subject's traffic
    "--disable-component-update",
    "--disable-sync",
    "--disable-field-trial-config",  # a Chromium build tries out what no shipped Chrome does
    "--disable-stack-profiler",
    "--disable-default-apps",
    "--disable-component-extensions-with-background-pages",
    "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    "--disable-quic",  # the fakes speak TCP
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-dev-shm-usage",  # /dev/shm is 64 MiB in many containers; nine browsers fill it
    "--disable-gpu",
    "--disable-background-timer-throttling",  # pages only: a worker's timers are not throttled
    "--disable-renderer-backgrounding",
    "--password-store=basic",  # no key ring dialog
    "--use-mock-keychain",
    "--mute-audio",
    "--disable-search-engine-choice-screen",
    "--disable-features=Translate,MediaRouter,OptimizationHints,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
)
_LOG = "browser.log"
_TOOLS = "tools"
_TEMPORARY = "tmp"
# Chromium has a socket in its temporary place, and Linux takes 107 bytes for a socket's path (unix(7)).
_TEMPORARY_BYTES_MAX = 107 - len("/.org.chromium.Chromium.123456/SingletonSocket")
_GRACE_S = 3.0  # Chromium closes in about 0.1 s; past this it is killed


class Chromium:
    """A running browser. ``launch`` makes it, ``close`` ends it and removes its directory."""

    def __init__(self, process: Child, directory: Path, cdp: Cdp | None, desktop: Desktop) -> None:
        self._process = process
        self._directory = directory
        self._cdp = cdp
        self._desktop = desktop

    @property
    def cdp(self) -> Cdp:
        """The debugging pipe; a browser launched without one has none to give."""
        if self._cdp is None:
            message = "this browser was launched without a debugging pipe"
            raise BrowserDied(message)
        return self._cdp

    @property
    def pid(self) -> int:
        """The browser process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process runs and its pipe is open."""
        return self._process.returncode is None and (self._cdp is None or not self._cdp.is_closed)

    def last_words(self) -> str:
        """The end of what it printed."""
        printed = (self._directory / _LOG).read_text(errors="replace").strip().splitlines()[-3:]
        return " / ".join(printed) or "nothing"

    def no_room(self) -> str:
        """That its directory is full, where it is."""
        return no_room(self._directory)

    async def obituary(self) -> str:
        """Why the browser is gone."""
        with contextlib.suppress(TimeoutError):  # its pipe closes a moment before the process is reaped
            await asyncio.wait_for(self._process.wait(), _GRACE_S)
        code = self._process.returncode
        why = "the browser closed its debugging pipe" if code is None else f"the browser {_exit_words(code)}"
        return why + self.no_room()

    async def wait(self) -> None:
        """Return when the process has ended."""
        await self._process.wait()

    async def close(self) -> None:
        """End the browser and remove its directory. No farewell: what it would still write is nobody's to read."""
        try:
            await self._end()
        finally:
            await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)

    async def quit(self) -> None:
        """End the browser, politely at first, and keep its directory."""
        self._desktop.release()
        if self._cdp is not None:
            self._cdp.close()
        elif self._process.returncode is None:
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _GRACE_S)
        except TimeoutError:
            pass
        finally:
            await self._end()

    async def _end(self) -> None:
        self._process.kill_group()
        self._desktop.release()
        await self._process.wait()
        if self._cdp is not None:
            self._cdp.abandon()


def make_directory(directory: Path) -> None:
    """Make a browser's directory. Raises StorageFailed when the disk is full or not ours to write."""
    with scratching(directory):
        directory.mkdir(parents=True, exist_ok=True)


def _exit_words(code: int) -> str:
    if code >= 0:
        return f"exited with status {code}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"


def _in_child(pipe: tuple[int, int] | None, enter: Callable[[], None] | None) -> Callable[[], None]:
    bind = die_with_parent()

    def run() -> None:
        if enter is not None:
            enter()
        bind()
        if pipe is not None:
            os.dup2(pipe[0], 3)
            os.dup2(pipe[1], 4)

    return run


def _high(fd: int) -> int:
    """The same descriptor above 9, so that dup2 onto 3 and 4 cannot overwrite it."""
    high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(fd)
    return high


def _debugging_pipe() -> tuple[tuple[int, int], tuple[int, int]]:
    """Our ends and the browser's, each as what it reads from and what it writes to."""
    command_read, command_write = map(_high, os.pipe())
    event_read, event_write = map(_high, os.pipe())
    return (event_read, command_write), (command_read, event_write)


def command_line(browser: Browser, profile: Path, flags: Sequence[str], *, headed: bool, page: str) -> list[str]:
    """The whole command that ``launch`` runs."""
    piped = not page
    return [
        browser.path,
        *FLAGS,
        *([] if headed else ["--headless=new", "--hide-scrollbars"]),
        *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium refuses its sandbox to root
        *(["--remote-debugging-pipe", "--enable-unsafe-extension-debugging", "--no-startup-window"] if piped else []),
        f"--user-data-dir={profile}",
        *flags,
        *([page] if page else []),
    ]


def _environment(directory: Path, tools: Path, display: str) -> dict[str, str]:
    """The harness' own environment, with a home of the browser's own, and the display if there is one."""
    home = str(directory)
    shown = {"DISPLAY": display} if display else {}
    path = os.pathsep.join((str(tools), os.environ.get("PATH", os.defpath)))
    own = {"PATH": path, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home}
    return {**os.environ, **own, **_temporary(directory), **shown}


def _temporary(directory: Path) -> dict[str, str]:
    """A temporary place that goes with the rig, since a killed browser leaves things there; none if it is too deep."""
    place = directory / _TEMPORARY
    if len(os.fsencode(place)) > _TEMPORARY_BYTES_MAX:
        return {}
    with scratching(place):
        place.mkdir(exist_ok=True)
    return {"TMPDIR": str(place)}


async def launch(  # noqa: PLR0913 - each is one way in which a browser may differ
    browser: Browser,
    directory: Path,
    flags: Sequence[str] = (),
    *,
    headed: bool = False,
    page: str = "",
    display: str = "",
    enter: Callable[[], None] | None = None,
) -> Chromium:
    """Start a browser that lives in ``directory``. ``page``: it shows that, and allows no debugging of any kind.

    ``display``: the X display that it is shown on, which makes it a headed one.
    ``enter``: called in the new process before it is the browser: what takes it into another network.

    Raises StorageFailed, and BrowserDied with what the browser printed when it does not come up (a browser with a
    ``page`` cannot be asked, so that is its caller's to see).
    """
    make_directory(directory)
    shown = (*flags, "--ozone-platform=x11") if display else flags
    command = command_line(browser, directory / "profile", shown, headed=headed or bool(display), page=page)
    desktop = Desktop(directory / _TOOLS)
    try:
        environment = _environment(directory, desktop.directory, display)
        chromium = await _start(command, directory, environment, enter, piped=not page, desktop=desktop)
    except BaseException:
        desktop.release()
        raise
    if not page:
        try:
            await _await_up(chromium)
        except BaseException:
            await chromium.close()
            raise
    return chromium


async def _start(  # noqa: PLR0913 - what one process is made of
    command: list[str],
    directory: Path,
    environment: dict[str, str],
    enter: Callable[[], None] | None,
    *,
    piped: bool,
    desktop: Desktop,
) -> Chromium:
    with scratching(directory / _LOG):
        log = os.open(directory / _LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    ours, theirs = _debugging_pipe() if piped else (None, None)
    try:
        process = await Child.start(
            command,
            output=log,
            environment=environment,
            keep=(3, 4) if piped else (),
            first=_in_child(theirs, enter),
        )
    except BaseException as error:
        for fd in ours or ():
            os.close(fd)
        if not isinstance(error, OSError):
            raise
        message = f"{command[0]} could not be started: {error.strerror}"
        raise BrowserDied(message) from error
    finally:
        os.close(log)
        for fd in theirs or ():
            os.close(fd)
    try:
        cdp = await open_pipe(*ours) if ours else None
    except BaseException:
        process.kill_group()
        await process.wait()
        raise
    return Chromium(process, directory, cdp, desktop)


async def _await_up(chromium: Chromium) -> None:
    try:
        await chromium.cdp.send("Browser.getVersion")
    except BrowserDied as error:
        why, printed = await chromium.obituary(), chromium.last_words()
        message = f"the browser did not come up: {why}; it printed: {printed}"
        raise BrowserDied(message) from error
