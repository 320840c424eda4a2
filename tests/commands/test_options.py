"""What ``conform run`` is asked to do."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conformance.commands import options
from conformance.errors import InputError
from conformance.model import Profile
from conformance.rig.engine import RigMode


def named(name: str, directory: str) -> Profile:
    return Profile(name, "1.0", directory)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path | None, Path | None]]:
    """What load_subject was asked for; it gives a subject named after it."""
    calls: list[tuple[Path | None, Path | None]] = []

    def load(extension: Path | None, profile: Path | None) -> Profile:
        calls.append((extension, profile))
        return named(f"subject {len(calls)}", str(extension or profile))

    monkeypatch.setattr(options, "load_subject", load)
    return calls


def test_nothing_named_is_the_bundled_reference(loaded: list[tuple[Path | None, Path | None]]) -> None:
    assert len(options.load_subjects((), ())) == 1
    ((extension, profile),) = loaded
    assert profile is None
    assert extension is not None
    assert extension.parts[-3:] == ("fixtures", "extensions", "reference")


def test_extensions_and_profiles_go_together_in_order(loaded: list[tuple[Path | None, Path | None]]) -> None:
    options.load_subjects((Path("a"), Path("b")), (Path("p"), Path("q")))
    assert loaded == [(Path("a"), Path("p")), (Path("b"), Path("q"))]


def test_one_kind_alone_stands_alone(loaded: list[tuple[Path | None, Path | None]]) -> None:
    options.load_subjects((Path("a"),), ())
    options.load_subjects((), (Path("p"),))
    assert loaded == [(Path("a"), None), (None, Path("p"))]


def test_counts_that_differ_are_refused(loaded: list[tuple[Path | None, Path | None]]) -> None:
    with pytest.raises(InputError, match=r"^2 --extension and 1 --subject: give one --subject for each"):
        options.load_subjects((Path("a"), Path("b")), (Path("p"),))
    assert loaded == []


def test_two_builds_of_one_extension_are_told_apart() -> None:
    profiles = [named("mine", "x/before"), named("other", "y"), named("mine", "x/after"), named("mine", "z/after")]
    names = [profile.name for profile in options.with_distinct_names(profiles)]
    assert names == ["mine (before)", "other", "mine (after)", "mine (after) 2"]


def test_a_made_up_name_is_not_one_that_is_there() -> None:
    profiles = [named("mine (a)", "q"), named("mine", "x/a"), named("mine", "y/a")]
    names = [profile.name for profile in options.with_distinct_names(profiles)]
    assert names[0] == "mine (a)"
    assert len(set(names)) == 3


def test_run_ids_sort_by_time_and_differ() -> None:
    moment = datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC)
    ids = {options.new_run_id(moment) for _ in range(20)}
    assert all(re.fullmatch(r"20260131T120005Z-[0-9a-f]{4}", one) for one in ids)
    assert len(ids) > 1


def test_a_seed_fits_the_options_range() -> None:
    assert 0 <= options.random_seed() < options.SEED_END


@pytest.mark.parametrize(
    ("per_cpu", "rig", "told", "jobs"),
    [
        (8, RigMode.WARM, "MemTotal: 9 kB\nMemAvailable:   24000000 kB\n", 32),
        (8, RigMode.WARM, "nothing of the kind\n", 32),
        (8, RigMode.WARM, None, 32),
        (8, RigMode.WARM, f"MemAvailable: {7 * 300 * 1024} kB\n", 7),
        (8, RigMode.WARM, "MemAvailable: 1024 kB\n", 1),
        (8, RigMode.FRESH, None, 12),
        (8, RigMode.UNATTACHED, None, 4),
        (1, RigMode.FRESH, None, 4),
    ],
)
def test_there_are_as_many_rigs_as_four_cores_and_the_memory_bear(  # noqa: PLR0913, PLR0917 - a case's parts
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, per_cpu: int, rig: RigMode, told: str | None, jobs: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(options, "_MEMINFO", tmp_path / "meminfo")
    if told is not None:
        (tmp_path / "meminfo").write_text(told)
    assert options.default_jobs(per_cpu, rig) == jobs
