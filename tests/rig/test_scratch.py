"""What a run writes for itself, on a file system that does not let it."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from conformance.errors import ExitStatus, StorageFailed
from conformance.rig.scratch import no_room, scratching, temporary_directory, temporary_file

WHAT_TO_DO = "; free space or set TMPDIR to another place"


def test_a_directory_is_where_it_was_asked_for_and_gone_with_its_block(tmp_path: Path) -> None:
    with temporary_directory(where=str(tmp_path)) as directory:
        assert Path(directory).parent == tmp_path
        assert Path(directory).is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_with_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: str, _: int = 0) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    monkeypatch.setattr(os, "mkdir", full)
    with pytest.raises(StorageFailed) as raised:
        temporary_directory(where=str(tmp_path))
    said = str(raised.value)
    assert said.startswith(f"{tmp_path}/conform-")
    assert said.endswith(f": no space left on device{WHAT_TO_DO}")
    assert raised.value.exit_status is ExitStatus.HARNESS_FAILED


def test_no_place_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python tries some, and takes the first that it can write to."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "Gone")])
    for make in (temporary_directory, temporary_file):
        with pytest.raises(StorageFailed) as raised:
            make()
        assert str(raised.value) == (
            f"no temporary file can be made: no usable temporary directory found in ['{tmp_path}/Gone']{WHAT_TO_DO}"
        )


def test_what_the_block_itself_meets_is_its_own() -> None:
    with pytest.raises(ConnectionResetError), temporary_directory():
        raise ConnectionResetError


@pytest.mark.parametrize(
    ("blocks", "inodes", "is_full"),
    [
        (10_000, (50, 100), False),
        (10_000, (0, 0), False),  # a file system that counts no inodes
        (10, (50, 100), True),
        (10_000, (0, 100), True),
    ],
)
def test_a_full_file_system_is_known(
    blocks: int, inodes: tuple[int, int], is_full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = SimpleNamespace(f_bavail=blocks, f_bfree=blocks, f_frsize=4096, f_favail=inodes[0], f_files=inodes[1])
    monkeypatch.setattr(os, "statvfs", lambda _: told)
    assert no_room(tmp_path) == (f"; no space is left in {tmp_path}{WHAT_TO_DO.replace(';', ':')}" if is_full else "")


def test_root_may_write_where_others_may_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = SimpleNamespace(f_bavail=0, f_bfree=10_000, f_frsize=4096, f_favail=0, f_files=0)
    monkeypatch.setattr(os, "statvfs", lambda _: told)
    for user, is_full in ((0, False), (1000, True)):
        monkeypatch.setattr(os, "geteuid", lambda user=user: user)
        assert bool(no_room(tmp_path)) is is_full


def test_of_a_place_that_is_gone_nothing_is_said(tmp_path: Path) -> None:
    assert no_room(tmp_path / "gone") == ""


def test_a_place_that_is_known_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match=f"^{tmp_path}/a: no such file or directory; "), scratching(tmp_path / "a"):
        (tmp_path / "a" / "b").touch()
