"""The reference servers with one known fault each, and the scenario that must find it."""

from __future__ import annotations

import asyncio
import json
import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import trustme
from aiohttp import web
from servers.local.app import LocalServer
from servers.local.app import Settings as LocalSettings
from servers.public.front import Front
from servers.public.handlers import Handlers
from servers.public.main import context_of
from servers.public.service import Reply, Service
from servers.session import Session
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response

from tests.servers.running import LIMITS, front_of, service


@dataclass(frozen=True)
class LocalMutant:
    """``finds``: the requirement that has to fail, in that scenario."""

    make: Callable[[], LocalServer]
    scenario: str
    finds: str


@dataclass(frozen=True)
class PublicMutant:
    """As above; ``sick``: the server in a state in which it is unhealthy."""

    make: Callable[[], Front]
    scenario: str
    finds: str
    tls: Callable[[trustme.CA], ssl.SSLContext] = context_of
    sick: Callable[[], Front] | None = None


def _local(**methods: Any) -> Callable[[], LocalServer]:
    """A local server with these methods in the place of its own."""
    return lambda: type("Faulty", (LocalServer,), methods)(LocalSettings(limits=LIMITS))


def _body(**fields: object) -> Callable[[LocalServer], dict[str, object]]:
    right = {"service": "semantest", "version": "1.0.0", "type": "local"}
    return lambda self: {key: value for key, value in (right | fields).items() if value is not None}


def _with_limits(**limits: Any) -> Callable[[], LocalServer]:
    return lambda: LocalServer(LocalSettings(limits=replace(LIMITS, **limits)))


# --- the local server ----------------------------------------------------------------------------


async def _as_text(self: LocalServer, request: web.Request) -> web.Response:
    answer = self.readable(request, self.signature_body())
    answer.content_type = "text/html"
    return answer


async def _slow(self: LocalServer, request: web.Request) -> web.Response:
    await asyncio.sleep(0.2)
    return self.readable(request, self.signature_body())


async def _aiohttps_own(self: LocalServer, request: web.Request) -> web.StreamResponse:
    """A session as aiohttp offers it, without the strictness of ours."""
    socket = web.WebSocketResponse(heartbeat=20)
    await socket.prepare(request)
    async for message in socket:
        del message
    return socket


class _Lax(Session):
    """Takes any bytes for text."""

    def _take(self, frame: Frame) -> None:
        del frame


class _Brittle(Session):
    """Breaks on what is not UTF-8, where it should close the session with the reason."""

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.TEXT and frame.fin:
            try:
                bytes(frame.data).decode()
            except UnicodeDecodeError:
                self._frames.fail(CloseCode.INTERNAL_ERROR)


class _Rude(Session):
    """Answers every close with the same code."""

    def _flush(self) -> None:
        if self._frames.close_rcvd is not None:
            self._transport.write(b"\x88\x02\x03\xe9")
            self._end()
            return
        super()._flush()


class _Deaf(Session):
    """Answers no ping of a client that has sent a pong: the reference with a state too much."""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        if data[:1] == b"\x8a":
            self._transport.abort()
        return super().feed_data(data)


def _session(kind: type[Session]) -> Callable[..., Any]:
    async def hold(self: LocalServer, request: web.Request, session: Session, answer: object) -> Session:
        del session
        return await LocalServer.hold(self, request, kind(self.settings.limits, self.on_message), answer)

    return hold


class _Falling(LocalServer):
    """One client's end ends everybody's session."""

    async def hold(self, request: web.Request, session: Session, answer: object) -> Session:
        try:
            return await super().hold(request, session, answer)
        finally:
            for other in self.sessions:
                other.close(1011)


class _Echoing(LocalServer):
    """Agrees to any subprotocol."""

    async def hold(self, request: web.Request, session: Session, answer: object) -> Session:
        assert isinstance(answer, Response)
        if offered := request.headers.get("Sec-WebSocket-Protocol"):
            answer.headers["Sec-WebSocket-Protocol"] = offered
        return await super().hold(request, session, answer)


class _OldVersions(LocalServer):
    """Takes the drafts' version for the standard's."""

    async def root(self, request: web.Request) -> web.StreamResponse:
        headers = request.headers.copy()
        headers["Sec-WebSocket-Version"] = "13"
        return await super().root(request.clone(headers=headers))


class _Fragile(LocalServer):
    """Fails where it is asked something that nobody asks."""

    async def nothing(self, request: web.Request) -> web.StreamResponse:
        raise ValueError(request.path)


