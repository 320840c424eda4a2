"""The bundled gallery: a mutant for every requirement, each loadable, each fault small; and what is written."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from conformance.bundle import bundled
from conformance.catalogue import by_id
from conformance.errors import DataError, InputError, StorageFailed
from conformance.files import load_requirements, load_scenarios
from conformance.gallery import (
    base_directory,
    base_texts,
    do_nothing_directory,
    load_gallery,
    load_mutant,
    selected,
    write_mutant,
)
from conformance.kills import chosen, common
from conformance.mutants import Mutant, mutated
from conformance.oracles import ORACLES
from conformance.subjects import load_subject

REQUIREMENTS = by_id(load_requirements())
SCENARIOS = load_scenarios()
MUTANTS_MIN = 30
CHANGED_LINES_MAX = 10  # the gallery's rule: a fault is visible in ten lines


@cache
def gallery() -> tuple[Mutant, ...]:
    return load_gallery(REQUIREMENTS, SCENARIOS)


@cache
def base() -> dict[str, str]:
    return base_texts(base_directory())


def named(name: str) -> Mutant:
    return next(mutant for mutant in gallery() if mutant.name == name)


# --- what is in it -------------------------------------------------------------------------------


def test_every_requirement_of_an_extension_is_broken_by_a_mutant() -> None:
    broken = {id_ for mutant in gallery() for id_ in mutant.breaks}
    assert broken == {id_ for id_, one in REQUIREMENTS.items() if one.of == "extension"}
    assert len(gallery()) >= MUTANTS_MIN


@pytest.mark.parametrize("mutant", gallery(), ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_base_and_its_fault_is_seen_at_a_glance(mutant: Mutant) -> None:
    files = mutated(mutant, base())
    changed = [file for file in files if files[file] != base().get(file) and file != "subject.toml"]
    assert len(changed) > 1  # the manifest has its name; something else has its fault
    lines = [line for edit in mutant.edits for line in edit.replace.splitlines() if line not in (edit.find or "")]
    assert len(lines) <= CHANGED_LINES_MAX
    assert re.fullmatch(r"[a-z].{10,110}[^.]", mutant.says)
    assert json.loads(files["manifest.json"])["name"] == f"Mutant: {mutant.name}"


@pytest.mark.parametrize("mutant", [one for one in gallery() if not one.awaits], ids=lambda mutant: mutant.name)
def test_what_a_mutant_breaks_is_looked_at(mutant: Mutant) -> None:
    shared = {scenario.id for scenario in common(SCENARIOS)}
    looked = chosen(mutant, SCENARIOS)
    own = [scenario for scenario in looked if scenario.id not in shared]
    assert shared <= {scenario.id for scenario in looked}
    for id_ in mutant.breaks:
        everywhere = id_ in ORACLES and ORACLES[id_].everywhere
        assert everywhere or [scenario for scenario in looked if id_ in scenario.covers], id_
    assert own or not mutant.shows_in


def test_no_two_mutants_say_the_same() -> None:
    assert len({mutant.says for mutant in gallery()}) == len(gallery())
    texts = {json.dumps([(e.file, e.find, e.replace) for e in mutant.edits]) for mutant in gallery()}
    assert len(texts) == len(gallery())


def test_only_mutants_whose_scenarios_are_not_there_await_any() -> None:
    awaiting = {id_ for mutant in gallery() if mutant.awaits for id_ in mutant.breaks}
    assert awaiting <= {"LIFE-4", "NET-1", "NET-2"}


def test_the_subject_that_does_nothing_does_nothing() -> None:
    profile = load_subject(do_nothing_directory(), None)
    assert (profile.name, profile.absent) == ("do-nothing", ())
    worker = (do_nothing_directory() / "background.js").read_text(encoding="utf-8")
    assert [line for line in worker.splitlines() if line and not line.startswith("//")] == []


# --- reading it ----------------------------------------------------------------------------------


def test_globs_select_and_a_wrong_one_is_told() -> None:
    assert [mutant.name for mutant in selected(gallery(), ["loose-equality"])] == ["loose-equality"]
    assert {mutant.name for mutant in selected(gallery(), ["believes-*"])} == {
        "believes-its-notes",
        "believes-old-notes",
    }
    assert selected(gallery(), []) == gallery()
    with pytest.raises(InputError, match="no mutant is called 'lose-equality'; did you mean 'loose-equality'"):
        selected(gallery(), ["lose-equality"])


def test_a_gallery_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no mutants"):
        load_gallery(REQUIREMENTS, SCENARIOS, tmp_path)
    (tmp_path / "Two Words.toml").write_text("")
    with pytest.raises(DataError, match="rename the file"):
        load_gallery(REQUIREMENTS, SCENARIOS, tmp_path)


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "it.toml").write_bytes(b"\xff")
    with pytest.raises(DataError, match=r"it\.toml:1: cannot be read.*UTF-8"):
        load_gallery(REQUIREMENTS, SCENARIOS, tmp_path)


# --- writing it ----------------------------------------------------------------------------------


def test_a_written_mutant_is_an_extension_of_its_own(tmp_path: Path) -> None:
    profile = load_mutant(named("loose-equality"), base_directory(), tmp_path)
    assert profile.name == "loose-equality"
    assert profile.heartbeat == load_subject(base_directory(), None).heartbeat
    home = tmp_path / "loose-equality"
    assert (home / "icons" / "16.png").read_bytes() == (base_directory() / "icons" / "16.png").read_bytes()
    assert "service == 'semantest'" in (home / "signature.js").read_text(encoding="utf-8")


def test_writing_again_replaces_it_and_nothing_else(tmp_path: Path) -> None:
    mutant = named("loose-equality")
    home = write_mutant(mutant, base_directory(), tmp_path)
    (home / "left.js").write_text("old")
    write_mutant(mutant, base_directory(), tmp_path)
    assert not (home / "left.js").exists()
    (home / "subject.toml").write_text('name = "mine"\n')
    with pytest.raises(InputError, match="is no mutant; move it away"):
        write_mutant(mutant, base_directory(), tmp_path)
    assert (home / "subject.toml").read_text() == 'name = "mine"\n'


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="choose another directory"):
        write_mutant(named("loose-equality"), base_directory(), tmp_path / "file")


# --- the document --------------------------------------------------------------------------------


def test_the_document_lists_the_gallery() -> None:
    document = bundled("docs", "mutants.md").read_text(encoding="utf-8")
    pattern = r"(?m)^\| `([a-z0-9-]+)` \| (.*) \| ([A-Z0-9-]+ (?:MUST|SHOULD)[^|]*) \| [^|]* \| \d+ \|"
    rows = {name: (says, labels) for name, says, labels in re.findall(pattern, document)}
    waiting = set(re.findall(r"(?m)^- `([a-z0-9-]+)` .*; awaits ", document))
    for mutant in gallery():
        row = mutant.says, ", ".join(f"{id_} {level}" for id_, level in mutant.breaks.items())
        assert rows.get(mutant.name, row if mutant.name in waiting else "missing") == row, mutant.name
    assert rows.keys() | waiting == {mutant.name for mutant in gallery()}
