"""Networks of a test's own, where this machine gives them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from conformance.errors import Unsupported
from conformance.rig.namespace import Namespace, Where
from conformance.rig.network import PUBLIC, PUBLIC_V6, Network


@asynccontextmanager
async def namespace() -> AsyncIterator[Namespace]:
    """Both namespaces; the test is skipped where there can be none."""
    try:
        made = await Namespace.open()
    except Unsupported as why:
        pytest.skip(str(why))
    try:
        yield made
    finally:
        await made.close()


@asynccontextmanager
async def network() -> AsyncIterator[tuple[Namespace, Network]]:
    """The same with a wire between them, and the public addresses at its far end."""
    async with namespace() as made:
        made.own(Where.WORLD, [PUBLIC, PUBLIC_V6])
        wire = Network(made)
        wire.open()
        try:
            yield made, wire
        finally:
            wire.close()
