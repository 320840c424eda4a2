"""Each fault does what it is called, on real sockets, and leaves its proof. One row a fault; none may be missing."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
from collections.abc import Awaitable, Callable

import pytest

from conformance.events import FaultProved, FaultTookEffect, ResponseSent, SessionOpened
from conformance.model import FaultSpec, Side
from conformance.rig.faults import FAULTS, build
from conformance.rig.faults.base import ResolveFault, SessionFault
from tests.rig.faults.test_packets import APART
from tests.rig.servers import ACCEPT, GET, PATIENCE_S, UPGRADE, Staged, staged

Check = Callable[[Staged], Awaitable[object]]


def proofs(stage: Staged, fault: str) -> list[FaultTookEffect | FaultProved]:
    kinds = (FaultTookEffect, FaultProved)
    return [event for event in stage.recorder.events if isinstance(event, kinds) and event.fault.startswith(fault)]


def act(side: Side, spec: FaultSpec, check: Check) -> list[FaultTookEffect | FaultProved]:
    """Set the fault, do ``check``, return the fault's proofs."""

    async def scene() -> list[FaultTookEffect | FaultProved]:
        async with staged() as stage:
            await stage.set(side, spec)
            await check(stage)
            for _ in range(100):  # the fake's own task may be a step behind the client
                await asyncio.sleep(0)
            return proofs(stage, spec.name)

    return asyncio.run(scene())


def get(expected: Callable[[bytes], bool], side: Side = Side.LOCAL, until: bytes = b"") -> Check:
    async def check(stage: Staged) -> None:
        got = await stage.exchange(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), side, until=until)
        assert expected(got), got[:300]

    return check


def upgrade(expected: Callable[[bytes], bool], until: bytes = b"") -> Check:
    async def check(stage: Staged) -> None:
        got = await stage.exchange(UPGRADE, until=until)
        assert expected(got), got[:300]

    return check


def is_reset(data: bytes) -> Check:
    async def check(stage: Staged) -> None:
        with pytest.raises(ConnectionResetError):
            await stage.exchange(data)

    return check


async def is_refused(stage: Staged) -> None:
    with pytest.raises(ConnectionRefusedError):
        await stage.connect()


async def is_unanswered(stage: Staged) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await stage.connect()


async def says_nothing(stage: Staged, data: bytes = GET) -> None:
    reader, writer = await stage.connect()
    writer.write(data)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await reader.read(1)


async def shows_other_host(stage: Staged) -> None:
    _, writer = await stage.connect(Side.PUBLIC)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    good = stage.fake(Side.PUBLIC).certificates._good.cert_chain_pems[0].bytes().decode()
    assert shown != ssl.PEM_cert_to_DER_cert(good)


async def fails_tls(stage: Staged) -> None:
    with pytest.raises((ssl.SSLError, ConnectionResetError)):  # asyncio hangs up without TLS's alert
        await stage.connect(Side.PUBLIC)


async def answers_plain(stage: Staged) -> None:
    reader, writer = await stage.connect(Side.PUBLIC, tls=False)
    writer.write(GET)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")


async def speaks_tls(stage: Staged) -> None:
    await stage.connect(Side.LOCAL, tls=True)


async def takes_much(stage: Staged) -> None:
    reader, writer = await stage.connect()
    writer.write(GET)
    await reader.readexactly(2 * 1024 * 1024)


async def is_huge(stage: Staged) -> None:
    reader, writer = await stage.connect()
    writer.write(GET)
    head = await reader.readuntil(b"\r\n\r\n")
    assert f"Content-Length: {1024 * 1024}".encode() in head
    body = await reader.readexactly(1024 * 1024)
    assert json.loads(body)["service"] == "semantest"


async def dies(stage: Staged) -> None:
    assert b'"semantest"' in await stage.exchange(GET)
    await is_refused(stage)


async def drop(stage: Staged, spec: FaultSpec) -> asyncio.StreamReader:
    reader, writer = await stage.connect()
    writer.write(UPGRADE)
    await reader.readuntil(b"\r\n\r\n")
    assert any(isinstance(event, SessionOpened) for event in stage.recorder.events)
    (fault,) = build([spec])
    assert isinstance(fault, SessionFault)
    await stage.fake().drop_sessions(fault)
    return reader


async def is_closed_1011(stage: Staged) -> None:
    got = await stage.exchange(UPGRADE, until=b"\x03\xf3")
    assert got.endswith(b"\x88\x02\x03\xf3")


async def is_half_open(stage: Staged) -> None:
    reader = await drop(stage, FaultSpec("half_open"))
    stage.writers[-1].write(b"\x89\x80\x00\x00\x00\x00")  # a ping, which a live peer answers
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await reader.read(1)
    assert not stage.fake().has_session()


