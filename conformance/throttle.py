"""The browser's own delay of WebSockets after failures, to be told apart from a subject's waits.

Pure. Chromium ``services/network/websocket_throttler.cc``: rand(1 s to 5 s) times 2**n / 65536 for each
WebSocket of a process, where n is its connecting ones, and its failed ones over the opened ones plus one,
16 at most. It forgets after some minutes, so counting from the start tells the most that there can be.

The delay lies before the browser begins with the socket. An attempt that begins with the local check is
not delayed, and what lies between that check's end and the socket may be the browser's. An attempt that
begins with a socket is seen to begin after the delay: the wait before it may be partly the browser's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.events import FetchEnded, SocketClosed, SocketFailed, SocketOpened, SocketStarted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.attempts import Attempt, SocketTry
    from conformance.timeline import Timeline

DELAY_MS = (1000.0, 5000.0)
STEPS_MAX = 16


def throttle_ms(failed: int, succeeded: int, pending: int) -> tuple[float, float]:
    """The least and the most by which a WebSocket is delayed after these others of its process."""
    share = float(2 ** min(pending + failed // (succeeded + 1), STEPS_MAX)) / 2**STEPS_MAX
    return DELAY_MS[0] * share, DELAY_MS[1] * share


def most_after_ms(earlier: Iterable[SocketTry], asked_ms: float) -> float:
    """The most by which a WebSocket is delayed that is made at ``asked_ms`` or later, after these others."""
    others = list(earlier)
    opened = sum(socket.opened is not None for socket in others)
    pending = sum(socket.opened is None and (socket.left is None or socket.left.at_ms > asked_ms) for socket in others)
    # Whether the socket itself counts among the connecting ones is left to the order of two arguments.
    return throttle_ms(len(others) - opened - pending, opened, pending + 1)[1]


def most_ms(attempts: Sequence[Attempt], following: Attempt) -> float:
    """The most by which the first socket of ``following`` was delayed."""
    earlier = (socket for attempt in attempts[: following.index] for socket in attempt.sockets)
    return most_after_ms(earlier, following.started.at_ms)


def in_wait_ms(attempts: Sequence[Attempt], following: Attempt, wait_ms: float) -> float:
    """How much of the wait before ``following`` may have been the browser's."""
    return 0.0 if following.probe is not None else min(wait_ms, most_ms(attempts, following))


def before_socket_ms(attempts: Sequence[Attempt], socket: SocketTry, since_ms: float) -> float:
    """How much of the time from ``since_ms`` to the start of ``socket`` may have been the browser's.

    It holds sockets back and nothing else: the attempt's own check, and the end of its socket before this one,
    came before the subject asked for this one, so only what lies after them may be the browser's.
    """
    (own,) = (attempt for attempt in attempts if socket in attempt.sockets)
    seq, begun_ms = socket.started.seq, socket.started.at_ms
    ends = [one.left for one in own.sockets] + [own.probe.ended if own.probe is not None else None]
    asked_ms = max([since_ms, *(end.at_ms for end in ends if end is not None and end.seq < seq)])
    earlier = (one for attempt in attempts for one in attempt.sockets if one.started.seq < seq)
    return min(begun_ms - asked_ms, most_after_ms(earlier, asked_ms))


def held_ms(timeline: Timeline) -> Mapping[int, float]:
    """For every WebSocket of a timeline, by the number of its start: how long the browser may have held it back.

    No longer than since the subject's last failure or answer: it had no reason to ask for the socket before.
    """
    found: dict[int, float] = {}
    opened = failed = 0
    connecting: set[int] = set()
    last_ms = 0.0
    for event in timeline:
        match event:
            case SocketStarted(request=request):
                most = throttle_ms(failed, opened, len(connecting) + 1)[1]
                found[event.seq] = max(0.0, min(event.at_ms - last_ms, most))
                connecting.add(request)
            case SocketOpened(request=request):
                opened += request in connecting
                connecting.discard(request)
            case SocketFailed(request=request):
                failed += request in connecting
                connecting.discard(request)
        if isinstance(event, FetchEnded | SocketFailed | SocketClosed):
            last_ms = event.at_ms
    return found
