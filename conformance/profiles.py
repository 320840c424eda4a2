"""What a subject says of itself: a ``subject.toml`` turned into a ``Profile``.

Pure: text and a parsed manifest in, a profile out; reading and checking the files is subjects.py's
business. Strict: an unknown key, a wrong type, a URL that cannot be what it is said to be, each is a
``DataError`` with ``file:line`` and, where a name is wrong, the nearest right one. Every key is
described in docs/profiles.md.
"""

from __future__ import annotations

import math
import re
import reprlib
import tomllib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeAlias, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from conformance.errors import DataError, did_you_mean
from conformance.model import Budgets, Endpoints, Heartbeat, Json, Profile, SignatureRule, Trigger, TriggerKind, Web
from conformance.toml_lines import line_of, not_toml

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

KeyPath: TypeAlias = "tuple[str, ...]"  # a key's place in the document: ("endpoints", "local")

_NAME = re.compile(r"\w[\w .()+-]*")  # it names a directory of the run, on any file system
_NAME_LENGTH_MAX = 80
_NAME_FROM_LOCALE = "__MSG_"
_LOOPBACK = re.compile(r"(.+\.)?localhost|127(\.\d{1,3}){3}|::1")
_WHY_SCHEME = {
    "http": "it is asked with a GET, and the harness's local server speaks no TLS",
    "ws": "it is a WebSocket, and the harness's local server speaks no TLS",
    "wss": "it is a WebSocket, and a public server is reached over TLS only (PUB-1)",
    "https": "a browser lets no other page on the web ask to reach this machine",
}
_URL_CHARACTERS = re.compile(r"[!-~]+")  # printable ASCII, no space


# --- the grammar ---------------------------------------------------------------------------------


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


_Text = Annotated[str, Field(min_length=1)]
_Milliseconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Endpoints(_Table):
    signature: str = Endpoints().signature
    local: str = Endpoints().local
    public: Any = Endpoints().public  # a URL, or false; checked by hand for one clear message


class _Signature(_Table):
    field: _Text = SignatureRule().field
    equals: Any = SignatureRule().equals


class _Trigger(_Table):
    kind: str = Trigger().kind.value
    page: _Text | None = None
    selector: _Text | None = None
    message: Any = None


class _Heartbeat(_Table):
    request: _Text
    reply: _Text


class _Web(_Table):
    page: _Text


# One key a field of ``Budgets``, so that a new budget needs no word here.
_Budgets = create_model(
    "_Budgets",
    __base__=_Table,
    **cast("dict[str, Any]", {field.name: (_Milliseconds, field.default) for field in fields(Budgets)}),
)


class _Document(_Table):
    name: str | None = None
    extension: _Text = "."
    absent: list[str] = []
    endpoints: _Endpoints = _Endpoints()
    signature: _Signature = _Signature()
    trigger: _Trigger = _Trigger()
    budgets: _Budgets = _Budgets()
    heartbeat: _Heartbeat | None = None
    web: _Web | None = None


GRAMMAR: dict[KeyPath, type[BaseModel]] = {
    (): _Document,
    ("endpoints",): _Endpoints,
    ("signature",): _Signature,
    ("trigger",): _Trigger,
    ("budgets",): _Budgets,
    ("heartbeat",): _Heartbeat,
    ("web",): _Web,
}


# --- the two ways in -----------------------------------------------------------------------------


def parse_profile(
    text: str,
    source: str,
    *,
    directory: str,
    manifest: Mapping[str, Any],
    features: Collection[str] | None = None,
) -> Profile:
    """The profile that ``text`` states for the extension in ``directory``; defaults for what it leaves out.

    ``source`` names the file in messages. ``features``: what ``absent`` may list, unchecked if None.
    """
    document, at = _load(text, source)
    endpoints = _endpoints(document.endpoints, at)
    return Profile(
        name=_name(document.name, at, directory, manifest),
        version=str(manifest.get("version", "")),
        extension=directory,
        endpoints=endpoints,
        signature=_signature(document.signature, at),
        trigger=_trigger(document.trigger, at, manifest, visits=document.web is not None),
        budgets=Budgets(**cast("BaseModel", document.budgets).model_dump()),
        heartbeat=Heartbeat(**document.heartbeat.model_dump()) if document.heartbeat else None,
        web=_web(document.web, endpoints, at) if document.web else None,
        absent=_absent(document.absent, at, features),
    )


