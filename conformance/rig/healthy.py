"""What a fake says where no fault has the word: by script, as far as this module goes.

A fake with a target behind it has another one that asks the target (upstream.py); faults sit before either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from conformance.rig.http import preflight
from conformance.rig.session import Session
from conformance.signatures import signature_body

if TYPE_CHECKING:
    from conformance.rig.fake import Fake
    from conformance.rig.http import Request
    from conformance.rig.link import Link


class Healthy(Protocol):
    """One way to be a healthy server."""

    async def answer(self, link: Link, request: Request) -> None:
        """Answer a request that is no upgrade."""

    async def session(self, link: Link, request: Request) -> Session | None:
        """The session that an upgrade asks for, not answered yet; None: it was answered, and there is none."""

    def signature(self) -> bytes:
        """The body of the good signature."""


class Scripted:
    """The harness's own server: says what the profile says is good, and nothing more."""

    def __init__(self, fake: Fake) -> None:
        self._fake = fake

    async def answer(self, link: Link, request: Request) -> None:
        """The signature, the health, or 404."""
        fake, path = self._fake, request.target.split("?")[0]
        if request.method == "OPTIONS":
            await fake.reply(link, 204, preflight(request))
        elif request.method == "GET" and path == fake.signature_path:
            await fake.reply(link, 200, fake.signature_headers(request), self.signature())
        elif path == "/health":
            await fake.reply(link, 200, fake.signature_headers(request), b'{"status":"healthy"}')
        else:
            await fake.reply(link, 404, {"Content-Type": "text/plain"}, b"not found\n")

    async def session(self, link: Link, request: Request) -> Session | None:
        """At the profile's path only."""
        if request.target.split("?")[0] != self._session_path():
            await self._fake.reply(link, 404, {"Content-Type": "text/plain"}, b"no WebSocket here\n")
            return None
        return Session(link, request, self._fake.profile.heartbeat)

    def _session_path(self) -> str:
        return urlsplit(self._fake.session_url).path or "/"

    def signature(self) -> bytes:
        """By this subject's rule."""
        return signature_body("good", self._fake.profile.signature, self._fake.side)
