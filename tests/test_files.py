"""The data files: found where they are, and refused by name when they cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.errors import DataError, InputError
from conformance.files import load_requirements, load_scenarios
from conformance.rig.faults import FAULTS

if TYPE_CHECKING:
    from pathlib import Path

SCENARIO = """\
scenarios:
- id: {id}
  family: Choosing
  says: it works
  covers: [{covers}]
  given: {{local: up, public: up}}
  then: {{session: local, shown: good}}
"""
REQUIREMENT = "requirements: [{id: OWN-1, level: SHOULD, of: extension, says: a, source: b, covers: c}]"


def put(directory: Path, name: str, text: str) -> None:
    directory.joinpath(name).write_text(text, encoding="utf-8")


def test_the_bundled_ones_are_there() -> None:
    assert "SEL-1" in {requirement.id for requirement in load_requirements()}
    scenarios = load_scenarios()
    assert "local-up" in {scenario.id for scenario in scenarios}
    assert all(scenario.source.startswith("scenarios/") for scenario in scenarios)


def test_a_directory_of_ones_own_uses_the_bundled_requirements(tmp_path: Path) -> None:
    put(tmp_path, "b.yaml", SCENARIO.format(id="second", covers="SEL-2"))
    put(tmp_path, "a.yaml", SCENARIO.format(id="first", covers="SEL-1"))
    put(tmp_path, "notes.txt", "not a scenario")
    assert load_requirements(tmp_path) == load_requirements()
    scenarios = load_scenarios(tmp_path)
    assert [scenario.id for scenario in scenarios] == ["first", "second"]
    assert scenarios[0].source == f"{tmp_path / 'a.yaml'}:2"


def test_or_its_own_requirements(tmp_path: Path) -> None:
    put(tmp_path, "requirements.yaml", REQUIREMENT)
    put(tmp_path, "a.yaml", SCENARIO.format(id="first", covers="OWN-1"))
    assert [requirement.id for requirement in load_requirements(tmp_path)] == ["OWN-1"]
    assert [scenario.covers for scenario in load_scenarios(tmp_path, faults=FAULTS)] == [("OWN-1",)]


def test_requirements_can_be_handed_in(tmp_path: Path) -> None:
    put(tmp_path, "a.yaml", SCENARIO.format(id="first", covers="SEL-1"))
    with pytest.raises(DataError, match="'SEL-1': no such requirement"):
        load_scenarios(tmp_path, requirements={})


def test_an_id_stands_in_one_file(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        put(tmp_path, name, SCENARIO.format(id="first", covers="SEL-1"))
    with pytest.raises(DataError, match=r"b\.yaml:2 'first': twice; first in .*a\.yaml:2"):
        load_scenarios(tmp_path)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such directory"):
        load_scenarios(tmp_path / "nowhere")


def test_an_empty_directory_is_named(tmp_path: Path) -> None:
    put(tmp_path, "requirements.yaml", REQUIREMENT)
    with pytest.raises(InputError, match="holds no scenario files"):
        load_scenarios(tmp_path)


def test_a_file_that_is_not_text_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"scenarios:\n- id: \xff\n")
    with pytest.raises(DataError, match=r"a\.yaml:2 is not UTF-8 text; save it as UTF-8"):
        load_scenarios(tmp_path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").mkdir()
    with pytest.raises(InputError, match=r"a\.yaml: cannot be read: Is a directory"):
        load_scenarios(tmp_path)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    put(tmp_path, "a.yaml", "\ufeff" + SCENARIO.format(id="first", covers="SEL-1"))
    assert [scenario.id for scenario in load_scenarios(tmp_path)] == ["first"]
