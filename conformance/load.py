"""Load on a public server: what is asked of it and when, what was counted, and what that says of API-5.

Pure. Every session and every message has its time in the plan, and whatever happens to it is counted from that time
on: a server that makes its clients wait cannot hide it by being asked less (no coordinated omission). Who asks, and
with what clock, is in rig/load.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from conformance.errors import InputError
from conformance.verdict import Finding, Verdict

REQUIREMENT = "API-5"
# The first mark of API-5.
MARK_SESSIONS = 1_000
MARK_MESSAGES = 10_000.0  # a second

# What one command may ask for: enough for the mark ten times over, and it ends while somebody watches.
SESSIONS_MAX = 20_000
RATE_MAX = 100_000.0
HOLD_S_MAX = 600.0
STORM_S_MAX = 600.0
MESSAGE_BYTES_MAX = 4096  # so that the kernel's buffers hold what a server does not read, and nobody waits to send
_MESSAGES_A_SESSION_MAX = 100.0

CONNECT_S = 10.0  # a session that is not open by then is counted as not opened
ANSWER_S = 1.0  # an answer that comes later than this was not carried at the rate that was asked for
DRAIN_S = 5.0  # how long after the last message answers are waited for
_START_S = 60.0  # for the generator's processes to begin and to end

CARRIED_MIN = 0.99  # of the messages
LAG_MS_MAX = 100.0  # p99: a generator that is later than that with what it sends measures itself
IDLE_MIN = (
    0.05  # of the cores, in every second: with less a server on this machine has to wait for the load's processes
)
NOT_IN_TIME = "not open in time"  # the one error that a busy machine may be the reason of


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where sessions are opened. ``address``: where the name was found, once, for every process."""

    url: str
    host: str  # as the Host header has it
    name: str
    port: int
    address: str
    path: str = "/"
    tls: bool = False
    ca: str = ""  # a file; "": what the system trusts
    here: bool = False  # on this machine, which then does the server's work and the load's
    own_addresses: bool = False  # each session from a loopback address of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """What is asked: ``sessions`` opened at ``connects`` a second, then ``rate`` messages a second over all of them.

    ``reply``: what an answer has in it; "": the server answers nothing. ``rate`` 0: the sessions stay idle.
    """

    place: Place
    sessions: int = MARK_SESSIONS
    rate: float = MARK_MESSAGES
    connects: float = 100.0
    hold_s: float = 30.0
    message: str = '{"type":"ping"}'
    reply: str = "pong"
    origin: str = ""

    def connect_at_s(self, number: int) -> float:
        """When session ``number`` is to be opened, from the beginning of the storm."""
        return number / self.connects

    def message_times_s(self, number: int) -> Iterator[float]:
        """When session ``number`` is to send, from the beginning of the chatter. The sessions take turns."""
        return (turn / self.rate for turn in self._turns(number))

    def messages_of(self, number: int) -> int:
        """How many messages that is."""
        return len(self._turns(number))

    def _turns(self, number: int) -> range:
        return range(number, round(self.rate * self.hold_s), self.sessions)

    @property
    def longest_s(self) -> float:
        """When it is over at the latest, whatever the server does."""
        return self.sessions / self.connects + CONNECT_S + self.hold_s + DRAIN_S + _START_S

    @property
    def is_the_mark(self) -> bool:
        """Whether as much is asked as API-5 wants carried."""
        return self.sessions >= MARK_SESSIONS and self.rate >= MARK_MESSAGES


def shares(sizes: Sequence[int]) -> list[tuple[int, ...]]:
    """Which sessions are whose, of workers that have so many each: dealt out in turns, every one once."""
    dealt: list[list[int]] = [[] for _ in sizes]
    number = 0
    for turn in range(max(sizes, default=0)):
        for numbers, size in zip(dealt, sizes, strict=True):
            if turn < size:
                numbers.append(number)
                number += 1
    return [tuple(numbers) for numbers in dealt]


def check_plan(plan: LoadPlan) -> LoadPlan:
    """The plan, if it is bounded. Raises InputError."""
    limits = (
        ("--users", plan.sessions, 1, SESSIONS_MAX),
        ("--rate", plan.rate, 0, min(RATE_MAX, plan.sessions * _MESSAGES_A_SESSION_MAX)),
        ("--connects", plan.connects, max(0.1, plan.sessions / STORM_S_MAX), SESSIONS_MAX),
        ("--for", plan.hold_s, 1, HOLD_S_MAX),
        ("--message, bytes", len(plan.message.encode()), 1, MESSAGE_BYTES_MAX),
    )
    for name, value, low, high in limits:
        if not low <= value <= high:
            raise InputError(f"{name} {value:g}: give {low:g} to {high:g} here; a load is bounded in count and in time")
    return plan


def seconds(text: str) -> float:
    """``30s``, ``2m`` or a bare number of seconds. Raises InputError."""
    units = {"s": 1.0, "m": 60.0}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1.0)
    try:
        return float(number) * unit
    except ValueError:
        raise InputError(f"--for '{text}': give a time as 30s or 2m") from None


# --- what was counted ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What became of every session and message that was planned. ``errors``: by kind."""

    opened: int = 0
    failed: int = 0  # not opened
    lost: int = 0  # opened, and ended by anybody but us
    finished: int = 0  # sessions of which nothing more will come
    sent: int = 0
    unsent: int = 0  # planned, but there was no session to send them on
    answered: int = 0
    late: int = 0  # of the answered: after more than ANSWER_S
    unanswered: int = 0
    storm_s: float = 0.0  # until the last session was open, or was not
    errors: Mapping[str, int] = field(default_factory=dict)
    broken: Mapping[str, int] = field(default_factory=dict)  # bugs of the generator's, by what they said

    def plus(self, other: Counts) -> Counts:
        """Both: two workers', or one's before and after."""
        return Counts(
            opened=self.opened + other.opened,
            failed=self.failed + other.failed,
            lost=self.lost + other.lost,
            finished=self.finished + other.finished,
            sent=self.sent + other.sent,
            unsent=self.unsent + other.unsent,
            answered=self.answered + other.answered,
            late=self.late + other.late,
            unanswered=self.unanswered + other.unanswered,
            storm_s=max(self.storm_s, other.storm_s),
            errors=_sum(self.errors, other.errors),
            broken=_sum(self.broken, other.broken),
        )


