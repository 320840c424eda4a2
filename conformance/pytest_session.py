"""What ``pytest --subject`` does: one item a scenario and subject, carried out, judged, summed up.

Every process (pytest's own, or each worker of pytest-xdist) makes the same plan and collects the same
items; it opens its one rig at its first scenario and keeps it to the end. The process that reports
gets every record with its item's report, judges them all together, and prints what ``conform run``
prints. Options are plugin.py's, items and their verdicts pytest_items.py's.
"""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from conformance import codec
from conformance.bundle import bundled
from conformance.catalogue import by_id
from conformance.commands.options import load_subjects, new_run_id, with_distinct_names
from conformance.errors import BrowserNotFound, ConformError, InputError, did_you_mean
from conformance.files import load_requirements, load_scenarios
from conformance.judge import judge_run
from conformance.model import Level
from conformance.plan import make_plan, unsupported
from conformance.plugin import SUBJECT, dest
from conformance.pytest_items import Root, ScenarioItem, deal
from conformance.pytest_record import decode_record
from conformance.pytest_rigs import RigThread
from conformance.record import Environment, RunRecord, ScenarioRecord
from conformance.report import console as tables
from conformance.rig.browsers import find_browser
from conformance.rig.engine import RigMode, RunSettings, open_pool
from conformance.rig.environment import describe_environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Sequence
    from contextlib import AbstractAsyncContextManager

    from conformance.model import Profile
    from conformance.plan import PlanItem
    from conformance.pytest_rigs import Rig


class ConformanceSession:
    """The plugin while it is at work; pytest calls its hooks."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.level = Level(config.getoption(dest("level")).upper())
        self.requirements = load_requirements()
        self.started = datetime.now(UTC)
        self._records: list[ScenarioRecord] = []
        self._environment: Environment | None = None
        self._settings: RunSettings | None = None
        self._rig: RigThread | None = None
        try:
            self.scenarios = load_scenarios(requirements=by_id(self.requirements))
            self.plan = make_plan(
                chosen_subjects(config.getoption(SUBJECT), config.getoption(dest("extension")) or []),
                self.scenarios,
                scenario_globs=config.getoption(dest("scenario")) or (),
                requirements=config.getoption(dest("requirement")) or (),
                tags=config.getoption(dest("tag")) or (),
            )
            if not config.getoption("collectonly"):
                self._settings = self._make_settings()  # now, since nobody wants to hear of it from every scenario
        except InputError as error:
            raise pytest.UsageError(str(error)) from None
