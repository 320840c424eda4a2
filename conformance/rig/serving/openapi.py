"""Sends what schemathesis draws from the published OpenAPI document, and notes what its checks say of the answers.

schemathesis is an extra, and a process of its own (``openapi_process``): it takes long to load, changes Hypothesis for
whoever imports it, and would hold up the loop in which the bystander answers its pings. It sends nothing: that is
done here, as everywhere, with the target's CA, from addresses of its own, and by no proxy of the environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING, Any, Final

import yaml

from conformance.bundle import bundled
from conformance.codec import decode, encode
from conformance.errors import RigFailed
from conformance.openapi import (
    Answered,
    Checked,
    Drawn,
    Order,
    may_refuse,
    name_of,
    wanted,
    with_every_method,
)
from conformance.rig.child import die_with_parent
from conformance.rig.serving.examination import Examination, judged_headers
from conformance.rig.serving.machine import Missing
from conformance.rig.serving.wire import Answer
from conformance.server_cases import HEALTH_PATH, SIGNATURE_PATH
from conformance.server_events import Fuzzed, Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

_PROGRAM: Final = "conformance.rig.serving.openapi_process"
_NEEDED: Final = "schemathesis"
_INPUTS_A_REQUEST: Final = 5  # a request costs as much as some frames do, and has less in it to vary
_WORKERS: Final = 8
_PATIENCE_S: Final = 20.0  # as for every drawn input: an answer takes a millisecond, on a busy machine seconds
_UNANSWERED_MAX: Final = 8  # a server that is silent so often is known well enough
_SILENT_S: Final = 300.0  # to load takes a second and a request a hundredth; on a busy machine both take much longer
_TOO_MANY: Final = 429
_BAD_REQUEST: Final = 400
_NAMES: Final = {SIGNATURE_PATH: "signature", HEALTH_PATH: "health"}


def document() -> dict[str, Any]:
    """The published document, which is shipped with the servers."""
    data: dict[str, Any] = yaml.safe_load(bundled("fixtures", "servers", "openapi.yaml").read_text(encoding="utf-8"))
    return data


def check_installed() -> None:
    """Raises Missing where the extra is."""
    if find_spec(_NEEDED) is None:
        raise Missing(f"{_NEEDED} is not installed: pip install 'semantest-conformance[openapi]'")


async def described(its: Examination) -> None:
    """Requests drawn from the document, the bystander beside them."""
    check_installed()
    published = document()
    await its.watch("")
    async with its.attended(), drawer() as its_drawer:
        count = max(1, its.settings.inputs // _INPUTS_A_REQUEST)
        drawn = await its_drawer.draw(Order(with_every_method(published), count, its.settings.seed))
        sending = Sending(its, deque(enumerate(drawn)))
        await sending.all()
        checked = await its_drawer.check(sending.answered())
    note(its, published, drawn, sending.answers, {one.number: one.wrong for one in checked})
    await its.watch("everything")


# --- sending -------------------------------------------------------------------------------------


@dataclass(slots=True)
class Sending:
    """Requests on their way, several at once. ``answers``: by the number of the request."""

    its: Examination
    queue: deque[tuple[int, Drawn]]
    answers: dict[int, Answer] = field(default_factory=dict)
    _unanswered: int = 0
    _limited: bool = False

    async def all(self) -> None:
        """Send them, until the server asks for fewer or says nothing any more."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_WORKERS):
                group.create_task(self._work())

    async def _work(self) -> None:
        target = self.its.target
        while self.queue and not self._limited and self._unanswered < _UNANSWERED_MAX:
            number, drawn = self.queue.popleft()
            data = drawn.head(target.host, target.base) + drawn.data
            answer = await self.its.asked(data, method=drawn.method, patience_s=_PATIENCE_S)
            if answer.status == _TOO_MANY:  # it counts what everybody sends from here, so it is left alone
                self._limited = True
                return
            self._unanswered += answer.outcome is not Outcome.ANSWERED
            self.answers[number] = answer

    def answered(self) -> list[Answered]:
        """What came of those that were answered at all."""
        return [
            Answered.of(number, answer.status, answer.headers, answer.body)
            for number, answer in sorted(self.answers.items())
            if answer.outcome is Outcome.ANSWERED
        ]


