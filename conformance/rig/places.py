"""Where the fakes of a rig stand, and how the browser is led to them.

On the machine itself every endpoint has a free port on 127.0.0.1, and host mapping leads there. In a network of
the rig's own the endpoints have their real ports: the local ones on 127.0.0.1 and ::1, the public ones at two
addresses of their own, one a family, in another namespace. Host mapping leads to the first of them; a browser that
looks up the public name itself finds both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.model import Address, Side
from conformance.rig.healthy import ELSEWHERE
from conformance.rig.mapping import PLAIN_PORT, TLS_PORT, Hosts, is_loopback, own_network_rules, resolver_rules
from conformance.rig.namespace import Namespace, Where
from conformance.rig.network import PUBLIC, PUBLIC_V6
from conformance.rig.ports import Endpoint, ReservedPort
from conformance.rig.web import OWN_HOST

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable


_STRANGER = "203.0.113.200"
_WEB = "203.0.113.201"
_LOOPBACK = {Address.V4: "127.0.0.1", Address.V6: "::1"}


@dataclass(frozen=True, slots=True)
class Places:
    """Every port of a rig. ``addresses``: the ``host:port`` a subject believes in → where it is led."""

    hosts: Hosts
    local: tuple[Endpoint, ...]
    public: tuple[Endpoint, ...]
    traps: tuple[Endpoint, ...]  # whatever else is asked of the public host, plain http:// above all, is taken and seen
    stranger: ReservedPort
    web: ReservedPort
    addresses: dict[str, str]
    is_own_network: bool = False
    sides: dict[str, Side] = field(init=False)  # of everything that the browser may look up or connect to

    def __post_init__(self) -> None:
        sides = {each.port.address: Side.LOCAL for each in self.local}
        sides |= {each.port.address: Side.PUBLIC for each in (*self.public, *self.traps)}
        if self.is_own_network:  # where nothing is mapped, the browser's log says who looks up the name itself
            sides |= {name: Side.LOCAL for name in self.hosts.local if is_loopback(name.rpartition(":")[0])}
        object.__setattr__(self, "sides", sides)

    def rules(self, extra: Iterable[str]) -> str:
        """The value of ``--host-resolver-rules``."""
        make = own_network_rules if self.is_own_network else resolver_rules
        return make(self.addresses, self.hosts, trap=self.traps[0].port.address, extra=extra)


def on_this_machine(hosts: Hosts) -> Places:
    """Free ports of the machine's own loopback."""
    local = tuple(Endpoint(name, ReservedPort.reserve(), tls=False) for name in hosts.local)
    public = tuple(Endpoint(name, ReservedPort.reserve(), tls=True) for name in hosts.public)
    trap = Endpoint(f"public:{PLAIN_PORT}", ReservedPort.reserve(), tls=False)
    stranger, web = ReservedPort.reserve(), ReservedPort.reserve()
    addresses = {each.name: each.port.address for each in (*local, *public)}
    addresses |= _others(hosts, stranger, web)
    return Places(hosts, local, public, (trap,), stranger, web, addresses)


def _others(hosts: Hosts, stranger: ReservedPort, web: ReservedPort) -> dict[str, str]:
    """Who is neither the local nor the public server: the ``host:port`` of each → where it is led."""
    pages = dict.fromkeys((f"{OWN_HOST}:{TLS_PORT}", *hosts.web), web.address)
    return {f"{ELSEWHERE}:{PLAIN_PORT}": stranger.address, **pages}


@dataclass(frozen=True, slots=True)
class Plot:
    """One of a rig's two namespaces, as the ground that ports stand on."""

    namespace: Namespace
    where: Where

    def socket(self, family: int) -> socket.socket:
        """A TCP socket that belongs there."""
        return self.namespace.socket(self.where, family)

    def drop_syn(self, port: int, family: Address, count: int) -> None:
        """Drop SYNs to the port: the first ``count``, or all (0)."""
        self.namespace.drop_syn(self.where, port, family, count)

    def dropped(self) -> int:
        """How many packets were."""
        return self.namespace.dropped(self.where)

    def stop_dropping(self) -> None:
        """Drop nothing more."""
        self.namespace.stop_dropping(self.where)


def in_own_network(hosts: Hosts, namespace: Namespace) -> Places:
    """The real ports, in a network of the rig's own. Raises RigFailed."""
    home, world = Plot(namespace, Where.HOME), Plot(namespace, Where.WORLD)
    owners = {host: _owned(place) for place, host in enumerate(hosts.public_names)}
    theirs = (each for owned in (_owned(0), *owners.values()) for each in owned.values())
    namespace.own(Where.WORLD, [*dict.fromkeys(theirs), _STRANGER, _WEB])
    namespace.name({host: [*owned.values()] for host, owned in owners.items()})
    taken: dict[tuple[str, int], ReservedPort] = {}
    local = []
    addresses = {}
    for name in hosts.local:
        for address in _addresses(name.rpartition(":")[0]):
            place = (_LOOPBACK[address], int(name.rpartition(":")[2]))
            if place not in taken:  # several subjects may name one server in several ways
                taken[place] = ReservedPort.take(*place, home)
                local.append(Endpoint(name, taken[place], tls=False, address=address))
            addresses[name] = taken[place].address
    public = []
    for name in hosts.public:
        host, _, port = name.rpartition(":")
        for address, where in owners[host].items():
            public.append(Endpoint(name, ReservedPort.take(where, int(port), world), tls=True, address=address))
    plain = next(port for port in (PLAIN_PORT, 8080) if (PUBLIC, port) not in {_place(each) for each in public})
    traps = tuple(
        Endpoint(f"public:{PLAIN_PORT}", ReservedPort.take(where, plain, world), tls=False, address=address)
        for address, where in _owned(0).items()
    )
    stranger = ReservedPort.take(_STRANGER, PLAIN_PORT, world)
    web = ReservedPort.take(_WEB, TLS_PORT, world)
    addresses |= {each.name: each.port.address for each in public if each.address is Address.V4}
    addresses |= _others(hosts, stranger, web)
    return Places(hosts, tuple(local), tuple(public), traps, stranger, web, addresses, is_own_network=True)


def _owned(place: int) -> dict[Address, str]:
    """The addresses of a public host, by its place among them."""
    v4, v6 = PUBLIC.rpartition("."), PUBLIC_V6.rpartition(":")
    return {Address.V4: f"{v4[0]}.{int(v4[2]) + place}", Address.V6: f"{v6[0]}:{int(v6[2]) + place}"}


def _addresses(host: str) -> tuple[Address, ...]:
    """Where a local server of that name is: on both addresses, also for a subject that asks for one by number."""
    return tuple(Address) if is_loopback(host) else (Address.V4,)


def _place(endpoint: Endpoint) -> tuple[str, int]:
    host, _, port = endpoint.port.address.rpartition(":")
    return host, int(port)
