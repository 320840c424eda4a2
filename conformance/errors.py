"""Every error the harness raises on purpose, and the exit status each one ends in.

    ConformError                  one message: what, where, what to do next
    ├── InputError                exit 4: the user gave something that cannot be used
    │   ├── DataError             a scenario, requirement, profile or waiver file is wrong (file:line)
    │   ├── SubjectError          the extension cannot be loaded (manifest, script, icon, MV2)
    │   └── BrowserNotFound       no Chromium to run
    ├── HarnessError              exit 3: the harness or its machine failed, never the subject
    │   ├── BrowserDied           the browser went away in mid-run
    │   ├── RigFailed             a fake, a port or a fault could not be set up
    │   ├── TargetFailed          a real server in a fake's place failed, and no scenario had it fail
    │   ├── RigNotSane            the sanity scenario failed: nothing that the rigs say can be trusted
    │   └── StorageFailed         the record, or what the run needs for itself, could not be written (full disk…)
    └── Unsupported               no exit: this machine or profile cannot have that scenario (UNSUPPORTED)

The command line prints ``str(error)`` and nothing else: no traceback. Anything that is not a
``ConformError`` is a bug of the harness and ends in exit 3 with its traceback in the run's log.
"""

from __future__ import annotations

from difflib import get_close_matches
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ExitStatus(IntEnum):
    """The command line's exit statuses, the same for every command."""

    CONFORMS = 0
    FAILS = 1
    INCONCLUSIVE = 2
    HARNESS_FAILED = 3
    BAD_INPUT = 4


class ConformError(Exception):
    """Base of the tree. The message names the cause and the next step."""

    exit_status = ExitStatus.HARNESS_FAILED


class InputError(ConformError):
    """The user gave something that cannot be used."""

    exit_status = ExitStatus.BAD_INPUT


class DataError(InputError):
    """A data file is wrong. The message starts with ``file:line``."""


class SubjectError(InputError):
    """The extension under test cannot be loaded."""


class BrowserNotFound(InputError):
    """No Chromium could be found or installed."""


class HarnessError(ConformError):
    """The harness or its machine failed; says nothing about the subject."""


class BrowserDied(HarnessError):
    """The browser went away in mid-run."""


class RigFailed(HarnessError):
    """A fake, a port or a fault could not be set up."""


class TargetFailed(HarnessError):
    """A real server in a fake's place failed, and not because a scenario had it fail."""


class RigNotSane(HarnessError):
    """The sanity scenario failed. It stops the run: no scenario after it would say anything of a subject."""


class StorageFailed(HarnessError):
    """The record, or a file that the run needs for itself, could not be written."""


class Unsupported(ConformError):
    """This machine or profile cannot have it; never a verdict on the subject. The rig makes a record of it."""


_LISTED_MAX = 40  # more names than this are no answer


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the nearest known name; when none is near, the names if they are few."""
    names = sorted(known)
    near = get_close_matches(wrong, names, n=1, cutoff=0.5)
    if near:
        return f"; did you mean '{near[0]}'?"
    if len(names) > _LISTED_MAX:
        return "; `conform list` names them"
    return f"; known: {', '.join(names)}" if names else ""
