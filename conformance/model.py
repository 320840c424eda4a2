"""The words of the harness as data: requirements, profiles, scenarios.

Pure: frozen dataclasses and enums, no clock, file or socket. How they are written in YAML and TOML
is catalogue.py's and profiles.py's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias
from urllib.parse import urlsplit

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Side(StrEnum):
    """Which of the two servers."""

    LOCAL = "local"
    PUBLIC = "public"

    @property
    def other(self) -> Side:
        """The other server."""
        return Side.PUBLIC if self is Side.LOCAL else Side.LOCAL


class Level(StrEnum):
    """MUST is stated by the seed; SHOULD is derived, with a reason."""

    MUST = "MUST"
    SHOULD = "SHOULD"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One testable sentence. ``source``: the seed's line (MUST) or the reason (SHOULD).

    ``feature`` names what a profile may declare absent (``reconnect``, ``public``…), else ``""``.
    ``of``: ``extension``, ``local-server`` or ``public-server``.
    """

    id: str
    level: Level
    of: str
    says: str
    source: str
    covers: str
    feature: str = ""


# --- the subject ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Budgets:
    """Milliseconds a subject may take; a profile may override each."""

    probe_timeout_ms: float = 2000  # silent local server → the subject gives up on it
    connect_local_ms: float = 1000  # probe sent → local session open
    fallback_ms: float = 1000  # local refused or wrong → public session open
    seamless_ms: float = 5000  # start → any session
    reconnect_ms: float = 10000  # session lost → next session, a server being there
    retry_wait_ms_min: float = 500  # least wait between two attempts
    half_open_ms: float = 60000  # peer silent, no FIN → noticed


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the subject looks. ``public`` is None for a subject that has no public server."""

    signature: str = "http://localhost:3003/semantest-signature"
    local: str = "ws://localhost:3003"
    public: str | None = "wss://api.extension.semantest.com"


@dataclass(frozen=True, slots=True)
class SignatureRule:
    """What makes an answer good: JSON whose value at the dotted path ``field`` equals ``equals``."""

    field: str = "service"
    equals: Json = "semantest"


class TriggerKind(StrEnum):
    """How the subject is made to connect."""

    START = "start"  # its worker starts
    VISIT = "visit"  # the web page of its profile is opened
    CLICK = "click"  # a click on ``selector`` in ``page``
    MESSAGE = "message"  # chrome.runtime.sendMessage(``message``) from ``page``


@dataclass(frozen=True, slots=True)
class Trigger:
    """``page`` is a path in the extension, e.g. ``popup.html``."""

    kind: TriggerKind = TriggerKind.START
    page: str = ""
    selector: str = ""
    message: Json = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What the subject sends to see whether its server lives, and what the server answers.

    A fake answers any text message that contains ``request`` with ``reply``. None: no heartbeat.
    """

    request: str
    reply: str


@dataclass(frozen=True, slots=True)
class Web:
    """A web page in whose context the subject probes: with a content script, or in a frame.

    ``page`` is its URL. The rig serves it, empty, at a public address; what its origin asks the two servers for
    is the subject's doing.
    """

    page: str

    @property
    def origin(self) -> str:
        """As the browser's log names who made a request."""
        scheme, (host, port) = urlsplit(self.page).scheme, authority(self.page)
        return f"{scheme}://{host}" if port == _DEFAULT_PORT[scheme] else f"{scheme}://{host}:{port}"


@dataclass(frozen=True, slots=True)
class Profile:
    """What a subject says of itself. ``extension`` is its directory, an absolute path.

    ``web`` is None for a subject that probes from its own worker or pages.
    """

    name: str
    version: str
    extension: str
    endpoints: Endpoints = field(default_factory=Endpoints)
    signature: SignatureRule = field(default_factory=SignatureRule)
    trigger: Trigger = field(default_factory=Trigger)
    budgets: Budgets = field(default_factory=Budgets)
    heartbeat: Heartbeat | None = None
    web: Web | None = None
    absent: tuple[str, ...] = ()  # features the subject declares absent


class Role(StrEnum):
    """What a URL of the subject's is to its profile."""

    PROBE = "probe"  # the signature URL on the local server
    LOCAL_SESSION = "local-session"
    PUBLIC_SESSION = "public-session"
    LOCAL_OTHER = "local-other"  # anything else on the local server
    PUBLIC_OTHER = "public-other"  # anything else on the public host
    ELSEWHERE = "elsewhere"

    @property
    def side(self) -> Side | None:
        """The server that a URL of this role belongs to."""
        if self in (Role.PROBE, Role.LOCAL_SESSION, Role.LOCAL_OTHER):
            return Side.LOCAL
        return Side.PUBLIC if self in (Role.PUBLIC_SESSION, Role.PUBLIC_OTHER) else None


_DEFAULT_PORT = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_URLS_KEPT = 1024  # oracles ask about the same few of a subject's again and again; those of a redirect are many


@lru_cache(_URLS_KEPT)
def authority(url: str) -> tuple[str, int]:
    """Host (lower case) and port, the scheme's default filled in."""
    parts = urlsplit(url)
    return (parts.hostname or "").lower(), parts.port or _DEFAULT_PORT.get(parts.scheme, 0)


def _same(url: str, other: str) -> bool:
    mine, its = urlsplit(url), urlsplit(other)
    return (mine.scheme, mine.path or "/", authority(url)) == (its.scheme, its.path or "/", authority(other))


