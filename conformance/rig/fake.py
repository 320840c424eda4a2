"""A fake: the scripted server that stands where the local or the public one should be.

Healthy unless faults are set. It listens on reserved ports, one an endpoint of the subject's; the
browser is told to go there instead (host mapping), so Host and Origin are the real ones. With a target behind
it, what is healthy about it is the target's: the fake is the fault proxy before it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

from conformance.events import (
    ConnectionAccepted,
    FaultFellShort,
    FaultProved,
    JunkReceived,
    RequestReceived,
    ResponseSent,
    SessionsDropped,
    Source,
    TargetKilled,
    TargetStarted,
    TlsFailed,
    WorldSet,
)
from conformance.model import Address, Profile, Side, written_on
from conformance.rig.faults.build import FaultSet
from conformance.rig.faults.listening import Refused
from conformance.rig.faults.tls import note_tls
from conformance.rig.healthy import Answers, Scripted
from conformance.rig.http import NotHttp, Request, read_request, response
from conformance.rig.link import Link
from conformance.rig.tls import greeted, shaken_hands, spare_memory
from conformance.rig.upstream import Upstream

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping, Sequence

    from conformance.events import Event
    from conformance.rig.certificates import Certificates
    from conformance.rig.faults.base import Fault, Probed, SessionFault
    from conformance.rig.healthy import Healthy
    from conformance.rig.network import Network
    from conformance.rig.ports import Endpoint
    from conformance.rig.recorder import Recorder
    from conformance.rig.session import Session
    from conformance.rig.targets import Target

E = TypeVar("E", bound="Event")

_READ_BYTES_MAX = 64 * 1024
_HANDSHAKE_S = 30.0  # a TLS client that stays silent for longer is not the subject


class Fake(Answers):
    """One side's server for the life of a rig; ``prepare`` makes it new for each scenario."""

    def __init__(
        self, side: Side, endpoints: Sequence[Endpoint], certificates: Certificates, network: Network | None = None
    ) -> None:
        self.side = side
        self.certificates = certificates
        spare_memory()
        self.sessions: list[Session] = []
        self.failure: BaseException | None = None  # a bug of the fake's own, which must not pass for the subject's
        # Whether the browser may use an answer of this scenario's again: each connection's ``send`` looks.
        self.may_be_cached = False
        self.healthy: Healthy = Scripted(self)
        self.target: Target | None = None
        self._stood: bool | None = None  # whether this scenario had the target stand; None: it has not said yet
        self._endpoints = tuple(endpoints)
        self._network = network
        self._recorder: Recorder
        self._faults: dict[Address | None, FaultSet] = {None: FaultSet()}
        self._links: set[Link] = set()
        self._tasks: dict[asyncio.Task[None], socket.socket] = {}
        self._accepting: list[socket.socket] = []
        self._connections = 0

    # --- what the rig does with it

    def prepare(self, profile: Profile, recorder: Recorder, *, scripted: bool = False) -> None:
        """Begin a scenario: healthy, nothing counted, events to ``recorder``. ``scripted``: without a target."""
        self.profile = profile
        self.healthy = Scripted(self) if scripted or self.target is None else Upstream(self, self.target)
        self._stood = None
        self._recorder = recorder
        self._connections = 0
        self.sessions = []
        self.failure = None
        self.may_be_cached = False
        self._faults = {None: FaultSet()}

    async def set_faults(self, faults: Mapping[Address | None, Sequence[Fault]]) -> None:
        """Be like this from now on, at each address. Open sessions stay; connections without one are closed."""
        sets = {address: FaultSet.of(each) for address, each in faults.items()}
        stands = not all(isinstance(each.listen, Refused) for each in sets.values())
        if stands:
            await self._raise_target()
        await self._lose_nothing()
        self._faults = sets
        names = tuple(f"{fault}{written_on(address)}" for address, each in faults.items() for fault in each)
        self.record(WorldSet, rig=True, side=self.side, faults=names)
        if self._network is not None:
            await self._set_network(self._network)
        self._drop_idle_links()
        self.stop_accepting()
        for endpoint in self._endpoints:
            fault = self._faults_at(endpoint.address).listen
            if fault is None:
                endpoint.port.listen()
            else:
                probed = await fault.apply(endpoint.port)
                self._prove(fault, probed, fault.shortfall(probed), endpoint.address if len(faults) > 1 else None)
            if fault is None or fault.answers:
                self._accept_from(endpoint)
        if not stands:
            await self._fell_target()
        self._stood = stands

    async def _raise_target(self) -> None:
        """Have the target answer before the world says that it does. Raises TargetFailed."""
        if self.target is not None and isinstance(self.healthy, Upstream) and (pid := await self.target.ensure()):
            self.record(TargetStarted, rig=True, side=self.side, pid=pid)

    async def _fell_target(self) -> None:
        """Kill a target that stood in this scenario and now is down. One that never stood is out of reach anyway."""
        if self.target is not None and self._stood and (pid := await self.target.kill()):
            self.record(TargetKilled, rig=True, side=self.side, pid=pid)

    async def _set_network(self, network: Network) -> None:
        await network.clear()
        if (fault := next(iter(self._faults.values())).network) is not None:  # the same at every address
            probed = await fault.apply(network)
            self._prove(fault, probed, fault.shortfall(probed))

    def _prove(self, fault: Fault, probed: Probed, lacks: str, address: Address | None = None) -> None:
        """Note a proof, or what it lacks to be one; without a word of what was seen there is none."""
        kind, detail = (FaultFellShort, lacks) if lacks else (FaultProved, probed.detail)
        if detail:
            self.record(kind, rig=True, side=self.side, fault=f"{fault}{written_on(address)}", detail=detail)

    def _faults_at(self, address: Address | None) -> FaultSet:
        return self._faults[address if address in self._faults else None]

    async def drop_sessions(self, fault: SessionFault) -> None:
        """Apply a session fault to every open session, but for those whose subject leaves in this very moment."""
        if fault.is_silence:
            await asyncio.gather(*(session.answered() for session in self._live()))
        live = self._live()
        self.record(SessionsDropped, rig=True, side=self.side, fault=str(fault), count=len(live))
        for session in live:
            with contextlib.suppress(ConnectionError):  # its own task notes that
                await session.link.under(fault, fault.apply(session))

    def _accept_from(self, endpoint: Endpoint) -> None:
        asyncio.get_running_loop().add_reader(endpoint.port.socket, self._accept, endpoint)
        self._accepting.append(endpoint.port.socket)

    @property
    def listens(self) -> bool:
        """Whether any of its ports does."""
        return any(endpoint.port.is_listening for endpoint in self._endpoints)

    def refuse(self) -> None:
        """Refuse connections on every endpoint; accepted ones stay."""
        self.stop_accepting()
        for endpoint in self._endpoints:
            endpoint.port.refuse()

    async def _lose_nothing(self) -> None:
        for port in [endpoint.port for endpoint in self._endpoints if endpoint.port.loses]:
            self.stop_accepting()  # who comes through meanwhile is turned away
            await port.lose_nothing()

    def stop_accepting(self) -> None:
        """Leave the ports alone."""
        for listening in self._accepting:
            asyncio.get_running_loop().remove_reader(listening)
        self._accepting.clear()

    def has_session(self) -> bool:
        """Whether the subject has a session here that no fault was applied to."""
        return bool(self._live())

    def _live(self) -> list[Session]:
        return [session for session in self.sessions if session.is_open and not session.doomed]

    async def reset(self) -> None:
        """End the scenario: refuse, drop every connection, forget."""
        await self._lose_nothing()
        self.refuse()
        for link in list(self._links):
            link.abort()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._links.clear()

    def close(self) -> None:
        """Give the ports back."""
        self.stop_accepting()
        for endpoint in self._endpoints:
            endpoint.port.close()

    def record(self, kind: type[E], *, rig: bool = False, **fields: Any) -> E:  # noqa: ANN401 - the event's own fields
        """Note an event as this side's, or as an act of the rig's."""
        source = Source.RIG if rig else Source.LOCAL if self.side is Side.LOCAL else Source.PUBLIC
        return self._recorder.record(kind, source, **fields)

    # --- one connection

    def _accept(self, endpoint: Endpoint) -> None:
        """Take what waits in the port's queue. At once, with no task in between that could be cancelled holding one."""
        while True:
            try:
                sock, _ = endpoint.port.socket.accept()
            except OSError:  # nobody is left, or who was has gone again
                return
            sock.setblocking(False)  # noqa: FBT003 - socket's own signature
            self._connections += 1
            link = Link(self, self._connections, endpoint.name, sock, endpoint.address)
            link.record(ConnectionAccepted, endpoint=endpoint.name, address=endpoint.port.real_address)
            task = asyncio.create_task(self._serve(link, sock, endpoint))
            self._tasks[task] = sock
            task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        sock = self._tasks.pop(task, None)
        if task.cancelled():
            if sock is not None:
                sock.close()  # it may have been cancelled before it began
        elif (error := task.exception()) is not None:
            self.failure = self.failure or error

    async def _serve(self, link: Link, sock: socket.socket, endpoint: Endpoint) -> None:
        tls_fault = self._faults_at(link.address).tls if endpoint.tls or self.side is Side.LOCAL else None
        context = self.certificates.context() if endpoint.tls else None
        has_greeted = False
        if tls_fault is not None:
            context = tls_fault.apply(self.certificates)
            has_greeted = await greeted(sock, _HANDSHAKE_S)
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_READ_BYTES_MAX)
        protocol = asyncio.StreamReaderProtocol(reader)
        outcome = ""
        try:
            transport = await shaken_hands(protocol, sock, context, _HANDSHAKE_S)
            outcome = "the handshake was finished" if context else "no TLS was spoken"
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            outcome = getattr(error, "reason", None) or type(error).__name__
            link.record(TlsFailed, detail=outcome)
            sock.close()
            return
        finally:
            if tls_fault is not None and has_greeted and outcome:
                note_tls(link, tls_fault, context, outcome, wanted=endpoint.tls)
        link.use(reader, asyncio.StreamWriter(transport, protocol, reader, loop))
        await self._serve_link(link)

    async def _serve_link(self, link: Link) -> None:
        self._links.add(link)
        try:
            if (fault := self._faults_at(link.address).connection) is not None:
                await link.under(fault, fault.apply(link))
            else:
                await self._serve_http(link)
        except ConnectionError:
            link.ended("subject")
        finally:
            # It stays known until the scenario ends: a TLS goodbye that nobody answers keeps the socket open for 30 s.
            if not link.writer.is_closing():
                link.finish()

    async def _serve_http(self, link: Link) -> None:
        while True:
            try:
                request = await read_request(link.reader)
            except NotHttp as junk:
                link.record(JunkReceived, size=junk.size)
                await self.reply(link, 400, {"Connection": "close"})
                return
            if request is None:
                link.ended("subject")
                return
            link.record(
                RequestReceived,
                method=request.method,
                target=request.target,
                host=request.headers.get("host", ""),
                origin=request.headers.get("origin"),
                upgrade=request.is_upgrade,
                credentials=request.credentials,
            )
            if request.is_upgrade:
                await self._serve_upgrade(link, request)
                return
            await self._answer(link, request)
            if link.writer.is_closing():
                return

    async def _answer(self, link: Link, request: Request) -> None:
        is_signature = request.method == "GET" and request.target.split("?")[0] == self.signature_path
        fault = self._faults_at(link.address).signature
        if is_signature and fault is not None:
            await link.under(fault, fault.apply(link, request), request)
            return
        await self.healthy.answer(link, request)

    async def reply(self, link: Link, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        """Send a whole response and note it."""
        await link.send(response(status, headers, body))
        link.record(ResponseSent, status=status, size=len(body))

    async def _serve_upgrade(self, link: Link, request: Request) -> None:
        if (session := await self.healthy.session(link, request)) is None:
            return
        try:
            if (upgrade_fault := self._faults_at(link.address).upgrade) is not None:
                await link.under(upgrade_fault, upgrade_fault.apply(session), request)
            else:
                await session.answer()
            if session.is_open:
                if (session_fault := self._faults_at(link.address).session) is not None:
                    await link.under(session_fault, session_fault.apply(session))
                await session.run()
        finally:
            session.leave()

    def _drop_idle_links(self) -> None:
        busy = {session.link for session in self.sessions if session.is_open}
        for link in self._links - busy:
            if not link.writer.is_closing():
                link.abort()
