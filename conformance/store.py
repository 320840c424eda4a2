"""The run directory: a run's record, its timelines and its results on disk.

    reports/runs/<run id>/
        record.json                              environment, requirements, profiles, scenarios, in full
        timelines/<subject>/<scenario>[.N].jsonl one scenario: a header line, then an event a line; N from 2 for repeats
        results.json                             the verdicts, the same bytes for the same record

Every file is written whole or not at all, as soon as what it holds is known, so that a run which is
cut short leaves what it has. ``read_run`` is strict and needs nothing but the directory. Judging,
printing and the other report formats are not in here. No secret is stored: events carry the names of
headers, never their values.
"""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from conformance import codec, events
from conformance.errors import InputError, StorageFailed
from conformance.model import Profile, Requirement, Scenario
from conformance.record import Environment, RunRecord, ScenarioRecord
from conformance.results import file_name, timeline_path, to_json
from conformance.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from conformance.results import RunResult

T = TypeVar("T")

RECORD = "record.json"
RESULTS = "results.json"
_EVERY_TIMELINE = "timelines/*/*.jsonl"  # as in results.timeline_path
FORMAT = 2  # of the record; a reader refuses any other


@dataclass(frozen=True, slots=True)
class _Header:
    """What ``record.json`` holds: a RunRecord without its records."""

    format: int
    run_id: str
    environment: Environment
    requirements: tuple[Requirement, ...]
    profiles: tuple[Profile, ...]
    scenarios: tuple[Scenario, ...]


@dataclass(frozen=True, slots=True)
class _TimelineHeader:
    """First line of a timeline file: a ScenarioRecord without its timeline."""

    subject: str
    scenario: str
    repeat: int
    failure: str | None
    unsupported: str | None
    wall_ms: float


# --- writing -------------------------------------------------------------------------------------


def create_run_dir(base: Path, run_id: str) -> Path:
    """A new, empty directory for a run."""
    directory = base / file_name(run_id)
    try:
        directory.mkdir(parents=True)
    except OSError as error:
        raise StorageFailed(f"{directory}: {cause_of(error)}: no run was started; {_next_step(error)}") from error
    return directory


class RunWriter:
    """Writes one run into its directory, piece by piece. Use it as a context manager."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.kept = sum(1 for _ in directory.glob(_EVERY_TIMELINE))  # records on disk

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing stays open between two pieces; the block only marks whose directory it is."""

    def header(self, run: RunRecord) -> None:
        """Everything about the run but its records, which need not exist yet."""
        head = _Header(FORMAT, run.run_id, run.environment, run.requirements, run.profiles, run.scenarios)
        self._write(RECORD, _pretty(codec.encode(head)))

    def add(self, record: ScenarioRecord) -> None:
        """One scenario's record."""
        head = _TimelineHeader(
            record.subject, record.scenario, record.repeat, record.failure, record.unsupported, record.wall_ms
        )
        lines = [_line(codec.encode(head)), *(_line(events.encode(event)) for event in record.timeline or ())]
        self._write(timeline_path(record.subject, record.scenario, record.repeat), b"".join(lines))
        self.kept += 1

    def results(self, result: RunResult) -> None:
        """The verdicts."""
        self._write(RESULTS, results_bytes(result))

    def _write(self, name: str, content: bytes) -> None:
        path = self.directory / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
        except OSError as error:
            kept = f"{self.kept} results so far are kept in {self.directory}"
            raise StorageFailed(f"{path}: {cause_of(error)}: {kept}; {_next_step(error)} and run again") from error


