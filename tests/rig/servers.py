"""A pair of fakes without a browser, and a client that looks at raw bytes."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from conformance.errors import Unsupported
from conformance.model import Endpoints, FaultSpec, Heartbeat, Profile, Side
from conformance.rig.browsers import Browser
from conformance.rig.certificates import Certificates
from conformance.rig.fake import Fake
from conformance.rig.faults import build_at
from conformance.rig.lag import LagMonitor
from conformance.rig.mapping import hosts_of
from conformance.rig.namespace import Where
from conformance.rig.recorder import Recorder
from conformance.rig.servers import RigParts, Servers

PATIENCE_S = 5.0
PROFILE = Profile("tested", "1", "/nowhere", heartbeat=Heartbeat("ping", "pong"))
GET = b"GET /semantest-signature HTTP/1.1\r\nHost: localhost:3003\r\n\r\n"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost:3003\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, 1.3: the answer to that key


@dataclass
class Staged:
    """Both fakes, prepared for one scenario."""

    servers: Servers
    recorder: Recorder
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def fake(self, side: Side = Side.LOCAL) -> Fake:
        return self.servers.of(side)

    async def set(self, side: Side, *specs: FaultSpec) -> None:
        await self.fake(side).set_faults(build_at(specs))

    async def connect(
        self, side: Side = Side.LOCAL, *, tls: bool | None = None, careful: bool = False
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the side's first endpoint, trusting any certificate; ``careful``: the good ones only."""
        context = None
        if tls if tls is not None else side is Side.PUBLIC:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = careful
            context.verify_mode = ssl.CERT_REQUIRED if careful else ssl.CERT_NONE
            if careful:
                self.fake(side).certificates._ca.configure_trust(context)
        address = next(address for address, its in self.servers.sides.items() if its is side)
        host, port = address.split(":")
        name = urlsplit(str(PROFILE.endpoints.public)).hostname if careful and context else "" if context else None
        client = await self._dial(host, int(port))
        reader, writer = await asyncio.open_connection(sock=client, ssl=context, server_hostname=name)
        self.writers.append(writer)
        return reader, writer

    async def _dial(self, host: str, port: int) -> socket.socket:
        """A connected socket, from the rig's home where it has a network of its own."""
        namespace = self.servers.namespace
        client = socket.socket() if namespace is None else namespace.socket(Where.HOME)
        client.setblocking(False)  # noqa: FBT003 - socket's own signature
        try:
            await asyncio.get_running_loop().sock_connect(client, (host, port))
        except BaseException:
            client.close()
            raise
        return client

    async def exchange(self, data: bytes, side: Side = Side.LOCAL, *, until: bytes = b"") -> bytes:
        """Send ``data``; what comes back until the end, or until ``until`` has come."""
        reader, writer = await self.connect(side)
        writer.write(data)
        got = b""
        async with asyncio.timeout(PATIENCE_S):
            while not (until and until in got):
                piece = await reader.read(4096)
                if not piece:
                    break
                got += piece
        return got


@asynccontextmanager
async def staged(*, own_network: bool = False) -> AsyncIterator[Staged]:
    """Healthy fakes on ports of their own, or in a network of their own: skipped where there can be none."""
    hosts = hosts_of([Endpoints()])
    browser = Browser("/nowhere", "None", "0", "a test")
    parts = RigParts(browser, hosts, Certificates(hosts.public_names), LagMonitor())
    try:
        servers = await Servers.open(parts, own_network=own_network)
    except Unsupported as why:
        pytest.skip(str(why))
    stage = Staged(servers, Recorder())
    try:
        for side in Side:
            servers.of(side).prepare(PROFILE, stage.recorder)
            await servers.of(side).set_faults(build_at([]))
        yield stage
    finally:
        for writer in stage.writers:
            writer.transport.abort()
        await servers.reset()
        await servers.close()
