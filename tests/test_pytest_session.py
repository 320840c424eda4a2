"""What a pytest session makes of its options, without a session."""

from __future__ import annotations

import pytest

from conformance import pytest_session
from conformance.plugin import SUBJECT, dest
from conformance.pytest_session import Asked
from conformance.record import Calibration
from conformance.rig.browsers import Browser
from conformance.rig.calibrating import UNCALIBRATED, calibration_path, keep

CHROMIUM = Browser("/b", "Chromium", "156.0", "a test")


class Options:
    """What was given on the command line, as pytest's configuration hands it out."""

    def __init__(self, **given: object) -> None:
        self._given = given | {dest("level"): "must", dest("rig"): "warm"}

    def getoption(self, name: str, default: object = None) -> object:
        return self._given.get(name, default)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    monkeypatch.setattr(pytest_session, "find_browser", lambda _: CHROMIUM)
    return Asked(Options(**{SUBJECT: ["reference"], dest("scenario"): ["local-up"]}))  # type: ignore[arg-type]


def test_a_machine_that_nobody_has_calibrated_states_the_usual_error(asked: Asked) -> None:
    assert asked.header.environment.calibration == UNCALIBRATED


def test_times_have_the_error_that_was_calibrated(asked: Asked) -> None:
    made = Calibration(7.5, 84, "2026-01-31T12:00:00Z")
    keep(made, calibration_path(CHROMIUM))
    environment = asked.header.environment
    assert (environment.error_ms, environment.calibration) == (7.5, made)
