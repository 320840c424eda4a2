"""The gallery on disk: the mutants' files, and the unpacked extension that each of them stands for.

Shell: reads and writes files. What a mutant's file may say, and how it is applied, is mutants.py's business.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.bundle import bundled
from conformance.errors import DataError, InputError, StorageFailed, did_you_mean
from conformance.mutants import PROFILE, Mutant, mutated, parse_mutant
from conformance.store import cause_of
from conformance.subjects import load_subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.model import Profile, Requirement, Scenario

_TEXT = (".js", ".json", ".html", ".css", ".toml")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def base_directory() -> Path:
    """The extension that all mutants are changes of."""
    return bundled("fixtures", "extensions", "reference")


def do_nothing_directory() -> Path:
    """The extension that does nothing, and so must pass nothing."""
    return bundled("fixtures", "extensions", "do-nothing")


def stranger_directories() -> list[Path]:
    """The extensions that conform, each in a style of its own."""
    return sorted(path.parent for path in bundled("fixtures", "extensions", "strangers").glob("*/manifest.json"))


def load_gallery(
    requirements: Mapping[str, Requirement], scenarios: Iterable[Scenario], directory: Path | None = None
) -> tuple[Mutant, ...]:
    """Every mutant in ``directory`` (or the bundled gallery), by name."""
    where = directory or bundled("fixtures", "extensions", "mutants")
    known = frozenset(scenario.id for scenario in scenarios)
    paths = sorted(where.glob("*.toml"))
    if not paths:
        raise InputError(f"{where}: holds no mutants (*.toml)")
    return tuple(_load(path, requirements, known) for path in paths)


def _load(path: Path, requirements: Mapping[str, Requirement], scenarios: frozenset[str]) -> Mutant:
    source = f"{path.parent.name}/{path.name}"
    if not _NAME.fullmatch(path.stem):
        raise DataError(f"{source}:1: a mutant is called by its file, in lower-case-with-dashes; rename the file")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{source}:1: cannot be read: {error}; save it as UTF-8") from error
    return parse_mutant(text, path.stem, source, requirements=requirements, scenarios=scenarios)


def selected(gallery: Iterable[Mutant], globs: Iterable[str]) -> tuple[Mutant, ...]:
    """The mutants that any glob names; all of them without one."""
    every = tuple(gallery)
    patterns = {glob: re.compile(re.escape(glob).replace(r"\*", ".*").replace(r"\?", ".")) for glob in globs}
    for glob, pattern in patterns.items():
        if not any(pattern.fullmatch(mutant.name) for mutant in every):
            raise InputError(f"no mutant is called '{glob}'{did_you_mean(glob, [mutant.name for mutant in every])}")
    if not patterns:
        return every
    return tuple(each for each in every if any(pattern.fullmatch(each.name) for pattern in patterns.values()))


def base_texts(base: Path) -> dict[str, str]:
    """The base's text files by their path in it."""
    paths = [path for path in sorted(base.rglob("*")) if path.is_file() and path.suffix in _TEXT]
    return {path.relative_to(base).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def write_mutant(mutant: Mutant, base: Path, into: Path) -> Path:
    """The mutant as an unpacked extension in a directory of its name; whatever was there is replaced."""
    files = mutated(mutant, base_texts(base))
    home = into / mutant.name
    try:
        if home.exists():
            _refuse_foreign(home)
            shutil.rmtree(home)
        shutil.copytree(base, home)
        for name, text in files.items():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:  # shutil's own error is one
        raise StorageFailed(f"{home}: {cause_of(error)}; choose another directory") from error
    return home


def _refuse_foreign(home: Path) -> None:
    """Nothing is removed that this module has not written: a mutant's profile states its directory's name."""
    profile = home / PROFILE
    if not profile.is_file() or f'name = "{home.name}"' not in profile.read_text(encoding="utf-8"):
        raise InputError(f"{home} is there already and is no mutant; move it away, or choose another directory")


def load_mutant(mutant: Mutant, base: Path, into: Path) -> Profile:
    """Write it into ``into`` and load it as any subject."""
    return load_subject(write_mutant(mutant, base, into), None)


def restored(profile: Profile, gallery: Iterable[Mutant], into: Path) -> Profile:
    """The subject of an earlier run: as it stands, or written anew if it is a mutant, which no run keeps.

    Raises InputError where it is gone.
    """
    if Path(profile.extension).is_dir():
        return profile
    mutant = next((each for each in gallery if each.name == profile.name), None)
    if mutant is None:
        raise InputError(f"{profile.extension}: the extension '{profile.name}' is gone; put it back, or run all anew")
    return load_mutant(mutant, base_directory(), into)