def results_bytes(result: RunResult) -> bytes:
    """The content of ``results.json``."""
    return _pretty(to_json(result))


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` under another name, then put it in place, so that nobody reads half a file."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _pretty(data: object) -> bytes:
    return _utf8(json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def _line(data: object) -> bytes:
    return _utf8(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")


def _utf8(text: str) -> bytes:
    # Bytes that a subject sent and nobody could decode live on as lone surrogates; their backslash form is
    # JSON's own way to write them.
    return text.encode("utf-8", "backslashreplace")


def cause_of(error: OSError) -> str:
    """The system's own words for what went wrong."""
    return (error.strerror or str(error)).lower()


def _next_step(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "free space"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "choose a directory that you may write to with --output"
    if error.errno == errno.EEXIST:
        return "move it away, or choose another directory with --output"
    return "choose another directory with --output"


# --- reading -------------------------------------------------------------------------------------


def read_run(directory: Path) -> RunRecord:
    """The record in ``directory``, its scenarios in the order of the plan's subjects and scenarios."""
    if not directory.is_dir():
        raise InputError(
            f"{directory}: no such run directory; runs land in reports/runs unless --output says otherwise"
        )
    head = _read_header(directory / RECORD)
    by_subject = {profile.name: place for place, profile in enumerate(head.profiles)}
    by_scenario = {scenario.id: place for place, scenario in enumerate(head.scenarios)}
    records = []
    for path in sorted(directory.glob(_EVERY_TIMELINE)):
        record = read_record(path)
        if record.subject not in by_subject or record.scenario not in by_scenario:
            what = f"{record.scenario!r} of {record.subject!r}"
            raise InputError(f"{path}:1: {what} is not in {directory / RECORD}; move the file out of this run")
        records.append(record)
    records.sort(key=lambda one: (by_subject[one.subject], by_scenario[one.scenario], one.repeat))
    return RunRecord(head.run_id, head.environment, head.requirements, head.profiles, head.scenarios, tuple(records))


def read_record(path: Path) -> ScenarioRecord:
    """One scenario's record from its timeline file."""
    lines = _read(path).removesuffix("\n").split("\n")
    if lines == [""]:
        raise _broken(path, 1, "the file is empty")
    head = _parse(path, 1, lines[0], lambda data: codec.decode(_TimelineHeader, data))
    record = ScenarioRecord(
        subject=head.subject,
        scenario=head.scenario,
        repeat=head.repeat,
        failure=head.failure,
        unsupported=head.unsupported,
        wall_ms=head.wall_ms,
    )
    found = tuple(_parse(path, number, line, _event) for number, line in enumerate(lines[1:], start=2))
    for place, event in enumerate(found):
        if event.seq != place:
            raise _broken(path, place + 2, f"event {event.seq} stands where event {place} belongs")
    if head.failure is not None or head.unsupported is not None:
        if found:
            raise _broken(path, 2, "a scenario that was not carried out has no events")
        return record
    return replace(record, timeline=Timeline(found))


def _event(data: dict[str, Any]) -> events.Event:
    event = events.decode(data)
    # events.decode checks the names; this checks the types, since an oracle may rely on them.
    codec.decode(type(event), {key: value for key, value in data.items() if key != "kind"})
    return event


def _read_header(path: Path) -> _Header:
    text = _read(path)
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise _broken(path, error.lineno, f"not JSON ({error.msg})") from error
    if isinstance(data, dict) and data.get("format") != FORMAT:
        raise InputError(f"{path}:1: format {data.get('format')!r}, and this version reads {FORMAT}; run again")
    try:
        return codec.decode(_Header, data)
    except ValueError as error:
        raise _broken(path, 1, str(error)) from error


def _parse(path: Path, number: int, line: str, read: Callable[[dict[str, Any]], T]) -> T:
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        raise _broken(path, number, f"not JSON ({error.msg})") from error
    if not isinstance(data, dict):
        raise _broken(path, number, "not a JSON object")
    try:
        return read(data)
    except (ValueError, TypeError) as error:
        raise _broken(path, number, str(error)) from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; is this the directory of a run?") from error
    except UnicodeDecodeError as error:
        raise _broken(path, 1, "not UTF-8") from error
    except OSError as error:
        raise InputError(f"{path}: {cause_of(error)}; make it readable and try again") from error


def _broken(path: Path, line: int, what: str) -> InputError:
    step = "run again" if path.name == RECORD else "remove this file to judge the rest, or run again"
    return InputError(f"{path}:{line}: {what}: the record is damaged; {step}")
