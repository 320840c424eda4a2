"""The process that a rig's network namespaces belong to; namespace.py starts it and talks to it.

It is run by path, not imported: a process that makes namespaces changes what it is itself, which the harness
must not. It makes two that have no names: *home*, where the browser and the local server are, and *world*, where
the public one is. Between them is a wire of two TUN devices, whose other ends the harness holds (wire.py). As root
or without any privilege (a user namespace then, in which it is nobody else than the user).

Requests come as JSON over a socket, a packet each, and so do the answers, with descriptors beside them. When the
harness' end is gone, so is this process, and with it everything it made: nothing has to be cleaned up.

Home also has an /etc/hosts of its own, where a mount namespace can be had: host mapping leads a name to one
address, and only a name that the browser looks up itself can have two.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# Before any namespace is entered: in a user namespace a home directory of somebody else's may be out of reach.
from pyroute2 import IPRoute
from pyroute2.nftables.main import NFTables

CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWNS = 0x10000000, 0x40000000, 0x00020000  # linux/sched.h
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000  # linux/mount.h
HOSTS = "/etc/hosts"
OWN_NAMES = {"localhost": ["127.0.0.1", "::1"]}
RTN_LOCAL = 2  # linux/rtnetlink.h
LOCAL_S_MAX = 5.0  # a millisecond or two; longer with no core to run on
TUNSETIFF = 0x400454CA  # linux/if_tun.h
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
TUN = "/dev/net/tun"
DEVICE = "net0"  # not "tun…": Chromium does not take a tunnel for a network
LOOPBACK_INDEX = 1  # Linux gives it to every namespace's own
NODAD = 0x02  # linux/if_addr.h: an address that is there at once, and does not change later
REQUEST_BYTES_MAX = 64 * 1024
TCP, SYN, SYN_AND_ACK = 6, 0x02, 0x12  # RFC 9293, 3.1
FAMILY = {"v4": 2, "v6": 10}  # linux/netfilter.h, NFPROTO_*
REGISTER = 1
TABLE, CHAIN = "conform", "input"
DROP, ACCEPT = 0, 1

# RFC 5737 and RFC 3849: addresses that are nobody's. docs/own-network.md: what a browser takes them for.
HOME = {"v4": ("192.0.2.2", 24), "v6": ("2001:db8:0:1::2", 64)}
WORLD = {"v4": ("192.0.2.1", 24), "v6": ("2001:db8:0:1::1", 64)}
ANYWHERE = {"v4": "0.0.0.0/0", "v6": "::/0"}

LIBC = ctypes.CDLL(None, use_errno=True)


class CannotError(Exception):
    """What this machine does not allow; the text says what and why."""


def call(what: str, result: int) -> None:
    """Raise CannotError unless the system call succeeded."""
    if result != 0:
        raise CannotError(f"{what}: {os.strerror(ctypes.get_errno())}")


def enter_new() -> int | None:
    """Enter a network namespace of our own; the user namespace made for it, if one had to be."""
    if LIBC.unshare(CLONE_NEWNET) == 0:
        return None
    user, group = os.geteuid(), os.getegid()
    call("a user namespace cannot be made (unshare)", LIBC.unshare(CLONE_NEWUSER | CLONE_NEWNET))
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    except OSError as error:
        raise CannotError(f"a user namespace cannot be given its user: {error.strerror}") from error
    return os.open("/proc/self/ns/user", os.O_RDONLY)


class HostsFile:
    """What home's programs read where the machine's hosts file is; everybody else reads that one as ever."""

    def __init__(self) -> None:
        """Enter a mount namespace of our own, and lay a file over the machine's. It has no name left by then."""
        call("a mount namespace (unshare)", LIBC.unshare(CLONE_NEWNS))
        call("its mounts (mount)", LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
        with tempfile.NamedTemporaryFile() as made:
            call(f"{HOSTS} of its own (mount)", LIBC.mount(made.name.encode(), HOSTS.encode(), None, MS_BIND, None))
            self._file = os.dup(made.fileno())
        self.fd = os.open("/proc/self/ns/mnt", os.O_RDONLY)
        self.write({})

    def write(self, names: dict[str, list[str]]) -> None:
        """These names, and localhost; no others."""
        lines = [f"{one} {name}\n" for name, addresses in (OWN_NAMES | names).items() for one in addresses]
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, "".join(lines).encode(), 0)