def stated_extension(text: str, source: str) -> str:
    """Where the profile says its extension is, seen from the profile's own directory; default ``.``."""
    return _load(text, source)[0].extension


def _load(text: str, source: str) -> tuple[_Document, _Place]:
    at = _Place(text, source)
    try:
        return _Document.model_validate(tomllib.loads(text)), at
    except tomllib.TOMLDecodeError as error:
        raise DataError(not_toml(str(error), text, source)) from error
    except ValidationError as error:
        at.fail_first(error)


# --- messages ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """The document as text, to say where in it something is wrong."""

    text: str
    source: str

    def fail(self, path: KeyPath, problem: str) -> NoReturn:
        """Raise ``file:line 'key': problem``."""
        message = f"{self.source}:{line_of(self.text, path)} '{'.'.join(path)}': {problem}"
        raise DataError(message)

    def fail_first(self, error: ValidationError) -> NoReturn:
        """Raise for the topmost of pydantic's complaints."""
        found = [(tuple(str(part) for part in each["loc"]), each) for each in error.errors()]
        path, first = min(found, key=lambda pair: line_of(self.text, pair[0]))
        if first["type"] == "extra_forbidden":
            known = GRAMMAR[path[:-1]].model_fields
            self.fail(path, f"no such key{did_you_mean(path[-1], known)}")
        if first["type"] == "missing":
            self.fail(path, f"missing; add it to [{path[0]}]")
        problem = first["msg"].replace("Input should be", "should be").replace("dictionary", "table")
        if path in GRAMMAR:
            problem = f"should be a table; write [{path[0]}] on a line of its own and its keys below"
        self.fail(path, f"{problem}, not {reprlib.repr(first['input'])}")


# --- what a value may be -------------------------------------------------------------------------


def _name(stated: str | None, at: _Place, directory: str, manifest: Mapping[str, Any]) -> str:
    if stated is not None:
        if len(stated) > _NAME_LENGTH_MAX or not _NAME.fullmatch(stated):
            rule = f"at most {_NAME_LENGTH_MAX} letters, digits, spaces and . _ ( ) + -, a letter or digit first"
            at.fail(("name",), f"{reprlib.repr(stated)} cannot name a directory of results; use {rule}")
        return stated
    name = str(manifest.get("name", ""))
    if not name or _NAME_FROM_LOCALE in name:
        name = directory.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return re.sub(r"[^\w .()+-]", "-", name).lstrip(" .()+-")[:_NAME_LENGTH_MAX].rstrip() or "subject"


def _endpoints(stated: _Endpoints, at: _Place) -> Endpoints:
    for key, url, scheme in (("signature", stated.signature, "http"), ("local", stated.local, "ws")):
        host = _check_url(url, ("endpoints", key), scheme, at)
        if not _LOOPBACK.fullmatch(host):
            problem = f"{host} is not this machine, and the local server is; use localhost, 127.0.0.1 or [::1]"
            at.fail(("endpoints", key), problem)
    if stated.public is False:
        return Endpoints(stated.signature, stated.local, None)
    path = ("endpoints", "public")
    if not isinstance(stated.public, str):
        at.fail(path, f"should be a wss:// URL, or false for a subject without a public server, not {stated.public!r}")
    host = _check_url(stated.public, path, "wss", at)
    if _LOOPBACK.fullmatch(host):
        at.fail(path, f"{host} is this machine; a public server has a name of its own (false: there is none)")
    return Endpoints(stated.signature, stated.local, stated.public)


