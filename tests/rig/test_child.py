"""A child: the loop goes on while it is started, and is told of its end; called off, nothing of it is left."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from conformance.rig.child import Child
from tests.rig.processes import PATIENCE_S, held_up

if TYPE_CHECKING:
    from collections.abc import Callable

SLEEPS = ["sleep", "1000"]


async def child(*command: str, first: Callable[[], None] | None = None) -> Child:
    with open(os.devnull, "wb") as nowhere:  # noqa: ASYNC230, PTH123 - it does not block
        return await Child.start(command, output=nowhere.fileno(), environment=os.environ, first=first)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("command", "code"), [(("true",), 0), (("sh", "-c", "exit 5"), 5), (("sh", "-c", "kill -9 $$"), -signal.SIGKILL)]
)
def test_its_end_is_told_with_how_it_ended(command: tuple[str, ...], code: int) -> None:
    async def scene() -> int | None:
        its = await child(*command)
        async with asyncio.timeout(PATIENCE_S):
            await its.wait()
        return its.returncode

    assert asyncio.run(scene()) == code


def test_it_runs_until_it_is_ended() -> None:
    async def scene() -> tuple[int | None, int | None]:
        its = await child(*SLEEPS)
        before = its.returncode
        its.terminate()
        async with asyncio.timeout(PATIENCE_S):
            await its.wait()
        return before, its.returncode

    assert asyncio.run(scene()) == (None, -signal.SIGTERM)


def test_the_loop_goes_on_while_it_is_started() -> None:
    """What lets it go here runs on the loop: a fork on the loop would wait for itself."""

    async def scene() -> bool:
        with held_up() as held:
            starting = asyncio.create_task(child(*SLEEPS, first=held.hold))
            pid = await held.has_begun()
            early = starting.done()
            held.let_go()
            async with asyncio.timeout(PATIENCE_S):
                its = await starting
                its.kill_group()
                await its.wait()
        assert (its.pid, its.returncode) == (pid, -signal.SIGKILL)
        return early

    assert asyncio.run(scene()) is False


def test_one_that_is_called_off_while_it_is_started_is_ended() -> None:
    async def scene() -> int:
        with held_up() as held:
            starting = asyncio.create_task(child(*SLEEPS, first=held.hold))
            pid = await held.has_begun()
            for _ in range(3):  # who is in a hurry calls it off more than once
                starting.cancel()
                await asyncio.sleep(0)
            assert not starting.done()  # what it was given is in use still
            held.let_go()
            async with asyncio.timeout(PATIENCE_S):
                with pytest.raises(asyncio.CancelledError):
                    await starting
        return pid

    assert not is_there(asyncio.run(scene()))


def test_one_that_cannot_be_started_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        asyncio.run(child("/no/such/program"))


def test_where_nobody_would_tell_its_end_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def refused(pid: int) -> int:
        asked.append(pid)
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", refused)
    with pytest.raises(OSError, match="not implemented"):
        asyncio.run(child(*SLEEPS))
    assert [is_there(pid) for pid in asked] == [False]
