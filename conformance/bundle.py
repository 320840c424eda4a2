"""Where the files that ship with the harness are: in the checkout, or inside an installed wheel.

A checkout has ``fixtures/`` and ``scenarios/`` beside the package; a wheel has them in
``conformance/_data``. What is in them is not this module's business.
"""

from __future__ import annotations

from pathlib import Path

from conformance.errors import HarnessError

_PACKAGE = Path(__file__).resolve().parent


def checkout() -> Path | None:
    """The project's directory when the package runs from a checkout, else None."""
    root = _PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and (root / "tests").is_dir() else None


def bundled(*parts: str) -> Path:
    """The path of a bundled file or directory, e.g. ``bundled("fixtures", "extensions", "reference")``."""
    for root in (_PACKAGE / "_data", _PACKAGE.parent):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise HarnessError(f"{'/'.join(parts)} is missing from this installation at {_PACKAGE}; install the package again")
