"""The table of oracles."""

from __future__ import annotations

import pytest

from conformance.oracles.registry import ORACLES, oracle


def test_two_oracles_for_one_requirement_are_refused() -> None:
    assert "SEL-1" in ORACLES
    with pytest.raises(ValueError, match="two oracles for SEL-1: asks_first, other"):

        @oracle("SEL-1")
        def other(_case: object) -> None:
            """Another one."""


def test_an_oracle_stays_the_function_it_was() -> None:
    assert ORACLES["SEL-1"].judge.__name__ == "asks_first"
    assert ORACLES["SEL-1"].requirement == "SEL-1"


def test_an_oracle_is_not_asked_everywhere_unless_it_says_so() -> None:
    assert [ORACLES[id_].everywhere for id_ in ("SEL-1", "SEL-2")] == [True, False]
