"""The bundled servers as processes: up, down, and examined with many drawn inputs without harm."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.errors import RigFailed
from conformance.model import Side
from conformance.rig.serving.bundled import program, running
from conformance.rig.serving.wire import Wire, find, once
from conformance.server_cases import request
from conformance.server_events import Outcome
from tests.rig.processes import PATIENCE_S, watched


def test_both_are_there() -> None:
    assert all((program(side) / "__main__.py").is_file() for side in Side)


def test_a_server_is_up_in_the_block_and_gone_after_it() -> None:
    async def scene() -> tuple[int, Outcome | str]:
        async with running(Side.LOCAL) as url:
            target = await find(url, Side.LOCAL)
            answer = await once(Wire(target), request("/health", target.host))
        try:
            await Wire(target).connect()
        except ConnectionRefusedError:
            return answer.status, "refused"
        return answer.status, "still there"

    assert asyncio.run(scene()) == (200, "refused")


def test_the_public_one_writes_its_ca(tmp_path: Path) -> None:
    async def scene() -> int:
        ca = tmp_path / "ca.pem"
        async with running(Side.PUBLIC, "--ca", str(ca)) as url:
            target = await find(url, Side.PUBLIC, ca)
            return (await once(Wire(target), request("/health", target.host))).status

    assert asyncio.run(scene()) == 200


def test_a_server_that_does_not_start_says_why() -> None:
    async def scene() -> None:
        async with running(Side.LOCAL, "--no-such-option"):
            pass

    with pytest.raises(RigFailed, match=r"did not start: .*--no-such-option.*`conform serve local` says more"):
        asyncio.run(scene())


def test_no_server_outlives_a_failure() -> None:
    before = children()

    async def scene() -> None:
        async with running(Side.LOCAL):
            assert len(children()) == len(before) + 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(scene())
    assert children() == before


def test_a_server_does_not_outlive_a_killed_harness() -> None:
    code = (
        "import asyncio, os; from conformance.model import Side; from conformance.rig.serving.bundled import running\n"
        "async def scene():\n"
        "    async with running(Side.LOCAL):\n"
        "        print(open(f'/proc/{os.getpid()}/task/{os.getpid()}/children').read(), flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(scene())"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as harness:  # noqa: S603
        assert harness.stdout is not None
        with watched(int(harness.stdout.readline())) as server:
            assert server.left()
            harness.kill()
            assert server.left(PATIENCE_S) == set()


def children() -> set[str]:
    task = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return set(task.read_text().split())
