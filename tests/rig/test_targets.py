"""Targets at work: started, killed, started again; found, sent what they are sent, and shared by a run's rigs."""

from __future__ import annotations

import asyncio
import os
import select
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.bundle import bundled
from conformance.errors import InputError, StorageFailed, TargetFailed
from conformance.events import SessionsDropped, TargetKilled, TargetStarted, WorldSet
from conformance.model import FaultSpec, Side
from conformance.rig import targets
from conformance.rig.http import Request
from conformance.rig.serving.bundled import program
from conformance.rig.targets import Target, TargetPool, look_at
from conformance.targets import TargetSpec, parse_target
from tests.rig.real import before, real
from tests.rig.servers import GET, PATIENCE_S, PROFILE, UPGRADE, staged
from tests.rig.test_fake import answer, noted

REFERENCE = replace(PROFILE, extension=str(bundled("fixtures", "extensions", "reference")))


def local(*more: str) -> TargetSpec:
    command = (sys.executable, str(program(Side.LOCAL)), "--port", "{port}", *more)
    return TargetSpec(Side.LOCAL, "a command", command=command)


def public() -> TargetSpec:
    options = ("--port", "{port}", "--ca", "{ca}", "--origin={origin}", "--quiet")
    return TargetSpec(Side.PUBLIC, "a command", command=(sys.executable, str(program(Side.PUBLIC)), *options))


def does(code: str) -> TargetSpec:
    return TargetSpec(Side.LOCAL, "a command", command=(sys.executable, "-c", code, "{port}"))


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


# --- a command -----------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", [local(), public()], ids=["local", "public"])
def test_a_process_is_started_killed_and_started_again(spec: TargetSpec, tmp_path: Path) -> None:
    async def scene() -> None:
        target = Target(spec, [REFERENCE], tmp_path)
        try:
            first = await target.ensure()
            assert is_alive(first)
            assert await target.ensure() == 0  # it stands
            assert f'"type": "{spec.side}"'.replace(" ", "") in target.signature.decode().replace(" ", "")
            (await target.connect()).abort()
            assert await target.kill() == first
            assert not is_alive(first)
            with pytest.raises(ConnectionRefusedError):
                await target.connect()
            second = await target.ensure()
            assert second not in (0, first)
        finally:
            last = await target.kill()
        assert not is_alive(last)
        assert await target.kill() == 0

    asyncio.run(scene())


def test_down_kills_it_and_up_starts_another(tmp_path: Path) -> None:
    async def scene() -> None:
        async with staged() as stage:
            target = Target(local(), [REFERENCE], tmp_path)
            fake = stage.fake()
            fake.target = target
            fake.prepare(PROFILE, stage.recorder)
            stage.recorder.events.clear()
            try:
                await stage.set(Side.LOCAL)
                assert (await answer(stage, GET))[0] == 200
                await stage.set(Side.LOCAL, FaultSpec("refused"))
                (started,), (killed,) = noted(stage, TargetStarted), noted(stage, TargetKilled)
                assert started.pid == killed.pid
                assert not is_alive(killed.pid)
                with pytest.raises(ConnectionRefusedError):
                    await stage.connect()
                await stage.set(Side.LOCAL)
                assert (await answer(stage, GET))[0] == 200
                again = noted(stage, TargetStarted)[1]
                assert again.pid != killed.pid
                # The world is said to be healthy when it is, and not when that was begun.
                assert stage.recorder.events.index(again) < stage.recorder.events.index(noted(stage, WorldSet)[-1])
                assert fake.failure is None
            finally:
                await target.kill()

    asyncio.run(scene())


def test_a_kill_ends_the_session_and_is_no_failure(tmp_path: Path) -> None:
    async def scene() -> None:
        async with staged() as stage:
            target = Target(local(), [REFERENCE], tmp_path)
            fake = stage.fake()
            fake.target = target
            fake.prepare(PROFILE, stage.recorder)
            try:
                await stage.set(Side.LOCAL)
                reader, writer = await stage.connect()
                writer.write(UPGRADE)
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
                await stage.set(Side.LOCAL, FaultSpec("refused"))
                async with asyncio.timeout(PATIENCE_S):
                    assert await reader.read() == b""
                assert not fake.has_session()
                assert fake.failure is None
                assert noted(stage, SessionsDropped) == []
            finally:
                await target.kill()

    asyncio.run(scene())


def test_down_at_the_start_kills_nobody(tmp_path: Path) -> None:
    """What stands behind a port that refuses is out of reach; to start it again would cost every scenario a second."""

    async def scene() -> None:
        async with staged() as stage:
            target = Target(local(), [REFERENCE], tmp_path)
            fake = stage.fake()
            fake.target = target
            try:
                await target.ensure()
                fake.prepare(PROFILE, stage.recorder)
                await stage.set(Side.LOCAL, FaultSpec("refused"))
                assert noted(stage, TargetKilled) == []
                assert await target.ensure() == 0
            finally:
                await target.kill()

    asyncio.run(scene())


