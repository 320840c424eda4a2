"""A network of the rig's own: what is in it, who can reach it, and that nothing of it stays."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.errors import RigFailed, Unsupported
from conformance.model import Address
from conformance.rig import namespace as module
from conformance.rig.namespace import Namespace, Where, why_none
from tests.rig.namespaces import namespace
from tests.rig.processes import descriptors

PORT = 3003


def listening(made: Namespace, where: Where, host: str) -> socket.socket:
    listener = made.socket(where, socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.bind((host, PORT))
    listener.listen()
    return listener


def knock(made: Namespace | None, host: str) -> str:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) if made is None else made.socket(Where.HOME, family) as client:
        client.settimeout(2)
        try:
            client.connect((host, PORT))
        except OSError as error:
            return type(error).__name__
        return "connected"


def test_each_has_a_loopback_of_its_own_with_both_addresses_and_the_real_port() -> None:
    async def scene() -> list[str]:
        async with namespace() as one, namespace() as two:
            with listening(one, Where.HOME, "127.0.0.1"), listening(two, Where.HOME, "::1"):
                return [knock(made, host) for made in (one, two) for host in ("127.0.0.1", "::1")]

    assert asyncio.run(scene()) == ["connected", "ConnectionRefusedError", "ConnectionRefusedError", "connected"]


def test_the_two_namespaces_of_one_rig_are_two_machines() -> None:
    async def scene() -> str:
        async with namespace() as made:
            with listening(made, Where.WORLD, "127.0.0.1"):
                return knock(made, "127.0.0.1")

    assert asyncio.run(scene()) == "ConnectionRefusedError"


def test_a_process_that_enters_is_at_home() -> None:
    code = "import socket; print(sorted(name for _, name in socket.if_nameindex()))"

    async def scene() -> str:
        async with namespace() as made:
            command = [sys.executable, "-c", code]
            done = subprocess.run(command, preexec_fn=made.enter(), capture_output=True, text=True, check=True)  # noqa: S603, ASYNC221 - as the rig does it
            return done.stdout.strip()

    assert asyncio.run(scene()) == "['lo', 'net0']"


@pytest.mark.parametrize("family", list(Address))
def test_syns_are_dropped_of_one_family_and_counted(family: Address) -> None:
    async def scene() -> tuple[dict[Address, str], int, str]:
        async with namespace() as made:
            with listening(made, Where.HOME, "127.0.0.1"), listening(made, Where.HOME, "::1"):
                made.drop_syn(Where.HOME, PORT, family, 0)
                outcomes = {Address.V4: knock(made, "127.0.0.1"), Address.V6: knock(made, "::1")}
                dropped = made.dropped(Where.HOME)
                made.stop_dropping(Where.HOME)
                return outcomes, dropped, knock(made, "127.0.0.1" if family is Address.V4 else "::1")

    outcomes, dropped, after = asyncio.run(scene())
    assert outcomes.pop(family) == "TimeoutError"
    assert list(outcomes.values()) == ["connected"]
    assert dropped >= 1
    assert after == "connected"


def test_only_the_first_syn_is_dropped_where_that_is_asked_for() -> None:
    async def scene() -> tuple[list[str], int]:
        async with namespace() as made:
            with listening(made, Where.HOME, "127.0.0.1"):
                made.drop_syn(Where.HOME, PORT, Address.V4, 1)
                return [knock(made, "127.0.0.1") for _ in range(3)], made.dropped(Where.HOME)

    assert asyncio.run(scene()) == (["connected"] * 3, 1)  # the kernel sends the lost one again


def test_nothing_stays() -> None:
    async def scene() -> tuple[int, int, int]:
        async with namespace():
            pass  # what an interpreter opens once is open now
        before = descriptors()
        async with namespace() as made:
            helper = made._process.pid
        return before, descriptors(), helper

    before, after, helper = asyncio.run(scene())
    assert after == before
    with pytest.raises(ProcessLookupError):
        os.kill(helper, 0)


def test_a_helper_that_is_gone_is_the_harness_failure() -> None:
    async def scene() -> None:
        async with namespace() as made:
            made._process.kill()
            made._process.wait()
            made.socket(Where.HOME)

    with pytest.raises(RigFailed, match="helper"):
        asyncio.run(scene())


def test_a_failure_in_the_helper_is_told_and_it_goes_on() -> None:
    async def scene() -> str:
        async with namespace() as made:
            with pytest.raises(RigFailed, match="helper failed"):
                made.own(Where.WORLD, ["no address"])
            return knock(made, "127.0.0.1")

    assert asyncio.run(scene()) == "ConnectionRefusedError"


def test_another_system_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(Unsupported, match="namespaces are Linux's, and this is darwin"):
        asyncio.run(Namespace.open())
    assert "darwin" in why_none()


def test_what_the_machine_does_not_allow_is_said_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    helper = tmp_path / "helper.py"
    helper.write_text(
        "import socket, sys\n"
        """socket.socket(fileno=int(sys.argv[1])).send(b'{"cannot": "unshare: Operation not permitted"}')\n"""
    )
    monkeypatch.setattr(module, "_HELPER", helper)
    with pytest.raises(Unsupported, match="no network namespace of its own: unshare: Operation not permitted"):
        asyncio.run(Namespace.open())
    helper.write_text("")
    with pytest.raises(RigFailed, match="ended without a word"):
        asyncio.run(Namespace.open())


def test_the_loop_goes_on_while_the_helper_ends() -> None:
    """It stood still for up to 0.6 s, and every rig of the run was that late."""

    async def scene() -> bool:
        made = await Namespace.open()
        turned = asyncio.Event()
        ending = made._process.wait
        loop = asyncio.get_running_loop()

        def wait(timeout: float | None = None) -> int:
            asyncio.run_coroutine_threadsafe(_turn(turned), loop).result(10)
            return ending(timeout)

        made._process.wait = wait  # type: ignore[method-assign]
        await made.close()
        return turned.is_set()

    async def _turn(turned: asyncio.Event) -> None:
        turned.set()

    if why_none():
        pytest.skip(why_none())
    assert asyncio.run(scene())
