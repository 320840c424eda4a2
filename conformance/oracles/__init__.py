"""The oracles: timeline → finding, one pure function a requirement, in one table.

A module a family of ids. ``ORACLES`` has every requirement that can be judged from a timeline today; a
covered requirement that is not in it is INCONCLUSIVE, never passed.
"""

from __future__ import annotations

from conformance.oracles import (
    falling_back,
    living,
    network,
    privacy,
    public,
    retrying,
    selecting,
    serving,
    signature,
    timing,
)
from conformance.oracles.case import Case
from conformance.oracles.registry import ORACLES, Oracle

__all__ = ["FAMILIES", "ORACLES", "Case", "Oracle"]

# Imported for their entries in the table.
FAMILIES = (selecting, signature, timing, falling_back, retrying, living, privacy, public, network, serving)
