"""Putting reports on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.errors import StorageFailed
from conformance.report.output import put, utf8


def test_directories_on_the_way_are_made(tmp_path: Path) -> None:
    put(tmp_path / "a" / "b" / "c.txt", b"x")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == b"x"


def test_nothing_else_is_left_behind(tmp_path: Path) -> None:
    put(tmp_path / "c.txt", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["c.txt"]


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "report.md"
    with pytest.raises(StorageFailed) as raised:
        put(path, b"x")
    assert str(raised.value).startswith(f"{path}: ")
    assert "conform report RUN" in str(raised.value)


def test_what_is_no_character_is_shown_by_its_code() -> None:
    assert utf8("a\udc80") == rb"a\udc80"
