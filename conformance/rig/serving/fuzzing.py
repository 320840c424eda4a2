"""Sends drawn inputs to a server, many at once, and keeps those that it takes otherwise than it must."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from conformance.rig.serving.model import Due, SessionModel, is_whole_request
from conformance.rig.serving.talk import NoSession, Talk
from conformance.rig.serving.wire import ask
from conformance.server_events import Outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from conformance.rig.serving.wire import Wire

WORKERS: Final = 16
_INPUTS_A_SESSION: Final = 20  # then a new one: half messages add up, and every server has a limit
_PATIENCE_S: Final = 20.0  # an answer takes a millisecond; a machine with much else to do may need seconds
_WRONG_KEPT: Final = 20
_WRONG_MAX: Final = 200  # a server that takes so many wrong is known well enough
_SHOWN_BYTES: Final = 60
_SERVER_FAILURES: Final = (500, 502, 504)


@dataclass(slots=True)
class Tally:
    """What came of the inputs so far. ``limited``: the server asked for fewer connects, so it was left alone."""

    inputs: int = 0
    ended: int = 0
    wrong_count: int = 0
    limited: bool = False
    wrong: list[str] = field(default_factory=list)

    def note_wrong(self, data: bytes, what: str) -> None:
        """One input that was taken otherwise than it must."""
        self.wrong_count += 1
        if len(self.wrong) < _WRONG_KEPT:
            more = "…" if len(data) > _SHOWN_BYTES else ""
            self.wrong.append(f"{data[:_SHOWN_BYTES]!r}{more}: {what}")

    @property
    def is_over(self) -> bool:
        """Whether more would tell nothing more."""
        return self.limited or self.wrong_count >= _WRONG_MAX


async def fuzz_frames(wire: Wire, origin: str, inputs: Iterable[bytes]) -> Tally:
    """Every input in a session that the model says is still open."""
    queue, tally = deque(inputs), Tally()
    await _all(lambda: _frames_worker(wire, origin, queue, tally))
    return tally


async def _frames_worker(wire: Wire, origin: str, queue: deque[bytes], tally: Tally) -> None:
    while queue and not tally.is_over:
        try:
            talk = await Talk.open(wire, origin)
        except (NoSession, OSError, TimeoutError) as error:
            tally.limited = tally.limited or str(error) == "429"
            if not tally.limited:
                tally.note_wrong(
                    b"", f"a good handshake opened no session any more: {str(error) or type(error).__name__}"
                )
            return
        try:
            await _one_session(talk, queue, tally)
        finally:
            talk.abort()


async def _one_session(talk: Talk, queue: deque[bytes], tally: Tally) -> None:
    model = SessionModel()
    for _ in range(_INPUTS_A_SESSION):
        if not queue or tally.is_over:
            return
        data = queue.popleft()
        due = model.due(data)
        tally.inputs += 1
        if due is Due.OPEN:
            talk.connection.writer.write(data)
            return
        send = talk.ends if due is Due.ENDED else talk.send
        heard = await send(data, patience_s=_PATIENCE_S)
        tally.ended += due is Due.ENDED
        if heard.code == _INTERNAL != model.code:
            tally.note_wrong(data, "the server broke on it: 1011")
        elif due is Due.ENDED and heard.outcome is Outcome.ANSWERED:
            tally.note_wrong(data, "the session lives on, and must not")
        elif due is Due.KEPT and heard.outcome is not Outcome.ANSWERED and heard.code != _NOT_TAKEN:
            code = f" with {heard.code}" if heard.code else ""
            tally.note_wrong(data, f"the session is {heard.outcome}{code}, and must live on")
        if heard.outcome is not Outcome.ANSWERED:
            return


_INTERNAL: Final = 1011
_NOT_TAKEN: Final = 1003  # a server may have no use for a kind of data


async def fuzz_requests(wire: Wire, inputs: Iterable[bytes]) -> Tally:
    """Every input on a connection of its own."""
    queue, tally = deque(inputs), Tally()
    await _all(lambda: _requests_worker(wire, queue, tally))
    return tally


async def _requests_worker(wire: Wire, queue: deque[bytes], tally: Tally) -> None:
    while queue and not tally.is_over:
        data = queue.popleft()
        try:
            connection = await wire.connect()
        except (OSError, TimeoutError) as error:
            tally.note_wrong(data, f"no connection any more: {str(error) or type(error).__name__}")
            return
        try:
            tally.inputs += 1
            if not is_whole_request(data):
                connection.writer.write(data)
                connection.half_close()
                continue
            method = "HEAD" if data.startswith(b"HEAD ") else "GET"
            answer = await ask(connection, data, method=method, patience_s=_PATIENCE_S)
            tally.ended += answer.outcome is not Outcome.ANSWERED or answer.status >= _BAD_REQUEST
            if answer.status in _SERVER_FAILURES:
                tally.note_wrong(data, f"the server broke on it: {answer.status}")
        finally:
            connection.abort()


_BAD_REQUEST: Final = 400


async def _all(worker: Callable[[], Awaitable[None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(WORKERS):
            group.create_task(_awaited(worker()))


async def _awaited(work: Awaitable[None]) -> None:
    await work
