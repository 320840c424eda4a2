"""``conform sweep``: the delay of the local answer at which a subject leaves it for the public server.

Here the trials are made, on one warm rig, and the answer is said and drawn. What to try next, and what
the trials tell, is sweep.py's.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from conformance.attempts import probes, sessions
from conformance.commands.options import OUTPUT, load_subjects, new_run_id
from conformance.errors import ExitStatus, HarnessError, InputError
from conformance.events import RequestReceived, ResponseSent, Source
from conformance.model import Expectation, FaultSpec, Outcome, Scenario, Shown, Side, World
from conformance.plan import PlanItem
from conformance.report.output import put, utf8
from conformance.report.plot import Axis, Bar, Plot, Rule, draw
from conformance.rig.browsers import find_browser
from conformance.rig.engine import RunSettings, open_pool
from conformance.store import create_run_dir
from conformance.sweep import Edge, Search, Trial, edge_of, next_delay, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from conformance.model import Profile
    from conformance.timeline import Timeline

# A subject that went nowhere by then, after the answer, has gone nowhere.
_PATIENCE_MS = 10_000.0
# So many trials may be spoilt by a busy machine, beyond as many as were good.
_SPOILT_MAX = 20
_AROUND = 6  # steps of the precision that the plot shows on each side of the edge


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOptions:
    """Everything that ``conform sweep`` can be told."""

    extension: Path | None = None
    subject: Path | None = None
    search: Search = field(default_factory=Search)
    browser: str | None = None
    headed: bool = False
    output: Path = OUTPUT


@dataclass(slots=True)
class Seen:
    """What came of the trials. ``spoilt``: not counted, the answer was late; ``nowhere``: no session at all."""

    trials: list[Trial] = field(default_factory=list)
    spoilt: int = 0
    nowhere: int = 0


def sweep(out: Console, err: Console, options: SweepOptions) -> ExitStatus:
    """Find the edge, print it, and keep the trials and their plot. It is a measurement, and no verdict."""
    search = options.search
    try:
        next_delay(search, [])
    except ValueError as error:
        asked = f"--from {search.from_ms:g} --to {search.to_ms:g} --precision {search.precision_ms:g}"
        raise InputError(f"{asked} --repeat {search.repeat}: {error}") from error
    given = ([options.extension] if options.extension else [], [options.subject] if options.subject else [])
    (profile,) = load_subjects(*given)
    settings = RunSettings(browser=find_browser(options.browser), headed=options.headed)
    with err.status("launching the browser") as status:
        seen = asyncio.run(carry_out(profile, search, settings, status.update))
    edge = edge_of(search, seen.trials)
    out.print(table(edge))
    out.print(Text(said(profile, search, seen, edge)))
    out.print(Text(sentence(profile.name, search, edge), style="bold"))
    directory = create_run_dir(options.output, f"{new_run_id()}-sweep")
    kept = {"subject": profile.name, "version": profile.version, "browser": str(settings.browser), **asdict(search)}
    kept |= {"stays_ms": edge.stays_ms, "leaves_ms": edge.leaves_ms, "trials": [asdict(one) for one in seen.trials]}
    put(directory / "sweep.json", utf8(json.dumps(kept, indent=1) + "\n"))
    put(directory / "sweep.svg", utf8(draw(picture(profile, search, edge))))
    out.print(Text(f"trials and plot: {directory}"))
    return ExitStatus.CONFORMS


# --- trials --------------------------------------------------------------------------------------


async def carry_out(profile: Profile, search: Search, settings: RunSettings, tell: Callable[[str], None]) -> Seen:
    """Trial after trial on one warm rig, until the edge is known."""
    seen = Seen()
    async with open_pool(settings, [profile]) as pool:
        holder = pool.holder()
        while (delay_ms := next_delay(search, seen.trials)) is not None:
            tell(f"trial {len(seen.trials) + 1}: the local answer after {delay_ms:g} ms")
            record = await holder.run(PlanItem(profile, at_delay(delay_ms), len(seen.trials)))
            if record.timeline is None:
                raise HarnessError(f"trial {len(seen.trials) + 1}, at {delay_ms:g} ms: {record.failure}; sweep again")
            take(seen, record.timeline, profile, delay_ms, search)
    return seen


def take(seen: Seen, timeline: Timeline, profile: Profile, delay_ms: float, search: Search) -> None:
    """Count a trial, unless the answer was too late in it to tell this delay from the next."""
    if late_ms(timeline, profile, delay_ms) > search.precision_ms:
        seen.spoilt += 1
        if seen.spoilt > _SPOILT_MAX + len(seen.trials):
            raise HarnessError(
                f"the machine is too busy: in {seen.spoilt} trials the answer was late by more than "
                f"{search.precision_ms:g} ms; end what else runs here, or ask for a coarser --precision"
            )
        return
    first = next(iter(sessions(timeline, profile.endpoints)), None)
    seen.nowhere += first is None
    seen.trials.append(Trial(delay_ms, first is not None and first.side is Side.LOCAL))


def late_ms(timeline: Timeline, profile: Profile, delay_ms: float) -> float:
    """By how much the answer missed its delay, as far as the subject still waited for it."""
    asked = timeline.first(RequestReceived, lambda event: event.source is Source.LOCAL)
    probe = next(iter(probes(timeline, profile.endpoints)), None)
    if asked is None or probe is None:
        return 0.0
    over = timeline.first(ResponseSent, lambda event: event.source is Source.LOCAL, after=asked) or probe.ended
    over_ms = timeline.events[-1].at_ms if over is None else over.at_ms
    if probe.ended is not None:
        over_ms = min(over_ms, probe.ended.at_ms)
    return max(0.0, over_ms - asked.at_ms - delay_ms)


def at_delay(delay_ms: float) -> Scenario:
    """Both servers are up, and the good answer comes so late; the trial ends with the first session."""
    return Scenario(
        id=f"sweep[{delay_ms:g}-ms]",
        family="Choosing",
        says=f"the good answer comes after {delay_ms:g} ms",
        covers=(),
        given=World(local=(FaultSpec("answer", {"delay_ms": delay_ms}),)),
        when=(),
        then=Expectation(Outcome.EITHER, Shown.GOOD, within_ms=delay_ms + _PATIENCE_MS, hold_ms=0),
    )


# --- the answer ----------------------------------------------------------------------------------


def said(profile: Profile, search: Search, seen: Seen, edge: Edge) -> str:
    """What the answer rests on."""
    told = f"{len(seen.trials)} trials at {len(edge.shares)} delays from {search.from_ms:g} to {search.to_ms:g} ms"
    if seen.nowhere:
        told += (
            f"; in {seen.nowhere} of them {profile.name} had no session {_PATIENCE_MS / 1000:.0f} s after the answer"
        )
    return told + (f"; {seen.spoilt} more were not counted: the answer was late" if seen.spoilt else "")


def table(edge: Edge) -> Table:
    """A row a delay."""
    made = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("answer after", "trials", "stayed local", "share", "95 % interval"):
        made.add_column(column, justify="right")
    for share in edge.shares:
        low, high = share.interval
        cells = (f"{share.trials}", f"{share.local}", f"{share.value:.2f}", f"{low:.2f} to {high:.2f}")
        made.add_row(f"{share.delay_ms:g} ms", *cells)
    return made


def picture(profile: Profile, search: Search, edge: Edge) -> Plot:
    """P(local) against the delay, around the edge if there is one."""
    low, high = around(search, edge)
    bars = [Bar(one.delay_ms, one.value, *one.interval) for one in edge.shares if low <= one.delay_ms <= high]
    marks = ((edge.stays_ms, "always local until"), (edge.leaves_ms, "never from"))
    rules = [Rule(f"{name} {at:g} ms", at, upright=True) for at, name in marks if at is not None]
    title = f"{profile.name}: how often it stays with a local server that answers late"
    return Plot(title, Axis("delay of the local answer, ms", low, high), Axis("share local", 0, 1), (), rules, bars)


def around(search: Search, edge: Edge) -> tuple[float, float]:
    """What the plot shows: the delays that were tried often, and a little more."""
    often: Sequence[float] = [share.delay_ms for share in edge.shares if share.trials > 1]
    if edge.stays_ms is None or edge.leaves_ms is None or not often:
        return search.from_ms, search.to_ms
    margin = _AROUND * search.precision_ms
    return max(search.from_ms, min(often) - margin), min(search.to_ms, max(often) + margin)
