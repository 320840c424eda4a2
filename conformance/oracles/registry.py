"""The table of oracles: one pure function a requirement.

Pure. An oracle gives a finding, or None where its requirement has no place in a scenario that is not
there for it. ``everywhere`` marks the invariants: they are judged in every scenario in which their
condition arises, named there or not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from conformance.oracles.case import Case
from conformance.verdict import Finding

Judge: TypeAlias = Callable[[Case], Finding | None]


@dataclass(frozen=True, slots=True)
class Oracle:
    """How one requirement is judged."""

    requirement: str
    judge: Judge
    everywhere: bool


ORACLES: dict[str, Oracle] = {}


def oracle(requirement: str, *, everywhere: bool = False) -> Callable[[Judge], Judge]:
    """Enter a function into the table under its requirement."""

    def enter(judge: Judge) -> Judge:
        if requirement in ORACLES:
            raise ValueError(f"two oracles for {requirement}: {ORACLES[requirement].judge.__name__}, {judge.__name__}")
        ORACLES[requirement] = Oracle(requirement, judge, everywhere)
        return judge

    return enter
