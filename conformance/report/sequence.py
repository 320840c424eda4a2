"""A timeline as a picture: three lanes, time downwards, drawn as SVG.

Pure. The space between two marks does not grow with time, or a second of silence would push everything
off the page: a longer pause is written instead of drawn. Colours are classes; the page has the styles.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from conformance.events import SessionClosed, SessionOpened, Source
from conformance.report.marks import Lane, Mark, marks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from conformance.timeline import Timeline

WIDTH = 920
_X = {Lane.LOCAL: 210, Lane.SUBJECT: 500, Lane.PUBLIC: 790}
_NAME = {Lane.LOCAL: "local server", Lane.SUBJECT: "extension", Lane.PUBLIC: "public server"}
_TOP = 44  # the lanes' names
_ROW = 24
_PAUSE_ROW = 20
_PAUSE_MS = 250  # shorter ones are read off the times
_LABEL = 'aria-label="what happened, in order of time"'
_CHARS_MAX = 43  # between two lanes, at 12 px


@dataclass(frozen=True, slots=True)
class Placed:
    """A mark and its height on the page. ``pause_ms``: how long nothing happened before it."""

    mark: Mark
    y: int
    pause_ms: float


def place(timeline: Timeline) -> tuple[Placed, ...]:
    """Every mark's place, from the top."""
    placed: list[Placed] = []
    y = _TOP
    for mark in marks(timeline):
        waited_ms = mark.at_ms - placed[-1].mark.at_ms if placed else 0.0
        pause_ms = waited_ms if waited_ms >= _PAUSE_MS else 0.0
        y += _ROW + (_PAUSE_ROW if pause_ms else 0)
        placed.append(Placed(mark, y, pause_ms))
    return tuple(placed)


def picture(timeline: Timeline, evidence: Collection[int] = ()) -> str:
    """The SVG element; marks that a verdict rests on stand on a coloured band."""
    placed = place(timeline)
    height = (placed[-1].y if placed else _TOP) + _ROW
    parts = [
        f'<svg class="sequence" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img" {_LABEL}>',
        *(_band(each.y) for each in placed if each.mark.seq in evidence),
        *_lanes(height),
        *_sessions(timeline, placed, height),
    ]
    for each in placed:
        parts += _row(each)
    return "\n".join([*parts, "</svg>"])


def _lanes(height: int) -> Iterator[str]:
    yield '<text class="time" x="76" y="24" text-anchor="end">ms</text>'
    for lane, x in _X.items():
        yield f'<text class="lane" x="{x}" y="24" text-anchor="middle">{_NAME[lane]}</text>'
        yield f'<line class="lane" x1="{x}" y1="34" x2="{x}" y2="{height - 6}"/>'


def _sessions(timeline: Timeline, placed: tuple[Placed, ...], height: int) -> Iterator[str]:
    """A thick stroke on a server's lane for as long as it holds a session."""
    y_of = {each.mark.seq: each.y for each in placed}
    for source, lane in ((Source.LOCAL, Lane.LOCAL), (Source.PUBLIC, Lane.PUBLIC)):
        for opened in timeline.all(SessionOpened, lambda event, source=source: event.source is source):  # type: ignore[misc]
            closed = timeline.first(
                SessionClosed,
                lambda event, opened=opened: (event.source, event.connection) == (opened.source, opened.connection),  # type: ignore[misc]
                after=opened,
            )
            top, end = y_of[opened.seq], height - 10 if closed is None else y_of[closed.seq]
            yield f'<line class="session" x1="{_X[lane]}" y1="{top}" x2="{_X[lane]}" y2="{end}"/>'


def _band(y: int) -> str:
    return f'<rect class="evidence" x="4" y="{y - 15}" width="{WIDTH - 8}" height="21" rx="3"/>'


def _row(placed: Placed) -> Iterator[str]:
    mark, y = placed.mark, placed.y
    if placed.pause_ms:
        yield f'<text class="pause" x="76" y="{y - _ROW + 4}" text-anchor="end">⋮ {_long(placed.pause_ms)}</text>'
    yield f'<g class="{mark.tone}"><title>{escape(f"{mark.at_ms:.1f} ms: {mark.says}")}</title>'
    yield f'<text class="time" x="76" y="{y}" text-anchor="end">{mark.at_ms:.1f}</text>'
    yield from _arrow(mark, mark.to, y) if mark.to is not None else _note(mark, y)
    yield "</g>"


def _arrow(mark: Mark, to: Lane, y: int) -> Iterator[str]:
    start, end = _X[mark.lane], _X[to]
    way = 1 if end > start else -1
    tip = end - 5 * way
    yield f'<line class="arrow" x1="{start}" y1="{y}" x2="{tip}" y2="{y}"/>'
    yield f'<path class="tip" d="M{tip} {y} l{-8 * way} -4 v8 z"/>'
    yield f'<text x="{(start + end) // 2}" y="{y - 5}" text-anchor="middle">{escape(_cut(mark.says))}</text>'


def _note(mark: Mark, y: int) -> Iterator[str]:
    x = _X[mark.lane]
    yield f'<circle cx="{x}" cy="{y - 4}" r="4"/>'
    if mark.lane is Lane.PUBLIC:  # no room on its right
        yield f'<text x="{x - 10}" y="{y}" text-anchor="end">{escape(_cut(mark.says))}</text>'
    else:
        yield f'<text x="{x + 10}" y="{y}">{escape(_cut(mark.says))}</text>'


def _cut(text: str) -> str:
    return text if len(text) <= _CHARS_MAX else f"{text[: _CHARS_MAX - 1]}…"


def _long(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"  # noqa: PLR2004 - a second