def _sum(these: Mapping[str, int], those: Mapping[str, int]) -> dict[str, int]:
    return {kind: these.get(kind, 0) + those.get(kind, 0) for kind in sorted({*these, *those})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Quantiles of a HdrHistogram, each exact to three digits."""

    count: int = 0
    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    p999_ms: float = 0.0
    max_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All of a load, every worker's. The ``…_lag``: how late the generator itself was."""

    counts: Counts
    connect: Latencies
    answer: Latencies
    connect_lag: Latencies
    send_lag: Latencies
    workers: int = 1
    idle: float = 1.0  # the least share of this machine's cores that had nothing to do, of any second

    def connects_per_s(self) -> float:
        """At which rate sessions were opened, until the last one was."""
        return self.counts.opened / self.counts.storm_s if self.counts.storm_s else 0.0


# --- what it says --------------------------------------------------------------------------------


def judge_load(plan: LoadPlan, measured: Measured) -> Finding:
    """API-5: FAIL where the server did not carry what was asked, PASS where that was the mark."""
    lag_ms = max(measured.connect_lag.p99_ms, measured.send_lag.p99_ms)
    problems = _problems(plan, measured.counts)
    asked = f"{plan.sessions:,} sessions and {plan.rate:,.0f} messages/s for {plan.hold_s:g} s"
    if lag_ms > LAG_MS_MAX:
        more = f" (seen meanwhile: {'; '.join(problems)})" if problems else ""
        return _finding(
            Verdict.INCONCLUSIVE,
            f"the load generator did not keep up: a hundredth of what it sends was {lag_ms:.0f} ms late or later, "
            f"{LAG_MS_MAX:.0f} ms allowed; ask for less, or give it more workers and machines{more}",
        )
    if problems and plan.place.here and measured.idle < IDLE_MIN and not {*measured.counts.errors} - {NOT_IN_TIME}:
        return _finding(
            Verdict.INCONCLUSIVE,
            f"server and load share this machine, of whose cores {measured.idle:.0%} were idle in its busiest second; "
            f"ask for less, or give the server a machine of its own (seen meanwhile: {'; '.join(problems)})",
        )
    if problems:
        return _finding(Verdict.FAIL, f"{asked}: {'; '.join(problems)}")
    if not plan.is_the_mark:
        return _finding(
            Verdict.INCONCLUSIVE,
            f"{asked} were carried, which is below the mark of {MARK_SESSIONS:,} sessions and "
            f"{MARK_MESSAGES:,.0f} messages/s",
        )
    if not plan.reply:
        return _finding(
            Verdict.INCONCLUSIVE,
            f"{plan.sessions:,} sessions were opened and kept; whether the server took {plan.rate:,.0f} messages/s "
            "could not be seen, since it is said to answer none (--no-reply)",
        )
    return _finding(Verdict.PASS, f"{asked} were carried")


def _finding(verdict: Verdict, reason: str) -> Finding:
    return Finding(REQUIREMENT, verdict, reason)


def _problems(plan: LoadPlan, counts: Counts) -> list[str]:
    """What the server did not do, each in words."""
    found = []
    if missing := plan.sessions - counts.opened:
        found.append(f"{missing:,} of {plan.sessions:,} sessions were not opened")
    if counts.lost:
        found.append(f"{counts.lost:,} sessions were lost")
    planned = counts.sent + counts.unsent
    carried = counts.answered - counts.late
    if plan.reply and planned and carried < CARRIED_MIN * planned:
        found.append(
            f"{carried / planned:.1%} of {planned:,} messages were answered within {ANSWER_S:g} s, "
            f"at least {CARRIED_MIN:.0%} wanted"
        )
    if plan.reply and counts.unanswered:
        found.append(f"{counts.unanswered:,} messages were never answered")
    if found and counts.errors:
        found.append(", ".join(f"{kind}: {count:,}" for kind, count in counts.errors.items()))
    return found
