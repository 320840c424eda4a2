"""What a run was made with, for its record."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError

import pytest

from conformance.calibration import DEFAULT_ERROR_MS
from conformance.record import Calibration
from conformance.rig import environment
from conformance.rig.browsers import Browser
from conformance.rig.calibrating import UNCALIBRATED
from conformance.rig.chromium import FLAGS
from conformance.rig.engine import RigMode, RunSettings
from conformance.rig.environment import describe_environment, harness_version

BROWSER = Browser("somewhere/chromium", "Chromium", "156.0.8078.79", "a test")
STARTED_AT = "2025-11-23T16:00:00Z"


def test_it_says_what_was_asked() -> None:
    described = describe_environment(RunSettings(BROWSER, RigMode.UNATTACHED, jobs=3, seed=77), STARTED_AT)
    assert described.browser == "Chromium 156.0.8078.79"
    assert (described.rig, described.jobs, described.seed) == ("unattached", 3, 77)
    assert described.started_at == STARTED_AT


def test_it_says_what_was_there() -> None:
    described = describe_environment(RunSettings(BROWSER), STARTED_AT)
    assert described.python == platform.python_version()
    assert described.platform.startswith(platform.system())
    assert described.cpus == os.cpu_count()
    assert described.browser_flags == FLAGS
    assert (described.error_ms, described.calibration) == (DEFAULT_ERROR_MS, UNCALIBRATED)


def test_the_calibration_is_what_it_states() -> None:
    calibration = Calibration(7.5, 84, "2026-01-31T12:00:00Z")
    described = describe_environment(RunSettings(BROWSER), STARTED_AT, calibration)
    assert (described.error_ms, described.calibration) == (7.5, calibration)


def test_it_names_no_place_on_the_machine() -> None:
    """A record travels; where it was made is nobody's business."""
    assert "somewhere" not in repr(describe_environment(RunSettings(BROWSER), STARTED_AT))


def test_the_version_is_the_installed_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "version", {"semantest-conformance": "9.9"}.__getitem__)
    assert harness_version() == "9.9"


def test_a_checkout_that_was_never_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_there(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(environment, "version", not_there)
    assert describe_environment(RunSettings(BROWSER), STARTED_AT).harness == "0+unknown"
