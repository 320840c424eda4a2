"""Timelines for tests, written as stories: what the subject did, as the browser and the fakes saw it.

    story().refused(at=10).socket(PUBLIC, at=14, opened=60).end(at=300).build()

Each sentence adds the browser's events and the fakes' that belong to it, so that both sources agree
unless a test says otherwise (``seen`` and ``without``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from conformance.events import (
    AccessAnswered,
    AccessChecked,
    BrowserStarved,
    ConnectionAccepted,
    Event,
    FaultProved,
    FaultTookEffect,
    FetchAnswered,
    FetchEnded,
    FetchStarted,
    ObservationEnded,
    PreconnectStarted,
    RequestReceived,
    ResponseSent,
    SessionClosed,
    SessionOpened,
    SessionsDropped,
    SocketClosed,
    SocketFailed,
    SocketFrameSent,
    SocketOpened,
    SocketStarted,
    Source,
    SubjectStarted,
    TcpEnded,
    TcpStarted,
    WorldSet,
)
from conformance.model import (
    Expectation,
    FaultSpec,
    Level,
    Outcome,
    Profile,
    Requirement,
    Scenario,
    Shown,
    Side,
    Step,
    World,
)
from conformance.oracles import ORACLES, Case
from conformance.record import Environment, ScenarioRecord
from conformance.timeline import Timeline

if TYPE_CHECKING:
    from conformance.verdict import Finding

LOCAL, PUBLIC = Side.LOCAL, Side.PUBLIC
SIGNATURE = "http://localhost:3003/semantest-signature"
URLS = {LOCAL: "ws://localhost:3003", PUBLIC: "wss://api.extension.semantest.com"}
SOURCES = {LOCAL: Source.LOCAL, PUBLIC: Source.PUBLIC}

REFUSED = FaultSpec("refused")
GONE = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_TIMED_OUT", "ERR_NAME_NOT_RESOLVED")  # nothing came to the server


class Story:
    """Collects events; ``build`` makes the timeline. Times are milliseconds after the subject's start."""

    def __init__(self, *, started: bool = True) -> None:
        self._events: list[Event] = []
        self._number = 0
        self._ended = False
        if started:
            self._add(SubjectStarted, 0, Source.RIG, extension_id="subject", how="its worker was started")

    def _add(self, kind: type[Event], at: float, source: Source, **fields: Any) -> None:  # noqa: ANN401
        self._events.append(kind(at_ms=at, source=source, **fields))

    def _browser(self, kind: type[Event], at: float, **fields: Any) -> None:  # noqa: ANN401
        self._add(kind, at, Source.BROWSER, **fields)

    def _next(self) -> int:
        self._number += 1
        return self._number

    # --- the subject

    def probe(  # noqa: PLR0913 - each is one thing a probe may differ in
        self,
        *,
        at: float,
        answered: int | None = 200,
        ended: float | None = None,
        error: str = "",
        credentials: tuple[str, ...] = (),
        cached: bool = False,
        method: str = "GET",
        target: str = "/semantest-signature",
    ) -> Self:
        """It asks for the signature: answered with a status 1 ms before the end, or not at all (None)."""
        request = self._next()
        self._browser(FetchStarted, at, request=request, url=SIGNATURE, method=method)
        if error not in GONE and not cached:
            self._arrival(LOCAL, at + 1, request, method=method, target=target, credentials=credentials)
        elif error in GONE:
            self._tcp(LOCAL, at, request, error)
        if answered is not None:
            head_ms = at + 3 if ended is None else max(at, ended - 1)
            self._browser(FetchAnswered, head_ms, request=request, status=answered, from_cache=cached)
        if answered is not None and not cached:
            self._add(ResponseSent, at + 1, Source.LOCAL, connection=request, status=answered, size=50)
        if ended is not None:
            self._browser(FetchEnded, ended, request=request, error=error)
        return self

    def refused(self, *, at: float) -> Self:
        """It asks for the signature, and nothing listens."""
        return self.probe(at=at, answered=None, ended=at + 2, error="ERR_CONNECTION_REFUSED")

    def given_up(self, *, at: float, ended: float) -> Self:
        """It asks for the signature, hears nothing, and gives up."""
        return self.probe(at=at, answered=None, ended=ended, error="ERR_ABORTED")

    def socket(  # noqa: PLR0913 - each is one thing a socket may differ in
        self,
        side: Side,
        *,
        at: float,
        opened: float | None = None,
        failed: float | None = None,
        error: str = "ERR_INVALID_HTTP_RESPONSE",
        closed: float | None = None,
        by: str = "server",
        url: str = "",
    ) -> Self:
        """It makes a WebSocket: opens, fails, or is still opening; an open one may be closed."""
        request = self._next()
        self._browser(SocketStarted, at, request=request, url=url or URLS[side])
        refused = failed is not None and error in GONE
        if refused:
            self._tcp(side, at, request, error)
        else:
            self._arrival(side, at + 1, request, method="GET", target="/", upgrade=True)
        if opened is not None:
            self._add(SessionOpened, opened, SOURCES[side], connection=request)
            self._browser(SocketOpened, opened, request=request)
        if failed is not None:
            self._browser(SocketFailed, failed, request=request, error=error)
        if closed is not None:
            self._add(SessionClosed, closed, SOURCES[side], connection=request, code=1000, by=by)
            self._browser(SocketClosed, closed, request=request)
        return self

    def no_server(self, *, at: float) -> Self:
        """A whole attempt at a time when nothing listens on either side; it has failed 4 ms later."""
        return self.refused(at=at).socket(PUBLIC, at=at + 3, failed=at + 4, error="ERR_CONNECTION_REFUSED")

    def farewell(self, *, at: float) -> Self:
        """It sends a close frame on its latest socket."""
        self._browser(SocketFrameSent, at, request=self._number, opcode="close", size=2)
        return self

    def fetch(self, url: str, *, at: float, method: str = "GET") -> Self:
        """It asks for something else."""
        self._browser(FetchStarted, at, request=self._next(), url=url, method=method)
        return self

    def redirected(self, url: str, *, at: float) -> Self:
        """Its latest request goes on to ``url``."""
        self._browser(FetchAnswered, at, request=self._number, status=302)
        self._browser(FetchStarted, at, request=self._number, url=url, method="GET")
        return self

    def preconnect(self, url: str, *, at: float) -> Self:
        """The browser connects ahead of a request."""
        self._browser(PreconnectStarted, at, url=url)
        return self

    def access(self, result: str, *, at: float, answer: str = "", answered: float | None = None) -> Self:
        """The browser checks its latest request; the permission that the check asks for is answered, or not."""
        self._browser(AccessChecked, at, request=self._number, result=result)
        return self if answered is None else self.answered(answer, at=answered)

    def answered(self, answer: str, *, at: float) -> Self:
        """The permission that its latest request needs is given or not."""
        self._browser(AccessAnswered, at, request=self._number, answer=answer)
        return self

    def _arrival(self, side: Side, at: float, connection: int, **fields: Any) -> None:  # noqa: ANN401
        self._tcp(side, at - 1, connection, "")
        source = SOURCES[side]
        self._add(ConnectionAccepted, at, source, connection=connection, endpoint=f"{side}:0")
        fields = {"upgrade": False, "credentials": (), **fields}
        self._add(RequestReceived, at, source, connection=connection, host=f"{side}:0", origin=None, **fields)

    def _tcp(self, side: Side, at: float, socket: int, error: str) -> None:
        self._browser(TcpStarted, at, socket=socket, side=side)
        self._browser(TcpEnded, at + 0.5, socket=socket, side=side, error=error)

    # --- the rig

    def world(self, side: Side, *faults: str, at: float) -> Self:
        """One side's faults change, and a fault of the port's is proved."""
        self._add(WorldSet, at, Source.RIG, side=side, faults=faults)
        for fault in faults:
            if fault in ("refused", "blackhole"):
                self.proved(side, fault, at=at)
        return self

    def proved(self, side: Side, fault: str, *, at: float = -1) -> Self:
        """A probe of the fake saw the fault."""
        self._add(FaultProved, at, Source.RIG, side=side, fault=fault, detail="probed")
        return self

    def effect(self, side: Side, fault: str, *, at: float) -> Self:
        """The fault did its work."""
        self._add(FaultTookEffect, at, SOURCES[side], connection=self._number, fault=fault, detail="done")
        return self

    def drop(self, side: Side, fault: str, *, at: float, count: int = 1) -> Self:
        """The rig ends the sessions of one side."""
        self._add(SessionsDropped, at, Source.RIG, side=side, fault=fault, count=count)
        return self.effect(side, fault, at=at) if count else self

    # --- the end

    def seen(self, event: Event) -> Self:
        """Any event at all."""
        self._events.append(event)
        return self

    def starved(self, waited: float, *, at: float, over: float) -> Self:
        """Its threads had no core, for so long of that time."""
        self._add(BrowserStarved, at, Source.RIG, over_ms=over, waited_ms=waited)
        return self

    def end(self, *, at: float, lag: float = 0.0, starved: float = 0.0) -> Self:
        """Watching ends."""
        self._ended = True
        if starved:
            self.starved(starved, at=at, over=at + 10_000)
        self._add(ObservationEnded, at, Source.RIG, reason="it was over", lag_ms=lag)
        return self

    def without(self, *kinds: type[Event]) -> Self:
        """Forget every event of these kinds."""
        self._events = [event for event in self._events if not isinstance(event, kinds)]
        return self

    def build(self) -> Timeline:
        """The timeline; it ends 150 ms after the last event unless it was said when."""
        if not self._ended:
            self.end(at=max((event.at_ms for event in self._events), default=0.0) + 150)
        return Timeline.of(self._events)