def test_whom_it_started_goes_with_it(tmp_path: Path) -> None:
    server = [sys.executable, str(program(Side.LOCAL)), "--port"]
    nested = f"import subprocess, sys; subprocess.run([*{server!r}, sys.argv[1]])"

    async def scene() -> list[int]:
        target = Target(does(nested), [REFERENCE], tmp_path)
        pid = await target.ensure()
        ends = [os.pidfd_open(child) for child in children_of(pid)]
        await target.kill()
        return ends

    ends = asyncio.run(scene())
    assert ends
    for end in ends:
        assert select.select([end], [], [], PATIENCE_S)[0], "it lives on"
        os.close(end)


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import sys; sys.exit('port 7 is taken')", "it ended before it listened: port 7 is taken"),
        ("pass", "it ended before it listened: it said nothing"),
        ("input(); import time; time.sleep(60)", "it ended before it listened"),
        ("import time; time.sleep(60)", r"nobody listened on 127.0.0.1 port \d+ within 0 s"),
    ],
)
def test_a_command_that_is_no_server(code: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if "nobody" in why:
        monkeypatch.setattr(targets, "_UP_S", 0.2)
    with pytest.raises(InputError, match=rf"^--local-target 'a command': {why}"):
        asyncio.run(look_at([does(code)], [REFERENCE]))


def test_a_server_that_writes_no_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "_UP_S", 2.0)
    command = (sys.executable, str(program(Side.LOCAL)), "--port", "{port}", "--origin", "{ca}")
    with pytest.raises(InputError, match=r"no certificate was written where \{ca\} stands within 2 s"):
        asyncio.run(look_at([TargetSpec(Side.PUBLIC, "a command", command=command)], [REFERENCE]))


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(InputError, match=r"cannot be started: no-such-server: no such file.*; mend the command"):
        asyncio.run(look_at([parse_target(Side.LOCAL, "no-such-server {port}")], [REFERENCE]))


# --- what it is sent -----------------------------------------------------------------------------


def test_only_a_target_elsewhere_is_called_by_its_own_name(tmp_path: Path) -> None:
    async def scene() -> tuple[bytes, bytes]:
        async with real() as (_, url), before(f"{url}/base", tmp_path) as stage:
            target = stage.fake().target
            assert target is not None
            request = Request(
                "GET", "/x", raw=b"GET /x HTTP/1.1\r\nHost: localhost:3003\r\nOrigin: o\r\n\r\n", body=b"b"
            )
            here = target.forwarded(request)
            target._wire = replace(target._wire, target=replace(target.place, address="203.0.113.7", host="api.x"))  # type: ignore[type-var]
            return here, target.forwarded(request)

    here, elsewhere = asyncio.run(scene())
    assert here == b"GET /base/x HTTP/1.1\r\nHost: localhost:3003\r\nOrigin: o\r\n\r\nb"
    assert elsewhere == b"GET /base/x HTTP/1.1\r\nHost: api.x\r\nOrigin: o\r\n\r\nb"


# --- a run's -------------------------------------------------------------------------------------


def test_a_rig_takes_one_and_the_next_one_gets_it(tmp_path: Path) -> None:
    pool = TargetPool([local()], [REFERENCE], tmp_path)
    first, second = pool.take(Side.LOCAL), pool.take(Side.LOCAL)
    assert first is not None
    assert second is not None
    assert first is not second
    pool.give(first)
    assert pool.take(Side.LOCAL) is first
    assert pool.take(Side.PUBLIC) is None


def test_the_end_of_a_run_ends_every_process(tmp_path: Path) -> None:
    async def scene() -> tuple[int, int]:
        pool = TargetPool([local()], [REFERENCE], tmp_path)
        taken, given = pool.take(Side.LOCAL), pool.take(Side.LOCAL)
        assert taken is not None
        assert given is not None
        pids = await taken.ensure(), await given.ensure()
        pool.give(given)
        await pool.close()
        return pids

    assert not any(map(is_alive, asyncio.run(scene())))


def test_looking_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (found,) = asyncio.run(look_at([local()], [REFERENCE]))
    assert found.is_here
    assert list(tmp_path.iterdir()) == []


def test_no_room_for_its_files_is_the_harness_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed, match=r"file/target: not a directory; free space or set TMPDIR"):
        asyncio.run(Target(local(), [REFERENCE], tmp_path / "file" / "target").ensure())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(StorageFailed, match=r"gone/conform-\S+: no such file or directory; free space or set TMPDIR"):
        asyncio.run(look_at([local()], [REFERENCE]))


def test_one_that_was_never_looked_for(tmp_path: Path) -> None:
    with pytest.raises(TargetFailed, match="never looked for"):
        _ = Target(local(), [], tmp_path).place
