"""What every test has: hypothesis without a stop-watch, and the browser of those that start one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from conformance.rig.browsers import Browser, find_browser

# The machine may be busy (tests run four at once), so an example has no deadline of its own.
# A property that holds in 100 examples may break in 5,000: CONFORM_EXAMPLES=5000 looks harder.
settings.register_profile(
    "conform", deadline=None, print_blob=True, max_examples=int(os.environ.get("CONFORM_EXAMPLES", "100"))
)
# For mutation testing: the same examples every time, and none made smaller once it has failed.
settings.register_profile(
    "quick", deadline=None, max_examples=25, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile("conform")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests begin first, wherever they are shuffled to: begun last, they keep a whole run waiting.

    Each worker begins with a slice of the list (xdist, ``worksteal``), so each slice gets its share.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long = [item for item in items if item.get_closest_marker("long")]
    others = [item for item in items if not item.get_closest_marker("long")]
    size = -(-len(others) // workers)
    items[:] = [
        item
        for worker in range(workers)
        for item in (*long[worker::workers], *others[worker * size : (worker + 1) * size])
    ]


@pytest.fixture(scope="session")
def states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Places that nobody has been to."""
    base = tmp_path_factory.mktemp("states")
    return (base / str(number) for number in count())


@pytest.fixture(autouse=True)
def _own_state(monkeypatch: pytest.MonkeyPatch, states: Iterator[Path]) -> None:
    """No test reads or writes what its user has calibrated, or another test. A directory for each costs too much."""
    monkeypatch.setenv("XDG_STATE_HOME", str(next(states)))


@pytest.fixture(scope="session")
def browser() -> Browser:
    """The Chromium of tests that are marked ``browser``."""
    return find_browser()
