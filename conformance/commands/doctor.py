"""``conform doctor``: what a run needs of this machine, what was found, and what to do about the rest.

``judge_*`` choose what to say from plain facts and are pure; the rest looks at the machine.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from conformance.bundle import bundled
from conformance.errors import BrowserNotFound, ExitStatus, HarnessError
from conformance.rig.browsers import find_browser
from conformance.rig.display import PROGRAM
from conformance.rig.environment import harness_version
from conformance.rig.namespace import why_none

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

MIB = 1024 * 1024
PYTHON_MIN = (3, 11)
SHM_MIB_MIN = 64  # a container's default, and enough for the few small pages that a rig opens
DISK_MIB_MIN = 500  # browser profiles and network logs of one run, with room to spare
SHM = "/dev/shm"  # noqa: S108 - looked at, never written
LOCAL_PORT = 3003  # where subjects look; a rig has ports of its own


class State(StrEnum):
    """How a check came out. Only MISSING stops a run."""

    OK = "OK"
    NOTE = "NOTE"
    MISSING = "MISSING"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table. ``advice``: what to do, or why there is nothing to do."""

    what: str
    state: State
    found: str
    advice: str = ""


# --- choosing what to say ------------------------------------------------------------------------


def judge_python(version: tuple[int, ...]) -> Check:
    """Python is new enough."""
    text = ".".join(map(str, version))
    if version >= PYTHON_MIN:
        return Check("Python", State.OK, text)
    wanted = ".".join(map(str, PYTHON_MIN))
    return Check("Python", State.MISSING, text, f"install Python {wanted} or newer and make the environment again")


def judge_port(*, taken: bool) -> Check:
    """Port 3003 of this machine may be used by anything."""
    if taken:
        return Check(
            f"port {LOCAL_PORT}",
            State.OK,
            "used by another program",
            "harmless: subjects are led to the rig's own ports",
        )
    return Check(f"port {LOCAL_PORT}", State.OK, "free", "not needed: subjects are led to the rig's own ports")


def judge_loopback(error: str) -> Check:
    """The fakes can listen on 127.0.0.1."""
    if not error:
        return Check("loopback", State.OK, "127.0.0.1 can be listened on")
    return Check("loopback", State.MISSING, error, "bring the loopback interface up (ip link set lo up)")


def judge_shm(size: int | None) -> Check:
    """Chromium's shared memory is large enough, where there is such a thing."""
    if size is None:
        return Check(SHM, State.OK, "none on this system", "not needed here")
    found = f"{size // MIB} MiB"
    if size >= SHM_MIB_MIN * MIB:
        return Check(SHM, State.OK, found)
    return Check(SHM, State.NOTE, found, "browsers may crash: give the container --shm-size=256m or more")


def judge_disk(free: int, directory: str) -> Check:
    """There is room for profiles and records."""
    found = f"{free // MIB} MiB free in {directory}"
    if free >= DISK_MIB_MIN * MIB:
        return Check("disk", State.OK, found)
    return Check("disk", State.MISSING, found, f"free space: a run wants {DISK_MIB_MIN} MiB")


def judge_namespaces(why_none: str) -> Check:
    """A network of the rig's own, for the scenarios that need one."""
    if not why_none:
        return Check("network namespaces", State.OK, "can be made")
    return Check("network namespaces", State.NOTE, why_none, "scenarios that need one will be unsupported")


def judge_screen(path: str | None) -> Check:
    """A screen for browsers that have to ask their user something."""
    if path is not None:
        return Check("screen", State.OK, path)
    advice = "local-network-access[ignored] is UNSUPPORTED without it: apt-get install xvfb"
    return Check("screen", State.NOTE, f"no {PROGRAM}", advice)


def exit_status(checks: Iterable[Check]) -> ExitStatus:
    """Bad input when something that a run needs is missing."""
    missing = any(check.state is State.MISSING for check in checks)
    return ExitStatus.BAD_INPUT if missing else ExitStatus.CONFORMS


def table(checks: Iterable[Check]) -> Table:
    """The checks for a terminal."""
    style = {State.OK: "green", State.NOTE: "yellow", State.MISSING: "bold red"}
    made = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    made.add_column(no_wrap=True)
    made.add_column(no_wrap=True)
    made.add_column(ratio=1, overflow="fold")
    for check in checks:
        about = Text(check.found)
        if check.advice:
            about.append(f": {check.advice}", style="bold" if check.state is State.MISSING else "dim")
        made.add_row(Text(check.state.value, style=style[check.state]), check.what, about)
    return made


# --- looking at the machine ----------------------------------------------------------------------


def look(browser: str | None, output: Path) -> tuple[Check, ...]:
    """Every check, in the order in which they are printed."""
    return (
        judge_python(sys.version_info[:3]),
        Check(
            "conform",
            State.OK,
            f"{harness_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        ),
        _browser(browser),
        _fixtures(),
        judge_loopback(_loopback_error()),
        judge_port(taken=_taken(LOCAL_PORT)),
        judge_shm(_shm_size()),
        _disk(output),
        judge_namespaces(why_none()),
        judge_screen(shutil.which(PROGRAM)),
    )


def doctor(console: Console, browser: str | None, output: Path) -> ExitStatus:
    """Print what was found and what is missing."""
    checks = look(browser, output)
    console.print(table(checks))
    return exit_status(checks)


def _browser(explicit: str | None) -> Check:
    try:
        found = find_browser(explicit)
    except BrowserNotFound as error:
        return Check("browser", State.MISSING, "none", str(error))
    return Check("browser", State.OK, f"{found}, {found.path}", f"found by {found.found_by}")


def _fixtures() -> Check:
    try:
        path = bundled("fixtures", "extensions", "reference", "manifest.json")
    except HarnessError as error:
        return Check("reference extension", State.MISSING, "none", str(error))
    return Check("reference extension", State.OK, str(path.parent))


def _loopback_error() -> str:
    try:
        with socket.create_server(("127.0.0.1", 0)):
            return ""
    except OSError as error:
        return str(error)


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _shm_size() -> int | None:
    shm = Path(SHM)
    return shutil.disk_usage(shm).total if shm.is_dir() else None


def _disk(output: Path) -> Check:
    there = next(path for path in (output.absolute(), *output.absolute().parents) if path.exists())
    return judge_disk(shutil.disk_usage(there).free, str(there))
