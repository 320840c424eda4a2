"""What ``pytest --subject`` does: one item a scenario and subject, carried out, judged, summed up.

Every process (pytest's own, or each worker of pytest-xdist) makes the same plan and collects the same
items; it opens its one rig at its first scenario and keeps it to the end. The process that reports
gets every record with its item's report, judges them all together, and prints the tables that
``conform run`` prints. Options are plugin.py's, items and their outcomes pytest_items.py's.
"""

from __future__ import annotations

import asyncio
import io
import shutil
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from conformance.bundle import bundled
from conformance.catalogue import by_id
from conformance.commands.options import load_subjects, new_run_id, targets_of, with_distinct_names
from conformance.commands.run import header_of
from conformance.errors import ConformError, InputError, did_you_mean
from conformance.files import load_requirements, load_scenarios
from conformance.judge import judge_run
from conformance.model import Level
from conformance.plan import make_plan, unsupported
from conformance.plugin import SUBJECT, dest
from conformance.pytest_items import (
    Judged,
    Root,
    ScenarioItem,
    deal,
    decode_record,
    encode_record,
    error_of_death,
    node_id,
    tell_allure_of_death,
)
from conformance.pytest_rigs import RigThread
from conformance.record import ScenarioRecord
from conformance.report import console as tables
from conformance.rig.browsers import find_browser
from conformance.rig.calibrating import find_calibration
from conformance.rig.engine import RigMode, RunSettings, open_pool
from conformance.rig.environment import describe_environment
from conformance.rig.targets import look_at
from conformance.targets import why_not

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Sequence

    from conformance.model import Profile, Requirement, Scenario
    from conformance.plan import Plan, PlanItem
    from conformance.pytest_rigs import Rig
    from conformance.record import RunRecord
    from conformance.targets import Standing

WIDTH_OFF_TERMINAL = 100  # what the tables are made for
RECORD = "conformance_record"  # the attribute of a report that takes a record home


# --- what was asked for --------------------------------------------------------------------------


class Asked:
    """The options, read: what to run and with what."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.level = Level(str(config.getoption(dest("level"))).upper())
        self.requirements: tuple[Requirement, ...] = load_requirements()
        self.catalogue: tuple[Scenario, ...] = load_scenarios(requirements=by_id(self.requirements))
        self.plan: Plan = make_plan(
            chosen_subjects(config.getoption(SUBJECT), config.getoption(dest("extension")) or ()),
            self.catalogue,
            scenario_globs=config.getoption(dest("scenario")) or (),
            requirements=config.getoption(dest("requirement")) or (),
            tags=config.getoption(dest("tag")) or (),
        )
        ca = config.getoption(dest("public-target-ca"))
        self.targets = targets_of(
            config.getoption(dest("local-target")),
            config.getoption(dest("public-target")),
            Path(ca) if ca else None,
            owned=config.getoption(dest("i-own-this-target")),
        )

    @cached_property
    def settings(self) -> RunSettings:
        """Raises BrowserNotFound."""
        return RunSettings(
            browser=find_browser(self._config.getoption(dest("browser"))),
            rig=RigMode(self._config.getoption(dest("rig"))),
            jobs=workers(self._config) or 1,
            targets=self.targets,
        )

    @cached_property
    def profiles(self) -> tuple[Profile, ...]:
        """The subjects that have anything to run."""
        return tuple({item.profile.name: item.profile for item in self.plan.items}.values())

    @cached_property
    def standing(self) -> tuple[Standing, ...]:
        """The targets, each seen to answer. Raises InputError."""
        return asyncio.run(look_at(self.targets, self.profiles)) if self.targets else ()

    @cached_property
    def header(self) -> RunRecord:
        """The run's record without its records."""
        started = datetime.now(UTC)
        begun_at = started.isoformat(timespec="seconds").replace("+00:00", "Z")
        environment = describe_environment(self.settings, begun_at, find_calibration(None, self.settings.browser))
        return header_of(self.plan, new_run_id(started), environment, self.requirements, self.catalogue)


def workers(config: pytest.Config) -> int:
    """How many workers pytest-xdist runs; 0 without it."""
    inside: dict[str, Any] | None = getattr(config, "workerinput", None)
    return int(inside["workercount"] if inside is not None else config.getoption("numprocesses", None) or 0)


def chosen_subjects(subjects: Sequence[str], extensions: Sequence[str]) -> tuple[Profile, ...]:
    """The profiles of ``--subject`` (a profile, a directory or a bundled name) and ``--extension`` (a directory).

    As many profiles as extensions: they belong together, as on ``conform``'s command line.
    """
    files, directories = [], []
    for subject in subjects:
        path = Path(subject)
        if path.is_dir():
            directories.append(path)
        elif path.is_file() or path.suffix == ".toml":
            files.append(path)
        else:
            directories.append(_bundled(subject))
    named = [Path(extension) for extension in extensions]
    profiles = load_subjects(named, files) if named or files else ()
    if directories:
        profiles += load_subjects(directories, ())
    return with_distinct_names(profiles)