# --- noting --------------------------------------------------------------------------------------


def note(
    its: Examination,
    published: dict[str, Any],
    drawn: Sequence[Drawn],
    answers: dict[int, Answer],
    wrong: dict[int, tuple[str, ...]],
) -> None:
    """One event for all requests of an operation that were answered alike, by the first of them; then the tally."""
    alike: dict[tuple[object, ...], list[int]] = {}
    for number, answer in sorted(answers.items()):
        one = drawn[number]
        asked = (one.method, one.path, may_refuse(one))
        told = (answer.outcome, answer.status, answer.detail, judged_headers(answer), answer.body)
        alike.setdefault((asked, told, wrong.get(number, ())), []).append(number)
    for numbers in alike.values():
        first = drawn[numbers[0]]
        its.note(
            name_of(first, _NAMES),
            wanted(published, first),
            answers[numbers[0]],
            alike=len(numbers),
            may_refuse=may_refuse(first),
            wrong=wrong.get(numbers[0], ()),
        )
    refused = sum(one.outcome is not Outcome.ANSWERED or one.status >= _BAD_REQUEST for one in answers.values())
    told_of = {"what": "described requests", "inputs": len(answers), "ended": refused, "wrong_count": 0}
    its.record(Fuzzed, **told_of, seed=its.settings.seed)


# --- the process that draws ----------------------------------------------------------------------


@dataclass(slots=True)
class Drawer:
    """schemathesis at work. ``drawer`` makes one."""

    process: asyncio.subprocess.Process
    errors: IO[bytes]

    async def draw(self, order: Order) -> list[Drawn]:
        """The requests; the same for the same order."""
        await self._tell(order)
        return [decode(Drawn, one) for one in await self._lines("draw")]

    async def check(self, answered: Sequence[Answered]) -> list[Checked]:
        """What is wrong with the answers."""
        await self._tell(*answered)
        return [decode(Checked, one) for one in await self._lines("check")]

    async def _tell(self, *told: object) -> None:
        if self.process.stdin is None:
            return
        with contextlib.suppress(ConnectionError):  # it has ended: what it said last is told by whoever listens
            for one in told:
                self.process.stdin.write(json.dumps(encode(one)).encode() + b"\n")
                await self.process.stdin.drain()
            self.process.stdin.write(b"\n")
            await self.process.stdin.drain()

    async def _lines(self, what: str) -> list[object]:
        found: list[object] = []
        try:
            while line := await self._line():
                if line == b"\n":
                    return found
                found.append(json.loads(line))
        except (TimeoutError, ValueError) as error:
            raise RigFailed(f"{_NEEDED} could not {what}: {str(error) or f'nothing for {_SILENT_S:g} s'}") from error
        raise RigFailed(f"{_NEEDED} could not {what}: {self.said()}")

    async def _line(self) -> bytes:
        async with asyncio.timeout(_SILENT_S):
            return await self.process.stdout.readline() if self.process.stdout else b""

    def said(self) -> str:
        """Its last words."""
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


@asynccontextmanager
async def drawer() -> AsyncIterator[Drawer]:
    """A process that draws and checks; it ends with the block, and with the harness."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SCHEMATHESIS_", "HYPOTHESIS_"))}
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryDirectory(prefix="conform-") as nowhere:
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", _PROGRAM),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                # The same requests for the same seed, and no settings or caches of where the harness is run.
                env=kept | {"PYTHONHASHSEED": "0"},
                cwd=nowhere,
                start_new_session=True,
                preexec_fn=die_with_parent(),
                limit=1 << 20,
            )
        except OSError as error:  # not the server's
            raise RigFailed(f"{_NEEDED} could not be started: {error}") from error
        try:
            yield Drawer(process, errors)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()
