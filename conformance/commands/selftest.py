"""``conform test``: the project's own tests, through pytest. Only a checkout has them.

Without arguments every test, as fast as the machine bears: side by side, but for those that need it to themselves.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from conformance.bundle import checkout
from conformance.errors import ExitStatus, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

# pytest's own exit codes: 0 passed, 1 failed, 2 interrupted, 3 internal error, 4 usage, 5 nothing collected.
_STATUS = {
    0: ExitStatus.CONFORMS,
    1: ExitStatus.FAILS,
    4: ExitStatus.BAD_INPUT,
    5: ExitStatus.BAD_INPUT,
}


_WORST_FIRST = (ExitStatus.HARNESS_FAILED, ExitStatus.FAILS, ExitStatus.BAD_INPUT, ExitStatus.CONFORMS)
_ALONE = "@pytest.mark.alone"
_WORKERS_PER_CPU = 2  # tests that start a browser wait more than they work


def status_of(code: int) -> ExitStatus:
    """The exit code of pytest as one of ours."""
    return _STATUS.get(code, ExitStatus.HARNESS_FAILED)


def worst_of(statuses: Iterable[ExitStatus]) -> ExitStatus:
    """What several runs of pytest come to."""
    return min(statuses, key=_WORST_FIRST.index)


def selftest(arguments: Sequence[str]) -> ExitStatus:
    """Run pytest in the checkout with ``arguments``; without any, everything."""
    root = checkout()
    if root is None:
        raise InputError(
            "the project's tests are in its repository, not in the installed package; clone it and run ./conform test"
        )
    if arguments:
        return _pytest(root, *arguments)
    workers = str(_WORKERS_PER_CPU * (os.cpu_count() or 1))
    # Both are run, whatever the first says; whoever interrupts it is not kept waiting by the second.
    beside = _pytest(root, "-n", workers, "--dist", "worksteal", "-m", "not alone")
    if beside is ExitStatus.HARNESS_FAILED:
        return beside
    return worst_of((beside, _pytest(root, "-m", "alone", *_with_tests_alone(root))))


def _with_tests_alone(root: Path) -> list[str]:
    """The modules that have such tests: to look into all others for them takes ten seconds."""
    return [str(path) for path in sorted((root / "tests").rglob("test_*.py")) if _ALONE in path.read_text("utf-8")]


def _pytest(root: Path, *arguments: str) -> ExitStatus:
    done = subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=root, check=False)  # noqa: S603
    return status_of(done.returncode)
