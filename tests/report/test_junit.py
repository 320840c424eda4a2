"""The JUnit report, as CI servers read it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from conformance.model import Level
from conformance.record import RunRecord
from conformance.report import junit
from conformance.results import RunResult

# What readers count a test case by, and what stands in one: the sequence of Jenkins' junit-10.xsd.
OUTCOMES = {"skipped", "error", "failure"}


def cases(result: RunResult, level: Level) -> dict[str, ET.Element]:
    root = ET.fromstring(junit.render(result, level))  # noqa: S314 - our own
    return {case.get("name", ""): case for case in root[0].iter("testcase")}


def outcome(case: ET.Element) -> str:
    found = [child.tag for child in case if child.tag in OUTCOMES]
    assert len(found) <= 1
    return found[0] if found else "passed"


@pytest.mark.parametrize(
    ("name", "at_must", "at_should"),
    [
        ("local-up", "passed", "passed"),
        ("status[500]", "passed", "failure"),
        ("local-good", "failure", "failure"),
        ("slow[1990]", "passed", "failure"),
        ("reset", "error", "error"),
        ("public-down", "skipped", "skipped"),
    ],
)
def test_the_gates_level_decides(result: RunResult, name: str, at_must: str, at_should: str) -> None:
    assert outcome(cases(result, Level.MUST)[name]) == at_must
    assert outcome(cases(result, Level.SHOULD)[name]) == at_should


def test_what_is_below_the_level_is_told_all_the_same(result: RunResult) -> None:
    out = cases(result, Level.MUST)["status[500]"].findtext("system-out", "")
    assert "SIG-4 (SHOULD) FAIL: took status <500>" in out


def test_inconclusive_is_a_failure_of_that_type(result: RunResult) -> None:
    failure = cases(result, Level.SHOULD)["slow[1990]"].find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("inconclusive", "within its error")


def test_counts_agree_with_the_cases(result: RunResult) -> None:
    root = ET.fromstring(junit.render(result, Level.SHOULD))  # noqa: S314 - our own
    for part in (root, *root):
        found = [outcome(case) for case in part.iter("testcase")]
        counted = {name: int(part.get(name, "-1")) for name in ("tests", "failures", "errors", "skipped")}
        assert counted == {
            "tests": len(found),
            "failures": found.count("failure"),
            "errors": found.count("error"),
            "skipped": found.count("skipped"),
        }


def test_it_has_what_readers_take_and_nothing_else(result: RunResult) -> None:
    root = ET.fromstring(junit.render(result, Level.MUST))  # noqa: S314 - our own
    assert root.tag == "testsuites"
    for suite in root:
        assert suite[0].tag == "properties"
        assert {child.tag for child in suite} == {"properties", "testcase"}
        assert suite.get("timestamp") == "2026-01-31T12:00:00"  # the schema allows no zone
        for case in suite.iter("testcase"):
            assert set(case.keys()) == {"classname", "name", "time"}
            assert [child.tag for child in case if child.tag not in OUTCOMES] == ["system-out"]
            assert float(case.get("time", "")) == 2.5


def test_flaky_is_said_of_the_scenario_and_of_each_of_its_runs(repeated: RunResult, result: RunResult) -> None:
    suite = ET.fromstring(junit.render(repeated, Level.SHOULD))[0]  # noqa: S314 - our own
    said = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert {name: value for name, value in said.items() if name and name.startswith("flaky")} == {
        "flaky some|times[<case>]": "60 of 80 passed; SIG-4"
    }
    runs = [case for case in suite.iter("testcase") if (case.get("name") or "").startswith("some|times")]
    assert {outcome(case) for case in runs} == {"passed", "failure"}  # a failure stays one
    assert all("FLAKY: 60 of 80 passed; SIG-4" in case.findtext("system-out", "") for case in runs)
    steady = [case.findtext("system-out", "") for case in suite.iter("testcase") if case not in runs]
    assert not [out for out in steady if "FLAKY" in out]
    assert b"flaky" not in junit.render(result, Level.SHOULD)


def test_a_class_is_subject_and_family(result: RunResult) -> None:
    assert cases(result, Level.MUST)["local-up"].get("classname") == "mine & yours.Choosing"


def test_characters_that_xml_cannot_hold_are_replaced(result: RunResult) -> None:
    failure = cases(result, Level.MUST)["local-good"].find("failure")
    assert failure is not None
    assert failure.get("message") == "never opened � local"


def test_it_is_written(result: RunResult, record: RunRecord, tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    junit.write(result, record, path, level=Level.SHOULD)
    assert path.read_bytes() == junit.render(result, Level.SHOULD)