def story() -> Story:
    """A subject that has just started."""
    return Story()


# --- what a timeline is judged with --------------------------------------------------------------

PROFILE = Profile(name="subject", version="1.0", extension="subject")


def fault(name: str, **parameters: Any) -> FaultSpec:  # noqa: ANN401 - a fault's own parameters
    """A fault as a scenario states it."""
    return FaultSpec(name, parameters)


def scenario(
    *covers: str,
    local: tuple[FaultSpec, ...] = (),
    public: tuple[FaultSpec, ...] = (),
    when: tuple[Step, ...] = (),
    session: Outcome = Outcome.LOCAL,
    shown: Shown = Shown.GOOD,
) -> Scenario:
    """A scenario that covers these requirements; both servers are up unless said otherwise."""
    then = Expectation(session, shown, 6000, 150)
    return Scenario("a-scenario", "Choosing", "what it says", covers, World(local, public), when, then)


DOWN = scenario(local=(REFUSED,), session=Outcome.PUBLIC, shown=Shown.BAD)  # local refuses, public is up
NEITHER = scenario(local=(REFUSED,), public=(REFUSED,), session=Outcome.NONE, shown=Shown.BAD)


def case(
    told: Story, given: Scenario | None = None, *covers: str, profile: Profile = PROFILE, error_ms: float = 5
) -> Case:
    """What an oracle is given."""
    given = given or scenario()
    if covers:
        given = replace(given, covers=covers)
    return Case.of(given, profile, told.build(), error_ms)


