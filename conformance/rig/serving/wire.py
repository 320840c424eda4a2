"""Connections to a server under test, and one HTTP exchange, byte for byte as asked.

On loopback each connection comes from an address of its own (all of 127.0.0.0/8 is this machine's): a limit of
one client's connects is then met only by the scenario that looks for it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import secrets
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import h11

from conformance.errors import InputError
from conformance.model import Side
from conformance.server_cases import HEALTH_PATH, SIGNATURE_PATH
from conformance.server_events import Outcome

_READ_BYTES: Final = 64 * 1024
_BODY_BYTES_MAX: Final = 1024 * 1024
CONNECT_S: Final = 5.0
SWITCHING: Final = 101
_SCHEMES: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}


# Not from the same address again, in this run or in another one beside it.
_SOURCES: Final = itertools.count(secrets.randbelow(1 << 21))


@dataclass(frozen=True, slots=True)
class Target:
    """A server under test. ``address``: where its host was found, once, for every connection."""

    side: Side
    url: str
    host: str  # host:port as a Host header has it
    name: str  # the host alone
    port: int
    address: str
    base: str  # the path below which everything is, without a slash at its end
    tls: bool
    ca: Path | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine."""
        return ipaddress.ip_address(self.address).is_loopback

    @property
    def session_path(self) -> str:
        """Where the WebSocket is."""
        return self.base or "/"

    def path(self, path: str) -> str:
        """A path of the server's."""
        return f"{self.base}{path}"

    @property
    def signature_path(self) -> str:
        """Where the signature is."""
        return self.path(SIGNATURE_PATH)

    @property
    def health_path(self) -> str:
        """Where the health is."""
        return self.path(HEALTH_PATH)


async def find(url: str, side: Side, ca: Path | None = None, *, option: str = "") -> Target:
    """The server that ``url`` names; 127.0.0.1 before ::1 where the name has both. ``option``: how it was stated."""
    option = option or f"--{side} {url}"
    parts = urlsplit(url)
    try:
        port = parts.port or _SCHEMES.get(parts.scheme, 0)
    except ValueError as error:
        raise InputError(f"{option}: {error}; write it as http://localhost:3003") from error
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise InputError(f"{option}: no such kind of URL; write http://… or ws://…, https://… or wss://…")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, port, type=1)
    except OSError as error:
        raise InputError(f"{option}: {parts.hostname} is not found ({error.strerror}); check the name") from error
    addresses = sorted({str(info[4][0]) for info in found}, key=lambda address: (":" in address, address))
    return Target(
        side=side,
        url=url,
        host=parts.netloc.rpartition("@")[2],
        name=parts.hostname,
        port=port,
        address=addresses[0],
        base=parts.path.rstrip("/"),
        tls=parts.scheme in ("https", "wss"),
        ca=ca,
    )


def check_ca(path: Path | None, option: str = "--ca") -> None:
    """A file that holds no certificate is a slip of the user's, and says nothing of the server."""
    if path is None:
        return
    try:
        ssl.create_default_context(cafile=str(path))
    except OSError as error:  # ssl.SSLError is one
        why = (getattr(error, "reason", None) or error.strerror or "no certificate in it").lower().replace("_", " ")
        raise InputError(f"{option} {path}: {why}; give a CA's certificate as a PEM file") from error


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request. ``rest``: what followed a 101."""

    outcome: Outcome
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    rest: bytes = b""
    detail: str = ""
    took_ms: float = 0.0

    def header(self, name: str) -> str:
        """A header's value, "" if it is not there."""
        return next((value for key, value in self.headers if key == name), "")


