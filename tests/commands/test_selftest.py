"""``conform test``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance.commands import selftest
from conformance.errors import ExitStatus, InputError


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (0, ExitStatus.CONFORMS),
        (1, ExitStatus.FAILS),
        (2, ExitStatus.HARNESS_FAILED),
        (3, ExitStatus.HARNESS_FAILED),
        (4, ExitStatus.BAD_INPUT),
        (5, ExitStatus.BAD_INPUT),
        (-9, ExitStatus.HARNESS_FAILED),
    ],
)
def test_pytests_exit_codes_become_ours(code: int, status: ExitStatus) -> None:
    assert selftest.status_of(code) is status


def test_pytest_runs_in_the_checkout_with_the_arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    called: list[tuple[list[str], Path]] = []

    def run(command: list[str], *, cwd: Path, **_: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401
        called.append((command, cwd))
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(selftest, "checkout", lambda: tmp_path)
    monkeypatch.setattr(subprocess, "run", run)
    assert selftest.selftest(["-k", "store"]) is ExitStatus.FAILS
    assert called == [([sys.executable, "-m", "pytest", "-k", "store"], tmp_path)]


def test_an_installed_package_has_no_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "checkout", lambda: None)
    with pytest.raises(InputError, match=r"clone it and run \./conform test"):
        selftest.selftest([])
