"""The network log: by name, not by number, and only what the subject did."""

from __future__ import annotations

import json

from conformance.events import (
    AccessAnswered,
    AccessChecked,
    CertificateRejected,
    Event,
    FetchAnswered,
    FetchEnded,
    FetchStarted,
    LookupStarted,
    OnlineChanged,
    PreconnectStarted,
    SocketClosed,
    SocketFailed,
    SocketFrameSent,
    SocketOpened,
    SocketStarted,
    TcpEnded,
    TcpStarted,
)
from conformance.model import Side
from conformance.rig.netlog import NetLogParser

NAMES = [
    "REQUEST_ALIVE",
    "URL_REQUEST_START_JOB",
    "HTTP_TRANSACTION_READ_RESPONSE_HEADERS",
    "HTTP_CACHE_READ_INFO",
    "CORS_REQUEST",
    "URL_REQUEST_DELEGATE_RESPONSE_STARTED",
    "CANCELLED",
    "LOCAL_NETWORK_ACCESS_CHECK",
    "LOCAL_NETWORK_ACCESS_PERMISSION_REQUESTED",
    "WEBSOCKET_ALIVE",
    "WEBSOCKET_SENT_FRAME_HEADER",
    "TCP_CONNECT_ATTEMPT",
    "CERT_VERIFIER_JOB",
    "HTTP_STREAM_JOB_CONTROLLER",
    "COOKIE_STORE_COOKIE_ADDED",
    "HOST_RESOLVER_MANAGER_REQUEST",
    "NETWORK_CONNECTIVITY_CHANGED",
    "SOMETHING_ELSE",
]
TYPES = {name: number + 40 for number, name in enumerate(NAMES)}
ERRORS = {"ERR_ABORTED": -3, "ERR_CONNECTION_REFUSED": -102, "ERR_WS_UPGRADE": -173}
CONSTANTS = {
    "constants": {
        "logEventTypes": TYPES,
        "netError": ERRORS,
        "certStatusFlag": {"DATE_INVALID": 2, "AUTHORITY_INVALID": 4},
    }
}
EXTENSION = "chrome-extension://abc"
PROBE = "http://localhost:3003/semantest-signature"
SOCKET = "wss://api.extension.semantest.com/"
BEGIN, END, NONE = 1, 2, 0
NEVER_OPENED: list[type[Event]] = [SocketStarted, SocketFailed]


class Log:
    """A log being written."""

    def __init__(self) -> None:
        self.parser = NetLogParser({"127.0.0.1:20001": Side.LOCAL})
        self.seen: list[tuple[str, Event]] = []
        self.feed(json.dumps(CONSTANTS)[:-1].encode() + b",")
        self.feed(b'"events": [')

    def feed(self, line: bytes) -> None:
        self.seen += [(seen.initiator, seen.event) for seen in self.parser.feed(line)]

    def write(self, name: str, source: int, phase: int, **params: object) -> Log:
        entry = {
            "params": params,
            "phase": phase,
            "source": {"id": source, "type": 1},
            "time": "1000",
            "type": TYPES[name],
        }
        self.feed(json.dumps(entry, separators=(",", ":")).encode() + b",")
        return self

    def request(self, source: int, url: str) -> Log:
        self.write("REQUEST_ALIVE", source, BEGIN, url=url)
        return self.write("URL_REQUEST_START_JOB", source, BEGIN, url=url, method="GET", initiator=EXTENSION)

    def socket(self, channel: int, source: int) -> Log:
        return self.write("WEBSOCKET_ALIVE", channel, BEGIN).request(source, SOCKET)

    @property
    def kinds(self) -> list[type[Event]]:
        return [type(event) for _, event in self.seen]

    @property
    def last(self) -> Event:
        return self.seen[-1][1]


def test_a_fetch_is_started_answered_and_ended() -> None:
    log = Log().request(7, PROBE)
    log.write("HTTP_TRANSACTION_READ_RESPONSE_HEADERS", 7, NONE, headers=["HTTP/1.1 404 Not Found", "X: 1"])
    log.write("REQUEST_ALIVE", 7, END)
    assert log.kinds == [FetchStarted, FetchAnswered, FetchEnded]
    started, answered, ended = (event for _, event in log.seen)
    assert isinstance(started, FetchStarted)
    assert (started.url, started.method) == (PROBE, "GET")
    assert isinstance(answered, FetchAnswered)
    assert (answered.status, answered.from_cache) == (404, False)
    assert isinstance(ended, FetchEnded)
    assert ended.error == ""
    assert {initiator for initiator, _ in log.seen} == {EXTENSION}


def test_a_time_is_the_middle_of_its_millisecond() -> None:
    assert Log().request(7, PROBE).last.at_ms == 1000.5


def test_errors_have_their_names() -> None:
    log = Log().request(7, PROBE).write("REQUEST_ALIVE", 7, END, net_error=-102)
    assert isinstance(log.last, FetchEnded)
    assert log.last.error == "ERR_CONNECTION_REFUSED"