def _check_url(url: str, path: KeyPath, scheme: str, at: _Place) -> str:
    """The URL's host, lower case, if a browser would take the URL for a request of this kind."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        at.fail(path, f"{reprlib.repr(url)} is no URL: {error}")
    if parts.scheme != scheme:
        at.fail(path, f"{reprlib.repr(url)} does not start with {scheme}://; {_WHY_SCHEME[scheme]}")
    if not parts.hostname or port == 0 or not _URL_CHARACTERS.fullmatch(url):
        at.fail(path, f"{reprlib.repr(url)} is no URL; write scheme://host:port/path, without spaces")
    if "@" in parts.netloc or "#" in url:
        at.fail(path, f"{reprlib.repr(url)} has a user name, password or fragment, which is never sent; leave it out")
    return parts.hostname.lower()


def _signature(stated: _Signature, at: _Place) -> SignatureRule:
    if not all(stated.field.split(".")):
        at.fail(("signature", "field"), f"{stated.field!r} has an empty part; write a path such as 'service' or 'a.b'")
    return SignatureRule(stated.field, _json(stated.equals, ("signature", "equals"), at))


def _web(stated: _Web, endpoints: Endpoints, at: _Place) -> Web:
    path = ("web", "page")
    host = _check_url(stated.page, path, "https", at)
    taken = endpoints.public is not None and host == urlsplit(endpoints.public).hostname
    if taken or _LOOPBACK.fullmatch(host):
        what = "the public server" if taken else "this machine"
        at.fail(path, f"{host} is {what}; a web page at a public address has a name of its own")
    return Web(stated.page)


def _trigger(stated: _Trigger, at: _Place, manifest: Mapping[str, Any], *, visits: bool) -> Trigger:
    kinds = [kind.value for kind in TriggerKind]
    if stated.kind not in kinds:
        at.fail(("trigger", "kind"), f"no such trigger as {stated.kind!r}{did_you_mean(stated.kind, kinds)}")
    kind = TriggerKind(stated.kind)
    takes: dict[TriggerKind, tuple[str, ...]] = dict.fromkeys(TriggerKind, ())
    takes |= {TriggerKind.CLICK: ("page", "selector"), TriggerKind.MESSAGE: ("page", "message")}
    for key in ("page", "selector", "message"):
        if key in stated.model_fields_set and key not in takes[kind]:
            users = " or ".join(f"'{other}'" for other in TriggerKind if key in takes[other])
            at.fail(("trigger", key), f"has no use with kind = '{kind}', only with {users}; set kind or leave it out")
    if kind is TriggerKind.VISIT and not visits:
        at.fail(("trigger", "kind"), "kind = 'visit' opens the page of [web], and there is none; add it")
    if not takes[kind]:
        return Trigger(kind)
    needed = takes[kind][-1]
    if needed not in stated.model_fields_set:
        at.fail(("trigger", needed), f"missing; kind = '{kind}' needs it")
    page = stated.page or _default_popup(manifest)
    if not page:
        at.fail(("trigger", "page"), f"missing; kind = '{kind}' needs it, as the manifest has no action.default_popup")
    message = _json(stated.message, ("trigger", "message"), at)
    return Trigger(kind, page.lstrip("/"), stated.selector or "", message)


def _default_popup(manifest: Mapping[str, Any]) -> str:
    action = manifest.get("action")
    popup = action.get("default_popup") if isinstance(action, dict) else None
    return popup if isinstance(popup, str) else ""


def _json(value: object, path: KeyPath, at: _Place) -> Json:
    """``value`` if JSON can say it: TOML's dates, times, infinities and NaN it cannot."""
    if isinstance(value, dict):
        return {str(key): _json(inner, path, at) for key, inner in value.items()}
    if isinstance(value, list):
        return [_json(inner, path, at) for inner in value]
    number = isinstance(value, float) and math.isfinite(value)
    if not (value is None or number or isinstance(value, (bool, int, str))):
        at.fail(path, f"{value} has no form in JSON; write it in quotes if text is meant")
    return cast("Json", value)


def _absent(stated: list[str], at: _Place, features: Collection[str] | None) -> tuple[str, ...]:
    for feature in stated:
        if features is not None and feature not in features:
            at.fail(("absent",), f"no requirement has a feature {feature!r}{did_you_mean(feature, features)}")
    return tuple(dict.fromkeys(stated))
