"""``conform list`` and ``conform schema``."""

from __future__ import annotations

import io
import json

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


def test_a_slip_gets_the_nearest_name() -> None:
    with pytest.raises(InputError, match=r"no list of 'fault'; did you mean 'faults'\?"):
        printed("fault")
    with pytest.raises(InputError, match=r"no schema of 'result'; did you mean 'results'\?"):
        schema("result")
