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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.attempts import Attempt

DELAY_MS = (1000.0, 5000.0)
STEPS_MAX = 16


def throttle_ms(failed: int, succeeded: int, pending: int) -> tuple[float, float]:
    """The least and the most by which a WebSocket is delayed after these others of its process."""
    share = float(2 ** min(pending + failed // (succeeded + 1), STEPS_MAX)) / 2**STEPS_MAX
    return DELAY_MS[0] * share, DELAY_MS[1] * share


def most_ms(attempts: Sequence[Attempt], following: Attempt) -> float:
    """The most by which the first socket of ``following`` was delayed."""
    earlier = [socket for attempt in attempts[: following.index] for socket in attempt.sockets]
    opened = sum(socket.opened is not None for socket in earlier)
    begun_ms = following.started.at_ms
    pending = sum(socket.opened is None and (socket.left is None or socket.left.at_ms > begun_ms) for socket in earlier)
    # Whether the socket itself counts among the connecting ones is left to the order of two arguments.
    return throttle_ms(len(earlier) - opened - pending, opened, pending + 1)[1]


def in_wait_ms(attempts: Sequence[Attempt], following: Attempt, wait_ms: float) -> float:
    """How much of the wait before ``following`` may have been the browser's."""
    return 0.0 if following.probe is not None else min(wait_ms, most_ms(attempts, following))
