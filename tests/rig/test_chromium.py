"""One browser process, from launch to its end, with stand-ins that are small enough to misbehave at will."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import BrowserDied, StorageFailed
from conformance.rig import chromium as chromium_module
from conformance.rig import scratch
from conformance.rig.browsers import Browser
from conformance.rig.child import Child
from conformance.rig.chromium import FLAGS, Chromium, command_line, launch, make_directory
from tests.rig.processes import ANSWERS, PATIENCE_S, descriptors, says_its_pid, stand_in, watched

LISTENS = [ANSWERS, "cat <&3 >/dev/null"]  # comes up, and quits when its pipe is closed
NOWHERE = Browser("/nowhere/chromium", "Chromium", "156", "a test")
DEBUGGING = ("--remote-debugging-pipe", "--enable-unsafe-extension-debugging")


@asynccontextmanager
async def launched(directory: Path, *lines: str, page: str = "", display: str = "") -> AsyncIterator[Chromium]:
    """A stand-in that is up."""
    browser = stand_in(directory, *lines)
    chromium = await launch(browser, directory / "rig", page=page, display=display)
    try:
        yield chromium
    finally:
        await chromium.close()


# --- coming up -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["echo no display >&2", "exit 7"], r"the browser exited with status 7; it printed: no display$"),
        (["exit 0"], r"exited with status 0; it printed: nothing$"),
        (["seq 9", "kill -SEGV $$"], r"was ended by SIGSEGV; it printed: 7 / 8 / 9$"),
        (["echo deaf", "exec 3<&- 4>&-", "exec sleep 1000"], r"closed its debugging pipe; it printed: deaf$"),
    ],
    ids=["status", "nothing", "signal", "closes-its-pipe"],
)
def test_a_browser_that_does_not_come_up_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], why: str
) -> None:
    monkeypatch.setattr(chromium_module, "_GRACE_S", 0.2)
    with pytest.raises(BrowserDied, match=why) as caught:
        asyncio.run(launch(stand_in(tmp_path, *lines), tmp_path / "rig"))
    assert str(caught.value).startswith("the browser did not come up: ")
    assert not (tmp_path / "rig").exists()


def test_a_browser_that_dies_on_a_full_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_ROOM_BYTES_MIN", math.inf)
    with pytest.raises(BrowserDied, match=r"with status 7; no space is left in \S+/rig: free .*; it printed: no$"):
        asyncio.run(launch(stand_in(tmp_path, "echo no", "exit 7"), tmp_path / "rig"))

    async def scene() -> str:
        async with launched(tmp_path / "later", *LISTENS) as chromium:
            os.kill(chromium.pid, signal.SIGKILL)
            return await chromium.obituary()

    assert asyncio.run(scene()).startswith("the browser was ended by SIGKILL; no space is left in ")


@pytest.mark.parametrize(("mode", "why"), [(0o600, "Permission denied"), (None, "No such file or directory")])
def test_a_browser_that_cannot_be_started_says_why(tmp_path: Path, mode: int | None, why: str) -> None:
    path = tmp_path / "chromium"
    if mode is not None:
        path.touch(mode)
    with pytest.raises(BrowserDied, match=rf"chromium could not be started: {why}"):
        asyncio.run(launch(Browser(str(path), "Chromium", "156", "a test"), tmp_path / "rig"))


@pytest.mark.parametrize("at", ["open_pipe", "_await_up"])
def test_a_browser_that_is_called_off_as_it_comes_up_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    reached, start, children = asyncio.Event(), Child.start, list[Child]()

    async def noted(*words: Any, **fields: Any) -> Child:  # noqa: ANN401 - whatever it is started with
        children.append(await start(*words, **fields))
        return children[-1]

    async def stays(*_: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Child, "start", noted)
    monkeypatch.setattr(chromium_module, at, stays)

    async def scene() -> None:
        starting = asyncio.create_task(launch(stand_in(tmp_path, *LISTENS), tmp_path / "rig"))
        async with asyncio.timeout(PATIENCE_S):
            await reached.wait()
        with watched(children[0].pid) as browser:
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
            assert browser.left() == set()

    asyncio.run(scene())


def test_a_directory_that_cannot_be_made_is_the_harness_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed, match=r"file/rig: not a directory; free space or set TMPDIR"):
        make_directory(tmp_path / "file" / "rig")


def test_a_directory_that_cannot_be_written_to_starts_no_browser(tmp_path: Path) -> None:
    (tmp_path / "rig" / "browser.log").mkdir(parents=True)
    before = descriptors()
    with pytest.raises(StorageFailed, match=r"rig/browser\.log: is a directory; free space or set TMPDIR"):
        asyncio.run(launch(stand_in(tmp_path, *LISTENS), tmp_path / "rig"))
    assert descriptors() == before


def test_what_a_browser_can_touch_is_its_own(tmp_path: Path) -> None:
    """Its home, and no descriptor of the harness: a pipe that another rig holds open would never end."""

    async def scene() -> list[str]:
        lines = ["echo $HOME $XDG_CONFIG_HOME", "ls /proc/$$/fd", *LISTENS]
        async with launched(tmp_path / "first", *LISTENS), launched(tmp_path / "second", *lines):
            return (tmp_path / "second" / "rig" / "browser.log").read_text().splitlines()

    homes, *descriptors = asyncio.run(scene())
    assert homes.split() == [str(tmp_path / "second" / "rig")] * 2
    script = {"10"}  # the shell's own
    assert {*descriptors} - script == {"0", "1", "2", "3", "4"}


def test_its_desktops_tools_are_stand_ins_even_when_it_is_started_again(tmp_path: Path) -> None:
    async def scene() -> list[str]:
        said = []
        for _ in range(2):
            async with launched(tmp_path, "command -v xdg-desktop-menu", *LISTENS) as chromium:
                said.append(chromium.last_words())
                await chromium.quit()
        return said

    assert asyncio.run(scene()) == [str(tmp_path / "rig" / "tools" / "xdg-desktop-menu")] * 2


def test_what_it_leaves_in_its_temporary_place_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed Chromium leaves a directory there."""
    monkeypatch.setenv("TMPDIR", "/somewhere")

    async def scene(directory: Path) -> str:
        async with launched(directory, 'echo "$TMPDIR"; touch "$TMPDIR/left" 2>&-', *LISTENS) as chromium:
            return chromium.last_words()

    with tempfile.TemporaryDirectory(prefix="conform-", dir="/tmp") as short:
        place = Path(short) / "rig" / "tmp"
        assert asyncio.run(scene(Path(short))) == str(place)
        assert not place.exists()
        deep = Path(short) / ("deep" * 10)
        deep.mkdir()
        assert asyncio.run(scene(deep)) == "/somewhere"  # its socket's path would be too long for Linux


