"""One WebSocket session of the load: websockets' sans-I/O core on a plain blocking socket.

Under locust the socket is gevent's, and blocking lets the other sessions go on; here nothing knows of that. One thread
may send while another one receives.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Final

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from conformance.load import CONNECT_S, NOT_IN_TIME

if TYPE_CHECKING:
    from websockets.typing import Origin

    from conformance.load import Place

_READ_BYTES: Final = 64 * 1024
_NO_CODE: Final = 1005


class NotOpened(Exception):
    """There is no session; the message says why, in words that are the same for the same reason."""


class Ended(Exception):
    """The session is over; the message says how."""


def tls_of(place: Place) -> ssl.SSLContext | None:
    """TLS as a browser has it; None where the place has none. One for all sessions: it holds the certificates."""
    return ssl.create_default_context(cafile=place.ca or None) if place.tls else None


class LoadSession:
    """An open session. ``open`` makes one."""

    def __init__(self, sock: socket.socket, protocol: ClientProtocol) -> None:
        self._socket = sock
        self._protocol = protocol
        self._lock = threading.Lock()
        self._closing = False
        self._parts: list[bytes] = []
        self._early: list[bytes] = []  # messages that came in one piece with the handshake's answer

    @classmethod
    def open(
        cls, place: Place, origin: str, tls: ssl.SSLContext | None, source: str = "", patience_s: float = CONNECT_S
    ) -> LoadSession:
        """Connect and shake hands. Raises NotOpened."""
        scheme = "wss" if place.tls else "ws"
        protocol = ClientProtocol(
            parse_uri(f"{scheme}://{place.host}{place.path}"), origin=_origin(origin), max_size=None
        )
        sock: socket.socket | None = None
        try:
            sock = socket.create_connection((place.address, place.port), patience_s, (source, 0) if source else None)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                sock = tls.wrap_socket(sock, server_hostname=place.name)
            session = cls(sock, protocol)
            session._shake_hands()
            sock.settimeout(None)
        except (OSError, NotOpened) as error:  # ssl.SSLError and TimeoutError are OSErrors
            if sock is not None:
                sock.close()
            raise NotOpened(str(error) if isinstance(error, NotOpened) else _words(error)) from None
        return session

    def _shake_hands(self) -> None:
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        while self._protocol.state is State.CONNECTING:
            data = self._socket.recv(_READ_BYTES)
            if data:
                self._protocol.receive_data(data)
            else:
                self._protocol.receive_eof()
            events = self._protocol.events_received()
            answers = [event for event in events if isinstance(event, Response)]
            self._early += [whole for event in events if (whole := self._taken(event))]
            problem = self._protocol.handshake_exc
            if isinstance(problem, InvalidStatus):
                raise NotOpened(f"the handshake was answered {answers[0].status_code if answers else 'strangely'}")
            if problem is not None:
                raise NotOpened("the handshake's answer was wrong" if answers else "ended without an answer")
        self._flush()  # a ping may have come with the answer

    def send(self, text: str) -> None:
        """Send a message. On a session that is over nothing happens: whoever reads is told."""
        with self._lock, contextlib.suppress(OSError):
            if self._protocol.state is State.OPEN:
                self._protocol.send_text(text.encode())
                self._flush()

    def read(self) -> list[bytes]:
        """The messages that came with the next bytes, maybe none; pings are answered. Raises Ended."""
        if self._early:
            early, self._early = self._early, []
            return early
        if self._protocol.state is not State.OPEN and not self._closing:
            raise Ended(self._how())
        try:
            data = self._socket.recv(_READ_BYTES)
        except OSError as error:
            raise Ended(_words(error)) from None
        with self._lock:
            if data:
                self._protocol.receive_data(data)
            else:
                self._protocol.receive_eof()
            messages = [whole for event in self._protocol.events_received() if (whole := self._taken(event))]
            with contextlib.suppress(OSError):
                self._flush()
        if not messages and (not data or self._protocol.state is not State.OPEN):
            raise Ended(self._how())
        return messages

    def _taken(self, event: object) -> bytes | None:
        """The whole message that ends with this frame, if one does."""
        if not isinstance(event, Frame) or event.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return None
        self._parts.append(bytes(event.data))
        if not event.fin:
            return None
        whole = b"".join(self._parts)
        self._parts.clear()
        return whole

    def _how(self) -> str:
        received = self._protocol.close_rcvd
        if received is not None:
            return f"closed with {received.code}" if received.code != _NO_CODE else "closed without a code"
        return "its frames were wrong" if self._protocol.parser_exc else "ended without a close"

    def close(self) -> None:
        """Say good-bye; ``read`` then ends when the server has answered."""
        self._closing = True
        with self._lock, contextlib.suppress(OSError):
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
                self._flush()

    def drop(self) -> None:
        """Give the connection up; whoever reads is woken."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _flush(self) -> None:
        if data := b"".join(self._protocol.data_to_send()):
            self._socket.sendall(data)


def _origin(origin: str) -> Origin | None:
    return origin or None  # type: ignore[return-value]  # websockets' NewType of str


def _words(error: OSError) -> str:
    """Why, without what is of this one connection: equal reasons are counted together."""
    if isinstance(error, ssl.SSLError):
        return f"TLS: {(error.reason or type(error).__name__).lower().replace('_', ' ')}"
    if isinstance(error, TimeoutError):
        return NOT_IN_TIME
    return (error.strerror or type(error).__name__).lower()