# What only requests that are drawn from the document come to.


async def _page_for_languages(self: LocalServer, request: web.Request) -> web.StreamResponse:
    answer = self.readable(request, self.signature_body())
    if "Accept-Language" in request.headers:
        answer.content_type = "text/html"
    return answer


async def _no_version_for_queries(self: LocalServer, request: web.Request) -> web.StreamResponse:
    body = self.signature_body()
    if request.query_string:
        del body["version"]
    return self.readable(request, body)


async def _elsewhere_for_queries(self: LocalServer, request: web.Request) -> web.StreamResponse:
    if request.query_string:
        return web.Response(status=302, headers={"Location": request.path})
    return self.readable(request, self.signature_body())


async def _any_method(self: LocalServer, request: web.Request) -> web.StreamResponse:
    known = request.path == "/semantest-signature"
    return await self.signature(request) if known else await LocalServer.nothing(self, request)


async def _believing(self: LocalServer, request: web.Request) -> web.StreamResponse:
    """Takes any JSON for an object."""
    if request.content_type == "application/json":
        json.loads(await request.text() or "{}").get("type")
    return await LocalServer.nothing(self, request)


LOCAL: dict[str, LocalMutant] = {
    "other-service": LocalMutant(_local(signature_body=_body(service="Semantest")), "local-signature", "LOC-1"),
    "no-version": LocalMutant(_local(signature_body=_body(version=None)), "local-signature", "LOC-1"),
    "type-public": LocalMutant(_local(signature_body=_body(type="public")), "local-signature", "LOC-1"),
    "text-html": LocalMutant(_local(signature=_as_text), "local-signature", "LOC-1"),
    "any-subprotocol": LocalMutant(lambda: _Echoing(LocalSettings(limits=LIMITS)), "local-handshakes", "LOC-2"),
    "no-cors": LocalMutant(_local(cors=lambda self, origin: {}), "local-cors", "LOC-3"),
    "any-origin": LocalMutant(_local(may_connect=lambda self, request: True), "local-origins", "LOC-4"),
    "origin-contains": LocalMutant(
        _local(may_connect=lambda self, request: "chrome-extension" in request.headers.get("Origin", "")),
        "local-origins",
        "LOC-4",
    ),
    "origin-null": LocalMutant(
        _local(may_connect=lambda self, request: request.headers.get("Origin") == "null"), "local-origins", "LOC-4"
    ),
    "slow": LocalMutant(_local(signature=_slow), "local-latency", "LOC-5"),
    "no-mask-wanted": LocalMutant(_local(root=_aiohttps_own), "local-bad-frames", "API-8"),
    "any-text": LocalMutant(_local(hold=_session(_Lax)), "local-bad-frames", "API-8"),
    "breaks-on-text": LocalMutant(_local(hold=_session(_Brittle)), "local-bad-frames", "API-8"),
    "any-text-fuzzed": LocalMutant(_local(hold=_session(_Lax)), "local-fuzzed-frames", "API-8"),
    "one-code-for-all": LocalMutant(_local(hold=_session(_Rude)), "local-closes", "API-8"),
    "no-pong-wanted": LocalMutant(_local(hold=_session(_Deaf)), "local-frames", "API-8"),
    "no-heartbeat": LocalMutant(_with_limits(heartbeat_s=3600.0), "local-half-open", "API-8"),
    "no-limit": LocalMutant(_with_limits(message_bytes_max=1 << 50), "local-oversize", "API-8"),
    "one-for-all": LocalMutant(lambda: _Falling(LocalSettings(limits=LIMITS)), "local-bad-frames", "API-8"),
    "version-8": LocalMutant(lambda: _OldVersions(LocalSettings(limits=LIMITS)), "local-bad-handshakes", "API-8"),
    "page-for-languages": LocalMutant(_local(signature=_page_for_languages), "local-openapi", "LOC-1"),
    "no-version-for-queries": LocalMutant(_local(signature=_no_version_for_queries), "local-openapi", "LOC-1"),
    "elsewhere-for-queries": LocalMutant(_local(signature=_elsewhere_for_queries), "local-openapi", "LOC-1"),
    "any-method": LocalMutant(_local(nothing=_any_method), "local-openapi", "API-8"),
    "breaks-on-json": LocalMutant(_local(nothing=_believing), "local-openapi", "API-8"),
    "fails-on-other-paths": LocalMutant(lambda: _Fragile(LocalSettings(limits=LIMITS)), "local-fuzzed-http", "API-8"),
}


