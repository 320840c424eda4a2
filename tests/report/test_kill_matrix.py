"""The kill matrix on paper: Markdown between its marks, JSON with every reason, a picture that is XML."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

from conformance.kills import Cell, Check, Fate, Kill, Mark
from conformance.model import Level
from conformance.mutants import Edit, Mutant
from conformance.report.kill_matrix import (
    BEGIN,
    END,
    Matrix,
    as_json,
    into_document,
    markdown,
    summary,
    svg,
    write_json,
    write_markdown,
    write_svg,
)
from tests.timelines import ENVIRONMENT

ONE = Mutant("one", "does <one> & only", {"SIG-1": Level.MUST}, {"SEL-3": "so"}, (Edit("a", "b", "c", 1),))
TWO = replace(ONE, name="two", breaks={"SEL-1": Level.MUST}, implied={})
LATER = replace(ONE, name="later", breaks={"NET-1": Level.SHOULD}, awaits="a network of its own")
KILLED = Kill(ONE, Fate.KILLED, {"SIG-1": Cell(Mark.KILLED, "it <took> it"), "SEL-3": Cell(Mark.IMPLIED, "so")}, (), 21)
ALIVE = Kill(
    TWO,
    Fate.SURVIVED,
    {"SEL-1": Cell(Mark.SURVIVED, "fine"), "TIME-4": Cell(Mark.COLLATERAL, "slow")},
    ("two survives", "two is slow"),
    10,
)
CHECKS = (Check("base", "the base passes", ""), Check("bogus", "is failed", "bogus: it passed"))
MATRIX = Matrix(
    (KILLED, ALIVE, Kill(LATER, Fate.AWAITED, {}, ())), CHECKS, ("SEL-1", "SEL-3", "SIG-1", "TIME-4"), ENVIRONMENT, 61.4
)


def test_the_summary_counts_what_was_judged() -> None:
    assert summary(MATRIX) == (
        "1 of 2 mutants killed, 1 collateral failures, 2 of 4 requirements broken by one or more; 31 scenarios in 61 s"
    )


def test_a_matrix_from_a_record_has_no_time_of_its_own() -> None:
    assert summary(replace(MATRIX, took_s=0.0)).endswith("; 31 scenarios judged from their record")


def test_markdown_has_a_row_a_mutant_in_the_order_of_the_requirements() -> None:
    text = markdown(MATRIX)
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows == [
        "| `two` | does <one> & only | SEL-1 MUST |  | 10 | survived |",
        "| `one` | does <one> & only | SIG-1 MUST | SEL-3 | 21 | killed |",
    ]
    assert "- base: the base passes." in text
    assert "- bogus: bogus: it passed." in text
    assert "- `later` does <one> & only: NET-1 SHOULD; awaits a network of its own" in text
    assert "- two survives\n- two is slow\n" in text
    assert "Looked at again" not in text
    assert "first look could not tell: one, two." in markdown(replace(MATRIX, again=("one", "two")))


def test_the_table_goes_between_the_marks() -> None:
    text = f"# Title\n\n{BEGIN}\nold\n{END}\n\nrest\n"
    assert into_document(text, "new\n") == f"# Title\n\n{BEGIN}\nnew\n{END}\n\nrest\n"
    assert into_document("no marks", "new\n") == "new\n"
    assert into_document(f"{BEGIN} only one", "new\n") == "new\n"


def test_json_has_every_reason() -> None:
    data = json.loads(as_json(MATRIX))
    assert data["requirements"] == ["SEL-1", "SEL-3", "SIG-1", "TIME-4"]
    assert data["mutants"][0]["cells"]["SIG-1"] == {"mark": "killed", "reason": "it <took> it"}
    assert [each["fate"] for each in data["mutants"]] == ["killed", "survived", "awaited"]
    assert data["mutants"][2]["awaits"] == "a network of its own"
    assert data["checks"][1]["sentence"] == "bogus: it passed"
    assert data["environment"]["browser"] == "Chromium 156"


def test_the_picture_has_a_dot_a_failure() -> None:
    picture = ET.fromstring(svg(MATRIX))  # noqa: S314 - our own text
    space = "{http://www.w3.org/2000/svg}"
    dots = [(each.get("class"), each.findtext(f"{space}title")) for each in picture.iter(f"{space}circle")]
    assert dots == [
        ("survived", "two, SEL-1, survived: fine"),
        ("collateral", "two, TIME-4, collateral: slow"),
        ("implied", "one, SEL-3, implied: so"),
        ("killed", "one, SIG-1, killed: it <took> it"),
    ]


def test_files_are_written(tmp_path: Path) -> None:
    document = tmp_path / "docs" / "mutants.md"
    document.parent.mkdir()
    document.write_text(f"# Title\n{BEGIN}\n{END}\n", encoding="utf-8")
    write_markdown(MATRIX, document)
    assert document.read_text(encoding="utf-8").startswith(f"# Title\n{BEGIN}\n1 of 2 mutants killed")
    write_markdown(MATRIX, tmp_path / "new.md")
    write_json(MATRIX, tmp_path / "it.json")
    write_svg(MATRIX, tmp_path / "it.svg")
    assert (tmp_path / "new.md").read_text(encoding="utf-8") == markdown(MATRIX)
    assert (tmp_path / "it.json").read_text(encoding="utf-8") == as_json(MATRIX)
    assert (tmp_path / "it.svg").read_text(encoding="utf-8") == svg(MATRIX)
