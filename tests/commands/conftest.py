"""What the tests of commands share."""

from __future__ import annotations

import pytest

from tests.commands.stand_ins import StandIn, install


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """In the engine's place."""
    return install(monkeypatch)
