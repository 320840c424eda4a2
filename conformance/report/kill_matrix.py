"""The kill matrix, requirement by mutant, as Markdown, JSON and SVG.

Lays out what kills.py found; judges nothing. The Markdown goes between two marks of a document that has
them, so that what stands around it stays.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from conformance.kills import Check, Fate, Kill, Mark
from conformance.record import Environment
from conformance.report.output import put, storing, utf8

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BEGIN, END = "<!-- kill matrix: begin -->", "<!-- kill matrix: end -->"
SIGN: Final = {
    Mark.KILLED: "●",
    Mark.IMPLIED: "○",
    Mark.SURVIVED: "survived",
    Mark.UNSEEN: "?",
    Mark.COLLATERAL: "collateral",
}


@dataclass(frozen=True, slots=True)
class Matrix:
    """A whole run of the gallery. ``requirements``: the columns. ``again``: who was looked at a second time."""

    kills: Sequence[Kill]
    checks: Sequence[Check]
    requirements: Sequence[str]
    environment: Environment
    took_s: float
    again: Sequence[str] = ()

    def judged(self) -> list[Kill]:
        """The mutants that were carried out, by the first requirement that they break."""
        place = {id_: number for number, id_ in enumerate(self.requirements)}
        known = [kill for kill in self.kills if kill.fate is not Fate.AWAITED]
        return sorted(known, key=lambda kill: (min(place.get(id_, 0) for id_ in kill.mutant.breaks), kill.mutant.name))

    def awaited(self) -> list[Kill]:
        """Those that were not."""
        return [kill for kill in self.kills if kill.fate is Fate.AWAITED]


def summary(matrix: Matrix) -> str:
    """The run in one sentence."""
    fates = Counter(kill.fate for kill in matrix.kills)
    collateral = sum(cell.mark is Mark.COLLATERAL for kill in matrix.kills for cell in kill.cells.values())
    judged = len(matrix.judged())
    runs = sum(kill.scenarios for kill in matrix.kills)
    covered = {id_ for kill in matrix.judged() for id_ in kill.mutant.breaks}
    told = f"{fates[Fate.KILLED]} of {judged} mutants killed, {collateral} collateral failures, "
    told += f"{len(covered)} of {len(matrix.requirements)} requirements broken by one or more"
    how = f"in {matrix.took_s:.0f} s" if matrix.took_s else "judged from their record"
    return f"{told}; {runs} scenarios {how}"


def looked_again(matrix: Matrix) -> str:
    """Which mutants needed a second look."""
    return f"Looked at again with fewer rigs, since the first look could not tell: {', '.join(matrix.again)}."


# --- Markdown ------------------------------------------------------------------------------------


def markdown(matrix: Matrix) -> str:
    """Summary, checks, and a row a mutant."""
    made = matrix.environment
    lines = [
        f"{summary(matrix)}. {made.browser}, {made.rig} rig, {made.jobs} jobs, {made.cpus} CPUs.",
        "",
        "| mutant | what it does wrong | breaks | falls with it | scenarios | |",
        "|---|---|---|---|---:|---|",
        *(_row(kill) for kill in matrix.judged()),
        "",
        *(f"- {check.name}: {check.sentence or check.says}." for check in matrix.checks),
    ]
    if matrix.again:
        lines += ["", looked_again(matrix)]
    if awaited := matrix.awaited():
        lines += ["", "Not judged yet:", ""]
        lines += [f"- `{kill.mutant.name}` {kill.mutant.says}: {_labels(kill)}; {_awaits(kill)}" for kill in awaited]
    if wrong := [line for kill in matrix.kills for line in kill.sentences]:
        lines += ["", *(f"- {line}" for line in wrong)]
    return "\n".join([*lines, ""])


def _row(kill: Kill) -> str:
    seen = ", ".join(id_ for id_, cell in kill.cells.items() if cell.mark is Mark.IMPLIED)
    return f"| `{kill.mutant.name}` | {kill.mutant.says} | {_labels(kill)} | {seen} | {kill.scenarios} | {kill.fate} |"


def _labels(kill: Kill) -> str:
    return ", ".join(f"{id_} {level}" for id_, level in kill.mutant.breaks.items())


def _awaits(kill: Kill) -> str:
    return f"awaits {kill.mutant.awaits}" if kill.mutant.awaits else "cannot be staged on this machine"


def into_document(text: str, table: str) -> str:
    """``text`` with ``table`` between its marks; the table alone where there are none."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    return f"{head}{begin}\n{table}{end}{tail}" if begin and end else table


# --- JSON ----------------------------------------------------------------------------------------


