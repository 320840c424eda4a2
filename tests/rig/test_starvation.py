"""What a busy machine can have cost the browser."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conformance.rig import starvation
from conformance.rig.starvation import starved_ms, waits_ms


def test_only_threads_on_the_way_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    name = Path(f"/proc/{os.getpid()}/comm").read_bytes()
    monkeypatch.setattr(starvation, "_ON_THE_WAY", (name.strip(),))
    assert os.getpid() in waits_ms(os.getpgid(0))
    monkeypatch.setattr(starvation, "_ON_THE_WAY", (b"no such thread",))
    assert waits_ms(os.getpgid(0)) == {}


def test_no_such_group_has_waited_for_nothing() -> None:
    assert waits_ms(2**22 + 1) == {}


def test_only_what_was_waited_in_between_counts() -> None:
    assert starved_ms({1: 10.0, 2: 5.0, 3: 7.0}, {1: 12.5, 2: 5.0, 4: 1.0}) == 3.5
