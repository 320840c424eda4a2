"""TLS by asyncio, with less memory a connection.

asyncio makes a buffer of 256 KiB for every TLS connection and writes zeros all over it (CPython 3.11 to 3.14,
``sslproto.SSLProtocol.max_size``): 5,000 sessions of a fake would take 1.3 GB before anybody has said a word. A record
of TLS has 16 KiB at most (RFC 8446, 5.1); with a buffer of that size whoever sends more is read in several pieces.
"""

from __future__ import annotations

from asyncio.sslproto import SSLProtocol
from typing import Final

RECORD_BYTES: Final = 16 * 1024


def spare_memory() -> None:
    """From now on, in this process, a TLS connection has a buffer for one record."""
    SSLProtocol.max_size = RECORD_BYTES
