"""One session of the load: opened or not and why, what comes, and how it ends."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from conformance.load import Place
from conformance.model import Side
from conformance.rig.load.session import Ended, LoadSession, NotOpened, tls_of
from tests.rig.load.servers import PATIENCE_S, serving
from tests.rig.servers import PROFILE, Staged, staged


def opened(place: Place, **more: str) -> LoadSession:
    return LoadSession.open(place, "", tls_of(place), patience_s=PATIENCE_S, **more)


def read(session: LoadSession) -> bytes:
    """The next message."""
    while not (found := session.read()):
        pass
    return found[0]


def ending(session: LoadSession) -> str:
    """How it ended."""
    try:
        while True:
            session.read()
    except Ended as how:
        return str(how)
    finally:
        session.drop()


def test_a_message_has_its_answer() -> None:
    with serving() as place:
        session = opened(place)
        session.send('{"type":"ping"}')
        assert read(session) == b'{"type":"pong"}'
        session.close()
        assert ending(session) == "closed with 1000"


def test_origin_and_own_address_are_what_the_server_sees() -> None:
    seen = []

    async def look(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append((connection.request.headers.get("Origin"), connection.remote_address[0]))

    with serving(look) as place:
        session = LoadSession.open(place, "chrome-extension://a", None, "127.3.4.5", PATIENCE_S)
        ending(session)
    assert seen == [("chrome-extension://a", "127.3.4.5")]


def test_a_message_in_parts_is_one() -> None:
    async def parts(connection: ServerConnection) -> None:
        await connection.send(["po", "", "ng"])
        await connection.wait_closed()

    with serving(parts) as place:
        session = opened(place)
        assert read(session) == b"pong"
        session.drop()


def test_what_comes_at_once_with_the_answer_is_not_lost() -> None:
    """The handshake's answer, a ping, a message and a close in one piece."""
    heard: list[Opcode] = []

    async def scene() -> tuple[bytes, str]:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            frames = ServerProtocol()
            frames.receive_data(await reader.readuntil(b"\r\n\r\n"))
            (request,) = frames.events_received()
            assert isinstance(request, Request)
            frames.send_response(frames.accept(request))
            frames.send_ping(b"there?")
            frames.send_text(b"last")
            frames.send_close(1013)
            writer.write(b"".join(frames.data_to_send()))
            frames.receive_data(await reader.read(4096))
            heard.extend(event.opcode for event in frames.events_received() if isinstance(event, Frame))
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            session = await asyncio.to_thread(opened, Place(url="", host="h", name="h", port=port, address="127.0.0.1"))
            return await asyncio.to_thread(read, session), await asyncio.to_thread(ending, session)

    assert asyncio.run(scene()) == (b"last", "closed with 1013")
    assert heard == [Opcode.PONG, Opcode.CLOSE]


def test_a_ping_is_answered() -> None:
    async def ping(connection: ServerConnection) -> None:
        await (await connection.ping())
        await connection.send("heard it")

    with serving(ping) as place:
        session = opened(place)
        assert read(session) == b"heard it"
        session.drop()


# --- not opened ----------------------------------------------------------------------------------


def why_not(place: Place) -> str:
    with pytest.raises(NotOpened) as why:
        opened(place)
    return str(why.value)


def test_a_refused_handshake_is_told_by_its_status() -> None:
    with serving(status=429) as place:
        assert why_not(place) == "the handshake was answered 429"


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    place = Place(url="", host="h", name="h", port=port, address="127.0.0.1")
    assert why_not(place) == "connection refused"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "ended without an answer"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "the handshake's answer was wrong"),
    ],
)
def test_an_answer_that_is_none(answer: bytes, says: str) -> None:
    async def scene() -> str:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            place = Place(url="", host="h", name="h", port=port, address="127.0.0.1")
            return await asyncio.to_thread(why_not, place)

    assert asyncio.run(scene()) == says


def test_silence_is_not_waited_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        place = Place(url="", host="h", name="h", port=port, address="127.0.0.1")
        with pytest.raises(NotOpened, match="not open in time"):
            LoadSession.open(place, "", None, patience_s=0.05)


# --- TLS -----------------------------------------------------------------------------------------


def public_place(stage: Staged, ca: str = "") -> Place:
    address = next(address for address, its in stage.servers.sides.items() if its is Side.PUBLIC)
    name = str(PROFILE.endpoints.public).removeprefix("wss://").partition("/")[0]
    return Place(url="", host=name, name=name, port=int(address.split(":")[1]), address="127.0.0.1", tls=True, ca=ca)


def test_tls_needs_a_certificate_that_is_trusted(tmp_path: Path) -> None:
    async def scene() -> tuple[str, bytes]:
        async with staged() as stage:
            ca = tmp_path / "ca.pem"
            ca.write_bytes(stage.fake(Side.PUBLIC).certificates.authority)
            place = public_place(stage, str(ca))

            def talk() -> bytes:
                session = opened(place)
                session.send("ping")
                answer = read(session)
                session.drop()
                return answer

            return await asyncio.to_thread(why_not, replace(place, ca="")), await asyncio.to_thread(talk)

    assert asyncio.run(scene()) == ("TLS: certificate verify failed", b"pong")
