"""What a fake says where no fault has the word: by script, as far as this module goes.

A fake with a target behind it has another one that asks the target (upstream.py); faults sit before either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from conformance.model import Side
from conformance.rig.http import preflight
from conformance.rig.session import Session
from conformance.signatures import signature_body

if TYPE_CHECKING:
    from conformance.model import Profile
    from conformance.rig.fake import Fake
    from conformance.rig.http import Request
    from conformance.rig.link import Link


# A third host, neither local nor public: where a redirect to another origin leads.
ELSEWHERE = "elsewhere.example.org"


class Healthy(Protocol):
    """One way to be a healthy server."""

    async def answer(self, link: Link, request: Request) -> None:
        """Answer a request that is no upgrade."""

    async def session(self, link: Link, request: Request) -> Session | None:
        """The session that an upgrade asks for, not answered yet; None: it was answered, and there is none."""

    def signature(self) -> bytes:
        """The body of the good signature."""


class Answers:
    """What a fake's answers are made of, the script's and the faults' alike."""

    side: Side
    profile: Profile
    healthy: Healthy

    def signature(self, variant: str = "good") -> bytes:
        """The signature's body for this subject's rule; the good one is the target's own, should there be one."""
        if variant == "good":
            return self.healthy.signature()
        return signature_body(variant, self.profile.signature, self.side)

    def allowed(self, request: Request) -> dict[str, str]:
        """The headers that let the subject's origin read: an extension's (LOC-3, API-4), or that of its web page.

        Any extension's: which is the subject's is the browser's to say, and the rig's own asks here, too. "null" is
        what an extension's origin becomes when a redirect crosses origins (Fetch, 4.5); it is let in so that a
        redirect scenario offers what it promises.
        """
        origin = request.headers.get("origin", "")
        page = self.profile.web.origin if self.profile.web is not None else None
        is_allowed = origin.startswith("chrome-extension://") or origin in ("null", page)
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"} if is_allowed else {}

    def signature_headers(self, request: Request) -> dict[str, str]:
        """JSON that the subject may read."""
        return {"Content-Type": "application/json", **self.allowed(request)}

    def signature_url(self, at: str) -> str:
        """Where a redirect may send the subject: ``same_origin``, ``other_origin`` or ``public``."""
        mine = urlsplit(self.profile.endpoints.signature)
        if at == "same_origin":
            return mine.geturl()
        host = ELSEWHERE
        if at == "public" and self.profile.endpoints.public:
            host = urlsplit(self.profile.endpoints.public).netloc
        scheme = "https" if at == "public" else "http"
        return f"{scheme}://{host}{mine.path}"

    @property
    def signature_path(self) -> str:
        """Where the signature is; the public host answers the same path (seed: "https://…/semantest-signature")."""
        return urlsplit(self.profile.endpoints.signature).path or "/"

    @property
    def session_url(self) -> str:
        """Where this side's sessions are, as the subject asks for them."""
        return self.profile.endpoints.local if self.side is Side.LOCAL else self.profile.endpoints.public or ""


class Scripted:
    """The harness's own server: says what the profile says is good, and nothing more."""

    def __init__(self, fake: Fake) -> None:
        self._fake = fake

    async def answer(self, link: Link, request: Request) -> None:
        """The signature, the health, or 404."""
        fake, path = self._fake, request.target.split("?")[0]
        if request.method == "OPTIONS":
            allowed = fake.allowed(request)
            await fake.reply(link, 204 if allowed else 403, {**preflight(request), **allowed} if allowed else {})
        elif request.method == "GET" and path == fake.signature_path:
            await fake.reply(link, 200, fake.signature_headers(request), self.signature())
        elif request.method == "GET" and path == "/health":
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
