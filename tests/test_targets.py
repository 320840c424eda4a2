"""Targets as a user states them, and what is not done to those that nobody owns."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from conformance.errors import InputError
from conformance.files import load_scenarios
from conformance.model import Drop, FaultSpec, Scenario, Side
from conformance.targets import Standing, TargetSpec, parse_target, why_not

COMMAND = "serve 'a b' --port {port}"


@pytest.mark.parametrize(
    ("url", "tls"),
    [
        ("http://127.0.0.1:3003", False),
        ("ws://localhost:3003", False),
        ("https://api.example.org", True),
        ("wss://api.example.org/prod", True),
    ],
)
def test_a_url(url: str, *, tls: bool) -> None:
    spec = parse_target(Side.PUBLIC, url, ca="ca.pem", owned=True)
    assert (spec.url, spec.command, spec.ca, spec.owned, spec.tls) == (url, (), "ca.pem", True, tls)
    assert str(spec) == f"public: {url}"


def test_a_command_is_no_shells() -> None:
    spec = parse_target(Side.LOCAL, COMMAND)
    assert spec.command == ("serve", "a b", "--port", "{port}")
    assert spec.arguments(4000, "", []) == ["serve", "a b", "--port", "4000"]
    assert not spec.tls


@pytest.mark.parametrize(("text", "ca", "tls"), [("x {port} --ca={ca}", "", True), ("x {port}", "own.pem", True)])
def test_a_command_speaks_tls_where_there_is_a_ca(text: str, ca: str, *, tls: bool) -> None:
    assert parse_target(Side.PUBLIC, text, ca=ca).tls is tls


def test_an_argument_with_an_origin_is_given_for_each_subject() -> None:
    spec = parse_target(Side.PUBLIC, "x --port={port} --ca {ca} --origin={origin} -q")
    assert spec.arguments(1, "file", ["one", "two"]) == [
        "x",
        "--port=1",
        "--ca",
        "file",
        "--origin=one",
        "--origin=two",
        "-q",
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "give a URL, or a command line with {port}"),
        ("serve --port 3003", "it is no URL, and as a command line it needs {port}"),
        ("{port}", "as a command line it needs {port}"),
        ("serve 'x {port}", "this is no command line: no closing quotation; mend its quotes"),
        ("ftp://localhost", "no such kind of URL; write http://"),
        ("http://", "no such kind of URL"),
        ("https://me:secret@api.example.org", "host, port and path are all that a target's URL may have"),
        ("https://api.example.org?token=1", "since the record keeps it"),
    ],
)
def test_what_is_no_target_is_said(text: str, why: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"--local-target {text!r}: ") + ".*" + re.escape(why)):
        parse_target(Side.LOCAL, text)


# --- what is not done to a target that nobody owns -----------------------------------------------


def scenario(name: str) -> Scenario:
    return next(one for one in load_scenarios() if one.id == name)


ELSEWHERE = Standing(parse_target(Side.PUBLIC, "https://api.example.org"), is_here=False)


@pytest.mark.parametrize(
    ("name", "is_fault"),
    [
        ("both-up", False),
        ("local-down", False),  # the fault is the local fake's
        ("local-up", True),
        ("public-killed", True),
        ("public-outage[503]", True),
        ("public-session-lost[reset]", True),
        ("local-session-lost[reset]", False),
    ],
)
def test_a_target_that_is_elsewhere_gets_no_fault(name: str, *, is_fault: bool) -> None:
    why = why_not(scenario(name), [ELSEWHERE])
    if is_fault:
        assert why is not None
        assert "puts a fault before the public target, which is not on this machine" in why
        assert "--i-own-this-target" in why
    else:
        assert why is None


def test_who_owns_it_or_has_it_here_may_do_everything() -> None:
    owned = Standing(replace(ELSEWHERE.spec, owned=True), is_here=False)
    here = Standing(TargetSpec(Side.PUBLIC, "x", url="https://localhost"))
    for one in load_scenarios():
        assert why_not(one, [owned]) is None
        assert why_not(one, [here]) is None
        assert why_not(one, []) is None


def test_a_drop_is_a_fault() -> None:
    plain = scenario("both-up")
    assert why_not(replace(plain, when=(Drop(Side.LOCAL, FaultSpec("half_open")),)), [ELSEWHERE]) is None
    assert why_not(replace(plain, when=(Drop(Side.PUBLIC, FaultSpec("half_open")),)), [ELSEWHERE]) is not None