async def session_is_reset(stage: Staged) -> None:
    reader = await drop(stage, FaultSpec("reset_session"))
    with pytest.raises(ConnectionResetError):
        await reader.read(1)


async def session_of(stage: Staged) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await stage.connect()
    writer.write(UPGRADE)
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def pings_and_is_deaf(stage: Staged) -> None:
    reader, writer = await session_of(stage)
    writer.write(b"\x81\x84\x00\x00\x00\x00ping")  # the profile's heartbeat, which a healthy server answers
    async with asyncio.timeout(PATIENCE_S):
        assert await reader.readexactly(6) == b"\x89\x00" * 3
    assert stage.fake().has_session()


async def is_a_burst(stage: Staged) -> None:
    reader, _ = await session_of(stage)
    for number in range(50):
        assert await reader.readexactly(4) == b"\x81\x7e\x00\xc8"  # text, 200 bytes (RFC 6455, 5.2)
        assert json.loads(await reader.readexactly(200))["number"] == number
    assert stage.fake().has_session()


async def is_oversize(stage: Staged) -> None:
    reader, _ = await session_of(stage)
    assert await reader.readexactly(10) == b"\x81\x7f" + (2 * 1024 * 1024).to_bytes(8)
    assert await reader.readexactly(2 * 1024 * 1024) == b"x" * 2 * 1024 * 1024


MALFORMED = {
    "reserved_bits": b"\xf1\x02{}",
    "bad_opcode": b"\x83\x02{}",
    "bad_utf8": b"\x81\x02\xc3\x28",
    "masked": b"\x81\x82\x00\x00\x00\x00{}",
}


async def is_malformed(stage: Staged) -> None:
    for kind, frame in MALFORMED.items():
        reader = await drop(stage, FaultSpec("malformed_frame", {"kind": kind}))
        assert await reader.readexactly(len(frame)) == frame
    assert not stage.fake().has_session()


def body_of(response: bytes) -> bytes:
    return response.partition(b"\r\n\r\n")[2]


ROWS: dict[str, tuple[Side, FaultSpec, Check]] = {
    "refused": (Side.LOCAL, FaultSpec("refused"), is_refused),
    "blackhole": (Side.LOCAL, FaultSpec("blackhole"), is_unanswered),
    "silent": (Side.LOCAL, FaultSpec("silent"), says_nothing),
    "banner": (
        Side.LOCAL,
        FaultSpec("banner", {"text": "SSH-2.0-x\r\n"}),
        get(lambda got: got == b"SSH-2.0-x\r\n", until=b"\n"),
    ),
    "reset": (Side.LOCAL, FaultSpec("reset"), is_reset(b"")),
    "hang_up": (Side.LOCAL, FaultSpec("hang_up"), get(lambda got: got == b"")),
    "certificate": (Side.PUBLIC, FaultSpec("certificate", {"kind": "other_host"}), shows_other_host),
    "old_tls": (Side.PUBLIC, FaultSpec("old_tls"), fails_tls),
    "plaintext": (Side.PUBLIC, FaultSpec("plaintext"), answers_plain),
    "tls_on_port": (Side.LOCAL, FaultSpec("tls_on_port"), speaks_tls),
    "answer": (
        Side.LOCAL,
        FaultSpec("answer", {"status": 500, "gzip": True, "framing": "close"}),
        get(lambda got: got.startswith(b"HTTP/1.1 500") and b"semantest" in gzip.decompress(body_of(got))),
    ),
    "stall": (Side.LOCAL, FaultSpec("stall", {"after": "request"}), says_nothing),
    "drip": (
        Side.LOCAL,
        FaultSpec("drip", {"interval_ms": 1}),
        get(lambda got: json.loads(body_of(got))["service"] == "semantest", until=b"}"),
    ),
    "endless": (Side.LOCAL, FaultSpec("endless"), takes_much),
    "huge": (Side.LOCAL, FaultSpec("huge", {"mib": 1}), is_huge),
    "reset_response": (Side.LOCAL, FaultSpec("reset_response", {"after_bytes": 10}), is_reset(GET)),
    "cut_response": (
        Side.LOCAL,
        FaultSpec("cut_response", {"after_bytes": 30}),
        get(lambda got: got.startswith(b"HTTP/1.1 200") and len(got) == 30),
    ),
    "redirect": (
        Side.LOCAL,
        FaultSpec("redirect", {"status": 302, "to": "other_origin"}),
        get(lambda got: b"Location: http://elsewhere.example.org/semantest-signature\r\n" in got, until=b"\r\n\r\n"),
    ),
    "die_after_signature": (Side.LOCAL, FaultSpec("die_after_signature"), dies),
    "refuse_upgrade": (
        Side.LOCAL,
        FaultSpec("refuse_upgrade", {"status": 404}),
        upgrade(lambda got: got.startswith(b"HTTP/1.1 404"), until=b"\r\n\r\n"),
    ),
    "hang_upgrade": (Side.LOCAL, FaultSpec("hang_upgrade"), lambda stage: says_nothing(stage, UPGRADE)),
    "wrong_accept": (
        Side.LOCAL,
        FaultSpec("wrong_accept"),
        upgrade(lambda got: b" 101 " in got and b"Accept: A" in got and ACCEPT not in got, until=b"\r\n\r\n"),
    ),
    "reset_upgrade": (Side.LOCAL, FaultSpec("reset_upgrade"), is_reset(UPGRADE)),
    "slow_upgrade": (
        Side.LOCAL,
        FaultSpec("slow_upgrade", {"delay_ms": 5}),
        upgrade(lambda got: ACCEPT in got, until=b"\r\n\r\n"),
    ),
    "close": (Side.LOCAL, FaultSpec("close", {"code": 1011}), is_closed_1011),
    "ping_only": (Side.LOCAL, FaultSpec("ping_only", {"interval_ms": 5}), pings_and_is_deaf),
    "burst": (Side.LOCAL, FaultSpec("burst", {"count": 50, "size": 200}), is_a_burst),
    "oversize_frame": (Side.LOCAL, FaultSpec("oversize_frame", {"mib": 2}), is_oversize),
}
DROPS: dict[str, Check] = {
    "half_open": is_half_open,
    "reset_session": session_is_reset,
    "malformed_frame": is_malformed,
}


