"""Mutants: one named fault each, written as a few changes of one well-made extension.

Pure: a mutant's text and the base's files in, the mutant's files out; who reads and writes them is
gallery.py's business. Strict: an unknown key, requirement or file, a level that is not the requirement's,
a search text that does not occur exactly once, each is a ``DataError`` with ``file:line``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conformance.errors import DataError, did_you_mean
from conformance.model import Level
from conformance.toml_lines import line_of, not_toml

if TYPE_CHECKING:
    from conformance.model import Requirement

MANIFEST = "manifest.json"
PROFILE = "subject.toml"

_MANIFEST_NAME = re.compile(r'("name"\s*:\s*")[^"]*(")')
_PROFILE_NAME = re.compile(r'(?m)^(name\s*=\s*")[^"]*(")')


@dataclass(frozen=True, slots=True)
class Edit:
    """``find`` occurs once in the base's ``file`` and becomes ``replace``; None: the file is new. ``line``: its own."""

    file: str
    find: str | None
    replace: str
    line: int


@dataclass(frozen=True, slots=True)
class Mutant:
    """A subject with one known fault.

    ``breaks``: the requirements that it must be seen to fail, at the level they have. ``implied``: what may
    fail along with them, and why. ``shows_in``: the scenarios in which its fault is looked for; empty: those
    that cover what it breaks. ``awaits``: what has to be staged before it can be judged; empty: nothing.
    """

    name: str
    says: str
    breaks: Mapping[str, Level]
    implied: Mapping[str, str]
    edits: tuple[Edit, ...]
    shows_in: tuple[str, ...] = ()
    awaits: str = ""
    source: str = ""


# --- the grammar ---------------------------------------------------------------------------------


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


_Text = Annotated[str, Field(min_length=1)]


class _Change(_Table):
    file: _Text
    find: _Text
    replace: str


class _Add(_Table):
    file: _Text
    text: _Text


class _Document(_Table):
    says: _Text
    awaits: _Text | None = None
    shows_in: list[_Text] = []
    breaks: dict[str, str]
    implied: dict[str, _Text] = {}
    change: list[_Change] = []
    add: list[_Add] = []


_KEYS: dict[str, type[BaseModel]] = {"": _Document, "change": _Change, "add": _Add}


def parse_mutant(
    text: str, name: str, source: str, *, requirements: Mapping[str, Requirement], scenarios: frozenset[str]
) -> Mutant:
    """The mutant called ``name`` that ``text`` states. ``source`` names its file in messages."""
    at = _Place(text, source)
    try:
        document = _Document.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise DataError(not_toml(str(error), text, source)) from error
    except ValidationError as error:
        at.fail_first(error)
    _check(document, at, requirements, scenarios)
    changes = [Edit(each.file, each.find, each.replace, at.nth("change", n)) for n, each in enumerate(document.change)]
    adds = [Edit(each.file, None, each.text, at.nth("add", n)) for n, each in enumerate(document.add)]
    return Mutant(
        name=name,
        says=document.says,
        breaks={id_: Level(level) for id_, level in document.breaks.items()},
        implied=document.implied,
        edits=(*changes, *adds),
        shows_in=tuple(document.shows_in),
        awaits=document.awaits or "",
        source=source,
    )


def _check(document: _Document, at: _Place, requirements: Mapping[str, Requirement], scenarios: frozenset[str]) -> None:
    for id_ in (*document.breaks, *document.implied):
        table = "breaks" if id_ in document.breaks else "implied"
        if id_ not in requirements:
            at.fail((table, id_), f"no such requirement{did_you_mean(id_, requirements)}")
    for id_, level in document.breaks.items():
        if level != requirements[id_].level.value:
            at.fail(("breaks", id_), f"{id_} is a {requirements[id_].level.value}, not a {level}")
        if id_ in document.implied:
            at.fail(("implied", id_), "is in [breaks] already; what must fail is not implied")
    for scenario in document.shows_in:
        if scenario not in scenarios:
            at.fail(("shows_in",), f"no scenario is called '{scenario}'{did_you_mean(scenario, scenarios)}")
    if not document.breaks or not (document.change or document.add):
        at.fail(("breaks",), "a mutant breaks something, by a [[change]] or an [[add]]")


@dataclass(frozen=True, slots=True)
class _Place:
    """The text, to say where in it something is wrong."""

    text: str
    source: str

    def nth(self, table: str, number: int) -> int:
        """The line of the ``number``-th ``[[table]]``, counted from 0."""
        lines = [line for line, each in enumerate(self.text.splitlines(), 1) if each.strip() == f"[[{table}]]"]
        return lines[number] if number < len(lines) else 1

    def fail(self, path: tuple[str, ...], problem: str) -> NoReturn:
        """Raise ``file:line 'key': problem``."""
        raise DataError(f"{self.source}:{line_of(self.text, path)} '{'.'.join(path)}': {problem}")

    def fail_first(self, error: ValidationError) -> NoReturn:
        """Raise for the first of pydantic's complaints; a key that does not exist may be why another is missing."""
        first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        table, *rest = [str(part) for part in first["loc"]]
        in_list = bool(rest) and rest[0].isdigit()
        line = self.nth(table, int(rest[0])) if in_list else line_of(self.text, (table, *rest))
        key = rest[-1] if rest else table
        problem = first["msg"].replace("Input should be", "should be").replace("dictionary", "table").lower()
        if first["type"] == "extra_forbidden":
            problem = f"no such key{did_you_mean(key, _KEYS[table if in_list else ''].model_fields)}"
        elif first["type"] == "missing":
            problem = "missing; add it"
        raise DataError(f"{self.source}:{line} '{key}': {problem}")


# --- making one ----------------------------------------------------------------------------------


def mutated(mutant: Mutant, base: Mapping[str, str]) -> dict[str, str]:
    """The mutant's text files: ``base`` with its changes, under its own name. ``base``: path → text."""
    files = dict(base)
    for edit in mutant.edits:
        files[edit.file] = _edited(mutant, edit, files)
    files[MANIFEST] = _renamed(mutant, files, MANIFEST, _MANIFEST_NAME, f"Mutant: {mutant.name}")
    files[PROFILE] = _renamed(mutant, files, PROFILE, _PROFILE_NAME, mutant.name)
    return files


def _edited(mutant: Mutant, edit: Edit, files: Mapping[str, str]) -> str:
    where = f"{mutant.source}:{edit.line}"
    if edit.find is None:
        if edit.file in files:
            raise DataError(f"{where} '{edit.file}': is a file of the base already; change it with [[change]]")
        return edit.replace
    if edit.file not in files:
        raise DataError(f"{where} '{edit.file}': the base has no such file{did_you_mean(edit.file, files)}")
    text = files[edit.file]
    count = text.count(edit.find)
    first = edit.find.strip().splitlines()[0] if edit.find.strip() else edit.find
    if count == 0:
        raise DataError(f"{where} {first!r}: is not in {edit.file}; copy the lines as they stand there now")
    if count > 1:
        raise DataError(f"{where} {first!r}: is in {edit.file} {count} times; add a line that tells which is meant")
    if edit.find == edit.replace:
        raise DataError(f"{where} {first!r}: is replaced by itself; a mutant differs from its base")
    return text.replace(edit.find, edit.replace)


def _renamed(mutant: Mutant, files: Mapping[str, str], file: str, pattern: re.Pattern[str], name: str) -> str:
    text, count = pattern.subn(lambda found: f"{found[1]}{name}{found[2]}", files.get(file, ""), count=1)
    if not count:
        raise DataError(f"{mutant.source}:1: the base's {file} has no name to replace; give it one")
    return text
