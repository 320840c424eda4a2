"""A fake: healthy by default, new for each scenario, and honest about its own bugs."""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

import pytest

from conformance.errors import RigFailed
from conformance.events import (
    ConnectionAccepted,
    ConnectionClosed,
    Event,
    FaultProved,
    JunkReceived,
    RequestReceived,
    ResponseSent,
    SessionsDropped,
    Source,
    TlsFailed,
    WorldSet,
)
from conformance.model import Endpoints, FaultSpec, Profile, Side, Web
from conformance.rig.faults import build
from conformance.rig.faults.base import ConnectionFault, SessionFault
from conformance.rig.link import Link
from conformance.rig.recorder import Recorder, now_ms
from conformance.rig.traffic import Traffic
from tests.rig.servers import GET, PATIENCE_S, PROFILE, UPGRADE, Staged, staged

E = TypeVar("E", bound=Event)

EXTENSION = b"chrome-extension://abcdefghijklmnop"


def noted(stage: Staged, kind: type[E]) -> list[E]:
    return [event for event in stage.recorder.events if isinstance(event, kind)]


async def until_noted(stage: Staged, kind: type[E], count: int = 1) -> E:
    """The first event of a kind, when so many have come."""
    deadline_ms = now_ms() + PATIENCE_S * 1000
    assert await stage.recorder.wait_until(lambda: len(noted(stage, kind)) >= count, deadline_ms)
    return noted(stage, kind)[0]


def ask(line: bytes, *headers: bytes) -> bytes:
    """A request's head."""
    return b"\r\n".join([line + b" HTTP/1.1", b"Host: localhost:3003", *headers, b"", b""])


