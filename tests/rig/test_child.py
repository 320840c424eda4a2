"""A child: the loop goes on while it is started, and is told of its end; called off, nothing of it is left."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from conformance.rig.child import Child
from tests.rig.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


class Held:
    """Holds a new process up before it is the other program, until it is let go."""

    def __init__(self) -> None:
        self._began, self._begins = os.pipe()
        self._may_go, self._lets_go = os.pipe()

    def hold(self) -> None:
        os.write(self._begins, str(os.getpid()).encode())
        os.read(self._may_go, 1)

    async def has_begun(self) -> int:
        """Its pid, told on the loop."""
        told = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._began, told.set)
        async with asyncio.timeout(PATIENCE_S):
            await told.wait()
        asyncio.get_running_loop().remove_reader(self._began)
        return int(os.read(self._began, 20))

    def let_go(self) -> None:
        os.write(self._lets_go, b"!")

    def close(self) -> None:
        for fd in (self._began, self._begins, self._may_go, self._lets_go):
            os.close(fd)


@pytest.fixture
def held() -> Iterator[Held]:
    with ExitStack() as after:
        its = Held()
        after.callback(its.close)
        yield its


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


def test_the_loop_goes_on_while_it_is_started(held: Held) -> None:
    """What lets it go here runs on the loop: a fork on the loop would wait for itself."""

    async def scene() -> bool:
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


def test_one_that_is_called_off_while_it_is_started_is_ended(held: Held) -> None:
    async def scene() -> int:
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
