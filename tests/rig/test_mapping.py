"""Host mapping: the subject's names lead to the rig, and nothing else leads anywhere."""

from __future__ import annotations

from conformance.model import Endpoints
from conformance.rig.mapping import Hosts, hosts_of, resolver_rules

HOSTS = Hosts(("localhost:3003",), ("api.extension.semantest.com:443",))
PORTS = {"localhost:3003": "127.0.0.1:20001", "api.extension.semantest.com:443": "127.0.0.1:20002"}


def test_the_default_endpoints_are_one_local_and_one_public_port() -> None:
    assert hosts_of([Endpoints(), Endpoints()]) == HOSTS


def test_a_probe_and_a_socket_on_two_ports_are_two_endpoints() -> None:
    endpoints = Endpoints("http://localhost:4000/sig", "ws://localhost:4001/ws", None)
    assert hosts_of([endpoints]) == Hosts(("localhost:4000", "localhost:4001"), ())


def test_a_subject_that_writes_the_address_is_led_there_too() -> None:
    rules = resolver_rules(PORTS, HOSTS, trap="127.0.0.1:20003").split(",")
    assert "MAP localhost:3003 127.0.0.1:20001" in rules
    assert "MAP 127.0.0.1:3003 127.0.0.1:20001" in rules


def test_any_other_port_of_the_public_host_leads_into_the_trap() -> None:
    rules = resolver_rules(PORTS, HOSTS, trap="127.0.0.1:20003").split(",")
    exact = rules.index("MAP api.extension.semantest.com:443 127.0.0.1:20002")
    assert exact < rules.index("MAP api.extension.semantest.com 127.0.0.1:20003")


def test_nothing_else_is_found() -> None:
    assert resolver_rules(PORTS, HOSTS, trap="127.0.0.1:20003").endswith(",MAP * ~NOTFOUND")


def test_extra_rules_win() -> None:
    rules = resolver_rules(PORTS, HOSTS, trap="127.0.0.1:1", extra=["MAP api.extension.semantest.com ~NOTFOUND"])
    assert rules.startswith("MAP api.extension.semantest.com ~NOTFOUND,")


def test_the_pages_of_subjects_are_hosts_too() -> None:
    hosts = hosts_of(
        [Endpoints()], ["https://www.example.org/a", "https://www.example.org/b", "https://b.example:8443/"]
    )
    assert hosts.web == ("www.example.org:443", "b.example:8443")