# --- the public server ---------------------------------------------------------------------------


def _public(*, down: bool = False, **methods: Any) -> Callable[[], Front]:
    """A front of a service with these methods in the place of its own."""

    def make() -> Front:
        right = service(down=down)
        return front_of(type("Faulty", (Service,), methods)(right.settings, right.table))

    return make


def _always_healthy(self: Service) -> Reply:
    del self
    return Reply(200, '{"status":"healthy"}')


def _old_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = context_of(authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    return context


def _other_host(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example").configure_cert(context)
    return context


def _other_authority(authority: trustme.CA) -> ssl.SSLContext:
    del authority
    return context_of(trustme.CA())


class _OneForAll(Handlers):
    """Counts every client as one."""

    def client_of(self, event: Any) -> str:
        del event
        return "everybody"


def _one_client() -> Front:
    return Front(_OneForAll(service(), write=lambda _: None, now_s=lambda: 1_800_000_000.0), LIMITS)


def _limited(answer: int, at: int) -> Callable[[], Front]:
    def connect(self: Service, session: str, origin: str | None, client: str, now_s: int) -> Reply:
        del session, origin
        return Reply(answer if self.table.count_connect(client, now_s)[0] > at else 200)

    return _public(connect=connect)


class _PlainForPrograms(Handlers):
    """Answers in plain text whoever says what program it is."""

    def http(self, event: Any, *arguments: Any, **named: Any) -> Any:
        answer = super().http(event, *arguments, **named)
        if "User-Agent" in event["headers"] and event["rawPath"] == self.path:
            answer["headers"]["Content-Type"] = "text/plain"
        return answer

    path = ""


def _plain_for_programs(path: str) -> Callable[[], Front]:
    kind = type("Faulty", (_PlainForPrograms,), {"path": path})
    return lambda: Front(kind(service(), write=lambda _: None, now_s=lambda: 1_800_000_000.0), LIMITS)


PUBLIC: dict[str, PublicMutant] = {
    "tls-1.1": PublicMutant(_public(), "public-tls", "API-1", tls=_old_tls),
    "certificate-of-another": PublicMutant(_public(), "public-tls", "API-1", tls=_other_host),
    "certificate-of-nobody": PublicMutant(_public(), "public-tls", "API-1", tls=_other_authority),
    "no-session": PublicMutant(_public(may_connect=lambda self, origin: False), "public-handshakes", "API-1"),
    "never-healthy": PublicMutant(_public(health=lambda self: Reply(503, "{}")), "public-health", "API-2"),
    "health-not-json": PublicMutant(_public(health=lambda self: Reply(200, "fine")), "public-health", "API-2"),
    "always-healthy": PublicMutant(
        _public(health=_always_healthy),
        "public-unhealthy",
        "API-2",
        sick=_public(down=True, health=_always_healthy),
    ),
    "type-local": PublicMutant(
        _public(signature=lambda self: Reply(200, '{"service":"semantest","version":"1","type":"local"}')),
        "public-signature",
        "API-3",
    ),
    "cors-for-all": PublicMutant(
        _public(cors=lambda self, origin: {"Access-Control-Allow-Origin": "*"}), "public-cors", "API-4"
    ),
    "cors-reflects": PublicMutant(
        _public(cors=lambda self, origin: {"Access-Control-Allow-Origin": origin or "*"}), "public-cors", "API-4"
    ),
    "cors-any-extension": PublicMutant(
        _public(
            cors=lambda self, origin: (
                {"Access-Control-Allow-Origin": origin} if (origin or "").startswith("chrome-extension:") else {}
            )
        ),
        "public-cors",
        "API-4",
    ),
    "no-preflight": PublicMutant(_public(preflight=lambda self, origin: Reply(405)), "public-cors", "API-4"),
    "plain-health": PublicMutant(_plain_for_programs("/health"), "public-openapi", "API-2"),
    "plain-signature": PublicMutant(_plain_for_programs("/semantest-signature"), "public-openapi", "API-3"),
    "no-limit": PublicMutant(_public(is_too_often=lambda self, client, now_s: False), "public-rate-limit", "API-7"),
    "limit-of-50": PublicMutant(_limited(429, 50), "public-rate-limit", "API-7"),
    "limit-by-503": PublicMutant(_limited(503, 100), "public-rate-limit", "API-7"),
    "one-limit-for-all": PublicMutant(_one_client, "public-rate-limit", "API-7"),
}
