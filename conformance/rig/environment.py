"""What a run was made with, for its record."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from conformance.record import Environment
from conformance.rig.calibrating import UNCALIBRATED
from conformance.rig.chromium import FLAGS

if TYPE_CHECKING:
    from conformance.record import Calibration
    from conformance.rig.engine import RunSettings


def describe_environment(
    settings: RunSettings, started_at: str, calibration: Calibration = UNCALIBRATED
) -> Environment:
    """The environment of a run that begins now. ``started_at``: ISO 8601, UTC."""
    return Environment(
        browser=f"{settings.browser.product} {settings.browser.version}",
        browser_flags=FLAGS,
        harness=harness_version(),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        cpus=os.cpu_count() or 1,
        rig=str(settings.rig),
        jobs=settings.jobs,
        seed=settings.seed,
        started_at=started_at,
        error_ms=calibration.error_ms,
        calibration=calibration,
        targets=tuple(map(str, settings.targets)),
    )


def harness_version() -> str:
    """This package's version; of a checkout that was never installed: ``0+unknown``."""
    try:
        return version("semantest-conformance")
    except PackageNotFoundError:
        return "0+unknown"
