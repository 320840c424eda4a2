"""The data files: finds and reads them. What is in them is catalogue.py's business.

The bundled ones are in ``scenarios/``. A user's own directory of scenarios may have requirements of
its own in ``requirements.yaml``; without that file the bundled requirements hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.bundle import bundled
from conformance.catalogue import by_id, merge_scenarios, parse_requirements, parse_scenarios
from conformance.errors import DataError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from conformance.model import Requirement, Scenario

REQUIREMENTS: Final = "requirements.yaml"


def load_requirements(directory: Path | None = None) -> tuple[Requirement, ...]:
    """The requirements in ``directory``, or the bundled ones."""
    home = bundled("scenarios")
    own = directory is not None and (directory / REQUIREMENTS).is_file()
    path = (directory if directory is not None and own else home) / REQUIREMENTS
    return parse_requirements(_read(path), _source(path, bundled_in=home))


def load_scenarios(
    directory: Path | None = None,
    *,
    faults: Mapping[str, type] | None = None,
    requirements: Mapping[str, Requirement] | None = None,
) -> tuple[Scenario, ...]:
    """The scenarios of every file in ``directory`` (or the bundled ones), files in the order of their names."""
    home = bundled("scenarios")
    where = directory or home
    if not where.is_dir():
        raise InputError(f"{where}: no such directory; name one that holds scenario files (*.yaml)")
    paths = sorted(path for path in where.glob("*.yaml") if path.name != REQUIREMENTS)
    if not paths:
        raise InputError(f"{where}: holds no scenario files (*.yaml)")
    if faults is None:
        from conformance.rig.faults import FAULTS  # noqa: PLC0415 - the rig is not needed to read data

        faults = FAULTS
    known = by_id(load_requirements(directory)) if requirements is None else requirements
    return merge_scenarios(
        parse_scenarios(_read(path), _source(path, bundled_in=home), faults=faults, requirements=known)
        for path in paths
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}:{line} is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; check its name and permissions") from error


def _source(path: Path, *, bundled_in: Path) -> str:
    """The file's name in messages and records; a bundled one without the machine's own directories."""
    return f"{bundled_in.name}/{path.name}" if path.parent == bundled_in else str(path)
