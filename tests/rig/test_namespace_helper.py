"""What is asked of the helper is what it does; what the kernel refuses is said by name. The rest: test_namespace.py."""

from __future__ import annotations

import ctypes
import errno
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from conformance.rig import namespace_helper
from conformance.rig.namespace_helper import CannotError, call, carry_out, serve


class Noted:
    """A space that notes what is done to it."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., int]:
        def note(*arguments: object) -> int:
            self.done.append((name, *arguments))
            return 7

        return note


@pytest.mark.parametrize(
    ("request_", "done", "answer"),
    [
        ({"do": "own", "addresses": ["203.0.113.10"]}, ("own", ["203.0.113.10"]), {}),
        ({"do": "name", "names": {"a.test": ["::1"]}}, ("name", {"a.test": ["::1"]}), {}),
        ({"do": "connect"}, ("connect", namespace_helper.HOME, namespace_helper.WORLD), {}),
        ({"do": "disconnect"}, ("disconnect",), {}),
        ({"do": "drop_syn", "port": 3003, "family": "v6", "count": 2}, ("drop_syn", 3003, "v6", 2), {}),
        ({"do": "dropped"}, ("dropped",), {"dropped": 7}),
        ({"do": "stop_dropping"}, ("stop_dropping",), {}),
    ],
    ids=lambda value: value.get("do", "") if isinstance(value, dict) else "",
)
def test_each_request_is_done(request_: dict[str, Any], done: tuple[Any, ...], answer: dict[str, Any]) -> None:
    space: Any = Noted()
    assert carry_out(space, request_) == (answer, [])
    assert space.done == [done]


def test_what_goes_wrong_is_answered_and_the_next_request_is_served() -> None:
    class Broken(Noted):
        def connect(self, *_: object) -> None:
            raise CannotError("this kernel has no nftables")

        def disconnect(self) -> None:
            raise ValueError("a bug")

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        for what in ("connect", "disconnect", "dropped"):
            ours.send(json.dumps({"do": what, "in": "home"}).encode())
        ours.shutdown(socket.SHUT_WR)
        spaces: Any = {"home": Broken()}
        serve(theirs, spaces)
        answers = [json.loads(ours.recv(4096)) for _ in range(3)]
    assert answers == [{"cannot": "this kernel has no nftables"}, {"failed": "ValueError: a bug"}, {"dropped": 7}]


def test_a_call_that_fails_names_what_was_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "get_errno", lambda: errno.EPERM)
    call("setns", 0)
    with pytest.raises(CannotError, match="setns: Operation not permitted"):
        call("setns", -1)