def as_json(matrix: Matrix) -> str:
    """Everything, with the reasons."""
    kills = [
        {
            "mutant": kill.mutant.name,
            "says": kill.mutant.says,
            "fate": kill.fate.value,
            "breaks": {id_: level.value for id_, level in kill.mutant.breaks.items()},
            "implied": dict(kill.mutant.implied),
            "quiet": list(kill.quiet),
            "awaits": kill.mutant.awaits,
            "scenarios": kill.scenarios,
            "cells": {id_: {"mark": cell.mark.value, "reason": cell.reason} for id_, cell in kill.cells.items()},
            "sentences": list(kill.sentences),
        }
        for kill in matrix.kills
    ]
    data = {
        "schema": 1,
        "summary": summary(matrix),
        "requirements": list(matrix.requirements),
        "checks": [asdict(check) for check in matrix.checks],
        "again": list(matrix.again),
        "mutants": kills,
        "environment": asdict(matrix.environment) | {"browser_flags": list(matrix.environment.browser_flags)},
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


# --- SVG -----------------------------------------------------------------------------------------

_CELL, _NAME_W, _HEAD_H, _FOOT_H, _PAD = 17, 232, 64, 34, 12


def svg(matrix: Matrix) -> str:
    """A dot a failure: full where the mutant breaks it, hollow where that is implied, red where it is wrong."""
    rows, columns = matrix.judged(), list(matrix.requirements)
    width = _PAD + _NAME_W + _CELL * len(columns) + _PAD + 24
    height = _HEAD_H + _CELL * len(rows) + _FOOT_H
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">',
        f"<title>{escape(summary(matrix))}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{width}" height="{height}"/>',
        *(_column(number, id_, len(rows)) for number, id_ in enumerate(columns)),
        *(line for number, kill in enumerate(rows) for line in _line(number, kill, columns)),
        f'<text x="{_PAD}" y="{height - 12}">{escape(summary(matrix))} · ● broken and found   ○ falls with it</text>',
    ]
    return "\n".join([*parts, "</svg>", ""])


def _column(number: int, id_: str, rows: int) -> str:
    x = _PAD + _NAME_W + _CELL * number + _CELL / 2
    stripe = f'<line class="grid" x1="{x}" y1="{_HEAD_H}" x2="{x}" y2="{_HEAD_H + _CELL * rows}"/>'
    name = f'<text class="head" transform="translate({x + 4} {_HEAD_H - 6}) rotate(-60)">{escape(id_)}</text>'
    return stripe + name


def _line(number: int, kill: Kill, columns: Sequence[str]) -> Iterator[str]:
    y = _HEAD_H + _CELL * number + _CELL / 2
    right = _PAD + _NAME_W + _CELL * len(columns)
    yield f'<line class="grid" x1="{_PAD + _NAME_W}" y1="{y}" x2="{right}" y2="{y}"/>'
    name = f"<title>{escape(kill.mutant.says)}</title>{escape(kill.mutant.name)}"
    yield f'<text class="name" x="{_PAD + _NAME_W - 6}" y="{y + 4}" text-anchor="end">{name}</text>'
    for place, id_ in enumerate(columns):
        cell = kill.cells.get(id_)
        if cell is not None and cell.mark in SIGN:
            x = _PAD + _NAME_W + _CELL * place + _CELL / 2
            told = escape(f"{kill.mutant.name}, {id_}, {cell.mark}: {cell.reason}")
            yield f'<circle class="{cell.mark}" cx="{x}" cy="{y}" r="5"><title>{told}</title></circle>'


_STYLE = """
svg { color-scheme: light dark; --ink: #1c2026; --dim: #667080; --line: #e3e7ec; --page: #fff; --dot: #2563eb; }
@media (prefers-color-scheme: dark) {
  svg { --ink: #e4e7ec; --dim: #98a2b3; --line: #2a303a; --page: #14171c; --dot: #60a5fa; } }
text { font: 11px system-ui, sans-serif; fill: var(--dim); } text.name { fill: var(--ink); }
.page { fill: var(--page); } line.grid { stroke: var(--line); }
circle { stroke-width: 2; } circle.killed { fill: var(--dot); stroke: var(--dot); }
circle.implied { fill: var(--page); stroke: var(--dot); } circle.unseen { fill: #d97706; stroke: #d97706; }
circle.survived, circle.collateral { fill: #dc2626; stroke: #dc2626; }
"""


# --- files ---------------------------------------------------------------------------------------


def write_markdown(matrix: Matrix, path: Path) -> None:
    """The table, into the document that is there, if it has the marks."""
    with storing(path):
        there = path.read_text(encoding="utf-8") if path.is_file() else ""
    put(path, utf8(into_document(there, markdown(matrix))))


def write_json(matrix: Matrix, path: Path) -> None:
    """Everything."""
    put(path, utf8(as_json(matrix)))


def write_svg(matrix: Matrix, path: Path) -> None:
    """The picture."""
    put(path, utf8(svg(matrix)))


WRITERS: Final = {"markdown": write_markdown, "json": write_json, "svg": write_svg}
