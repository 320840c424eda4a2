"""Requests in, responses out, byte for byte."""

from __future__ import annotations

import asyncio

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.rig.http import SECRET, NotHttp, Request, chunked, may_be_cached, read_request, response


def read(data: bytes) -> Request | None:
    async def scene() -> Request | None:
        reader = asyncio.StreamReader(limit=65536)
        reader.feed_data(data)
        reader.feed_eof()
        return await read_request(reader)

    return asyncio.run(scene())


def test_a_request_is_read_with_lower_case_names() -> None:
    request = read(b"GET /x?y=1 HTTP/1.1\r\nHost: a\r\nX-Thing: 1\r\n\r\n")
    assert request is not None
    assert (request.method, request.target, request.headers["x-thing"]) == ("GET", "/x?y=1", "1")


def test_the_end_of_a_connection_is_no_request() -> None:
    assert read(b"") is None


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"SSH-2.0-x\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nbroken header\r\n\r\n",
    ],
    ids=["tls", "ssh", "no-target", "header-without-colon"],
)
def test_other_bytes_are_told_apart(junk: bytes) -> None:
    with pytest.raises(NotHttp):
        read(junk)


def test_a_head_that_is_too_long_is_no_request() -> None:
    with pytest.raises(NotHttp):
        read(b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000)


def test_the_canary_is_found_wherever_it_is_sent() -> None:
    sent = SECRET.encode()
    request = read(
        b"GET /x?who=" + sent + b" HTTP/1.1\r\nHost: a\r\nX-Me: a " + sent + b"\r\nCookie: " + sent + b"\r\n\r\n"
    )
    assert request is not None
    assert request.credentials == ("cookie", "the canary in x-me", "the canary in its URL")


def test_credentials_are_named_and_their_values_are_not_kept_apart() -> None:
    request = read(b"GET / HTTP/1.1\r\nHost: a\r\nCookie: secret=1\r\nAuthorization: Bearer s\r\n\r\n")
    assert request is not None
    assert request.credentials == ("cookie", "authorization")


def test_an_upgrade_is_seen() -> None:
    request = read(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\n\r\n")
    assert request is not None
    assert request.is_upgrade


def parsed(data: bytes) -> tuple[int, bytes]:
    """What an HTTP client library makes of a response."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    client.receive_data(data)
    head = client.next_event()
    assert isinstance(head, h11.Response)
    body = b""
    while isinstance(event := client.next_event(), h11.Data):
        body += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    return head.status_code, body


@given(st.sampled_from([200, 201, 404, 426, 429, 500, 503]), st.binary(max_size=200))
def test_a_library_reads_the_response_as_it_was_meant(status: int, body: bytes) -> None:
    assert parsed(response(status, {"X": "1"}, body)) == (status, body)


def test_a_204_has_no_body() -> None:
    assert parsed(response(204, {}, b"ignored")) == (204, b"")


@given(st.binary(max_size=200))
def test_chunks_add_up(body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert parsed(head + chunked(body)) == (200, body)


# --- what a browser keeps


@pytest.mark.parametrize(
    ("status", "header", "may"),
    [
        (b"200", b"Content-Type: application/json", False),
        (b"200", b"Cache-Control: no-store", False),
        (b"200", b'Cache-Control: private, No-Store\r\nETag: "1"', False),
        (b"200", b"Cache-Control: max-age=60", True),
        (b"200", b"cache-control: public", True),
        (b"200", b'ETag: "no-store"', True),
        (b"200", b"last-modified: Thu, 01 Jan 1970 00:00:00 GMT", True),
        (b"404", b"Expires: Thu, 01 Jan 2170 00:00:00 GMT", True),
        (b"404", b"X-Cache-Control: max-age=60", False),
        (b"302", b"Location: /", False),
        (b"300", b"Location: /", True),
        (b"301", b"Location: /", True),
        (b"301", b"Cache-Control: no-store", False),
        (b"307", b"Location: /", False),
        (b"308", b"Location: /", True),
        (b"410", b"Location: /", True),
    ],
)
def test_what_a_browser_may_use_again_is_known(status: bytes, header: bytes, *, may: bool) -> None:
    """RFC 9111, 4.2 and 4.3, and Chromium's four statuses that hold for ever."""
    head = b"HTTP/1.1 " + status + b" Whatever\r\n" + header + b"\r\nContent-Length: 6\r\n\r\n"
    assert may_be_cached(head + b"ETag: ") is may
    assert may_be_cached(head.replace(b"1.1", b"1.0", 1)) is may


@pytest.mark.parametrize("data", [b"", b"ETag: x\r\n", b"SSH-2.0-x\r\nETag: x\r\n", b"\x81\x05ETag:"])
def test_what_is_no_response_is_not_kept(data: bytes) -> None:
    assert may_be_cached(data) is False
