"""Calibration at work: known delays on a warm rig, and the file that keeps what came of them.

One file a machine and browser, in the user's state directory ($XDG_STATE_HOME, else ~/.local/state): the
error belongs to both. What the figures mean is calibration.py's.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conformance import codec
from conformance.bundle import bundled
from conformance.calibration import DEFAULT_ERROR_MS, Answered, answered, delayed
from conformance.errors import HarnessError, InputError, StorageFailed
from conformance.plan import PlanItem
from conformance.record import Calibration
from conformance.results import file_name
from conformance.store import cause_of, write_atomically
from conformance.subjects import load_subject

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.model import Profile
    from conformance.rig.browsers import Browser
    from conformance.rig.engine import RigHolder

UNCALIBRATED = Calibration(DEFAULT_ERROR_MS)
_UNSEEN_SHARE_MAX = 0.05


def null_subject() -> Profile:
    """A subject without timing of its own: it asks once, waits for ever, and opens what it was told."""
    return replace(load_subject(bundled("fixtures", "extensions", "seed-literal"), None), name="null")


async def measure(
    holder: RigHolder, delays: Sequence[float], tell: Callable[[int], None] = lambda _: None
) -> list[Answered]:
    """Each delay once. What was not seen whole is left out. Raises HarnessError when that is the rule."""
    profile = null_subject()
    seen: list[Answered] = []
    trouble = ""
    for number, delay_ms in enumerate(delays):
        tell(number)
        record = await holder.run(PlanItem(profile, delayed(delay_ms), number))
        one = None if record.timeline is None else answered(record.timeline, profile.endpoints, delay_ms)
        if one is None:
            trouble = record.failure or "the answer was not seen"
        else:
            seen.append(one)
    if len(delays) - len(seen) > _UNSEEN_SHARE_MAX * len(delays):
        message = f"{len(delays) - len(seen)} of {len(delays)} known delays could not be measured, the last: {trouble}"
        raise HarnessError(f"{message}; end what else runs here, and try again")
    return seen


# --- the file ------------------------------------------------------------------------------------


def calibration_path(browser: Browser) -> Path:
    """Where this machine's calibration for this browser is kept."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    name = file_name(f"{platform.node()} {os.cpu_count()} {browser.product} {browser.version}")
    return Path(state) / "semantest-conformance" / f"calibration {name}.json"


def keep(calibration: Calibration, path: Path) -> None:
    """Write it. Raises StorageFailed."""
    content = json.dumps(codec.encode(calibration), indent=1) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content.encode())
    except OSError as error:
        message = f"{path}: {cause_of(error)}: the calibration is not kept; name another file with --output"
        raise StorageFailed(message) from error


def read_calibration(path: Path) -> Calibration:
    """What ``keep`` wrote. Raises InputError."""
    try:
        found = codec.decode(Calibration, json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path}: {cause_of(error)}; `conform calibrate` makes one") from error
    except ValueError as error:
        raise InputError(f"{path}: {error}: this is no calibration; `conform calibrate` makes one") from error
    if not 0 < found.error_ms < float("inf"):
        raise InputError(f"{path}: this is no calibration of a machine; `conform calibrate` makes one")
    return found


def find_calibration(explicit: Path | None, browser: Browser) -> Calibration:
    """The named one, else this machine's, else the error that is stated where nobody has calibrated."""
    if explicit is not None:
        return read_calibration(explicit)
    path = calibration_path(browser)
    return read_calibration(path) if path.is_file() else UNCALIBRATED
