"""20,000 drawn inputs a server: no crash, no leak, no session lost, and every one taken as the standards say."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest
from aiohttp import web
from servers.listening import loopback_sockets, runner_of, start
from servers.public.front import Front
from servers.session import Limits

from conformance.model import Side
from conformance.rig.serving.drawing import FRAMES, draw, requests_to
from conformance.rig.serving.fuzzing import Tally, fuzz_frames, fuzz_requests
from conformance.rig.serving.talk import Talk
from conformance.rig.serving.wire import Wire, find
from conformance.server_cases import EXTENSION
from conformance.server_events import Outcome
from tests.servers.running import front_of, local_server, service

# The bystander is asked between the rounds, and answers no ping in between.
PATIENT = Limits(heartbeat_s=3600.0)
FRAMES_SENT = 14_000
REQUESTS_SENT = 6_000
_LEAKED_OBJECTS_MAX = 1000  # a round, where 100 are seen; one a connection would be 4,300
_ROUNDS = 4  # the first fills caches, the others must not add to them


def application(side: Side) -> tuple[web.Application, set[object]]:
    """The server's application and its sessions. The public one without TLS, which is OpenSSL's and not ours."""
    if side is Side.LOCAL:
        server = local_server(limits=PATIENT)
        return server.application(), server.sessions  # type: ignore[return-value]  # a set of sessions
    front = Front(front_of(service()).handlers, PATIENT)
    return front.application(), front.sessions  # type: ignore[return-value]  # as above


@pytest.mark.long
@pytest.mark.parametrize("side", Side)
def test_twenty_thousand_inputs_do_no_harm(side: Side) -> None:
    async def scene() -> tuple[list[Tally], Outcome, int, int, float]:
        app, sessions = application(side)
        sockets = loopback_sockets(0)
        runner = runner_of(app)
        await start(runner, sockets)
        wire = Wire(await find(f"http://localhost:{sockets[0].getsockname()[1]}", side))
        bystander = await Talk.open(wire, EXTENSION)
        tallies, objects, files = list[Tally](), list[int](), list[int]()
        for seed in range(_ROUNDS):
            frames = draw(FRAMES, FRAMES_SENT // _ROUNDS, seed)
            requests = draw(requests_to(wire.target), REQUESTS_SENT // _ROUNDS, seed)
            tallies += [await fuzz_frames(wire, EXTENSION, frames), await fuzz_requests(wire, requests)]
            del frames, requests
            assert (await bystander.send(b"")).outcome is Outcome.ANSWERED
            await settled(sessions)
            gc.collect()
            objects.append(len(gc.get_objects()))
            files.append(open_files())
        alive = (await bystander.send(b"")).outcome
        left = len(sessions), files[-1] - files[0]
        bystander.abort()
        await runner.cleanup()
        return tallies, alive, *left, (objects[-1] - objects[0]) / (_ROUNDS - 1)

    tallies, alive, open_sessions, more_files, grown = asyncio.run(scene())
    assert [tally.wrong for tally in tallies] == [[]] * 2 * _ROUNDS
    assert sum(tally.inputs for tally in tallies) == FRAMES_SENT + REQUESTS_SENT
    assert alive is Outcome.ANSWERED
    assert (open_sessions, more_files) == (1, 0)
    assert grown < _LEAKED_OBJECTS_MAX


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def due_timers() -> int:
    """How many calls the loop is to make within the minute; one that was called off stays there, and holds nothing."""
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = loop._scheduled  # type: ignore[attr-defined]  # told nowhere else
    return sum(not timer.cancelled() and timer.when() < loop.time() + 60 for timer in timers)


async def settled(sessions: set[object]) -> None:
    """Wait until the server has seen the last client go, and no timer holds what was its any more.

    A timer keeps a connection for a second or two after its end, 900 to 1,800 of them after a round.
    """
    async with asyncio.timeout(20):
        while len(sessions) > 1 or due_timers() > 1:  # noqa: ASYNC110 - told nowhere; one is this timeout's own
            await asyncio.sleep(0.05)
