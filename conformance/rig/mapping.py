"""Which of the subject's hosts and ports the browser is sent where.

Pure. A rule names a host and port as the subject writes them and the loopback port that answers
instead; Host and Origin headers stay the subject's (Chromium ``net/base/host_mapping_rules.cc``).
The last rule lets nothing else off this machine: any other name does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.model import authority

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from conformance.model import Endpoints

_LOOPBACK_TWINS = {"localhost": "127.0.0.1", "127.0.0.1": "localhost"}
PLAIN_PORT = 80
TLS_PORT = 443


@dataclass(frozen=True, slots=True)
class Hosts:
    """What a set of subjects looks for: ``local`` as host:port, ``public`` as host:port, hosts of the latter.

    ``web``: as host:port, the web pages in whose context they probe.
    """

    local: tuple[str, ...]
    public: tuple[str, ...]
    web: tuple[str, ...] = ()

    @property
    def public_names(self) -> tuple[str, ...]:
        """The public host names without ports."""
        return _names(self.public)

    @property
    def web_names(self) -> tuple[str, ...]:
        """The web pages' host names without ports."""
        return _names(self.web)


def _names(authorities: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.rsplit(":", 1)[0] for each in authorities))


def hosts_of(endpoints: Iterable[Endpoints], pages: Iterable[str] = ()) -> Hosts:
    """Every authority that subjects with these endpoints and web pages look for, each once, in order."""
    local: dict[str, None] = {}
    public: dict[str, None] = {}
    for each in endpoints:
        local.update(dict.fromkeys(_join(url) for url in (each.signature, each.local)))
        if each.public is not None:
            public[_join(each.public)] = None
    return Hosts(tuple(local), tuple(public), tuple(dict.fromkeys(map(_join, pages))))


def _join(url: str) -> str:
    host, port = authority(url)
    return f"{host}:{port}"


def resolver_rules(ports: Mapping[str, str], hosts: Hosts, *, trap: str, extra: Iterable[str] = ()) -> str:
    """The value of ``--host-resolver-rules``.

    ``ports``: host:port → 127.0.0.1:PORT. ``trap``: where every other port of the public host leads, so that
    a plain ``http://`` or ``ws://`` to it is seen. ``extra`` rules come first and win.
    """
    rules = list(extra)
    for name, address in ports.items():
        rules.append(f"MAP {name} {address}")
        host, port = name.rsplit(":", 1)
        twin = _LOOPBACK_TWINS.get(host)
        if twin is not None and f"{twin}:{port}" not in ports:
            rules.append(f"MAP {twin}:{port} {address}")
    rules += [f"MAP {host} {trap}" for host in hosts.public_names]
    return ",".join([*rules, "MAP * ~NOTFOUND"])


def own_network_rules(ports: Mapping[str, str], hosts: Hosts, *, trap: str, extra: Iterable[str] = ()) -> str:
    """The same where the subject's own ports are there: ``localhost`` is the browser's to look up.

    It finds ::1 and 127.0.0.1 by itself, without any server of names (Chromium ``net/dns/host_resolver_manager.cc``).
    """
    mapped = [f"MAP {name} {address}" for name, address in ports.items() if not is_loopback(name.rpartition(":")[0])]
    traps = [f"MAP {host} {trap}" for host in hosts.public_names]
    excluded = [f"EXCLUDE {host}" for host in ("localhost", "*.localhost", "127.0.0.1", "::1", "[::1]")]
    return ",".join([*extra, *mapped, *traps, "MAP * ~NOTFOUND", *excluded])


def is_loopback(host: str) -> bool:
    """Whether a browser takes the host for its own machine without looking it up."""
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")