class Space:
    """One of the two namespaces, and what can be done in it."""

    def __init__(self) -> None:
        """Take the one that this process is in."""
        self.fd = os.open("/proc/self/ns/net", os.O_RDONLY)
        self._links = IPRoute()
        self._nft: Any = None
        self._device = 0
        self.hosts: HostsFile | None = None
        self._links.link("set", index=LOOPBACK_INDEX, state="up")

    def enter(self) -> None:
        """Be in it: what this process opens from now on is its."""
        call("setns", LIBC.setns(self.fd, CLONE_NEWNET))

    def plug_in(self, near: dict[str, tuple[str, int]], far: dict[str, tuple[str, int]]) -> int:
        """Make the device and set it up; the descriptor is the wire's end."""
        try:
            fd = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
        except OSError as error:
            raise CannotError(f"{TUN} cannot be used: {error.strerror}") from error
        self._device = self._links.link_lookup(ifname=DEVICE)[0]
        # No link-local address: it would appear a second later, and a browser drops what it does on such news.
        Path(f"/proc/sys/net/ipv6/conf/{DEVICE}/addr_gen_mode").write_text("1")
        self.connect(near, far)
        return fd

    def connect(self, near: dict[str, tuple[str, int]], far: dict[str, tuple[str, int]]) -> None:
        """Bring the device up, with its addresses and the way to everywhere."""
        self._links.link("set", index=self._device, state="up")
        for family, (address, length) in near.items():
            flags = {"flags": NODAD} if family == "v6" else {}
            self._links.addr("replace", index=self._device, address=address, prefixlen=length, **flags)
            number = socket.AF_INET if family == "v4" else socket.AF_INET6
            self._links.route("replace", dst=ANYWHERE[family], gateway=far[family][0], family=number)
            self._await_local(address)

    def disconnect(self) -> None:
        """Take the device down."""
        self._links.link("set", index=self._device, state="down")

    def own(self, addresses: list[str]) -> None:
        """Answer at these addresses, too."""
        for address in addresses:
            length, flags = (128, {"flags": NODAD}) if ":" in address else (32, {})
            self._links.addr("replace", index=LOOPBACK_INDEX, address=address, prefixlen=length, **flags)
            self._await_local(address)

    def _await_local(self, address: str) -> None:
        """Return when packets to the address stay here: the kernel sees to that for an IPv6 one a moment later."""
        deadline_s = time.monotonic() + LOCAL_S_MAX
        while [found["type"] for found in self._links.route("get", dst=address)] != [RTN_LOCAL]:
            if time.monotonic() > deadline_s:
                raise CannotError(f"{address} is not this machine's after {LOCAL_S_MAX:.0f} s")
            time.sleep(0.001)

    def name(self, names: dict[str, list[str]]) -> None:
        """Let whoever lives here find these names."""
        if self.hosts is not None:
            self.hosts.write(names)

    # --- packets that are dropped

    def drop_syn(self, port: int, family: str, count: int) -> None:
        """Drop SYNs to a port: the first ``count``, or all of them (0)."""
        nft = self._tables()
        matches = [
            *_equal(("meta", {"META_KEY": 16}), bytes([TCP])),  # NFT_META_L4PROTO
            *_equal(("meta", {"META_KEY": 15}), bytes([FAMILY[family]])),  # NFT_META_NFPROTO
            *_equal(("payload", {"PAYLOAD_BASE": 2, "PAYLOAD_OFFSET": 2, "PAYLOAD_LEN": 2}), struct.pack("!H", port)),
            *_equal(
                ("payload", {"PAYLOAD_BASE": 2, "PAYLOAD_OFFSET": 13, "PAYLOAD_LEN": 1}),
                bytes([SYN]),
                mask=bytes([SYN_AND_ACK]),
            ),
            *(_among_first(count) if count else []),
            _expression("counter", {"COUNTER_BYTES": 0, "COUNTER_PACKETS": 0}),
        ]
        verdict = {"attrs": [("NFTA_DATA_VERDICT", {"attrs": [("NFTA_VERDICT_CODE", DROP)]})]}
        dropped = _expression("immediate", {"IMMEDIATE_DREG": 0, "IMMEDIATE_DATA": verdict})
        nft.rule("add", table=TABLE, chain=CHAIN, expressions=[[one] for one in (*matches, dropped)])

    def dropped(self) -> int:
        """How many packets the rules have dropped, by the kernel's own count."""
        return sum(
            expression.get_attr("NFTA_EXPR_DATA").get_attr("NFTA_COUNTER_PACKETS")
            for rule in self._tables().get_rules()
            for expression in rule.get_attr("NFTA_RULE_EXPRESSIONS")
            if expression.get_attr("NFTA_EXPR_NAME") == "counter"
        )

    def stop_dropping(self) -> None:
        """Remove every rule."""
        if self._nft is not None:
            self._nft.table("del", name=TABLE)
            self._nft.close()
            self._nft = None

    def _tables(self) -> Any:  # noqa: ANN401 - pyroute2 ships no types
        if self._nft is None:
            self.enter()
            nft = NFTables(nfgen_family=1)  # NFPROTO_INET: both families
            try:
                nft.table("add", name=TABLE)
                nft.chain("add", table=TABLE, name=CHAIN, hook="input", type="filter", policy=ACCEPT)
            except Exception as error:
                raise CannotError(f"this kernel has no nftables: {error}") from error
            self._nft = nft
        return self._nft


