"""``conform serve``: the process becomes the server."""

from __future__ import annotations

import os
import sys

import pytest

from conformance.commands import serve
from conformance.errors import ExitStatus, InputError
from conformance.model import Side
from conformance.rig.serving.bundled import program


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the process turned into; it stays what it was."""
    calls: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, arguments: calls.append([path, *arguments]))
    return calls


@pytest.mark.parametrize("side", Side)
def test_it_becomes_the_bundled_program(side: Side, became: list[list[str]]) -> None:
    serve.serve(side.value, ["--port", "0"])
    assert became == [[sys.executable, sys.executable, str(program(side)), "--port", "0"]]


def test_help_says_where_help_is(capsys: pytest.CaptureFixture[str], became: list[list[str]]) -> None:
    assert serve.serve("--help", []) is ExitStatus.CONFORMS
    assert "conform serve local --help" in capsys.readouterr().out
    assert became == []


def test_a_slip_gets_the_nearest_name(became: list[list[str]]) -> None:
    with pytest.raises(InputError, match="no server 'publik'; did you mean 'public'"):
        serve.serve("publik", [])
    assert became == []