# --- the command ---------------------------------------------------------------------------------


def command(*, headed: bool = False, page: str = "") -> list[str]:
    return command_line(NOWHERE, Path("profile"), ["--own-flag"], headed=headed, page=page)


def test_the_command_names_the_profile_and_every_flag() -> None:
    line = command()
    assert line[0] == NOWHERE.path
    assert {*FLAGS, "--own-flag", "--user-data-dir=profile"} <= set(line)
    assert set(DEBUGGING) <= set(line)


def test_a_browser_with_a_page_has_no_debugging_of_any_kind() -> None:
    line = command(page="about:blank")
    assert line[-1] == "about:blank"
    assert [flag for flag in line if "debugging" in flag or "no-startup-window" in flag] == []


def test_only_a_headed_browser_has_a_window() -> None:
    assert "--headless=new" in command()
    assert [flag for flag in command(headed=True) if "headless" in flag] == []


@pytest.mark.parametrize(("user", "expected"), [(0, True), (1000, False)])
def test_only_root_goes_without_the_sandbox(monkeypatch: pytest.MonkeyPatch, user: int, *, expected: bool) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    assert ("--no-sandbox" in command()) is expected


# --- the end -------------------------------------------------------------------------------------


def test_a_browser_is_gone_when_it_is_closed(tmp_path: Path) -> None:
    async def scene() -> tuple[bool, Chromium, set[int]]:
        async with launched(tmp_path, *LISTENS) as chromium:
            was_alive = chromium.is_alive
            with watched(chromium.pid) as browser:
                await chromium.close()
                return was_alive, chromium, browser.left()

    was_alive, chromium, left = asyncio.run(scene())
    assert was_alive
    assert not chromium.is_alive
    assert left == set()
    assert not (tmp_path / "rig").exists()


def test_a_browser_that_is_to_be_started_again_quits_by_itself_and_keeps_its_directory(tmp_path: Path) -> None:
    """What it has to write, it writes; a desktop's tool that it waits for is let go."""

    async def scene() -> tuple[str, str]:
        waits = ["cat <&3 >/dev/null", "xdg-icon-resource uninstall", "echo written", "exit 3"]
        async with launched(tmp_path, ANSWERS, *waits) as chromium:
            await chromium.quit()
            return await chromium.obituary(), chromium.last_words()

    assert asyncio.run(scene()) == ("the browser exited with status 3", "written")


