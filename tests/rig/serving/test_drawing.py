"""Drawn inputs: the same for the same seed, of every kind, and no directory left behind."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from conformance.errors import StorageFailed
from conformance.model import Side
from conformance.rig.serving.drawing import BROKEN_A_DRAWING, FRAMES, broken, draw, requests_to
from conformance.rig.serving.model import Due, SessionModel, is_whole_request
from conformance.rig.serving.wire import find

ROOT = Path(__file__).resolve().parents[3]


def test_the_same_seed_draws_the_same() -> None:
    assert draw(FRAMES, 60, 3) == draw(FRAMES, 60, 3)
    assert draw(FRAMES, 60, 3) != draw(FRAMES, 60, 4)


def test_frames_of_every_kind_are_drawn() -> None:
    due = Counter(SessionModel().due(data) for data in draw(FRAMES, 500, 1))
    assert set(due) == set(Due)
    assert min(due[Due.KEPT], due[Due.ENDED]) > 50


def test_requests_whole_and_not_are_drawn() -> None:
    target = asyncio.run(find("http://127.0.0.1:3003", Side.LOCAL))
    inputs = draw(requests_to(target), 500, 1)
    whole = sum(map(is_whole_request, inputs))
    assert 100 < whole < 490
    assert any(b"/semantest-signature" in data for data in inputs)
    assert any(data.startswith(b"OPTIONS") for data in inputs)


def test_broken_is_not_what_it_was() -> None:
    whole = bytes(range(200))
    made = [broken(whole, Random(seed)) for seed in range(50)]  # noqa: S311 - variety, not secrecy
    assert sum(data != whole for data in made) > 45
    assert broken(b"", Random(1)) is not None  # noqa: S311 - as above


def test_no_room_for_its_house_is_the_harness_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No OSError: that would be held against the server that is examined."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "gone")])
    with pytest.raises(StorageFailed, match="free space or set TMPDIR"):
        draw(FRAMES, 23, 0)


def test_nothing_is_left_where_it_was_run(tmp_path: Path) -> None:
    code = "from conformance.rig.serving.drawing import FRAMES, draw; print(len(draw(FRAMES, 23, 0)))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "elsewhere")}
    (tmp_path / "elsewhere").mkdir()
    work = tmp_path / "work"
    work.mkdir()
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", code], cwd=work, env=environment, capture_output=True, check=True
    )
    assert int(done.stdout) == 23
    assert list(work.iterdir()) == []
    assert BROKEN_A_DRAWING > 0
