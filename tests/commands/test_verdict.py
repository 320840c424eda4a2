"""From a run directory to its verdict."""

from __future__ import annotations

import errno
import io
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from conformance.commands import verdict
from conformance.commands.options import RunOptions
from conformance.commands.run import run
from conformance.errors import ExitStatus, InputError
from conformance.gate import gate
from conformance.model import Level
from conformance.record import Environment
from conformance.results import RequirementResult, RunResult, SubjectResult, to_json
from conformance.store import results_bytes
from conformance.verdict import Verdict, worst
from tests.commands.stand_ins import StandIn

ENVIRONMENT = Environment("Chromium 1", (), "0.1", "3.11", "Linux", 2, "warm", 4, 7, "2026-01-31T12:00:00Z", 2.5)


def subject(name: str, must: Verdict, should: Verdict) -> SubjectResult:
    found = {Level.MUST: must, Level.SHOULD: should}
    ids = {Level.MUST: "SEL-2", Level.SHOULD: "SIG-4"}
    requirements = tuple(RequirementResult(ids[level], level, each, "x", ("a",)) for level, each in found.items())
    return SubjectResult(name, "1.0", worst(found.values()), found, requirements, ())


def result(*subjects: SubjectResult) -> RunResult:
    return RunResult("R", worst(one.verdict for one in subjects), subjects, ENVIRONMENT)


PASS, FAIL, INCONCLUSIVE, ERROR = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR


@pytest.mark.parametrize(
    ("subjects", "level", "says"),
    [
        ((("a", PASS, PASS),), Level.MUST, "CONFORMS: a 1.0 meets every MUST"),
        ((("a", PASS, PASS),), Level.SHOULD, "CONFORMS: a 1.0 meets every MUST and SHOULD"),
        (
            (("a", PASS, FAIL), ("b", PASS, PASS)),
            Level.MUST,
            "CONFORMS: a 1.0, b 1.0 meet every MUST; SHOULD failures: a 1 (--level should makes them count)",
        ),
        ((("a", FAIL, FAIL),), Level.MUST, "DOES NOT CONFORM: a fails MUST SEL-2"),
        (
            (("a", FAIL, FAIL), ("b", PASS, FAIL)),
            Level.SHOULD,
            "DOES NOT CONFORM: a fails MUST SEL-2; a fails SHOULD SIG-4; b fails SHOULD SIG-4",
        ),
        (
            (("a", INCONCLUSIVE, PASS),),
            Level.MUST,
            "INCONCLUSIVE: a could not be judged on MUST SEL-2; that is no pass",
        ),
        ((("a", ERROR, PASS),), Level.MUST, "ERROR: the harness failed in some scenarios"),
    ],
)
def test_the_conclusion_is_one_sentence(
    subjects: tuple[tuple[str, Verdict, Verdict], ...], level: Level, says: str
) -> None:
    found = result(*(subject(*one) for one in subjects))
    assert verdict.conclusion(found, level, gate(found, level)).startswith(says)


def test_saying_it_gives_the_gates_status() -> None:
    console = Console(file=io.StringIO(), width=100)
    found = result(subject("a", PASS, FAIL))
    assert verdict.say(console, found, Level.MUST, verbose=False) is ExitStatus.CONFORMS
    assert verdict.say(console, found, Level.SHOULD, verbose=False) is ExitStatus.FAILS


@pytest.fixture
def directory(engine: StandIn, tmp_path: Path) -> Path:
    """A run of one scenario."""
    quiet = Console(file=io.StringIO())
    run(quiet, quiet, RunOptions(scenarios=("local-up",), jobs=1, output=tmp_path))
    assert engine.ran == ["local-up"]
    (made,) = tmp_path.iterdir()
    return made


def test_judging_again_says_the_same(directory: Path) -> None:
    _, again = verdict.judged(directory)
    assert verdict.compare_with_stored(directory, again) == "same verdicts as when it was run"


def test_a_difference_is_named_and_what_was_stored_is_left(directory: Path) -> None:
    _, again = verdict.judged(directory)
    stored = directory / "results.json"
    other = stored.read_bytes().replace(b'"verdict": "pass"', b'"verdict": "fail"', 1)
    stored.write_bytes(other)
    said = verdict.compare_with_stored(directory, again)
    assert re.search(r'line \d+ was "verdict": "fail", and is "verdict": "pass", \(1 lines differ\)', said)
    assert stored.read_bytes() == other


def test_results_that_are_shorter_are_different() -> None:
    assert verdict.first_difference(b"a\nb\n", b"a\n") == "2 lines were stored, 1 come out now"


def test_results_that_were_never_stored_are_stored(directory: Path) -> None:
    (directory / "results.json").unlink()
    _, again = verdict.judged(directory)
    assert "cut short" in verdict.compare_with_stored(directory, again)
    assert (directory / "results.json").read_bytes() == results_bytes(again)


def test_results_that_cannot_be_stored_are_said_all_the_same(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (directory / "results.json").unlink()
    _, again = verdict.judged(directory)

    def refuse(path: Path, _: bytes) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    said = verdict.compare_with_stored(directory, again)
    assert "could not be stored" in said
    assert "read-only file system: 1 results so far are kept" in said


def test_a_run_without_a_single_record_cannot_be_judged(directory: Path) -> None:
    for path in (directory / "timelines").rglob("*.jsonl"):
        path.unlink()
    with pytest.raises(InputError, match=r"no scenario was carried out in this run"):
        verdict.judged(directory)


def test_results_do_not_depend_on_the_clock(directory: Path) -> None:
    _, one = verdict.judged(directory)
    _, other = verdict.judged(directory)
    assert to_json(one) == to_json(other)
    assert results_bytes(replace(one, run_id="x")) != results_bytes(other)
