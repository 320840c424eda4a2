"""Whether a target answers well: its signature and a session, as each subject will ask for them.

What it lacks is said with the option that stated it, and with what its user can do. Where it is, and how it is
started, is targets.py's.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from conformance.errors import TargetFailed
from conformance.model import Side
from conformance.rig.http import Request
from conformance.rig.serving.wire import Answer, ask
from conformance.server_events import Outcome
from conformance.signatures import satisfies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.model import Profile
    from conformance.rig.targets import Target

_PATIENCE_S: Final = 30.0
# The fields of a handshake that do not depend on who makes it; the key is the RFC's own example (RFC 6455, 1.2).
_HANDSHAKE: Final = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


async def signature_of(target: Target, profiles: Sequence[Profile]) -> bytes:
    """Its signature, good for every subject. Raises TargetFailed."""
    body = b""
    for profile in _whose(target, profiles):
        body = await _ask_for_signature(target, profile)
    return body


async def let_in(target: Target, profiles: Sequence[Profile]) -> None:
    """See that it opens a session with every subject. Raises TargetFailed.

    Not with those that ask from a web page: whether their sessions come from there, too, no profile says.
    """
    for profile in _whose(target, profiles):
        if profile.web is None:
            await _ask_for_session(target, profile)


def _whose(target: Target, profiles: Sequence[Profile]) -> list[Profile]:
    """The subjects that have a server on its side."""
    return [one for one in profiles if target.spec.side is Side.LOCAL or one.endpoints.public is not None]


async def _ask_for_signature(target: Target, profile: Profile) -> bytes:
    path = urlsplit(profile.endpoints.signature).path or "/"
    what = f"{target.spec.option}: asked for {path}, it"
    url = profile.endpoints.signature if target.spec.side is Side.LOCAL else str(profile.endpoints.public)
    origin = profile.web.origin if profile.web is not None else origin_of(profile)
    fields = (f"Host: {urlsplit(url).netloc}", f"Origin: {origin}", "Connection: close")
    answer = await _exchange(target, what, path, fields)
    if answer.status != HTTPStatus.OK:
        raise TargetFailed(f"{what} answered with status {answer.status}, not {HTTPStatus.OK}; {_step(target)}")
    if not satisfies(profile.signature, answer.body):
        rule = f"{profile.signature.field} = {json.dumps(profile.signature.equals)}"
        raise TargetFailed(f"{what} gave no good signature for '{profile.name}' ({rule} is wanted); {_step(target)}")
    if profile.web is not None and answer.header("access-control-allow-origin") not in (origin, "*"):
        raise TargetFailed(f"{what} lets no page of {origin} read it, from which '{profile.name}' asks; allow it")
    return answer.body


async def _ask_for_session(target: Target, profile: Profile) -> None:
    url = profile.endpoints.local if target.spec.side is Side.LOCAL else str(profile.endpoints.public)
    path, origin = urlsplit(url).path or "/", origin_of(profile)
    what = f"{target.spec.option}: asked for a session at {path} by {origin} ('{profile.name}'), it"
    fields = (f"Host: {urlsplit(url).netloc}", f"Origin: {origin}", *_HANDSHAKE)
    answer = await _exchange(target, what, path, fields)
    if answer.status != HTTPStatus.SWITCHING_PROTOCOLS:
        step = "let that origin in" if answer.status == HTTPStatus.FORBIDDEN else _step(target)
        raise TargetFailed(f"{what} answered with status {answer.status}, not 101; {step}")


async def _exchange(target: Target, what: str, path: str, fields: Sequence[str]) -> Answer:
    """Its answer to one GET. Raises TargetFailed."""
    head = "".join(f"{line}\r\n" for line in (f"GET {path} HTTP/1.1", *fields, "")).encode()
    try:
        connection = await target.connect()
    except (OSError, TimeoutError) as error:
        raise TargetFailed(f"{target.spec.option}: nobody answers there ({reason(error)}); {_step(target)}") from error
    try:
        answer = await ask(connection, target.forwarded(Request("GET", path, raw=head)), patience_s=_PATIENCE_S)
    finally:
        connection.abort()
    if answer.outcome is not Outcome.ANSWERED:
        plain = "" if target.spec.tls else "; it was asked in plain text, and one that speaks TLS has to be stated so"
        raise TargetFailed(f"{what} gave no answer ({answer.detail or answer.outcome}){plain}; {_step(target)}")
    return answer


def _step(target: Target) -> str:
    """What its user can do about it."""
    return "start the server or mend the URL" if target.spec.url else "see what the server itself says"


def reason(error: BaseException) -> str:
    """Why there is no connection, in words."""
    if told := getattr(error, "verify_message", "") or getattr(error, "reason", ""):
        return f"TLS: {told}".replace("_", " ").lower()
    number = getattr(error, "errno", None)
    return os.strerror(number).lower() if number else str(error) or "no answer in time"


def origin_of(profile: Profile) -> str:
    """The origin that Chromium gives this extension: by its manifest's key, else by its directory."""
    directory = Path(profile.extension)
    seed = os.fsencode(os.path.realpath(directory))
    with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
        key = json.loads((directory / "manifest.json").read_text(encoding="utf-8-sig")).get("key")
        seed = base64.b64decode(key) if key else seed
    letters = hashlib.sha256(seed).hexdigest()[:32].translate(str.maketrans("0123456789abcdef", "abcdefghijklmnop"))
    return f"chrome-extension://{letters}"
