"""TLS by asyncio, with less memory a connection; whether a client has begun it, and an end that it is told.

asyncio makes a buffer of 256 KiB for every TLS connection and writes zeros all over it (CPython 3.11 to 3.14,
``sslproto.SSLProtocol.max_size``): 5,000 sessions of a fake would take 1.3 GB before anybody has said a word. A record
of TLS has 16 KiB at most (RFC 8446, 5.1); with a buffer of that size whoever sends more is read in several pieces.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from asyncio.sslproto import SSLProtocol
from typing import TYPE_CHECKING, Final

from conformance.errors import RigFailed

if TYPE_CHECKING:
    import ssl

RECORD_BYTES: Final = 16 * 1024


def spare_memory() -> None:
    """From now on, in this process, a TLS connection has a buffer for one record."""
    SSLProtocol.max_size = RECORD_BYTES


async def greeted(sock: socket.socket, patience_s: float) -> bool:
    """Whether the client says anything within that time; it stays to be read. With TLS the client speaks first."""
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(sock, readable.set)
    try:
        async with asyncio.timeout(patience_s):
            await readable.wait()
        return bool(sock.recv(1, socket.MSG_PEEK))
    except OSError:  # TimeoutError is one
        return False
    finally:
        loop.remove_reader(sock)


async def shaken_hands(
    protocol: asyncio.Protocol, sock: socket.socket, context: ssl.SSLContext | None, patience_s: float
) -> asyncio.Transport:
    """The transport of an accepted connection, its handshake done if there is to be one.

    Raises OSError (ssl.SSLError and TimeoutError are) where that fails. The connection is at its end then, and not
    only closed, which is all that asyncio does: a browser that is being started may have a copy of it, see link.py.
    Raises RigFailed where this process may open nothing more.
    """
    loop = asyncio.get_running_loop()
    if context is None:
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, sock)
        return transport
    with _copy(sock) as kept:
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, sock, ssl=context, ssl_handshake_timeout=patience_s
            )
        except BaseException:
            with contextlib.suppress(OSError):  # the peer was faster
                kept.shutdown(socket.SHUT_RDWR)
            raise
    return transport


def _copy(sock: socket.socket) -> socket.socket:
    try:
        return sock.dup()
    except OSError as error:
        sock.close()
        message = f"no descriptor for a TLS handshake: {error.strerror}; allow more open files (ulimit -n)"
        raise RigFailed(message) from error
