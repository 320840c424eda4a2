"""One scenario on one server, as it is carried out: sending, and noting what came of it.

In the scenarios of bad clients a good one, the bystander, has a session all along, and is asked after every
input whether it still has.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from conformance.events import Source
from conformance.model import Side
from conformance.rig.recorder import Recorder
from conformance.rig.serving.talk import Heard, NoSession, Talk, opened
from conformance.rig.serving.wire import Answer, Target, Wire, ask
from conformance.server_cases import EXTENSION, Sent, request
from conformance.server_events import Outcome, Tried, Wanted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from conformance.events import Event

E = TypeVar("E", bound="Event")

_ATTEND_S: Final = 0.3
_JUDGED_HEADERS: Final = ("content-type", "access-control-", "vary", "allow", "location", "retry-after")
_BODY_CHARACTERS: Final = 2000
_PROBES: Final = 500
_SWITCHING: Final = 101


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How servers are examined. ``origin``: of a configured extension. ``inputs``: drawn ones a server."""

    origin: str = EXTENSION
    absent: tuple[str, ...] = ()
    inputs: int = 2000
    seed: int = 0
    half_open_s: float = 60.0
    probes: int = _PROBES
    unhealthy: Target | None = None


def judged_headers(answer: Answer) -> tuple[str, ...]:
    """The headers that somebody judges, as ``name: value``."""
    return tuple(f"{name}: {value}" for name, value in answer.headers if name.startswith(_JUDGED_HEADERS))


@dataclass(slots=True)
class Examination:
    """One scenario on one server."""

    wire: Wire
    settings: Settings
    recorder: Recorder
    bystander: Talk | None = field(default=None)

    @property
    def target(self) -> Target:
        """The server."""
        return self.wire.target

    def record(self, kind: type[E], **fields: Any) -> E:  # noqa: ANN401 - the event's own fields
        """Note what the server did."""
        source = Source.LOCAL if self.target.side is Side.LOCAL else Source.PUBLIC
        return self.recorder.record(kind, source, **fields)

    # --- HTTP

    async def asked(self, data: bytes, *, method: str = "GET", patience_s: float = 3.0) -> Answer:
        """One answer on a connection of its own."""
        try:
            connection = await self.wire.connect()
        except (OSError, TimeoutError) as error:
            return Answer(Outcome.REFUSED, detail=f"no connection: {str(error) or type(error).__name__}")
        try:
            return await ask(connection, data, method=method, patience_s=patience_s)
        finally:
            connection.abort()

    def note(
        self,
        what: str,
        wanted: Wanted,
        answer: Answer,
        *,
        origin: str = "",
        outcome: str = "",
        **more: Any,  # noqa: ANN401 - the event's own fields
    ) -> None:
        """An HTTP answer, without what nobody judges."""
        self.record(
            Tried,
            what=what,
            wanted=wanted,
            outcome=outcome or answer.outcome,
            status=answer.status,
            origin=origin,
            headers=judged_headers(answer),
            body=answer.body.decode("utf-8", "replace")[:_BODY_CHARACTERS],
            detail=answer.detail,
            took_ms=answer.took_ms,
            **more,
        )

    async def get(
        self, what: str, path: str, *headers: str, origin: str = "", wanted: Wanted = Wanted.ANSWERED
    ) -> None:
        """GET, noted."""
        lines = (*headers, f"Origin: {origin}") if origin else headers
        self.note(what, wanted, await self.asked(request(path, self.target.host, *lines)), origin=origin)

    async def shake(self, sent: Sent, *, origin: str = "") -> None:
        """A handshake, noted: open only if everything in the answer is right."""
        answer = await self.asked(sent.data, method=sent.method)
        problem = opened(answer)
        outcome = Outcome.OPEN if not problem else Outcome.BROKEN if answer.status == _SWITCHING else answer.outcome
        told = Answer(answer.outcome, answer.status, answer.headers, answer.body, detail=answer.detail or problem)
        self.note(sent.name, sent.wanted, told, origin=origin, outcome=outcome)

    # --- sessions

    def gave_up(self, error: Exception) -> None:
        """A session or connection could not be had where every server gives one: nothing more can be sent."""
        refused = isinstance(error, NoSession)
        why = str(error) or type(error).__name__
        self.heard("a good client", Wanted.OPEN, Heard(Outcome.REFUSED if refused else Outcome.ENDED, detail=why))

    def heard(self, what: str, wanted: Wanted, heard: Heard, *, code_wanted: int = 0) -> None:
        """What became of a session, noted."""
        fields = {"outcome": heard.outcome, "code": heard.code, "code_wanted": code_wanted, "detail": heard.detail}
        self.record(Tried, what=what, wanted=wanted, **fields)

    async def watch(self, after: str) -> None:
        """Ask whether the bystander still has its session; noted when not, and at the first time."""
        if self.bystander is None:
            self.bystander = await Talk.open(self.wire, self.settings.origin)
            self.heard("bystander, before anything", Wanted.KEPT, await self.bystander.send(b""))
            return
        heard = await self.bystander.send(b"")
        if heard.outcome is not Outcome.ANSWERED or after == "everything":
            self.heard(f"bystander, after {after}", Wanted.KEPT, heard)
        if heard.outcome is not Outcome.ANSWERED:
            self.bystander.abort()
            self.bystander = await Talk.open(self.wire, self.settings.origin)

    @asynccontextmanager
    async def attended(self) -> AsyncIterator[None]:
        """Let the bystander answer its server's pings while something else takes its time, as a live client does."""
        attendant = asyncio.create_task(self._attend())
        try:
            yield
        finally:
            attendant.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await attendant

    async def _attend(self) -> None:
        while True:
            await asyncio.sleep(_ATTEND_S)
            await self.watch("a while")

    async def talk(self, cases: Iterable[Sent], *, closes: bool = False) -> None:
        """Each input in a session of its own, the bystander beside it."""
        await self.watch("")
        for sent in cases:
            talk = await Talk.open(self.wire, self.settings.origin)
            heard = await (talk.ends if sent.wanted is Wanted.ENDED else talk.send)(sent.data)
            talk.abort()
            self.heard(sent.name, sent.wanted, heard, code_wanted=sent.code if closes else 0)
            await self.watch(sent.name)
        await self.watch("everything")
