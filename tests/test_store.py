"""The run directory: what is written comes back, and what is broken is named."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from conformance import store
from conformance.errors import InputError, StorageFailed
from conformance.events import Event, FetchEnded, FetchStarted, Source, SubjectStarted
from conformance.model import (
    Change,
    Drop,
    Expectation,
    FaultSpec,
    Hold,
    Level,
    Outcome,
    Profile,
    Requirement,
    Scenario,
    Shown,
    Side,
    Until,
    World,
)
from conformance.record import Environment, RunRecord, ScenarioRecord
from conformance.results import RunResult
from conformance.timeline import Timeline
from conformance.verdict import Verdict

ENVIRONMENT = Environment("Chromium 1", ("--a",), "0.1", "3.11", "Linux", 2, "warm", 4, 7, "2026-01-31T12:00:00Z", 2.5)
TIMELINE = Timeline.of(
    (
        SubjectStarted(at_ms=0.0, source=Source.RIG, extension_id="abc", how="loaded\u2028twice"),
        FetchStarted(at_ms=0.1 + 0.2, source=Source.BROWSER, request=1, url="http://x/\udc80", method="GET"),
        FetchEnded(at_ms=17.25, source=Source.BROWSER, request=1, error=""),
    )
)


def scenario(name: str) -> Scenario:
    return Scenario(
        id=name,
        family="Choosing",
        says="…",
        covers=("SIG-1",),
        given=World(local=(FaultSpec("answer", {"status": 500, "headers": {"a": "b"}}),)),
        when=(
            Until(Outcome.LOCAL, 5000),
            Change(Side.LOCAL, ()),
            Drop(Side.LOCAL, FaultSpec("close", {"code": 1000})),
            Hold(10.5),
        ),
        then=Expectation(Outcome.PUBLIC, Shown.BAD, 6000, 150),
    )


@pytest.fixture
def run() -> RunRecord:
    """Two subjects, two scenarios, one of them repeated; the second subject could not be carried out."""
    records = (
        ScenarioRecord("b/old", "two", 0, failure="the browser went away", wall_ms=10.5),
        ScenarioRecord("a", "one[x]", 0, timeline=TIMELINE, wall_ms=100.25),
        ScenarioRecord("a", "one[x]", 1, timeline=Timeline(()), wall_ms=99.0),
        ScenarioRecord("a", "two", 0, unsupported="no public server"),
    )
    profiles = (Profile("a", "1", "/x/a"), Profile("b/old", "2", "/x/b", absent=("public",)))
    requirement = Requirement("SIG-1", Level.MUST, "extension", "says", "source", "covers")
    return RunRecord("R", ENVIRONMENT, (requirement,), profiles, (scenario("one[x]"), scenario("two")), records)


def write(run: RunRecord, base: Path) -> Path:
    directory = store.create_run_dir(base, run.run_id)
    with store.RunWriter(directory) as writer:
        writer.header(run)
        for record in run.records:
            writer.add(record)
        assert writer.kept == len(run.records)
    return directory


def test_a_run_comes_back_whole_and_in_the_plans_order(run: RunRecord, tmp_path: Path) -> None:
    read = store.read_run(write(run, tmp_path))
    assert read.records == (run.records[1], run.records[2], run.records[3], run.records[0])
    assert replace(read, records=run.records) == run


def test_the_order_of_writing_leaves_no_trace(run: RunRecord, tmp_path: Path) -> None:
    one = store.read_run(write(run, tmp_path / "one"))
    other = store.read_run(write(replace(run, records=run.records[::-1]), tmp_path / "other"))
    assert one == other


def test_files_lie_where_they_are_looked_for(run: RunRecord, tmp_path: Path) -> None:
    directory = write(run, tmp_path)
    found = sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())
    assert found == [
        "record.json",
        "timelines/a/one[x].2.jsonl",
        "timelines/a/one[x].jsonl",
        "timelines/a/two.jsonl",
        "timelines/b%2Fold/two.jsonl",
    ]


def test_a_timeline_file_is_a_header_and_an_event_a_line(run: RunRecord, tmp_path: Path) -> None:
    path = write(run, tmp_path) / "timelines" / "a" / "one[x].jsonl"
    head, *events = [json.loads(line) for line in path.read_text(encoding="utf-8").rstrip("\n").split("\n")]
    assert head == {
        "subject": "a",
        "scenario": "one[x]",
        "repeat": 0,
        "failure": None,
        "unsupported": None,
        "wall_ms": 100.25,
    }
    assert [event["kind"] for event in events] == ["SubjectStarted", "FetchStarted", "FetchEnded"]


def example(hint: Any) -> Any:  # noqa: ANN401 - a value of any annotation
    members = get_args(hint)
    if members and hint.__class__.__name__ == "GenericAlias":
        return (example(members[0]),)
    if members:
        return example(members[0])
    if issubclass(hint, Side):
        return Side.PUBLIC
    return {bool: True, int: 3, float: 1.5, str: "…\n"}[hint]


# A slotted dataclass is made twice, and the first make may still be about: the last of a name is the real one.
KINDS = {kind.__name__: kind for kind in Event.__subclasses__()}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_of_event_comes_back(kind: type[Event], tmp_path: Path) -> None:
    hints = get_type_hints(kind)
    values = {one.name: example(hints[one.name]) for one in fields(kind) if one.name not in ("source", "seq")}
    timeline = Timeline.of((kind(source=Source.LOCAL, **values),))
    with store.RunWriter(tmp_path) as writer:
        writer.add(ScenarioRecord("a", "one", timeline=timeline))
    assert store.read_record(tmp_path / "timelines" / "a" / "one.jsonl").timeline == timeline


def test_results_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    result = RunResult("R", Verdict.PASS, (), ENVIRONMENT)
    with store.RunWriter(tmp_path) as writer:
        writer.results(result)
    assert (tmp_path / "results.json").read_bytes() == store.results_bytes(result)
    assert json.loads(store.results_bytes(result))["run_id"] == "R"


def test_a_run_directory_is_never_used_twice(tmp_path: Path) -> None:
    store.create_run_dir(tmp_path, "R")
    with pytest.raises(StorageFailed, match=r"file exists: no run was started; move it away"):
        store.create_run_dir(tmp_path, "R")


# --- what can go wrong while writing --------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (errno.ENOSPC, "no space left on device: 1 results so far are kept in {run}; free space and run again"),
        (
            errno.EACCES,
            "permission denied: 1 results so far are kept in {run}; choose a directory that you may write to",
        ),
    ],
)
def test_a_refusal_says_what_is_kept_and_what_to_do(
    run: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, says: str
) -> None:
    with store.RunWriter(tmp_path) as writer:
        writer.header(run)
        writer.add(run.records[1])

        def refuse(path: Path, content: bytes) -> int:
            path.touch()
            assert content
            raise OSError(code, os.strerror(code), str(path))

        monkeypatch.setattr(Path, "write_bytes", refuse)
        with pytest.raises(StorageFailed) as raised:
            writer.add(run.records[2])
    path = tmp_path / "timelines" / "a" / "one[x].2.jsonl"
    assert str(raised.value).startswith(f"{path}: {says.format(run=tmp_path)}")
    assert store.read_run(tmp_path).records == (run.records[1],)
    assert list(tmp_path.rglob("*.part")) == []


ONE = "timelines/a/one[x].jsonl"

# --- what can be wrong with what is read ----------------------------------------------------------


def spoil(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        (ONE, lambda text: text[:-9], ":4: not JSON ("),
        (ONE, lambda _: "", ":1: the file is empty"),
        (ONE, lambda text: text.replace("FetchStarted", "FetchBegan"), ":3: no event of kind"),
        (ONE, lambda text: text.replace('"error":""', '"err":""'), ":4: FetchEnded has no field"),
        (ONE, lambda text: text.replace("17.25", '"17"'), ":4: at_ms: '17' is no float"),
        (ONE, lambda text: text.replace('"rig"', '"rog"'), ":2: 'rog' is not a valid Source"),
        (ONE, lambda text: text.replace('"seq":1', '"seq":9'), ":3: event 9 stands where"),
        (ONE, lambda text: text.replace('"repeat":0', '"repeat":"0"'), ":1: repeat: '0' is no int"),
        (ONE, lambda text: text + "7\n", ":5: not a JSON object"),
        (ONE, lambda text: text.replace('"failure":null', '"failure":"x"'), ":2: a scenario that"),
        (ONE, lambda text: text.replace('"one[x]"', '"three"'), ":1: 'three' of 'a' is not in"),
        ("record.json", lambda text: text.replace('"run_id": "R",', '"run_id": "R"'), ":4: not JSON"),
        (
            "record.json",
            lambda text: text.replace('"MUST"', '"MIGHT"'),
            ":1: requirements[0].level: 'MIGHT' is not one",
        ),
        (
            "record.json",
            lambda text: text.replace('"format": 2', '"format": 1'),
            ":1: format 1, and this version reads 2",
        ),
        ("record.json", lambda _: "[]", ":1: [] is no dict"),
    ],
)
def test_a_broken_record_names_its_place(
    run: RunRecord, tmp_path: Path, name: str, change: Callable[[str], str], says: str
) -> None:
    directory = write(run, tmp_path)
    spoil(directory / name, change)
    with pytest.raises(InputError) as raised:
        store.read_run(directory)
    assert str(raised.value).startswith(f"{directory / name}{says}")


def test_a_damaged_timeline_can_be_left_out(run: RunRecord, tmp_path: Path) -> None:
    directory = write(run, tmp_path)
    spoil(directory / "timelines/a/two.jsonl", lambda _: "{")
    with pytest.raises(InputError, match=r"remove this file to judge the rest, or run again$"):
        store.read_run(directory)
    (directory / "timelines/a/two.jsonl").unlink()
    assert len(store.read_run(directory).records) == len(run.records) - 1


def test_what_is_no_run_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such run directory"):
        store.read_run(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"record.json: no such file; is this the directory of a run\?"):
        store.read_run(tmp_path)


def test_bytes_that_are_no_text_are_named(run: RunRecord, tmp_path: Path) -> None:
    directory = write(run, tmp_path)
    (directory / "timelines/a/two.jsonl").write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"two\.jsonl:1: not UTF-8"):
        store.read_run(directory)