def _expression(name: str, attributes: dict[str, Any]) -> dict[str, Any]:
    data = {"attrs": [(f"NFTA_{key}", value) for key, value in attributes.items()]}
    return {"attrs": [("NFTA_EXPR_NAME", name), ("NFTA_EXPR_DATA", data)]}


def _value(data: bytes) -> dict[str, Any]:
    return {"attrs": [("NFTA_DATA_VALUE", data)]}


def _equal(load: tuple[str, dict[str, Any]], value: bytes, *, mask: bytes = b"") -> list[dict[str, Any]]:
    """Load something of a packet and go on only where it equals ``value``."""
    name, attributes = load
    steps = [_expression(name, {f"{name.upper()}_DREG": REGISTER, **attributes})]
    if mask:
        both = {"BITWISE_SREG": REGISTER, "BITWISE_DREG": REGISTER, "BITWISE_LEN": len(mask)}
        steps.append(_expression("bitwise", {**both, "BITWISE_MASK": _value(mask), "BITWISE_XOR": _value(b"\0")}))
    return [*steps, _expression("cmp", {"CMP_SREG": REGISTER, "CMP_OP": 0, "CMP_DATA": _value(value)})]


def _among_first(count: int) -> list[dict[str, Any]]:
    """Go on only for the first packets that come to this rule: a counter, put in network order to be compared."""
    numbers = {"NG_DREG": REGISTER, "NG_MODULUS": 2**31, "NG_TYPE": 0, "NG_OFFSET": 0}
    order = {"BYTEORDER_SREG": REGISTER, "BYTEORDER_DREG": REGISTER, "BYTEORDER_OP": 1}
    below = {"CMP_SREG": REGISTER, "CMP_OP": 2, "CMP_DATA": _value(struct.pack("!I", count))}
    return [
        _expression("numgen", numbers),
        _expression("byteorder", {**order, "BYTEORDER_LEN": 4, "BYTEORDER_SIZE": 4}),
        _expression("cmp", below),
    ]


def carry_out(space: Space, request: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
    """One request: what to answer, and the descriptors that go with it."""
    match request["do"]:
        case "socket":
            space.enter()
            return {}, [socket.socket(request["family"], request["type"]).detach()]
        case "dropped":
            return {"dropped": space.dropped()}, []
        case "own":
            space.own(request["addresses"])
        case "name":
            space.name(request["names"])
        case "connect":
            space.connect(HOME, WORLD)
        case "disconnect":
            space.disconnect()
        case "drop_syn":
            space.drop_syn(request["port"], request["family"], request["count"])
        case "stop_dropping":
            space.stop_dropping()
    return {}, []


def serve(control: socket.socket, spaces: dict[str, Space]) -> None:
    """Answer requests until the harness is gone."""
    while packet := control.recv(REQUEST_BYTES_MAX):
        request = json.loads(packet)
        descriptors: list[int] = []
        try:
            answer, descriptors = carry_out(spaces[request["in"]], request)
        except CannotError as error:
            answer = {"cannot": str(error)}
        except Exception as error:  # noqa: BLE001 - the harness tells its user; this process goes on
            answer = {"failed": f"{type(error).__name__}: {error}"}
        socket.send_fds(control, [json.dumps(answer).encode()], descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def name_home(home: Space) -> str:
    """Give home a hosts file of its own; why it has none, or ``""``."""
    try:
        home.hosts = HostsFile()
    except (CannotError, OSError) as error:
        return str(error)
    return ""


def main() -> int:
    """Make both namespaces, tell the harness, serve it."""
    control = socket.socket(fileno=int(sys.argv[1]))
    try:
        user = enter_new()
        home = Space()
        no_names = name_home(home)
        wire = [home.plug_in(HOME, WORLD)]
        call("a second network namespace (unshare)", LIBC.unshare(CLONE_NEWNET))
        world = Space()
        wire.append(world.plug_in(WORLD, HOME))
    except CannotError as error:
        control.send(json.dumps({"cannot": str(error)}).encode())
        return 1
    kept = {"network": home.fd, "home": wire[0], "world": wire[1], "user": user}
    kept["mounts"] = None if home.hosts is None else home.hosts.fd
    descriptors = {what: fd for what, fd in kept.items() if fd is not None}
    answer = {"descriptors": [*descriptors], "no_names": no_names}
    socket.send_fds(control, [json.dumps(answer).encode()], [*descriptors.values()])
    for descriptor in wire:
        os.close(descriptor)
    serve(control, {"home": home, "world": world})
    return 0


if __name__ == "__main__":
    sys.exit(main())