def ask(
    requirement: str, told: Story, given: Scenario | None = None, *, profile: Profile = PROFILE, error_ms: float = 5
) -> Finding:
    """One oracle's finding, in a scenario that covers its requirement."""
    found = ORACLES[requirement].judge(case(told, given, requirement, profile=profile, error_ms=error_ms))
    assert found is not None, f"{requirement} is covered and has no finding"
    assert found.requirement == requirement
    return found


SHOULD = {"SEL-6", "SIG-4", "SIG-5", "SIG-6", "TIME-1", "TIME-3", "TIME-4", "FALL-1", "FALL-2", "FALL-3"}
SHOULD |= {"RETRY-1", "RETRY-2", "LIFE-1", "LIFE-2", "LIFE-3", "LIFE-4", "PRIV-3", "PUB-3", "NET-1", "NET-2"}

REQUIREMENTS = {
    id_: Requirement(
        id_, Level.SHOULD if id_ in SHOULD else Level.MUST, "extension", f"what {id_} says", "why", "what is looked at"
    )
    for id_ in ORACLES
}

ENVIRONMENT = Environment(
    browser="Chromium 156",
    browser_flags=("--flag",),
    harness="0.1.0",
    python="3.11",
    platform="Linux",
    cpus=2,
    rig="warm",
    jobs=1,
    seed=0,
    started_at="2026-01-01T00:00:00Z",
    error_ms=5.0,
)


def recorded(told: Story, scenario_id: str = "a-scenario", *, repeat: int = 0) -> ScenarioRecord:
    """A record with that timeline."""
    return ScenarioRecord("subject", scenario_id, repeat, timeline=told.build(), wall_ms=300.0)