@pytest.mark.parametrize("name", ROWS)
def test_it_does_what_it_is_called_and_proves_it(name: str) -> None:
    assert act(*ROWS[name])


@pytest.mark.parametrize("name", DROPS)
def test_a_drop_takes_effect_on_the_open_session(name: str) -> None:
    async def scene() -> list[FaultTookEffect | FaultProved]:
        async with staged() as stage:
            await DROPS[name](stage)
            return proofs(stage, name)

    assert asyncio.run(scene())


def test_name_not_found_is_a_rule_for_the_browser() -> None:
    (fault,) = build([FaultSpec("name_not_found")])
    assert isinstance(fault, ResolveFault)
    assert fault.apply("api.example.org") == "MAP api.example.org ~NOTFOUND"


def test_no_fault_is_without_a_row() -> None:
    assert FAULTS.keys() == ROWS.keys() | DROPS.keys() | APART.keys() | {"name_not_found"}


@pytest.mark.parametrize("cors", [True, False])
def test_an_answer_gives_leave_to_read_it_unless_that_is_the_fault(*, cors: bool) -> None:
    asked = GET.replace(b"\r\n\r\n", b"\r\nOrigin: chrome-extension://abc\r\nConnection: close\r\n\r\n")

    async def check(stage: Staged) -> None:
        head, _, body = (await stage.exchange(asked, until=b"}")).partition(b"\r\n\r\n")
        assert (b"Access-Control-Allow-Origin: chrome-extension://abc" in head) is cors
        assert b"Content-Type: application/json" in head
        assert json.loads(body)["service"] == "semantest"

    assert act(Side.LOCAL, FaultSpec("answer", {"cors": cors}), check)


def test_what_is_noted_of_an_answer_without_a_body_has_none() -> None:
    """RFC 9110, 15.3.5: 204 has no body, so none was sent."""

    async def scene() -> list[int]:
        async with staged() as stage:
            await stage.set(Side.LOCAL, FaultSpec("answer", {"status": 204}))
            await stage.exchange(GET, until=b"\r\n\r\n")
            return [event.size for event in stage.recorder.events if isinstance(event, ResponseSent)]

    assert asyncio.run(scene()) == [0]


def test_a_healthy_server_leaves_no_proof() -> None:
    async def scene() -> list[FaultTookEffect | FaultProved]:
        async with staged() as stage:
            assert b'"semantest"' in await stage.exchange(GET, until=b"}")
            assert ACCEPT in await stage.exchange(UPGRADE, until=b"\r\n\r\n")
            return proofs(stage, "")

    assert asyncio.run(scene()) == []


def test_a_fault_is_named_with_the_parameters_that_are_not_its_defaults() -> None:
    (fault,) = build([FaultSpec("answer", {"status": 404})])
    assert str(fault) == "answer(status=404)"