async def answer(stage: Staged, request: bytes, side: Side = Side.LOCAL) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to one request."""
    reader, writer = await stage.connect(side)
    writer.write(request)
    async with asyncio.timeout(PATIENCE_S):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")[1:-2]
        headers = dict(line.lower().split(": ", 1) for line in lines)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(head.split()[1]), headers, body


def answered(request: bytes, side: Side = Side.LOCAL) -> tuple[int, dict[str, str], bytes]:
    async def scene() -> tuple[int, dict[str, str], bytes]:
        async with staged() as stage:
            return await answer(stage, request, side)

    return asyncio.run(scene())


# --- healthy -------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", list(Side))
def test_it_shows_its_signature(side: Side) -> None:
    status, headers, body = answered(GET, side)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(body) == {"service": "semantest", "version": "1.0.0", "type": str(side)}


def test_an_extension_may_read_the_signature_and_a_web_page_may_not() -> None:
    _, headers, _ = answered(ask(b"GET /semantest-signature", b"Origin: " + EXTENSION))
    assert headers["access-control-allow-origin"] == EXTENSION.decode()
    _, headers, _ = answered(ask(b"GET /semantest-signature", b"Origin: https://example.org"))
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(("origin", "is_let_in"), [("https://www.example.org", True), ("https://example.org", False)])
def test_the_page_from_which_a_subject_asks_is_let_in_and_no_other(origin: str, *, is_let_in: bool) -> None:
    async def scene() -> bytes:
        async with staged() as stage:
            profile = replace(PROFILE, web=Web("https://www.example.org/start"))
            stage.fake().prepare(profile, stage.recorder)
            await stage.set(Side.LOCAL)
            return await stage.exchange(ask(b"GET /semantest-signature", b"Origin: " + origin.encode()), until=b"}")

    assert (f"Access-Control-Allow-Origin: {origin}".encode() in asyncio.run(scene())) is is_let_in


def test_a_preflight_is_answered() -> None:
    request = ask(b"OPTIONS /semantest-signature", b"Origin: " + EXTENSION, b"Access-Control-Request-Headers: x-a")
    status, headers, _ = answered(request)
    assert status == 204
    assert headers["access-control-allow-origin"] == EXTENSION.decode()
    assert headers["access-control-allow-headers"] == "x-a"


def test_a_web_page_is_given_no_leave() -> None:
    status, headers, _ = answered(ask(b"OPTIONS /semantest-signature", b"Origin: https://example.org"))
    assert status == 403
    assert not [name for name in headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /semantest-signature?again=1", 200),
        (b"GET /health", 200),
        (b"GET /", 404),
        (b"POST /semantest-signature", 404),
    ],
)
def test_every_other_place_says_what_it_is(line: bytes, status: int) -> None:
    assert answered(ask(line))[0] == status


def test_there_is_no_session_where_none_is_expected() -> None:
    upgrade = UPGRADE.replace(b"GET / ", b"GET /chat ")
    assert answered(upgrade)[0] == 404


def test_a_connection_serves_one_request_after_the_other() -> None:
    async def scene() -> tuple[int, list[int]]:
        async with staged() as stage:
            reader, writer = await stage.connect()
            for _ in range(2):
                writer.write(GET)
                await reader.readuntil(b"}")
            return len(noted(stage, ConnectionAccepted)), [event.connection for event in noted(stage, ResponseSent)]

    assert asyncio.run(scene()) == (1, [1, 1])


# --- what it notes -------------------------------------------------------------------------------


def test_a_request_is_noted_with_the_names_of_its_credentials_only() -> None:
    async def scene() -> tuple[RequestReceived, str]:
        async with staged() as stage:
            await answer(stage, ask(b"GET /semantest-signature", b"Cookie: canary=secret", b"Origin: null"))
            return noted(stage, RequestReceived)[0], repr(stage.recorder.events)

    request, everything = asyncio.run(scene())
    assert (request.method, request.target, request.host) == ("GET", "/semantest-signature", "localhost:3003")
    assert (request.origin, request.upgrade, request.credentials) == ("null", False, ("cookie",))
    assert request.source is Source.LOCAL
    assert "secret" not in everything


def test_junk_is_noted_and_answered_with_400() -> None:
    async def scene() -> tuple[bytes, list[int]]:
        async with staged() as stage:
            got = await stage.exchange(b"\x16\x03\x01\x00\x05hello")
            return got, [event.size for event in noted(stage, JunkReceived)]

    got, sizes = asyncio.run(scene())
    assert got.startswith(b"HTTP/1.1 400")
    assert sizes == [10]


def test_a_handshake_that_fails_is_noted() -> None:
    async def scene() -> TlsFailed:
        async with staged() as stage:
            _, writer = await stage.connect(Side.PUBLIC, tls=False)
            writer.write(GET)
            return await until_noted(stage, TlsFailed)

    failed = asyncio.run(scene())
    assert failed.source is Source.PUBLIC
    assert failed.detail


def test_the_end_of_a_handshake_that_failed_is_told_while_another_process_has_a_copy_of_the_connection() -> None:
    """A browser that is being started has one: `old_tls` and `tls_on_port` ended up to 0.3 s late."""

    async def scene() -> bytes:
        async with staged() as stage:
            reader, writer = await stage.connect(Side.PUBLIC, tls=False)
            await until_noted(stage, ConnectionAccepted)
            (accepted,) = stage.fake(Side.PUBLIC)._tasks.values()
            with accepted.dup():
                writer.write(GET)
                return await asyncio.wait_for(reader.read(), PATIENCE_S)

    assert asyncio.run(scene()) == b""


def test_a_client_that_distrusts_the_certificate_is_noted() -> None:
    async def scene() -> TlsFailed:
        async with staged() as stage:
            address = next(address for address, side in stage.servers.sides.items() if side is Side.PUBLIC)
            host, port = address.split(":")
            with pytest.raises(ssl.SSLCertVerificationError):
                await asyncio.open_connection(host, int(port), ssl=ssl.create_default_context())
            return await until_noted(stage, TlsFailed)

    assert asyncio.run(scene()).connection == 1


# --- faults --------------------------------------------------------------------------------------


def test_the_world_is_noted_with_every_change() -> None:
    async def scene() -> list[tuple[Side, tuple[str, ...]]]:
        async with staged() as stage:
            await stage.set(Side.PUBLIC, FaultSpec("refuse_upgrade", {"status": 503}))
            return [(event.side, event.faults) for event in noted(stage, WorldSet)]

    changes = asyncio.run(scene())
    assert changes == [(Side.LOCAL, ()), (Side.PUBLIC, ()), (Side.PUBLIC, ("refuse_upgrade(status=503)",))]


def test_a_fault_of_the_port_is_proved_on_every_port() -> None:
    async def scene() -> tuple[list[FaultProved], int]:
        async with staged() as stage:
            await stage.set(Side.PUBLIC, FaultSpec("refused"))
            ports = [address for address, side in stage.servers.sides.items() if side is Side.PUBLIC]
            return noted(stage, FaultProved), len(ports)

    proofs, ports = asyncio.run(scene())
    assert len(proofs) == ports == 2  # wss, and the trap that sees plain http
    assert {(proof.fault, proof.source) for proof in proofs} == {("refused", Source.RIG)}


def test_a_change_closes_what_idles_and_leaves_sessions_alone() -> None:
    """A kept-alive connection would go on answering for a server that now refuses."""

    async def scene() -> tuple[bytes, bytes]:
        async with staged() as stage:
            idle, idle_writer = await stage.connect()
            idle_writer.write(GET)
            await idle.readuntil(b"}")
            session, session_writer = await stage.connect()
            session_writer.write(UPGRADE)
            await session.readuntil(b"\r\n\r\n")
            await stage.set(Side.LOCAL, FaultSpec("refused"))
            session_writer.write(b"\x89\x80\x00\x00\x00\x00")
            async with asyncio.timeout(PATIENCE_S):
                return await idle.read(), await session.readexactly(2)

    assert asyncio.run(scene()) == (b"", b"\x8a\x00")


def test_it_is_healthy_again_when_its_faults_go() -> None:
    async def scene() -> int:
        async with staged() as stage:
            for fault in ("refused", "blackhole", "silent"):
                await stage.set(Side.LOCAL, FaultSpec(fault))
                await stage.set(Side.LOCAL)
                assert (await answer(stage, GET))[0] == 200
            return len(noted(stage, ResponseSent))

    assert asyncio.run(scene()) == 3


@pytest.mark.parametrize(
    ("fault", "request_", "may"),
    [
        (None, GET, False),
        (FaultSpec("answer", {"status": 404}), GET, False),
        (FaultSpec("answer", {"status": 410}), GET, True),
        (FaultSpec("answer", {"headers": {"Cache-Control": "max-age=60"}}), GET, True),
        (FaultSpec("redirect", {"status": 302, "to": "same_origin"}), GET, False),
        (FaultSpec("redirect", {"status": 301, "to": "same_origin"}), GET, True),
        (FaultSpec("refuse_upgrade", {"status": 404}), UPGRADE, False),
        (FaultSpec("refuse_upgrade", {"status": 301}), UPGRADE, True),
    ],
    ids=str,
)
def test_what_may_be_used_again_from_the_cache_is_known(fault: FaultSpec | None, request_: bytes, *, may: bool) -> None:
    """The next scenario's subject must not find this one's answers there."""

    async def scene() -> tuple[bool, bool, bool, bool]:
        async with staged() as stage:
            fake = stage.fake()
            await stage.set(Side.LOCAL, *([fault] if fault else []))
            before = fake.may_be_cached
            await answer(stage, request_)
            with_it = fake.may_be_cached
            await stage.set(Side.LOCAL)  # what was answered before is there still
            await answer(stage, GET)
            after = fake.may_be_cached
            fake.prepare(PROFILE, stage.recorder)
            return before, with_it, after, fake.may_be_cached

    assert asyncio.run(scene()) == (False, may, may, False)


@pytest.mark.parametrize("path", [b"/semantest-signature", b"/health", b"/nothing"])
def test_a_healthy_answer_cannot_be_used_again(path: bytes) -> None:
    """RFC 9111, 4.2.2 and 4.3.1: it states no lifetime, and nothing to guess one from or to ask again with."""
    _, headers, _ = answered(ask(b"GET " + path))
    assert not headers.keys() & {"cache-control", "expires", "last-modified", "etag", "set-cookie"}


def test_a_drop_counts_only_the_sessions_that_are_still_the_subjects() -> None:
    async def scene() -> tuple[list[int], bool]:
        async with staged() as stage:
            for _ in range(2):
                reader, writer = await stage.connect()
                writer.write(UPGRADE)
                await reader.readuntil(b"\r\n\r\n")
            (drop,) = build([FaultSpec("half_open")])
            assert isinstance(drop, SessionFault)
            for _ in range(2):
                await stage.fake().drop_sessions(drop)
            return [event.count for event in noted(stage, SessionsDropped)], stage.fake().has_session()

    assert asyncio.run(scene()) == ([2, 0], False)


@pytest.mark.parametrize(
    ("at", "url"),
    [
        ("same_origin", "http://localhost:3003/semantest-signature"),
        ("other_origin", "http://elsewhere.example.org/semantest-signature"),
        ("public", "https://api.extension.semantest.com/semantest-signature"),
    ],
)
def test_a_redirect_leads_where_it_is_called(at: str, url: str) -> None:
    async def scene() -> str:
        async with staged() as stage:
            return stage.fake().signature_url(at)

    assert asyncio.run(scene()) == url


# --- from one scenario to the next ---------------------------------------------------------------


def test_a_new_scenario_begins_healthy_and_counts_from_one() -> None:
    async def scene() -> tuple[list[Event], list[int]]:
        async with staged() as stage:
            await stage.set(Side.LOCAL, FaultSpec("answer", {"status": 500}))
            await answer(stage, GET)
            await stage.servers.reset()
            before = list(stage.recorder.events)
            stage.recorder = Recorder()
            stage.fake().prepare(PROFILE, stage.recorder)
            await stage.set(Side.LOCAL)
            assert (await answer(stage, GET))[0] == 200
            return before, [event.connection for event in noted(stage, ConnectionAccepted)]

    before, connections = asyncio.run(scene())
    assert before
    assert connections == [1]


def test_a_reset_drops_every_connection_and_says_nothing_of_it() -> None:
    """A browser keeps sockets; the next scenario must not find one that still answers."""

    async def scene() -> tuple[list[bytes], int]:
        async with staged() as stage:
            readers = []
            for request in (GET, UPGRADE, b"", b"GET /half"):
                reader, writer = await stage.connect()
                writer.write(request)
                readers.append(reader)
            await readers[0].readuntil(b"}")
            await readers[1].readuntil(b"\r\n\r\n")
            public, _ = await stage.connect(Side.PUBLIC, tls=False)  # never says hello
            await until_noted(stage, ConnectionAccepted, 5)
            before = len(stage.recorder.events)
            await stage.servers.reset()
            async with asyncio.timeout(PATIENCE_S):
                rests = [await _end(reader) for reader in [*readers, public]]
            with pytest.raises(ConnectionRefusedError):
                await stage.connect()
            return rests, len(stage.recorder.events) - before

    rests, further = asyncio.run(scene())
    assert rests == [b""] * 5
    assert further == 0


def test_a_reset_drops_a_tls_connection_that_the_fake_has_closed_and_the_browser_has_not() -> None:
    """TLS waits up to 30 s for the peer's goodbye; a rig that ends before must not leave the socket open."""

    async def scene() -> bytes:
        async with staged() as stage:
            # Below TLS nothing answers the goodbye: the client's records are only passed on.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing)
            reader, writer = await stage.connect(Side.PUBLIC, tls=False)
            async with asyncio.timeout(PATIENCE_S):
                await _handshake(tls, incoming, outgoing, reader, writer)
                tls.write(b"junk\r\n\r\n")
                writer.write(outgoing.read())
                await until_noted(stage, ResponseSent)
                await until_noted(stage, ConnectionClosed)
                await stage.servers.reset()
                return await _end(reader)

    assert asyncio.run(scene()) != b""


