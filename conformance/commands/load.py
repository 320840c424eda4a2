"""``conform load``: a load on a public server, judged against API-5; without a URL, on the bundled one.

What is asked, counted and judged is load.py's; who asks is rig/load's. Here a server is found, or started, and what
came of it is said and kept.
"""

from __future__ import annotations

import asyncio
import json
import math
import resource
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table
from rich.text import Text

from conformance.codec import encode
from conformance.commands.options import OUTPUT, new_run_id
from conformance.commands.report_files import ReportFile
from conformance.errors import ExitStatus, HarnessError, InputError
from conformance.load import MARK_MESSAGES, MARK_SESSIONS, LoadPlan, Place, check_plan, judge_load
from conformance.model import Side
from conformance.report.output import put, utf8
from conformance.rig.environment import harness_version
from conformance.rig.load.generator import Crew, carry_out, check_installed
from conformance.rig.scratch import temporary_directory
from conformance.rig.serving.bundled import running
from conformance.rig.serving.examine import check_there
from conformance.rig.serving.wire import check_ca, find
from conformance.store import create_run_dir
from conformance.verdict import Finding, Verdict

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.load import Latencies, Measured
    from conformance.rig.serving.wire import Target

WORKERS_MAX: Final = 64
_FILES_BESIDE: Final = 200  # descriptors of a worker that are no session's
_STATUS: Final = {
    Verdict.PASS: ExitStatus.CONFORMS,
    Verdict.FAIL: ExitStatus.FAILS,
    Verdict.INCONCLUSIVE: ExitStatus.INCONCLUSIVE,
}
_WORDS: Final = {
    Verdict.PASS: ("CONFORMS", "bold green"),
    Verdict.FAIL: ("DOES NOT CONFORM", "bold red"),
    Verdict.INCONCLUSIVE: ("INCONCLUSIVE", "bold yellow"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """Everything that ``conform load`` can be told. ``plan``: without a place, which is found here."""

    plan: LoadPlan
    public: str | None = None
    local: str | None = None
    ca: Path | None = None
    crew: Crew = field(default_factory=Crew)
    owned: bool = False
    reports: tuple[ReportFile, ...] = ()
    output: Path = OUTPUT


def load(out: Console, err: Console, options: LoadOptions) -> ExitStatus:
    """Make the load; figures and the verdict go to ``out``, progress to ``err``."""
    check(options)
    try:
        plan, measured = asyncio.run(_carry_out(err, options))
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise HarnessError("interrupted; no verdict was reached, run again") from None
    finding = judge_load(plan, measured)
    out.print(table(measured))
    out.print(Text(rates(plan, measured)))
    word, style = _WORDS[finding.verdict]
    out.print(Text(f"{word}: {finding.requirement} {finding.reason}", style=style))
    kept = utf8(json.dumps(as_data(plan, measured, finding), indent=1) + "\n")
    directory = create_run_dir(options.output, f"{new_run_id()}-load")
    put(directory / "load.json", kept)
    out.print(Text(f"figures: {directory}"))
    for file in options.reports:
        put(file.path, kept)
        out.print(Text(f"{file.format}: {file.path}"))
    return _STATUS[finding.verdict]


def check(options: LoadOptions) -> None:
    """What cannot be carried out is said before anything is started. Raises InputError."""
    check_installed()
    check_plan(options.plan)
    check_ca(options.ca)
    if options.public and options.local:
        raise InputError("--public and --local: a load is made on one server; give one of them")
    crew = options.crew
    if not 1 <= crew.size <= WORKERS_MAX or min(crew.workers, crew.remote) < 0:
        raise InputError(f"--workers {crew.workers}: give 1 to {WORKERS_MAX}, those of --remote-workers included")
    if crew.remote and crew.bind is None:
        raise InputError("--remote-workers: say where they find this machine: --bind ADDRESS:PORT")
    each, allowed = math.ceil(options.plan.sessions / crew.size), resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if crew.workers and each + _FILES_BESIDE > allowed != resource.RLIM_INFINITY:
        raise InputError(
            f"--users {options.plan.sessions}: {each} a worker, and a process may have {allowed} files open here; "
            "ask for more --workers, or raise the limit (ulimit -Hn)"
        )


# --- the server ----------------------------------------------------------------------------------


async def _carry_out(err: Console, options: LoadOptions) -> tuple[LoadPlan, Measured]:
    async with AsyncExitStack() as stack:
        target = await _target(stack, options)
        plan = replace(options.plan, place=place_of(target))
        with err.status("starting the load generator") as status:
            return plan, await carry_out(plan, options.crew, lambda so_far: status.update(progress(plan, so_far)))


async def _target(stack: AsyncExitStack, options: LoadOptions) -> Target:
    """The server that is asked for, there and allowed; else the bundled public one, started."""
    side = Side.LOCAL if options.local else Side.PUBLIC
    url = options.local or options.public
    if url is None:
        ca = Path(stack.enter_context(temporary_directory()), "ca.pem")
        own = ("--quiet", "--ca", str(ca), "--origin", options.plan.origin)
        return await find(await stack.enter_async_context(running(side, *own)), side, ca)
    target = await find(url, side, options.ca)
    if not target.is_loopback and not options.owned:
        raise InputError(
            f"--{side} {target.url}: {target.address} is not this machine, and a load may take a server down; "
            "if it is yours, say so with --i-own-this-target"
        )
    await check_there(target)
    return target


def place_of(target: Target) -> Place:
    """Where sessions are opened. On this machine each comes from an address of its own.

    A limit of one client's connects is not what is measured here.
    """
    return Place(
        url=target.url,
        host=target.host,
        name=target.name,
        port=target.port,
        address=target.address,
        path=target.session_path,
        tls=target.tls,
        ca=str(target.ca.absolute()) if target.ca else "",
        here=target.is_loopback,
        own_addresses=target.address.startswith("127."),
    )


# --- what is said --------------------------------------------------------------------------------


def progress(plan: LoadPlan, so_far: Measured) -> str:
    """How far it is, on one line."""
    counts = so_far.counts
    told = f"{counts.opened:,} of {plan.sessions:,} sessions"
    if counts.sent:
        told += f" · {counts.sent:,} messages · {counts.answered:,} answers"
        told += f" · p99 {so_far.answer.p99_ms:.1f} ms" if so_far.answer.count else ""
    errors = sum(counts.errors.values())
    return told + (f" · {errors:,} errors" if errors else "")


def table(measured: Measured) -> Table:
    """A row a time: the server's two, and how late the generator was."""
    made = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), header_style="bold")
    made.add_column("milliseconds")
    for column in ("count", "p50", "p95", "p99", "p99.9", "max"):
        made.add_column(column, justify="right")
    rows: tuple[tuple[str, Latencies], ...] = (
        ("session open, from when it was due", measured.connect),
        ("answer, from when its message was due", measured.answer),
        ("generator late with connects", measured.connect_lag),
        ("generator late with messages", measured.send_lag),
    )
    for name, its in rows:
        figures = (its.p50_ms, its.p95_ms, its.p99_ms, its.p999_ms, its.max_ms)
        made.add_row(name, f"{its.count:,}", *(f"{one:,.1f}" if its.count else "-" for one in figures))
    return made


