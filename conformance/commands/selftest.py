"""``conform test``: the project's own tests, through pytest. Only a checkout has them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from conformance.bundle import checkout
from conformance.errors import ExitStatus, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

# pytest's own exit codes: 0 passed, 1 failed, 2 interrupted, 3 internal error, 4 usage, 5 nothing collected.
_STATUS = {
    0: ExitStatus.CONFORMS,
    1: ExitStatus.FAILS,
    4: ExitStatus.BAD_INPUT,
    5: ExitStatus.BAD_INPUT,
}


def status_of(code: int) -> ExitStatus:
    """The exit code of pytest as one of ours."""
    return _STATUS.get(code, ExitStatus.HARNESS_FAILED)


def selftest(arguments: Sequence[str]) -> ExitStatus:
    """Run pytest in the checkout with ``arguments``."""
    root = checkout()
    if root is None:
        raise InputError(
            "the project's tests are in its repository, not in the installed package; clone it and run ./conform test"
        )
    done = subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=root, check=False)  # noqa: S603
    return status_of(done.returncode)
