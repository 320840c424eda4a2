"""What one worker of a load does: its sessions, each in a thread of its own, at the times that the plan gives them.

Plain blocking code. Under locust its threads are gevent's, and there may be thousands. Times are counted from when
something was due, not from when it was done; how late the worker itself was is counted besides.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from conformance.load import ANSWER_S, DRAIN_S
from conformance.rig.load.session import Ended, LoadSession, NotOpened, tls_of
from conformance.rig.load.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from conformance.load import LoadPlan

_CLOSE_S: Final = 2.0  # for the server to answer a close
_LEAD_S: Final = 0.05  # from the end of the storm to the first message: who waits for it has to wake


class Work:
    """One worker's part. Call ``run_session`` once a session, each in its thread; then ``begin``."""

    def __init__(self, plan: LoadPlan, clock: Callable[[], float] = time.monotonic) -> None:
        self.plan = plan
        self.clock = clock
        self._tally = Tally()
        self._tls = tls_of(plan.place)
        self._begun = threading.Event()
        self._storm_over = threading.Event()
        self._lock = threading.Lock()
        self._left = 0  # sessions whose storm is not over
        self._numbers: Iterator[int] = iter(())
        self._storm_at = 0.0
        self.chatter_at = 0.0

    def begin(self, numbers: Sequence[int]) -> None:
        """The storm begins now. ``numbers``: the plan's sessions that are this worker's."""
        self._numbers, self._left = iter(numbers), len(numbers)
        self._storm_at = self.clock()
        self._begun.set()

    def told(self) -> Tally:
        """What was counted since the last call."""
        with self._lock:
            tally, self._tally = self._tally, Tally()
        return tally

    # --- what a session notes

    def took(self, name: str, seconds: float) -> None:
        """Note a time."""
        with self._lock:
            self._tally.took(name, seconds)

    def count(self, what: str, number: int = 1, *, error: str = "") -> None:
        """Add to one of the counts. ``error``: why, where it is a bad one."""
        with self._lock:
            self._tally.count(what, number)
            if error:
                self._tally.error(error)

    def wait_until(self, at: float, lag: str) -> None:
        """Sleep until ``at``, and note how late that became."""
        if (left_s := at - self.clock()) > 0:
            time.sleep(left_s)
        self.took(lag, max(0.0, self.clock() - at))

    # --- a session

    def run_session(self) -> None:
        """One session from its opening to its end. Whatever happens is counted; nothing is raised."""
        self._begun.wait()
        try:
            with self._lock:
                number = next(self._numbers)
            self._run(number)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not look like a server's
            with self._lock:
                self._tally.broke(f"{type(error).__name__}: {error}")
        finally:
            self.count("finished")

    def _run(self, number: int) -> None:
        due = self._storm_at + self.plan.connect_at_s(number)
        try:
            session = self._open(number, due)
        finally:
            self._opened_or_not()
        if session is None:
            self._storm_over.wait()
            self.count("unsent", self.plan.messages_of(number))
            return
        try:
            Chat(self, session).whole(number)
        finally:
            session.drop()

    def _open(self, number: int, due: float) -> LoadSession | None:
        self.wait_until(due, "connect_lag")
        try:
            session = LoadSession.open(self.plan.place, self.plan.origin, self._tls, self._source(number))
        except NotOpened as why:
            self.count("failed", error=str(why))
            return None
        self.took("connect", self.clock() - due)
        self.count("opened")
        return session

    def _source(self, number: int) -> str:
        """An address of this session's own, below those that rig/serving/wire.py takes."""
        if not self.plan.place.own_addresses:
            return ""
        return f"127.{2 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"

    def _opened_or_not(self) -> None:
        with self._lock:
            now = self.clock()
            self._tally.storm_took(now - self._storm_at)
            self._left -= 1
            if not self._left:
                self.chatter_at = now + _LEAD_S
                self._storm_over.set()

    def until_chatter(self) -> float:
        """Wait for the end of the storm; when the chatter begins."""
        self._storm_over.wait()
        return self.chatter_at


@dataclass(slots=True)
class Chat:
    """A session that is open: one thread sends when it is time, another one takes what comes."""

    work: Work
    session: LoadSession
    _waited_for: deque[float] = field(default_factory=deque)  # when each message without an answer was due
    _ended: threading.Event = field(default_factory=threading.Event)
    _quiet: threading.Event = field(default_factory=threading.Event)  # all was sent, and all answered
    _all_sent: bool = False
    _closing: bool = False

    def whole(self, number: int) -> None:
        """From the open session to its end."""
        reader = threading.Thread(target=self._read, daemon=True)
        reader.start()
        plan = self.work.plan
        begins = self.work.until_chatter()
        for done, at_s in enumerate(plan.message_times_s(number)):
            self.work.wait_until(begins + at_s, "send_lag")
            if self._ended.is_set():
                self.work.count("unsent", plan.messages_of(number) - done)
                break
            self._send(begins + at_s)
        self._ended.wait(max(0.0, begins + plan.hold_s - self.work.clock()))
        self._drain()
        self._closing = True
        self.session.close()
        self._ended.wait(_CLOSE_S)
        self.session.drop()
        reader.join(_CLOSE_S)

    def _send(self, due: float) -> None:
        if self.work.plan.reply:
            self._waited_for.append(due)
        self.session.send(self.work.plan.message)
        self.work.count("sent")

    def _drain(self) -> None:
        """Wait for the answers that are still to come."""
        self._all_sent = True
        if self._waited_for and not self._ended.is_set():
            self._quiet.wait(DRAIN_S)
        self.work.count("unanswered", len(self._waited_for))

    def _read(self) -> None:
        try:
            while True:
                for message in self.session.read():
                    self._take(message)
        except Ended as how:
            if not self._closing:
                self.work.count("lost", error=str(how))
        finally:
            self._ended.set()
            self._quiet.set()

    def _take(self, message: bytes) -> None:
        """An answer is the oldest waiting message's: a session keeps the order (RFC 6455, 5.4)."""
        if not self._waited_for or self.work.plan.reply.encode() not in message:
            return
        took_s = self.work.clock() - self._waited_for.popleft()
        self.work.took("answer", took_s)
        self.work.count("answered")
        if took_s > ANSWER_S:
            self.work.count("late")
        if self._all_sent and not self._waited_for:
            self._quiet.set()
