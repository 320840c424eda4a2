"""What the rig of servers asks of this machine: who listens where, TLS of every age, the smallest server there is."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import struct
import warnings
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from conformance.errors import ConformError
from conformance.server_events import Outcome, Wanted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from conformance.rig.serving.wire import Target, Wire

_LISTEN: Final = "0A"  # Linux, include/net/tcp_states.h
_WORDS: Final = 4
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"


class Missing(ConformError):
    """The server cannot be brought into the state that the scenario is about: UNSUPPORTED."""


def listening_on(port: int, proc: Path = Path("/proc/net")) -> tuple[str, ...]:
    """The addresses at which something in this network namespace listens on ``port``, as the kernel says."""
    found = set()
    for name in ("tcp", "tcp6"):
        try:
            lines = (proc / name).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, local, _, state, *_ = line.split()
            address, _, number = local.partition(":")
            if state == _LISTEN and int(number, 16) == port:
                found.add(str(_address(address)))
    return tuple(sorted(found))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address as /proc/net writes it: words of 32 bits, in the machine's own order of bytes."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    if len(words) == _WORDS:
        whole = ipaddress.IPv6Address(packed)
        return whole.ipv4_mapped or whole
    return ipaddress.IPv4Address(packed)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of them do not exceed, to the microsecond."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 3)


@asynccontextmanager
async def smallest_server() -> AsyncIterator[int]:
    """A server that answers anything with two bytes, in this process; its port. What it takes, the machine takes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_ANSWER)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


def beside(target: Target, port: int) -> Target:
    """A target at ``port`` of this machine, without TLS, that is otherwise the same."""
    return replace(target, address="127.0.0.1", port=port, tls=False)


def tls_versions() -> dict[str, tuple[ssl.SSLContext, Wanted]]:
    """A client of each version of TLS that this machine's OpenSSL can still speak, newest first."""
    versions = {
        "TLS 1.3": (ssl.TLSVersion.TLSv1_3, Wanted.OPEN),
        "TLS 1.2": (ssl.TLSVersion.TLSv1_2, Wanted.OPEN),
        "TLS 1.1": (ssl.TLSVersion.TLSv1_1, Wanted.REFUSED),
        "TLS 1.0": (ssl.TLSVersion.TLSv1, Wanted.REFUSED),
    }
    return {name: (_client(version), wanted) for name, (version, wanted) in versions.items()}


def _client(version: ssl.TLSVersion) -> ssl.SSLContext:
    """Any certificate will do: which one it is, another question asks."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # deprecated is what they are to be
        if version < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("ALL:@SECLEVEL=0")  # OpenSSL 3 keeps them for this level only
        context.minimum_version = context.maximum_version = version
    return context


async def greet(wire: Wire, context: ssl.SSLContext) -> tuple[Outcome, str]:
    """A TLS handshake, and nothing else."""
    try:
        connection = await wire.connect(tls=context)
    except ssl.SSLCertVerificationError as error:
        return Outcome.REFUSED, f"{error.verify_message}"
    except (OSError, TimeoutError) as error:
        return Outcome.REFUSED, getattr(error, "reason", None) or str(error) or type(error).__name__
    connection.abort()
    return Outcome.OPEN, ""