def test_an_error_without_a_name_keeps_its_number() -> None:
    log = Log().request(7, PROBE).write("REQUEST_ALIVE", 7, END, net_error=-9999)
    assert isinstance(log.last, FetchEnded)
    assert log.last.error == "ERR_-9999"


def test_a_redirect_starts_again_with_the_same_number() -> None:
    log = Log().request(7, PROBE)
    log.write("URL_REQUEST_START_JOB", 7, BEGIN, url="http://elsewhere/", method="GET", initiator=EXTENSION)
    assert log.kinds == [FetchStarted, FetchStarted]
    assert isinstance(log.last, FetchStarted)
    assert (log.last.request, log.last.url) == (7, "http://elsewhere/")


def test_an_answer_from_the_cache_says_so() -> None:
    log = Log().request(7, PROBE).write("HTTP_CACHE_READ_INFO", 7, END)
    log.write("URL_REQUEST_START_JOB", 7, END)
    assert isinstance(log.last, FetchAnswered)
    assert log.last.from_cache
    assert log.last.status == 200
    assert log.kinds == [FetchStarted, FetchAnswered]


def test_a_copy_that_was_looked_at_and_not_used_is_no_answer() -> None:
    """``cache: "no-cache"``: the browser reads its copy, and asks the server all the same. Seen with Chromium 156."""
    log = Log().request(7, PROBE).write("HTTP_CACHE_READ_INFO", 7, END)
    assert log.kinds == [FetchStarted]
    log.write("URL_REQUEST_START_JOB", 7, END, net_error=-102).write("REQUEST_ALIVE", 7, END, net_error=-102)
    assert log.kinds == [FetchStarted, FetchEnded]


def test_a_server_that_was_asked_all_the_same_is_who_answered() -> None:
    log = Log().request(7, PROBE).write("HTTP_CACHE_READ_INFO", 7, END)
    log.write("HTTP_TRANSACTION_READ_RESPONSE_HEADERS", 7, NONE, headers=["HTTP/1.1 503 Service Unavailable"])
    log.write("URL_REQUEST_START_JOB", 7, END)
    assert log.kinds == [FetchStarted, FetchAnswered]
    assert isinstance(log.last, FetchAnswered)
    assert (log.last.status, log.last.from_cache) == (503, False)


def test_a_stored_answer_that_the_server_confirmed_is_what_the_subject_is_given() -> None:
    log = Log().request(7, PROBE).write("HTTP_CACHE_READ_INFO", 7, END)
    log.write("HTTP_TRANSACTION_READ_RESPONSE_HEADERS", 7, NONE, headers=["HTTP/1.1 304 Not Modified"])
    log.write("URL_REQUEST_START_JOB", 7, END)
    assert log.kinds == [FetchStarted, FetchAnswered]
    assert isinstance(log.last, FetchAnswered)
    assert (log.last.status, log.last.from_cache) == (200, False)


def test_a_socket_opens_sends_and_closes() -> None:
    log = Log().socket(3, 8).write("REQUEST_ALIVE", 8, END, net_error=-173)
    log.write("WEBSOCKET_SENT_FRAME_HEADER", 8, NONE, opcode=1, payload_length=15)
    log.write("WEBSOCKET_ALIVE", 3, END)
    assert log.kinds == [SocketStarted, SocketOpened, SocketFrameSent, SocketClosed]
    frame = log.seen[2][1]
    assert isinstance(frame, SocketFrameSent)
    assert (frame.opcode, frame.size) == ("text", 15)


def test_a_socket_that_never_opens_fails_once() -> None:
    log = Log().socket(3, 8).write("REQUEST_ALIVE", 8, END, net_error=-3).write("WEBSOCKET_ALIVE", 3, END)
    assert log.kinds == NEVER_OPENED
    assert isinstance(log.last, SocketFailed)
    assert log.last.error == "ERR_ABORTED"


def test_a_fetch_that_the_subject_drops_is_given_up() -> None:
    log = Log().request(7, PROBE).write("CANCELLED", 7, NONE).write("REQUEST_ALIVE", 7, END)
    assert isinstance(log.last, FetchEnded)
    assert log.last.error == "ERR_ABORTED"


def test_an_answer_that_the_browser_keeps_back_is_not_given_up_by_the_subject() -> None:
    """Both are cancelled; but what the browser keeps back (CORS) it ends before anybody is told of the answer."""
    kept, given_up = (Log().request(7, PROBE).write("URL_REQUEST_DELEGATE_RESPONSE_STARTED", 7, BEGIN) for _ in "12")
    kept.write("CORS_REQUEST", 7, END).write("URL_REQUEST_DELEGATE_RESPONSE_STARTED", 7, END)
    given_up.write("URL_REQUEST_DELEGATE_RESPONSE_STARTED", 7, END).write("CORS_REQUEST", 7, END)
    ends = [log.write("CANCELLED", 7, NONE).write("REQUEST_ALIVE", 7, END).last for log in (kept, given_up)]
    assert [end.error for end in ends if isinstance(end, FetchEnded)] == ["ERR_BLOCKED_BY_CORS", "ERR_ABORTED"]


