"""Faults of the answer to the signature GET."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from conformance.events import ResponseSent
from conformance.rig.faults.base import SignatureFault, fault
from conformance.rig.http import chunked, response, response_head

if TYPE_CHECKING:
    from conformance.rig.http import Request
    from conformance.rig.link import Link

_ENDLESS_PIECE = b" " * 65536  # JSON allows white space before its value, so no parser can give up early
# Enough to exhaust whoever keeps it all, and not so much that it takes a core from the other rigs.
_ENDLESS_PAUSE_S = 0.004
_MIB = 1024 * 1024


@fault
@dataclass(frozen=True, slots=True)
class Answer(SignatureFault):
    """Answers whole, but with this status, body, headers, framing, or after this long."""

    status: int = 200
    signature: str = "good"
    body: str | None = None
    content_type: str | None = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    delay_ms: float = 0
    framing: Literal["length", "chunked", "close"] = "length"
    gzip: bool = False
    cors: bool = True  # False: no origin is given leave to read it, so that takes a host permission
    name: ClassVar[str] = "answer"

    async def apply(self, link: Link, request: Request) -> None:
        """Wait, then send the response."""
        if self.delay_ms:
            await asyncio.sleep(self.delay_ms / 1000)
        body = link.fake.signature(self.signature) if self.body is None else self.body.encode()
        headers = {**(link.fake.signature_headers(request) if self.cors else {}), **self.headers}
        headers.pop("Content-Type", None)
        if self.content_type is not None:
            headers["Content-Type"] = self.content_type
        if self.gzip:
            body = gzip.compress(body)
            headers["Content-Encoding"] = "gzip"
        await link.send(self._frame(headers, body))
        link.record(ResponseSent, status=self.status, size=len(body))
        link.took_effect(self, f"sent status {self.status} and {len(body)} bytes")
        if self.framing == "close":
            link.finish()

    def _frame(self, headers: dict[str, str], body: bytes) -> bytes:
        if self.framing == "chunked":
            return response_head(self.status, {**headers, "Transfer-Encoding": "chunked"}) + chunked(body)
        if self.framing == "close":
            return response_head(self.status, {**headers, "Connection": "close"}) + body
        return response(self.status, headers, body)


@fault
@dataclass(frozen=True, slots=True)
class Stall(SignatureFault):
    """Falls silent: before the first byte of the response, or after its head."""

    after: Literal["request", "headers"]
    name: ClassVar[str] = "stall"

    async def apply(self, link: Link, request: Request) -> None:
        """Say what is said before the silence, then nothing."""
        if self.after == "headers":
            length = {"Content-Length": str(len(link.fake.signature()))}
            await link.send(response_head(200, {**link.fake.signature_headers(request), **length}))
        link.took_effect(self, f"fell silent after the {self.after}")
        await link.hang()


@fault
@dataclass(frozen=True, slots=True)
class Drip(SignatureFault):
    """Sends the good body a byte at a time."""

    interval_ms: float
    name: ClassVar[str] = "drip"

    async def apply(self, link: Link, request: Request) -> None:
        """Head at once, then a byte every ``interval_ms``."""
        body = link.fake.signature()
        head = response_head(200, {**link.fake.signature_headers(request), "Content-Length": str(len(body))})
        await link.send(head)
        for sent, byte in enumerate(body):
            await asyncio.sleep(self.interval_ms / 1000)
            await link.send(bytes([byte]))
            if sent == 0:
                link.took_effect(self, f"dripping {len(body)} bytes, one every {self.interval_ms:g} ms")
        link.record(ResponseSent, status=200, size=len(body))


@fault
@dataclass(frozen=True, slots=True)
class Endless(SignatureFault):
    """Sends a body that never ends, 16 MiB a second."""

    name: ClassVar[str] = "endless"

    async def apply(self, link: Link, request: Request) -> None:
        """White space for ever."""
        await link.send(response_head(200, {**link.fake.signature_headers(request), "Connection": "close"}))
        link.took_effect(self, "began a body that does not end")
        while True:
            await link.send(_ENDLESS_PIECE)
            await asyncio.sleep(_ENDLESS_PAUSE_S)


@fault
@dataclass(frozen=True, slots=True)
class Huge(SignatureFault):
    """Sends a good signature in a body of ``mib`` MiB."""

    mib: int
    name: ClassVar[str] = "huge"

    async def apply(self, link: Link, request: Request) -> None:
        """White space, then the signature."""
        body = link.fake.signature()
        padding = self.mib * _MIB - len(body)
        headers = {**link.fake.signature_headers(request), "Content-Length": str(padding + len(body))}
        await link.send(response_head(200, headers))
        link.took_effect(self, f"began a body of {self.mib} MiB")
        while padding > 0:
            await link.send(_ENDLESS_PIECE[:padding])
            await asyncio.sleep(0)
            padding -= len(_ENDLESS_PIECE)
        await link.send(body)
        link.record(ResponseSent, status=200, size=self.mib * _MIB)


@fault
@dataclass(frozen=True, slots=True)
class ResetResponse(SignatureFault):
    """Resets the connection after so many bytes of the good response."""

    after_bytes: int
    name: ClassVar[str] = "reset_response"

    async def apply(self, link: Link, request: Request) -> None:
        """Send the beginning, then RST."""
        whole = response(200, link.fake.signature_headers(request), link.fake.signature())
        await link.send(whole[: self.after_bytes])
        link.reset()
        link.took_effect(self, f"reset the connection after {self.after_bytes} of {len(whole)} bytes")


@fault
@dataclass(frozen=True, slots=True)
class Redirect(SignatureFault):
    """Sends the subject elsewhere for its signature, where a good one is served."""

    status: int
    to: Literal["same_origin", "other_origin", "public"]
    name: ClassVar[str] = "redirect"

    async def apply(self, link: Link, request: Request) -> None:
        """Redirect; the same origin serves the good signature at the new path."""
        if request.target.endswith(_MOVED):
            await link.fake.reply(link, 200, link.fake.signature_headers(request), link.fake.signature())
            return
        location = link.fake.signature_url(self.to) + (_MOVED if self.to == "same_origin" else "")
        headers = {**link.fake.signature_headers(request), "Location": location}
        await link.fake.reply(link, self.status, headers)
        link.took_effect(self, f"sent status {self.status} to {location}")


_MOVED = "?moved=1"  # the path stays, so that the same fault sees the second request


@fault
@dataclass(frozen=True, slots=True)
class DieAfterSignature(SignatureFault):
    """Gives the good signature, then stops listening: a server killed between probe and WebSocket."""

    name: ClassVar[str] = "die_after_signature"

    async def apply(self, link: Link, request: Request) -> None:
        """Stop listening before the last byte is out, so that no later connection can get in."""
        link.fake.refuse()
        headers = {**link.fake.signature_headers(request), "Connection": "close"}
        await link.fake.reply(link, 200, headers, link.fake.signature())
        link.took_effect(self, "gave the good signature and refuses connections since")
        link.finish()
