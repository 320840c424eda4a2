"""``conform list`` and ``conform schema``."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from conformance.commands import catalogue
from conformance.errors import ExitStatus, InputError
from conformance.files import load_requirements, load_scenarios
from conformance.rig.faults import FAULTS


def printed(what: str | None) -> str:
    console = Console(file=io.StringIO(), width=100)
    assert catalogue.list_tables(console, what) is ExitStatus.CONFORMS
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def schema(what: str) -> dict[str, object]:
    console = Console(file=io.StringIO(), width=100)
    assert catalogue.print_schema(console, what) is ExitStatus.CONFORMS
    assert isinstance(console.file, io.StringIO)
    found: dict[str, object] = json.loads(console.file.getvalue())
    return found


def test_every_scenario_is_listed_its_cases_together() -> None:
    text = printed("scenarios")
    words = set(text.replace(",", " ").split())
    assert f"{len(load_scenarios())} scenarios" in text
    assert {scenario.id.partition("[")[0] for scenario in load_scenarios()} <= words
    assert "other-name" in words


def test_every_requirement_is_listed() -> None:
    text = printed("requirements")
    assert {one.id for one in load_requirements()} <= set(text.split())


def test_every_fault_is_listed_with_its_parameters() -> None:
    text = printed("faults")
    assert set(FAULTS) <= set(text.split())
    assert "code: int" in text


def test_no_name_is_all_three() -> None:
    text = printed(None)
    for name in ("scenarios", "requirements", "faults"):
        assert printed(name) in text


def test_it_fits_a_hundred_columns() -> None:
    assert max(len(line) for line in printed(None).splitlines()) <= 100


def test_schemas_are_json_and_nothing_else() -> None:
    assert schema("results")["title"] == "Results of a conformance run"
    assert "scenarios" in json.dumps(schema("scenario"))


DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "requirements.md"


def document(what: str | None = "requirements") -> str:
    console = Console(file=io.StringIO(), width=100)
    assert catalogue.print_requirements(console, what) is ExitStatus.CONFORMS
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_committed_document_is_the_generated_one() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), (
        "write it again: conform list requirements --markdown > docs/requirements.md"
    )


def test_every_requirement_has_a_scenario() -> None:
    rows = [line.strip("| ").split(" | ") for line in document().splitlines() if re.match(r"\| [A-Z]+-\d", line)]
    servers = [one.id for one in load_requirements() if one.of != "extension"]
    assert [row[0] for row in rows] == [one.id for one in load_requirements() if one.of == "extension"] + servers
    assert [row[0] for row in rows if not row[3].startswith("`")] == []


def test_a_family_is_named_once_with_the_number_of_its_cases() -> None:
    (row,) = [line for line in document().splitlines() if line.startswith("| LIFE-2 |")]
    assert row.endswith("| `worker-stopped` (4) |")


@pytest.mark.parametrize("what", [None, "faults"])
def test_only_the_requirements_are_a_document(what: str | None) -> None:
    with pytest.raises(InputError, match="conform list requirements --markdown"):
        document(what)


def test_a_slip_gets_the_nearest_name() -> None:
    with pytest.raises(InputError, match=r"no list of 'fault'; did you mean 'faults'\?"):
        printed("fault")
    with pytest.raises(InputError, match=r"no schema of 'result'; did you mean 'results'\?"):
        schema("result")
