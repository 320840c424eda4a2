"""``conform serve``: become one of the bundled reference servers.

The server is a program of its own (fixtures/servers), and this process turns into it: signals, output and exit
status are the server's.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from conformance.errors import ExitStatus, InputError, did_you_mean
from conformance.model import Side
from conformance.rig.serving.bundled import program

if TYPE_CHECKING:
    from collections.abc import Sequence


def serve(which: str, arguments: Sequence[str]) -> ExitStatus:  # noqa: RET503 - exec returns nothing to nobody
    """Run the server that is asked for; never comes back, unless help is asked for."""
    if which in ("-h", "--help"):
        sys.stdout.write(
            "Run a bundled reference server: `conform serve local --help`, `conform serve public --help`\n"
        )
        return ExitStatus.CONFORMS
    if which not in tuple(Side):
        raise InputError(f"there is no server '{which}'{did_you_mean(which, tuple(Side))}")
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, str(program(Side(which))), *arguments])  # noqa: S606 - no shell wanted