def _bundled(name: str) -> Path:
    home = bundled("fixtures", "extensions")
    known = sorted(path.parent.name for path in home.glob("*/manifest.json"))
    if name not in known:
        raise InputError(
            f"--subject {name}: neither a file, nor a directory, nor a bundled name{did_you_mean(name, known)}"
        )
    return home / name


# --- the session ---------------------------------------------------------------------------------


class ConformanceSession:
    """The plugin while it is at work; pytest calls its hooks."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._records: list[ScenarioRecord] = []
        self._rig: RigThread | None = None
        try:
            self._asked = Asked(config)
            if not config.getoption("collectonly"):
                # Without a browser or a target, say so once and not for every scenario.
                _ = self._asked.settings, self._asked.standing
        except InputError as error:
            raise pytest.UsageError(str(error)) from None
        except ConformError as error:
            pytest.exit(str(error), returncode=int(error.exit_status))

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Put our items beside the project's files."""
        report = yield
        if isinstance(collector, pytest.Session) and report.passed:
            report.result = [Root.of(collector, self._asked.plan.items, self), *(report.result or ())]
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None]:
        """Ours first and the longest of them first, whoever shuffled: they wait, and the rest fits into the waits."""
        yield
        place = {id(item): number for number, item in enumerate(self._asked.plan.items)}
        ours = sorted(
            (item for item in items if isinstance(item, ScenarioItem)), key=lambda item: place[id(item.planned)]
        )
        if self._config.getoption("dist", "no") == "worksteal":
            ours = deal(ours, workers(self._config) or 1)
        items[:] = [*ours, *(item for item in items if not isinstance(item, ScenarioItem))]

    def run(self, item: PlanItem) -> Judged:
        """Carry out one scenario and judge it alone."""
        record = ScenarioRecord(item.profile.name, item.scenario.id, item.repeat)
        why = unsupported(item.profile, item.scenario, by_id(self._asked.requirements))
        if why := why or why_not(item.scenario, self._asked.standing):
            record = replace(record, unsupported=why)
        else:
            if self._rig is None:
                self._rig = RigThread(self._open_rig)
            record = self._rig.run(item)
        return self._judged(item, record)

    def _judged(self, item: PlanItem, record: ScenarioRecord) -> Judged:
        header = self._asked.header
        alone = replace(header, profiles=(item.profile,), scenarios=(item.scenario,), records=(record,))
        return Judged(record, judge_run(alone).subjects[0], self._asked.level)

    @asynccontextmanager
    async def _open_rig(self) -> AsyncIterator[Rig]:
        async with open_pool(self._asked.settings, self._asked.profiles) as pool:
            yield pool.holder()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send the record along; a failure of the harness is an error, which pytest only knows outside the call."""
        report = yield
        if isinstance(item, ScenarioItem) and call.when == "call":
            if item.judged is not None:
                setattr(report, RECORD, encode_record(item.judged.record))
            if call.excinfo is not None and isinstance(call.excinfo.value, ConformError):
                report.when = "setup"
        return report

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """A worker of pytest-xdist died in a scenario, and with it the record: the harness's error is what there is."""
        item = next((each for each in self._asked.plan.items if node_id(each) == crashitem), None)
        if item is None:
            return
        record = error_of_death(item, report)
        setattr(report, RECORD, encode_record(record))
        if results := self._config.getoption("allure_report_dir", None):
            tell_allure_of_death(Path(results), self._judged(item, record))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the record: in the process that reports, whoever made it."""
        if text := getattr(report, RECORD, None):
            self._records.append(decode_record(text))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest exports no type for it
        """The tables of ``conform run``, of what was carried out."""
        if not self._records:
            return
        seen = {record.scenario for record in self._records}, {record.subject for record in self._records}
        header = self._asked.header
        result = judge_run(
            replace(
                header,
                scenarios=tuple(one for one in header.scenarios if one.id in seen[0]),
                profiles=tuple(one for one in header.profiles if one.name in seen[1]),
                records=tuple(self._records),
            )
        )
        text = io.StringIO()
        width = shutil.get_terminal_size((WIDTH_OFF_TERMINAL, 24)).columns
        console = Console(file=text, force_terminal=terminalreporter.hasmarkup, width=width, highlight=False)
        tables.show(console, result)
        terminalreporter.section("conformance")
        terminalreporter.write(text.getvalue())

    def pytest_unconfigure(self) -> None:
        """Close the rig."""
        if self._rig is not None:
            self._rig.close()
