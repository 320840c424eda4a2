"""Faults of the answer to the signature GET."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal
from urllib.parse import urlsplit

from conformance.events import ResponseSent
from conformance.rig.faults.base import SignatureFault, fault
from conformance.rig.http import chunked, has_body, response, response_head
from conformance.rig.traffic import CLOCK_MS, cut_not, ended_not, sent_any, sent_so_much, sooner, status_not
from conformance.signatures import signature_body

if TYPE_CHECKING:
    from conformance.model import Endpoints
    from conformance.rig.http import Request
    from conformance.rig.link import Link
    from conformance.rig.traffic import Head, Traffic

_ENDLESS_PIECE = b" " * 65536  # JSON allows white space before its value, so no parser can give up early
# Enough to exhaust whoever keeps it all, and not so much that it takes a core from the other rigs.
_ENDLESS_PAUSE_S = 0.004
_MIB = 1024 * 1024
_OWN_HEADERS = ("content-type", "content-length", "transfer-encoding", "connection")  # the answer's own to set


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
        if not has_body(self.status):
            body = b""
        await link.send(self._frame(headers, body))
        link.record(ResponseSent, status=self.status, size=len(body))
        if self.framing == "close":
            link.finish()
        link.took_effect(self, f"sent status {self.status} and {len(body)} bytes")

    def shortfall(self, link: Link, traffic: Traffic) -> str:
        """Another status, header, framing or body, or one that came sooner."""
        if lacks := sooner(traffic, self.delay_ms) or status_not(traffic, self.status):
            return lacks
        head = traffic.head()
        if head is None:
            return "no head was sent"
        if self.framing == "close" and (lacks := ended_not(traffic, "server")):
            return lacks
        return self._other_headers(head) or (self._other_body(link, head, traffic) if has_body(self.status) else "")

    def _other_headers(self, head: Head) -> str:
        stated = {name.lower(): value for name, value in self.headers.items() if name.lower() not in _OWN_HEADERS}
        stated |= {"content-type": self.content_type} if self.content_type is not None else {}
        stated |= {"content-encoding": "gzip"} if self.gzip else {}
        for name, value in stated.items():
            if head.headers.get(name) != value.strip():
                return f"{name}: {head.headers.get(name, 'nothing')} was sent"
        unasked = ["content-type", "content-encoding", *([] if self.cors else ["access-control-allow-origin"])]
        sent = (name for name in unasked if name in head.headers and name not in stated)
        return next((f"{name}: {head.headers[name]} was sent" for name in sent), "")

    def _other_body(self, link: Link, head: Head, traffic: Traffic) -> str:
        if head.framing != self.framing:
            return f"the body's end was told by {head.framing}"
        sent = traffic.body()
        if sent is not None and self.gzip:
            try:
                sent = gzip.decompress(sent)
            except (OSError, EOFError, zlib.error):
                return "the body was not compressed"
        if sent is None:
            return "the body did not come whole"
        if self.body is not None:
            wanted = self.body.encode()
        elif self.signature == "good":
            wanted = link.fake.signature()
        else:
            wanted = signature_body(self.signature, link.fake.profile.signature, link.fake.side)
        return "" if sent == wanted else f"{sent_so_much(len(sent))} of another body"

    def _frame(self, headers: dict[str, str], body: bytes) -> bytes:
        if not has_body(self.status):
            return response(self.status, {**headers, "Connection": "close"} if self.framing == "close" else headers)
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

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """Any byte, or after the head any of the body."""
        if self.after == "request":
            return sent_any(traffic)
        return f"{sent_so_much(traffic.body_sent)} of the body" if traffic.body_sent else status_not(traffic, 200)


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

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """More than a byte at once, or one that came too soon."""
        if not traffic.body_sent:
            return status_not(traffic, 200) or "no byte of the body was sent"
        if traffic.last_size != 1:
            return f"{sent_so_much(traffic.last_size)} at once"
        too_soon = traffic.gap_ms < self.interval_ms - CLOCK_MS
        return f"a byte came {traffic.gap_ms:.0f} ms after the last" if too_soon else ""


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

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """A body with an end."""
        head = traffic.head()
        has_end = traffic.done or (head is not None and head.framing != "close")
        return status_not(traffic, 200) or ("the body had an end" if has_end else "")


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

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """A body of another size: by its head at first, and by what was sent in the end."""
        head = traffic.head()
        stated = head.headers.get("content-length", "no") if head is not None else "no"
        if stated != str(self.mib * _MIB):
            return f"a body of {stated} bytes was begun"
        sent = traffic.body_sent
        return f"{sent_so_much(sent)} of the body" if traffic.done and sent != self.mib * _MIB else ""


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
        if link.reset():
            link.took_effect(self, f"reset the connection after {self.after_bytes} of {len(whole)} bytes")

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """More or fewer bytes, or another end."""
        return cut_not(traffic, self.after_bytes, "reset")


@fault
@dataclass(frozen=True, slots=True)
class CutResponse(SignatureFault):
    """Ends the connection with a FIN after so many bytes of the good response: it is shorter than its head says."""

    after_bytes: int
    name: ClassVar[str] = "cut_response"

    async def apply(self, link: Link, request: Request) -> None:
        """Send the beginning, then FIN."""
        whole = response(200, link.fake.signature_headers(request), link.fake.signature())
        await link.send(whole[: self.after_bytes])
        link.finish()
        link.took_effect(self, f"ended the connection after {self.after_bytes} of {len(whole)} bytes")

    def shortfall(self, link: Link, traffic: Traffic) -> str:  # noqa: ARG002 - the method all faults have
        """More or fewer bytes, or another end."""
        return cut_not(traffic, self.after_bytes, "server")


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

    def shortfall(self, link: Link, traffic: Traffic) -> str:
        """Another status, or another way."""
        head = traffic.head()
        location = "" if head is None else head.headers.get("location", "")
        if lacks := status_not(traffic, self.status):
            return lacks
        leads_to = _origin_of(location, link.fake.profile.endpoints)
        return "" if leads_to == self.to else f"the way to {location or 'nowhere'} was sent"


def _origin_of(location: str, endpoints: Endpoints) -> str:
    """Whose a URL is: in the words of the redirect fault."""
    parts = urlsplit(location)
    if location and parts.netloc == urlsplit(endpoints.signature).netloc:
        return "same_origin"
    public = parts.netloc if endpoints.public is None else urlsplit(endpoints.public).netloc  # None: one like any other
    if parts.scheme == "https" and parts.netloc == public:
        return "public"
    return "other_origin" if parts.netloc else ""


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

    def shortfall(self, link: Link, traffic: Traffic) -> str:
        """Another answer, or a port that listens on."""
        if lacks := status_not(traffic, 200):
            return lacks
        if traffic.body() != link.fake.signature():
            return "another body was sent"
        return "the port still listens" if link.fake.listens else ""
