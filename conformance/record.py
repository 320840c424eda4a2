"""What one run leaves behind, before anybody judged it.

Pure data. ``store.py`` writes it to a run directory and reads it back; ``judge.py`` turns it into
results and needs nothing else: no browser, no catalogue, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.model import Profile, Requirement, Scenario
from conformance.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Calibration:
    """Where the stated error comes from. ``made_at``: ISO 8601, UTC; "" where nobody has calibrated this machine.

    ``times``: over how many known delays.
    """

    error_ms: float
    times: int = 0
    made_at: str = ""


@dataclass(frozen=True, slots=True)
class Environment:
    """What the run was made with. ``error_ms``: the stated error of every time in the record.

    ``targets``: the real servers in the fakes' places, each as ``side: what was stated``.
    """

    browser: str  # product and version, e.g. "Chromium 156.0.8078.79"
    browser_flags: tuple[str, ...]
    harness: str  # version of this package
    python: str
    platform: str
    cpus: int
    rig: str  # warm, fresh or unattached
    jobs: int
    seed: int
    started_at: str  # ISO 8601, UTC
    error_ms: float
    calibration: Calibration | None = None  # None: a record that is older than calibration
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScenarioRecord:
    """One scenario on one subject, once. Exactly one of ``timeline``, ``failure``, ``unsupported`` is set.

    ``failure``: why the harness could not carry it out (verdict ERROR). ``unsupported``: why this
    machine or this profile cannot have it (verdict UNSUPPORTED). ``repeat`` counts from 0.
    """

    subject: str
    scenario: str
    repeat: int = 0
    timeline: Timeline | None = None
    failure: str | None = None
    unsupported: str | None = None
    wall_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A whole run: what was asked, of whom, with what, and what was seen."""

    run_id: str
    environment: Environment
    requirements: tuple[Requirement, ...]
    profiles: tuple[Profile, ...]
    scenarios: tuple[Scenario, ...]
    records: tuple[ScenarioRecord, ...]