def rates(plan: LoadPlan, measured: Measured) -> str:
    """What was asked and what was reached, in a line each, and every kind of error."""
    counts = measured.counts
    lines = [
        (
            f"sessions: {counts.opened:,} of {plan.sessions:,} opened, {measured.connects_per_s():,.0f} a second "
            f"({plan.connects:g} asked); {counts.lost:,} lost"
        ),
        (
            f"messages: {counts.sent / plan.hold_s:,.0f} a second sent ({plan.rate:,g} asked), "
            f"{counts.answered / plan.hold_s:,.0f} a second answered, {counts.late:,} of them late, "
            f"{counts.unanswered:,} not answered"
        ),
        f"load generator: {measured.workers} worker{'s' if measured.workers > 1 else ''}",
    ]
    return "\n".join([*lines, *(f"error: {kind}: {count:,}" for kind, count in counts.errors.items())])


def as_data(plan: LoadPlan, measured: Measured, finding: Finding) -> dict[str, object]:
    """The report: stable keys, more may be added."""
    return {
        "schema": 1,
        "verdict": finding.verdict.value,
        "requirement": finding.requirement,
        "reason": finding.reason,
        "mark": {"sessions": MARK_SESSIONS, "messages_per_s": MARK_MESSAGES},
        "asked": encode(plan),
        "measured": encode(measured),
        "harness": harness_version(),
    }
