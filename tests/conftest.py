"""What every test has: hypothesis without a stop-watch, and the browser of those that start one."""

from __future__ import annotations

import pytest
from hypothesis import settings

from conformance.rig.browsers import Browser, find_browser

# The machine may be busy (tests run four at once), so an example has no deadline of its own.
settings.register_profile("conform", deadline=None, print_blob=True)
settings.load_profile("conform")


@pytest.fixture(scope="session")
def browser() -> Browser:
    """The Chromium of tests that are marked ``browser``."""
    return find_browser()
