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


@pytest.fixture(params=[(1, 0)])
def called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> list[list[str]]:
    """The arguments of each pytest; in its place something ends with the next of these codes."""
    calls: list[list[str]] = []

    def run(command: list[str], *, cwd: Path, **_: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401
        assert command[:3] == [sys.executable, "-m", "pytest"]
        assert cwd == tmp_path
        calls.append(command[3:])
        return subprocess.CompletedProcess(command, request.param[len(calls) - 1])

    monkeypatch.setattr(selftest, "checkout", lambda: tmp_path)
    monkeypatch.setattr(subprocess, "run", run)
    return calls


def test_pytest_runs_in_the_checkout_with_the_arguments(called: list[list[str]]) -> None:
    assert selftest.selftest(["-k", "store"]) is ExitStatus.FAILS
    assert called == [["-k", "store"]]


def test_without_arguments_every_test_runs_and_those_that_need_the_machine_run_alone(
    called: list[list[str]], tmp_path: Path
) -> None:
    """And the second part runs, and what the first said stands. It looks only where there are such tests."""
    (tmp_path / "tests" / "rig").mkdir(parents=True)
    (tmp_path / "tests" / "rig" / "test_clock.py").write_text("@pytest.mark.alone\ndef test_it(): ...\n")
    (tmp_path / "tests" / "test_other.py").write_text("def test_it(): ...\n")
    assert selftest.selftest([]) is ExitStatus.FAILS
    beside, alone = called
    assert alone == ["-m", "alone", str(tmp_path / "tests" / "rig" / "test_clock.py")]
    assert beside[-2:] == ["-m", "not alone"]
    assert int(beside[beside.index("-n") + 1]) >= 2


@pytest.mark.parametrize("called", [(2,)], indirect=True)
def test_whoever_interrupts_the_first_part_is_not_kept_by_the_second(called: list[list[str]]) -> None:
    assert selftest.selftest([]) is ExitStatus.HARNESS_FAILED
    assert len(called) == 1


def test_an_installed_package_has_no_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "checkout", lambda: None)
    with pytest.raises(InputError, match=r"clone it and run \./conform test"):
        selftest.selftest([])
