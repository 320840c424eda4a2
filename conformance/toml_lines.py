"""Where in a TOML text something stands, for messages that name ``file:line``.

Pure. Python's TOML parser gives values without their places, so the place is searched for afterwards.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PART = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_KEYS = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\s*({_KEYS})\s*\]")
_KEY = re.compile(rf"\s*({_KEYS})\s*=")
_PARSER_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)")


def line_of(text: str, path: Sequence[str]) -> int:
    """The line of the key at ``path``, else of the nearest table or key around it, else 1.

    A search by lines, not a parser: a line of a multi-line string that looks like a key may be taken
    for one, which costs a wrong line number in a message and nothing else.
    """
    table: tuple[str, ...] = ()
    best_line, best_depth = 1, 0
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            here = table = _parts(header[1])
        elif key := _KEY.match(line):
            here = table + _parts(key[1])
        else:
            continue
        if len(here) > best_depth and tuple(path[: len(here)]) == here:
            best_line, best_depth = number, len(here)
    return best_line


def _parts(keys: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, keys))


def not_toml(problem: str, text: str, source: str) -> str:
    """``file:line:column is not TOML: …`` from the parser's own message."""
    if found := _PARSER_PLACE.search(problem):
        return f"{source}:{found[1]}:{found[2]} is not TOML: {problem.replace(found[0], '')}"
    return f"{source}:{max(1, len(text.splitlines()))} is not TOML: {problem}"
