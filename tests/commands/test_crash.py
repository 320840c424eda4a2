"""What nobody expected."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conformance.commands.crash import explained, logged_in
from conformance.errors import ExitStatus, InputError


def broken() -> None:
    raise KeyError("what\nnobody expected")


def test_the_traceback_is_kept_and_the_message_says_where(tmp_path: Path) -> None:
    with (
        pytest.raises(Exception, match=r"unexpected error: KeyError: .*a bug of the harness") as raised,
        logged_in(tmp_path),
    ):
        broken()
    assert str(tmp_path / "crash.log") in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "in broken" in (tmp_path / "crash.log").read_text(encoding="utf-8")


def test_what_was_raised_on_purpose_passes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^as it was$"), logged_in(tmp_path):
        raise InputError("as it was")
    assert list(tmp_path.iterdir()) == []


def test_without_a_run_directory_it_has_one_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    error = explained(ValueError("x"))
    assert error.exit_status is ExitStatus.HARNESS_FAILED
    found = re.search(r"its traceback is in (\S+)$", str(error))
    assert found
    assert "ValueError: x" in Path(found[1]).read_text(encoding="utf-8")


def test_without_a_temporary_directory_the_error_is_told_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    error = explained(ValueError("x"))
    assert re.search(
        r"ValueError: x; .* could not be written to \S*/gone/\S+ \(No such file or directory\)$", str(error)
    )


def test_a_log_that_cannot_be_written_does_not_hide_the_error(tmp_path: Path) -> None:
    error = explained(ValueError("x"), tmp_path / "nowhere")
    assert "ValueError: x" in str(error)
    assert "could not be written" in str(error)
