"""What a busy machine can have cost the browser."""

from __future__ import annotations

import os

from conformance.rig.starvation import starved_ms, waits_ms


def test_our_own_threads_are_found() -> None:
    assert os.getpid() in waits_ms(os.getpgid(0))


def test_no_such_group_has_waited_for_nothing() -> None:
    assert waits_ms(2**22 + 1) == {}


def test_only_what_was_waited_in_between_counts() -> None:
    assert starved_ms({1: 10.0, 2: 5.0, 3: 7.0}, {1: 12.5, 2: 5.0, 4: 1.0}) == 3.5