def test_a_socket_that_the_subject_drops_while_it_connects_is_given_up() -> None:
    """The channel ends first, and its request without an error: it used to vanish from the timeline."""
    log = Log().socket(3, 8).write("WEBSOCKET_ALIVE", 3, END).write("CANCELLED", 8, NONE)
    log.write("REQUEST_ALIVE", 8, END)
    assert log.kinds == NEVER_OPENED
    assert isinstance(log.last, SocketFailed)
    assert log.last.error == "ERR_ABORTED"


def test_two_sockets_are_not_mixed_up() -> None:
    log = Log().socket(3, 8).socket(4, 9)
    for source in (8, 9):
        log.write("REQUEST_ALIVE", source, END, net_error=-173)
    log.write("WEBSOCKET_ALIVE", 4, END)
    assert isinstance(log.last, SocketClosed)
    assert log.last.request == 9


def test_a_refused_connection_is_seen_by_its_port() -> None:
    log = Log().write("TCP_CONNECT_ATTEMPT", 5, BEGIN, address="127.0.0.1:20001")
    log.write("TCP_CONNECT_ATTEMPT", 5, END, os_error=111)
    begun = log.seen[0][1]
    assert isinstance(begun, TcpStarted)
    assert begun.address == "127.0.0.1:20001"
    assert isinstance(log.last, TcpEnded)
    assert (log.last.side, log.last.error) == (Side.LOCAL, "ERR_CONNECTION_REFUSED")


def test_other_peoples_connections_are_not() -> None:
    assert not Log().write("TCP_CONNECT_ATTEMPT", 5, BEGIN, address="127.0.0.1:9").seen


def test_the_certificates_faults_are_named() -> None:
    log = Log().write("CERT_VERIFIER_JOB", 6, END, cert_status=6, net_error=-202)
    assert isinstance(log.last, CertificateRejected)
    assert log.last.flags == ("AUTHORITY_INVALID", "DATE_INVALID")


def test_a_good_certificate_is_no_event() -> None:
    assert not Log().write("CERT_VERIFIER_JOB", 6, END, cert_status=0).seen


def test_the_access_check_and_a_preconnect_are_seen() -> None:
    log = Log().request(7, PROBE)
    log.write(
        "LOCAL_NETWORK_ACCESS_CHECK",
        7,
        NONE,
        result="lna-permission-required",
        client_address_space="public",
        resource_address_space="loopback",
    )
    log.write("LOCAL_NETWORK_ACCESS_PERMISSION_REQUESTED", 7, NONE, result="denied", address_space="loopback")
    log.write("HTTP_STREAM_JOB_CONTROLLER", 12, BEGIN, is_preconnect=True, url="https://api.extension.semantest.com/")
    assert log.kinds[1:] == [AccessChecked, AccessAnswered, PreconnectStarted]
    checked, answered = (event for _, event in log.seen[1:3])
    assert isinstance(checked, AccessChecked)
    assert (checked.result, checked.client, checked.resource) == ("lna-permission-required", "public", "loopback")
    assert isinstance(answered, AccessAnswered)
    assert (answered.request, answered.answer) == (7, "denied")


def test_a_check_of_a_request_that_is_over_is_nobodys() -> None:
    log = Log().write("LOCAL_NETWORK_ACCESS_CHECK", 7, NONE, result="allowed-no-less-public")
    assert log.write("LOCAL_NETWORK_ACCESS_PERMISSION_REQUESTED", 7, NONE, result="granted").seen == []


def test_a_cookie_that_was_set_is_a_mark_and_no_event() -> None:
    log = Log()
    before = log.parser.marked_ms
    log.write("COOKIE_STORE_COOKIE_ADDED", 3, NONE)
    assert (before, log.parser.marked_ms, log.seen) == (0, 1000, [])


def test_a_look_up_is_seen_by_the_port_that_its_name_is_mapped_to() -> None:
    log = Log()
    for host in ("http://127.0.0.1:20001", "127.0.0.1:20001", "https://127.0.0.1:9", "https://~notfound"):
        log.write("HOST_RESOLVER_MANAGER_REQUEST", 2, BEGIN, host=host)
        log.write("HOST_RESOLVER_MANAGER_REQUEST", 2, END)
    assert log.kinds == [LookupStarted, LookupStarted]
    assert isinstance(log.last, LookupStarted)
    assert log.last.side is Side.LOCAL


def test_the_browser_notices_that_the_network_goes_and_comes_back() -> None:
    log = Log().write("NETWORK_CONNECTIVITY_CHANGED", 1, NONE, new_connection_type="CONNECTION_NONE")
    log.write("NETWORK_CONNECTIVITY_CHANGED", 1, NONE, new_connection_type="CONNECTION_UNKNOWN")
    assert [event.online for _, event in log.seen if isinstance(event, OnlineChanged)] == [False, True]


def test_other_types_and_torn_lines_are_passed_over() -> None:
    log = Log().write("SOMETHING_ELSE", 1, NONE)
    log.feed(b"")
    log.feed(b"]}")
    log.feed(b'{"type":abc}')
    assert log.seen == []


def test_nothing_is_understood_before_the_constants() -> None:
    assert NetLogParser({}).feed(b'{"type":40}') == []
