"""Finding what ships with the harness."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import bundle
from conformance.errors import HarnessError

ROOT = Path(__file__).resolve().parent.parent


def test_in_a_checkout_the_files_are_beside_the_package() -> None:
    assert bundle.bundled("fixtures", "extensions") == ROOT / "fixtures" / "extensions"
    assert bundle.checkout() == ROOT


def test_a_wheel_has_them_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "conformance" / "_data" / "scenarios").mkdir(parents=True)
    monkeypatch.setattr(bundle, "_PACKAGE", tmp_path / "conformance")
    assert bundle.bundled("scenarios") == tmp_path / "conformance" / "_data" / "scenarios"
    assert bundle.checkout() is None


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_PACKAGE", tmp_path)
    with pytest.raises(HarnessError, match=r"^fixtures/extensions is missing from this installation"):
        bundle.bundled("fixtures", "extensions")