async def _handshake(
    tls: ssl.SSLObject,
    incoming: ssl.MemoryBIO,
    outgoing: ssl.MemoryBIO,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            writer.write(outgoing.read())
            incoming.write(await reader.read(65536))
        else:
            writer.write(outgoing.read())
            return


async def _end(reader: asyncio.StreamReader) -> bytes:
    """What still comes; a reset is an end too."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


@dataclass(frozen=True, slots=True)
class Broken(ConnectionFault):
    """A fault with a bug."""

    name: ClassVar[str] = "broken"

    async def apply(self, link: Link) -> None:
        raise ZeroDivisionError(f"a bug on connection {link.number}")

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        return ""


def test_a_bug_of_its_own_is_never_the_subjects() -> None:
    async def scene() -> None:
        async with staged() as stage:
            await stage.fake().set_faults({None: (Broken(),)})
            await stage.exchange(b"")
            stage.servers.refuse_to_lie()

    with pytest.raises(RigFailed, match="the local fake failed: ZeroDivisionError: a bug on connection 1"):
        asyncio.run(scene())


def test_fakes_that_did_well_have_nothing_to_own_up_to() -> None:
    async def scene() -> None:
        async with staged() as stage:
            for request in (GET, UPGRADE, b"\x16junk"):
                await stage.exchange(request, until=b"\r\n\r\n")
            stage.servers.refuse_to_lie()

    asyncio.run(scene())


def test_paths_are_the_profiles_own() -> None:
    endpoints = Endpoints("http://localhost:4100/who", "ws://localhost:4200/session", None)
    profile = Profile("other", "1", "/nowhere", endpoints=endpoints)

    async def scene() -> list[int]:
        async with staged() as stage:
            stage.fake().prepare(profile, stage.recorder)
            requests = [ask(b"GET /who"), UPGRADE.replace(b"GET / ", b"GET /session "), GET, UPGRADE]
            return [(await answer(stage, request))[0] for request in requests]

    assert asyncio.run(scene()) == [200, 101, 404, 404]
