"""Sessions and messages that the harness' own fakes carry: 5,000 of each (a second), within 500 MB.

The fakes are in this process, as in a run; the load comes from locust's processes, as `conform load` makes it. Each
fake has its turn: idle sessions first, then as many with messages. What the fakes record is kept, as in a scenario.
"""

from __future__ import annotations

import argparse
import re
import resource
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.measure import met, table
from benchmarks.shell import at_least_one, machine, main
from conformance.load import LoadPlan, Measured, Place
from conformance.model import Heartbeat, Profile, Side
from conformance.rig.browsers import Browser
from conformance.rig.certificates import Certificates
from conformance.rig.fake import Fake
from conformance.rig.load.generator import Crew, carry_out
from conformance.rig.ports import Endpoint, ReservedPort
from conformance.rig.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SESSIONS: Final = 5000
RATE: Final = 5000
RSS_MB_MAX: Final = 500.0
_CARRIED_MIN: Final = 0.99
_NAME: Final = "api.extension.semantest.com"
_NO_BROWSER: Final = Browser("-", "no browser", "", "none is needed")


@dataclass(frozen=True, slots=True)
class Seen:
    """One turn of a fake. ``rss_mb``: the most that this process had. ``cpu_s``: what it used of a core."""

    side: Side
    plan: LoadPlan
    measured: Measured
    rss_mb: float
    cpu_s: float
    wall_s: float

    @property
    def carried(self) -> float:
        """Answers a second that came within a second, as `conform load` counts them."""
        return (self.measured.counts.answered - self.measured.counts.late) / self.plan.hold_s


def peak_mb(status: str | None = None) -> float:
    """The highest RSS so far, from /proc/self/status; megabytes of 10^6 bytes."""
    text = Path("/proc/self/status").read_text(encoding="utf-8") if status is None else status
    found = re.search(r"(?m)^VmHWM:\s+(\d+) kB$", text)
    return int(found.group(1)) * 1024 / 1e6 if found else 0.0


def forget_peak() -> None:
    """From now on the peak is that of what follows (Documentation/filesystems/proc.rst, clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


@asynccontextmanager
async def standing(side: Side) -> AsyncIterator[Place]:
    """A fake that answers the heartbeat, and where it stands."""
    port = ReservedPort.reserve()
    certificates = Certificates([_NAME])
    tls = side is Side.PUBLIC
    fake = Fake(side, [Endpoint(f"{_NAME}:443", port, tls=tls)], certificates)
    fake.prepare(Profile("load", "1", "", heartbeat=Heartbeat("ping", "pong")), Recorder())
    await fake.set_faults({None: ()})
    with tempfile.NamedTemporaryFile(suffix=".pem") as authority:
        authority.write(certificates.authority)
        authority.flush()
        try:
            yield Place(
                url=f"{side}",
                host=_NAME,
                name=_NAME,
                port=port.number,
                address="127.0.0.1",
                tls=tls,
                ca=authority.name if tls else "",
                own_addresses=True,
            )
        finally:
            await fake.reset()
            fake.close()
            if fake.failure is not None:
                raise fake.failure


async def turn(side: Side, plan: LoadPlan, workers: int) -> Seen:
    """One load on one fake that nobody has used before."""
    async with standing(side) as place:
        its = replace(plan, place=place)
        forget_peak()
        begun_s, cpu_s = time.monotonic(), time.process_time()
        measured = await carry_out(its, Crew(workers))
        return Seen(side, its, measured, peak_mb(), time.process_time() - cpu_s, time.monotonic() - begun_s)


def report(seen: list[Seen]) -> str:
    """A row a turn, and what was wanted of each."""
    rows, wanted = [], []
    for one in seen:
        counts, answer = one.measured.counts, one.measured.answer
        kept = counts.opened - counts.lost
        name = f"{one.side} fake, {'messages' if one.plan.rate else 'idle'}"
        rows.append(
            (
                name,
                f"{kept}",
                f"{one.carried:.0f}",
                f"{answer.p50_ms:.1f}",
                f"{answer.p99_ms:.1f}",
                f"{one.measured.send_lag.p99_ms:.1f}",
                f"{one.measured.connect.p99_ms:.1f}",
                f"{one.rss_mb:.0f}",
                f"{one.cpu_s / one.wall_s:.2f}",
            )
        )
        wanted.append((f"{name}: sessions kept", f"{kept}", met(kept, at_least=one.plan.sessions)))
        if one.plan.rate:
            least = _CARRIED_MIN * one.plan.rate
            wanted.append((f"{name}: answers a second", f"{one.carried:.0f}", met(one.carried, at_least=least)))
        wanted.append((f"{name}: RSS, MB", f"{one.rss_mb:.0f}", met(one.rss_mb, at_most=RSS_MB_MAX)))
    head = ("of", "sessions", "answers/s", "p50 ms", "p99 ms", "late p99 ms", "open p99 ms", "RSS MB", "cores")
    errors = [f"{one.side} fake: {kind}: {n}" for one in seen for kind, n in one.measured.counts.errors.items()]
    return "\n\n".join([table(head, rows), table(("target", "measured", "verdict"), wanted), *errors])


async def run(options: argparse.Namespace) -> None:
    """Measure and print."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
    print(machine(_NO_BROWSER), end="\n\n", flush=True)
    nowhere = Place(url="", host="", name="", port=0, address="")
    plan = LoadPlan(place=nowhere, sessions=options.sessions, connects=options.connects, hold_s=options.seconds)
    seen = []
    for side in Side if options.side is None else [Side(options.side)]:
        for rate in (0, options.rate):
            print(f"load: {side} fake, {rate} messages/s", file=sys.stderr, flush=True)
            one = await turn(side, replace(plan, rate=rate), options.workers)
            print(f"load: {one.carried:.0f} answers/s, {one.rss_mb:.0f} MB", file=sys.stderr, flush=True)
            seen.append(one)
    print(report(seen))


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sessions", type=at_least_one, default=SESSIONS, help=f"default: {SESSIONS}")
    parser.add_argument("--rate", type=at_least_one, default=RATE, help=f"messages a second; default: {RATE}")
    parser.add_argument("--connects", type=at_least_one, default=500, help="sessions opened a second; default: 500")
    parser.add_argument("--seconds", type=at_least_one, default=10, help="how long messages are sent; default: 10")
    parser.add_argument("--workers", type=at_least_one, default=1, help="locust's processes; default: 1")
    parser.add_argument("--side", choices=[side.value for side in Side], help="one fake only; default: both")
    return parser.parse_args()


if __name__ == "__main__":
    arguments_given = parse()
    sys.exit(main(lambda: run(arguments_given)))