@dataclass(slots=True)
class Connection:
    """One connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def abort(self) -> None:
        """Drop it."""
        self.writer.transport.abort()

    def half_close(self) -> None:
        """Say that nothing more comes, where TLS does not stand in the way."""
        if self.writer.can_write_eof():
            self.writer.write_eof()
        else:
            self.writer.close()


@dataclass(slots=True)
class Wire:
    """Makes connections to one server."""

    target: Target
    verify: bool = True

    @property
    def has_sources(self) -> bool:
        """Whether a connection can come from an address of its own."""
        return self.target.address.startswith("127.")

    def source(self) -> str | None:
        """The next address to come from."""
        if not self.has_sources:
            return None
        number = next(_SOURCES)
        return f"127.{64 + (number >> 16) % 64}.{number >> 8 & 255}.{number & 255}"

    def context(self) -> ssl.SSLContext:
        """TLS as a browser has it, with the CA that the server's certificate is from."""
        context = ssl.create_default_context(cafile=None if self.target.ca is None else str(self.target.ca))
        if not self.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    async def connect(self, *, tls: ssl.SSLContext | bool = True, source: str | None = None) -> Connection:
        """A connection; OSError (ssl.SSLError is one) or TimeoutError when there is none. ``tls``: False for none."""
        context = tls if isinstance(tls, ssl.SSLContext) else self._shared() if tls and self.target.tls else None
        own = source or self.source()
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(
                self.target.address,
                self.target.port,
                ssl=context,
                server_hostname=self.target.name if context is not None else None,
                local_addr=None if own is None else (own, 0),
            )
        return Connection(reader, writer)

    _context: ssl.SSLContext | None = None

    def _shared(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = self.context()
        return self._context


async def once(wire: Wire, data: bytes) -> Answer:
    """One exchange on a connection of its own."""
    connection = await wire.connect()
    try:
        return await ask(connection, data)
    finally:
        connection.abort()


async def ask(connection: Connection, data: bytes, *, method: str = "GET", patience_s: float = 3.0) -> Answer:
    """Send bytes and read one HTTP answer, whatever it is."""
    began = time.perf_counter()
    parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_BODY_BYTES_MAX)
    # h11 wants to know what is answered. What was sent may be no request at all, so it is told of one that may
    # be answered with 101 as well as with anything else.
    asked = [("Host", "-"), ("Connection", "upgrade"), ("Upgrade", "websocket")]
    parser.send(h11.Request(method=method if method in ("HEAD", "CONNECT") else "GET", target="/", headers=asked))
    parser.send(h11.EndOfMessage())
    reading = _Reading(parser)
    try:
        connection.writer.write(data)
        async with asyncio.timeout(patience_s):
            answer = await reading.whole(connection.reader)
    except TimeoutError:
        answer = reading.so_far(Outcome.SILENT, f"nothing for {patience_s:g} s")
    except (ConnectionError, ssl.SSLError) as error:
        answer = reading.so_far(Outcome.ENDED, type(error).__name__)
    return _timed(answer, (time.perf_counter() - began) * 1000)


def _timed(answer: Answer, took_ms: float) -> Answer:
    return Answer(
        answer.outcome, answer.status, answer.headers, answer.body, answer.rest, answer.detail, round(took_ms, 3)
    )


@dataclass(slots=True)
class _Reading:
    """One answer as it comes in."""

    parser: h11.Connection
    head: h11.Response | h11.InformationalResponse | None = None
    body: bytearray = field(default_factory=bytearray)
    got: int = 0

    async def whole(self, reader: asyncio.StreamReader) -> Answer:
        while True:
            try:
                event = self.parser.next_event()
            except h11.RemoteProtocolError as error:
                return self.so_far(Outcome.BROKEN if self.got else Outcome.ENDED, f"{error}" if self.got else "")
            if event is h11.NEED_DATA:
                data = await reader.read(_READ_BYTES)
                self.got += len(data)
                self.parser.receive_data(data)
            elif isinstance(event, h11.InformationalResponse | h11.Response):
                self.head = event
                if event.status_code == SWITCHING:
                    return self.so_far(Outcome.ANSWERED, rest=self.parser.trailing_data[0])
            elif isinstance(event, h11.Data):
                self.body += event.data
                if len(self.body) > _BODY_BYTES_MAX:
                    return self.so_far(Outcome.BROKEN, f"a body of more than {_BODY_BYTES_MAX} bytes")
            elif isinstance(event, h11.EndOfMessage):
                return self.so_far(Outcome.ANSWERED)
            else:
                return self.so_far(Outcome.ENDED)

    def so_far(self, outcome: Outcome, detail: str = "", rest: bytes = b"") -> Answer:
        if self.head is None:
            return Answer(outcome, detail=detail)
        headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in self.head.headers)
        return Answer(outcome, self.head.status_code, headers, bytes(self.body), rest, detail)