@pytest.mark.parametrize("page", ["", "about:blank"], ids=["piped", "unattached"])
def test_a_browser_that_does_not_quit_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.setattr(chromium_module, "_GRACE_S", 0.05)
    child = tmp_path / "child"
    answers = [] if page else [ANSWERS]

    async def scene() -> set[int]:
        stubborn = ["trap '' TERM", f"(trap '' TERM; sleep 1000) & echo $! > {child}", *answers, says_its_pid(up)]
        async with launched(tmp_path, *stubborn, "while true; do sleep 1000; done", page=page) as chromium:
            await appears(up)
            with watched(chromium.pid, int(child.read_text())) as processes:
                assert len(processes.left()) == 2
                await chromium.quit()
                return processes.left(PATIENCE_S)

    up = tmp_path / "up"
    assert asyncio.run(scene()) == set()


def test_a_stray_child_that_holds_its_pipe_holds_nothing_of_ours(tmp_path: Path) -> None:
    """It left the browser's session, so it is nobody's to kill; the harness must be able to end all the same."""
    stray = tmp_path / "stray"

    async def scene() -> tuple[int, int]:
        before = descriptors()
        async with launched(tmp_path, f"setsid sleep 1000 & echo $! > {stray}", *LISTENS):
            pass
        for _ in range(3):
            await asyncio.sleep(0)  # the transports' own goodbyes
        return before, descriptors()

    try:
        before, after = asyncio.run(scene())
    finally:
        os.kill(int(stray.read_text()), signal.SIGKILL)
    assert after == before


async def appears(path: Path) -> None:
    """Wait for a file that another process makes."""
    async with asyncio.timeout(PATIENCE_S):
        while not path.exists():  # noqa: ASYNC110, ASYNC240 - a process that knows nothing of us can only be looked at
            await asyncio.sleep(0)


def test_a_browser_that_ends_by_itself_is_noticed(tmp_path: Path) -> None:
    async def scene() -> tuple[bool, str]:
        async with launched(tmp_path, ANSWERS, "kill -KILL $$") as chromium:
            async with asyncio.timeout(PATIENCE_S):
                await chromium.wait()
            return chromium.is_alive, await chromium.obituary()

    assert asyncio.run(scene()) == (False, "the browser was ended by SIGKILL")


def test_a_browser_that_hangs_up_is_as_good_as_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium_module, "_GRACE_S", 0.05)

    async def scene() -> tuple[bool, str]:
        async with launched(tmp_path, ANSWERS, "exec 3<&- 4>&-", "exec sleep 1000") as chromium:
            async with asyncio.timeout(PATIENCE_S):
                await chromium.cdp.closed
            return chromium.is_alive, await chromium.obituary()

    assert asyncio.run(scene()) == (False, "the browser closed its debugging pipe")


def test_a_browser_without_a_pipe_has_none_to_give(tmp_path: Path) -> None:
    async def scene() -> None:
        async with launched(tmp_path, "exec sleep 1000", page="about:blank") as chromium:
            assert chromium.is_alive
            chromium.cdp.close()

    with pytest.raises(BrowserDied, match="launched without a debugging pipe"):
        asyncio.run(scene())


LAUNCH_AND_WAIT = """
import asyncio, sys
from pathlib import Path
from conformance.rig.browsers import Browser
from conformance.rig.chromium import launch

async def main():
    chromium = await launch(Browser(sys.argv[1], "Stand-in", "1", "a test"), Path(sys.argv[2]), page=sys.argv[3])
    print(chromium.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("page", ["", "about:blank"], ids=["piped", "unattached"])
def test_a_browser_dies_with_a_harness_that_is_killed(tmp_path: Path, page: str) -> None:
    """Not even a stand-in that cares for no closed pipe is left."""
    deaf = stand_in(tmp_path, *([] if page else [ANSWERS]), "exec sleep 1000")
    launching = [sys.executable, "-c", LAUNCH_AND_WAIT, deaf.path, str(tmp_path / "rig"), page]
    with subprocess.Popen(launching, stdout=subprocess.PIPE, text=True) as harness:  # noqa: S603 - this Python
        assert harness.stdout is not None
        with watched(int(harness.stdout.readline())) as browser:
            assert browser.left()
            harness.send_signal(signal.SIGKILL)
            assert browser.left(PATIENCE_S) == set()


def test_a_browser_on_a_display_is_told_which(tmp_path: Path) -> None:
    async def scene() -> str:
        async with launched(tmp_path, f'echo "$DISPLAY $*" > {tmp_path}/said', *LISTENS, display=":7"):
            return (tmp_path / "said").read_text()

    said = asyncio.run(scene())
    assert said.startswith(":7 ")
    assert "--ozone-platform=x11" in said
    assert "--headless" not in said
