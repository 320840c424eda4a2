"""What is asked of this machine: listening addresses, quantiles, the smallest server, TLS of every age."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

from conformance.model import Side
from conformance.rig.serving.machine import beside, greet, listening_on, quantile, smallest_server, tls_versions
from conformance.rig.serving.wire import Wire, find, once
from conformance.server_cases import request
from conformance.server_events import Outcome, Wanted

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue\n"


def test_a_listening_socket_is_found_at_its_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert listening_on(server.getsockname()[1]) == ("127.0.0.1",)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert listening_on(bound.getsockname()[1]) == ()


def test_addresses_as_the_kernel_writes_them(tmp_path: Path) -> None:
    (tmp_path / "tcp").write_text(
        HEAD + "   0: 0100007F:0BBB 00000000:0000 0A 0:0\n   1: 00000000:0BBB 00000000:0000 0A 0:0\n"
        "   2: 0200007F:0BBB 0100007F:1234 01 0:0\n   3: 0300007F:0BBC 00000000:0000 0A 0:0\n"
    )
    (tmp_path / "tcp6").write_text(
        HEAD + "   0: 00000000000000000000000001000000:0BBB 00000000000000000000000000000000:0000 0A 0:0\n"
        "   1: 00000000000000000000000000000000:0BBB 00000000000000000000000000000000:0000 0A 0:0\n"
        "   2: 0000000000000000FFFF00000100007F:0BBB 00000000000000000000000000000000:0000 0A 0:0\n"
    )
    assert listening_on(3003, tmp_path) == ("0.0.0.0", "127.0.0.1", "::", "::1")  # noqa: S104 - read, not bound


def test_a_machine_that_says_nothing_has_no_listeners(tmp_path: Path) -> None:
    assert listening_on(3003, tmp_path) == ()


def test_quantiles() -> None:
    assert quantile([float(number) for number in range(100)], 0.99) == 99
    assert quantile([5.0, 1.0, 3.0], 0.5) == 3
    assert quantile([7.0], 0.99) == 7


def test_the_smallest_server_answers() -> None:
    async def scene() -> tuple[int, bytes]:
        async with smallest_server() as port:
            target = beside(await find("https://localhost:1", Side.PUBLIC), port)
            answer = await once(Wire(target), request("/", "x"))
            return answer.status, answer.body

    assert asyncio.run(scene()) == (200, b"{}")


def test_versions_are_only_themselves() -> None:
    versions = tls_versions()
    assert [name for name, (_, wanted) in versions.items() if wanted is Wanted.REFUSED] == ["TLS 1.1", "TLS 1.0"]
    for context, _ in versions.values():
        assert context.minimum_version is context.maximum_version


def test_a_greeting_that_nobody_answers_is_a_refusal() -> None:
    async def scene() -> tuple[Outcome, str]:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            target = await find(f"https://127.0.0.1:{closed.getsockname()[1]}", Side.PUBLIC)
        return await greet(Wire(target), ssl.create_default_context())

    outcome, detail = asyncio.run(scene())
    assert outcome is Outcome.REFUSED
    assert detail