@lru_cache(_URLS_KEPT)
def role_of(url: str, endpoints: Endpoints) -> Role:
    """What ``url`` is to a subject with these endpoints. The public host counts on every port."""
    if _same(url, endpoints.signature):
        return Role.PROBE
    if _same(url, endpoints.local):
        return Role.LOCAL_SESSION
    if endpoints.public is not None:
        if _same(url, endpoints.public):
            return Role.PUBLIC_SESSION
        if authority(url)[0] == authority(endpoints.public)[0]:
            return Role.PUBLIC_OTHER
    if authority(url) in (authority(endpoints.signature), authority(endpoints.local)):
        return Role.LOCAL_OTHER
    return Role.ELSEWHERE


# --- scenarios -----------------------------------------------------------------------------------


class Address(StrEnum):
    """One of the two addresses of a server: of the local one 127.0.0.1 and ::1, of the public one likewise."""

    V4 = "v4"
    V6 = "v6"

    @property
    def written(self) -> str:
        """As it stands in a fault's name."""
        return f"IP{self.value}"


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """A fault by name, with its parameters, as a scenario states it. rig/faults gives it a body.

    ``on``: the only address of the server's that has it; None: every one.
    """

    name: str
    parameters: Mapping[str, Json] = field(default_factory=dict)
    on: Address | None = None

    def __str__(self) -> str:
        inner = ", ".join(f"{key}={value}" for key, value in self.parameters.items())
        return (f"{self.name}({inner})" if inner else self.name) + written_on(self.on)


def written_on(address: Address | None) -> str:
    """What a fault's name is followed by where it holds on one address only."""
    return "" if address is None else f" on {address.written}"


class Access(StrEnum):
    """How the browser's permission to reach this machine stands, for whoever asks."""

    GRANTED = "granted"
    DENIED = "denied"
    PROMPT = "prompt"  # the user is asked, and does not answer


@dataclass(frozen=True, slots=True)
class World:
    """What each server is like. No fault: healthy. ``access``: None leaves the permission as browsers come.

    ``both``: the browser looks up the public name itself, and finds the server's two addresses.
    """

    local: tuple[FaultSpec, ...] = ()
    public: tuple[FaultSpec, ...] = ()
    access: Access | None = None
    both: bool = False

    def of(self, side: Side) -> tuple[FaultSpec, ...]:
        """The faults of one side."""
        return self.local if side is Side.LOCAL else self.public


class Outcome(StrEnum):
    """Which session is meant: on one side, on none, or on whichever."""

    LOCAL = "local"
    PUBLIC = "public"
    NONE = "none"
    EITHER = "either"

    def admits(self, side: Side) -> bool:
        """Whether a session on ``side`` is what is meant."""
        return self is Outcome.EITHER or self.value == side.value


class Shown(StrEnum):
    """What the local server shows a subject that asks for its signature at the start.

    ARGUABLE: the seed's sentence and a careful reading differ (right body, status 500), so only the
    requirements that the scenario names speak of it.
    """

    GOOD = "good"
    BAD = "bad"  # answers, refuses or hangs up: no signature, known at once
    SILENT = "silent"  # keeps the subject waiting
    ARGUABLE = "arguable"


@dataclass(frozen=True, slots=True)
class Until:
    """Wait until the subject has a session that ``session`` admits, opened since the last change."""

    session: Outcome
    within_ms: float


@dataclass(frozen=True, slots=True)
class UntilAttempts:
    """Wait until the subject has begun ``count`` attempts, counted from its start."""

    count: int
    within_ms: float


class RequestKind(StrEnum):
    """What a server may be asked for."""

    PROBE = "probe"  # the signature
    UPGRADE = "upgrade"  # a WebSocket


@dataclass(frozen=True, slots=True)
class UntilRequest:
    """Wait until ``side`` has been asked for that, since the last step that is no waiting."""

    side: Side
    request: RequestKind
    within_ms: float


@dataclass(frozen=True, slots=True)
class Change:
    """From now on ``side`` has these faults and no others. Open sessions stay as they are."""

    side: Side
    faults: tuple[FaultSpec, ...]


@dataclass(frozen=True, slots=True)
class Drop:
    """Apply a session fault once to every session that is open on ``side``."""

    side: Side
    fault: FaultSpec


@dataclass(frozen=True, slots=True)
class Hold:
    """Let the world be for ``ms`` and watch."""

    ms: float


class Act(StrEnum):
    """What may befall the subject, as a scenario writes it."""

    STOP_WORKER = "worker: stop"
    START_WORKER = "worker: start"
    RELOAD = "subject: reload"
    UPDATE = "subject: update"  # the same subject with a raised version
    RESTART = "browser: restart"  # with the same profile


@dataclass(frozen=True, slots=True)
class Befall:
    """Do this to the subject's worker, to the subject or to its browser."""

    act: Act


Step: TypeAlias = Until | UntilAttempts | UntilRequest | Change | Drop | Hold | Befall


@dataclass(frozen=True, slots=True)
class Expectation:
    """Where the subject must be in the end.

    ``within_ms``: how long the rig waits for that, counted from the last step (or the start).
    ``hold_ms``: how long it goes on watching after that, to see what must not happen.
    """

    session: Outcome
    shown: Shown
    within_ms: float
    hold_ms: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """A world, what changes when, what is expected: one result. ``id`` is ``family-id[case]``."""

    id: str
    family: str
    says: str
    covers: tuple[str, ...]
    given: World
    when: tuple[Step, ...]
    then: Expectation
    tags: tuple[str, ...] = ()
    source: str = ""  # file:line
    namespace: bool = False  # it needs a network of the rig's own

    @property
    def stated_wait_ms(self) -> float:
        """The waits that the scenario itself states: what it costs whatever the harness does."""
        return self.then.hold_ms + sum(step.ms for step in self.when if isinstance(step, Hold))
