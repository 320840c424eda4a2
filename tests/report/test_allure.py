"""The Allure results directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance.record import RunRecord
from conformance.report import allure
from conformance.results import RunResult


@pytest.fixture
def written(result: RunResult, record: RunRecord, tmp_path: Path) -> Path:
    allure.write(result, record, tmp_path / "allure")
    return tmp_path / "allure"


def found_in(directory: Path) -> dict[tuple[str, str], dict[str, Any]]:
    found = [json.loads(path.read_text(encoding="utf-8")) for path in directory.glob("*-result.json")]
    return {(label(test, "suite")[0], test["name"]): test for test in found}


def label(test: dict[str, Any], name: str) -> list[str]:
    return [one["value"] for one in test["labels"] if one["name"] == name]


def test_one_result_a_scenario_and_subject(written: Path) -> None:
    names = sorted(name for _, name in found_in(written))
    assert names == ["local-good", "local-up", "local-up", "public-down", "reset", "slow[1990]", "status[500]"]


@pytest.mark.parametrize(
    ("name", "status", "severity"),
    [
        ("local-up", "passed", "critical"),
        ("status[500]", "failed", "normal"),
        ("local-good", "failed", "critical"),
        ("slow[1990]", "unknown", "critical"),
        ("reset", "broken", "critical"),
        ("public-down", "skipped", "critical"),
    ],
)
def test_status_and_severity(written: Path, name: str, status: str, severity: str) -> None:
    test = found_in(written)["mine & yours 1.0", name]
    assert (test["status"], label(test, "severity")) == (status, [severity])


def test_labels_say_where_it_belongs(written: Path) -> None:
    test = found_in(written)["mine & yours 1.0", "local-up"]
    assert (label(test, "subSuite"), label(test, "tag")) == (["Choosing"], ["SEL-2", "SIG-4"])


def test_flaky_is_a_label_and_allures_own_mark(repeated: RunResult, record: RunRecord, tmp_path: Path) -> None:
    allure.write(repeated, record, tmp_path / "allure")
    by_label: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for test in found_in(tmp_path / "allure").values():
        by_label["flaky" in label(test, "tag")].append(test)
    assert {test["name"].partition(" (repeat")[0] for test in by_label[True]} == {"some|times[<case>]"}
    assert {test["status"] for test in by_label[True]} == {"passed", "failed"}  # a failure stays one
    assert all(test["statusDetails"]["flaky"] is True for test in by_label[True])
    assert all("FLAKY: 60 of 80 passed; SIG-4" in test["statusDetails"]["message"] for test in by_label[True])
    assert not [test for test in by_label[False] if test.get("statusDetails", {}).get("flaky")]
    assert len(by_label[True]) == 80


def test_the_message_is_what_was_found(written: Path) -> None:
    details = found_in(written)["mine & yours 1.0", "status[500]"]["statusDetails"]
    assert details["message"] == "SIG-4 (SHOULD) FAIL: took status <500>"
    assert details["trace"].startswith("went to: local, 31 ms")


def test_steps_are_the_timelines_marks_in_time(written: Path) -> None:
    test = found_in(written)["mine & yours 1.0", "status[500]"]
    assert "14.0 ms  subject → local: GET /<sig>" in [step["name"] for step in test["steps"]]
    starts = [step["start"] for step in test["steps"]]
    assert starts == sorted(starts)
    assert test["start"] == 1769860800000  # when the run began, in UTC


def test_the_whole_timeline_is_attached(written: Path) -> None:
    test = found_in(written)["mine & yours 1.0", "status[500]"]
    (attachment,) = test["attachments"]
    text = (written / attachment["source"]).read_text(encoding="utf-8")
    assert attachment["type"] == "text/plain"
    assert [line.split()[1] for line in text.splitlines() if line.startswith(">")] == ["4", "5", "7"]


def test_what_was_not_observed_has_no_steps(written: Path) -> None:
    test = found_in(written)["mine & yours 1.0", "reset"]
    assert "attachments" not in test
    assert "steps" not in test


def test_the_same_scenario_keeps_its_history(result: RunResult, record: RunRecord, tmp_path: Path) -> None:
    for name in ("one", "two"):
        allure.write(result, record, tmp_path / name)
    histories = [{key: test["historyId"] for key, test in found_in(tmp_path / name).items()} for name in ("one", "two")]
    assert histories[0] == histories[1]
    assert len(set(histories[0].values())) == len(histories[0])


def test_what_the_run_was_made_with_is_there(written: Path) -> None:
    assert "browser = Chromium 156.0\n" in (written / "environment.properties").read_text(encoding="utf-8")
    names = [one["name"] for one in json.loads((written / "categories.json").read_text(encoding="utf-8"))]
    assert names[0] == "MUST not met"
