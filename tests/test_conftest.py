"""The order of tests: the long ones first, and each worker its share of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pytest

from tests.conftest import pytest_collection_modifyitems


@dataclass(frozen=True)
class Item:
    """As much of a test as the order looks at."""

    name: str
    is_long: bool

    def get_closest_marker(self, name: str) -> object:
        return self if self.is_long and name == "long" else None


def ordered(names: str) -> str:
    """Tests by a letter each, capital where they are long, as they will be run."""
    items = cast("list[pytest.Item]", [Item(name, name.isupper()) for name in names])
    pytest_collection_modifyitems(items)
    return "".join(cast("Item", item).name for item in items)


@pytest.mark.parametrize(
    ("workers", "order"),
    [
        ("1", "ABCDabcdef"),
        ("2", "ACabcBDdef"),  # each half begins with half of the long ones
        ("4", "AabBcdCefD"),
        ("9", "AaBbCcDdef"),  # more workers than there are long ones
    ],
)
def test_long_tests_begin_first_in_every_workers_slice(
    workers: str, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", workers)
    assert ordered("aAbBcCdDef") == order


def test_without_workers_they_are_one_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT", raising=False)
    assert ordered("abAcB") == "ABabc"
