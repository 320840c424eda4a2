"""Requests drawn from the document: the same for the same seed, sent by us, noted by what came of them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.errors import RigFailed
from conformance.model import Side
from conformance.openapi import METHODS, Answered, Checked, Drawn, Order, with_every_method
from conformance.results import ScenarioResult
from conformance.rig.recorder import Recorder
from conformance.rig.serving import openapi
from conformance.rig.serving.examination import Examination
from conformance.rig.serving.wire import Answer, Target, Wire
from conformance.server_cases import SIGNATURE_PATH
from conformance.server_events import Fuzzed, Outcome, Tried, Wanted
from conformance.verdict import Verdict
from tests.servers.running import QUICK, local, local_server, named, results

DOCUMENT = openapi.document()
JSON = (("content-type", "application/json"),)
SIGNATURE = b'{"service":"semantest","version":"1.0.0","type":"local"}'


def order(seed: int = 0, count: int = 60) -> Order:
    return Order(with_every_method(DOCUMENT), count, seed)


def checked(its: Order, answers: Callable[[int, Drawn], Answered]) -> tuple[list[Drawn], list[Checked]]:
    async def scene() -> tuple[list[Drawn], list[Checked]]:
        async with openapi.drawer() as drawer:
            drawn = await drawer.draw(its)
            return drawn, await drawer.check([answers(number, one) for number, one in enumerate(drawn)])

    return asyncio.run(scene())


def drawn(its: Order) -> list[Drawn]:
    async def scene() -> list[Drawn]:
        async with openapi.drawer() as drawer:
            return await drawer.draw(its)

    return asyncio.run(scene())


# --- drawing and checking ------------------------------------------------------------------------


def test_the_same_seed_draws_the_same_requests() -> None:
    first = drawn(order())
    assert drawn(order()) == first
    assert drawn(order(seed=1)) != first


def test_whatever_the_document_lets_be_drawn_is_drawn() -> None:
    found = drawn(order(count=400))
    assert 300 <= len(found) <= 400
    assert {(one.path, one.method.lower()) for one in found} == {
        (path, method) for path in DOCUMENT["paths"] for method in METHODS
    }
    gets = [one for one in found if one.method == "GET"]
    assert len(gets) > len(found) / 3
    for sound in (True, False):
        assert {one.has_query for one in gets if one.is_sound is sound} == {True, False}
    names = {header.partition(":")[0] for one in gets for header in one.headers}
    assert {"Origin", "User-Agent", "Accept-Language", "Cookie"} <= names
    assert not [name for name in names if name.lower().startswith("x-schemathesis")]
    posts = [one for one in found if one.method == "POST"]
    assert any(one.data and "Content-Type: application/json" in one.headers for one in posts)


# An answer to GET of the signature, and the checks that find it wrong.
HELD_TO_THE_DOCUMENT: list[tuple[Answered, set[str]]] = [
    (Answered.of(0, 200, JSON, SIGNATURE), set()),
    (Answered.of(0, 200, JSON, SIGNATURE.replace(b'"version":"1.0.0",', b"")), {"response_schema_conformance"}),
    (Answered.of(0, 200, JSON, SIGNATURE.replace(b"1.0.0", b"")), {"response_schema_conformance"}),
    (Answered.of(0, 200, (("content-type", "text/html"),), SIGNATURE), {"content_type_conformance"}),
    (Answered.of(0, 302, (), b""), {"status_code_conformance"}),
    (Answered.of(0, 500, (), b""), {"status_code_conformance", "not_a_server_error"}),
]


def test_answers_are_held_to_the_document() -> None:
    """Each of them by two requests at the least; one process for all, since it takes a second to begin."""

    def answer(number: int, _: Drawn) -> Answered:
        return replace(HELD_TO_THE_DOCUMENT[number % len(HELD_TO_THE_DOCUMENT)][0], number=number)

    sent, found = checked(order(), answer)
    assert [one.number for one in found] == list(range(len(sent)))
    of_get = [one for one in found if (sent[one.number].method, sent[one.number].path) == ("GET", SIGNATURE_PATH)]
    for case, (answered, says) in enumerate(HELD_TO_THE_DOCUMENT):
        its = [one for one in of_get if one.number % len(HELD_TO_THE_DOCUMENT) == case]
        assert len(its) >= 2, answered
        for one in its:
            assert {said.partition(":")[0] for said in one.wrong} == says, answered


def test_bodies_that_nobody_can_read_are_wrong_and_break_nothing() -> None:
    bodies = [b"\xff\xfe{", b"", b"{", b"[" * 5000, b"\x00" * 100, b'"\\ud800"', b"\xef\xbb\xbf" + SIGNATURE]
    strange = (("content-type", "application/json; charset=undefined"), ("content-type", "\xff"), ("", ""))

    def answer(number: int, _: Drawn) -> Answered:
        return Answered.of(number, 200, (JSON[0], *strange)[number % 2 :], bodies[number % len(bodies)])

    sent, found = checked(order(), answer)
    assert len(found) == len(sent)


# --- sending -------------------------------------------------------------------------------------


def examination() -> Examination:
    target = Target(Side.LOCAL, "http://localhost:1", "localhost:1", "localhost", 1, "127.0.0.1", "/base", tls=False)
    return Examination(Wire(target), QUICK, Recorder())


def sent(answers: Callable[[bytes], Answer], count: int, monkeypatch: pytest.MonkeyPatch) -> openapi.Sending:
    async def asked(self: Examination, data: bytes, *, method: str, patience_s: float) -> Answer:
        del self, method, patience_s
        await asyncio.sleep(0)
        return answers(data)

    monkeypatch.setattr(Examination, "asked", asked)
    one = Drawn("GET", "/health", "/health?a", is_sound=True)
    sending = openapi.Sending(examination(), deque((number, one) for number in range(count)))
    asyncio.run(sending.all())
    return sending


def test_every_request_is_sent_below_the_base(monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[bytes] = []

    def answer(data: bytes) -> Answer:
        heads.append(data)
        return Answer(Outcome.ANSWERED, 200, JSON, b"{}")

    sending = sent(answer, 50, monkeypatch)
    assert sorted(sending.answers) == list(range(50))
    assert set(heads) == {b"GET /base/health?a HTTP/1.1\r\nHost: localhost:1\r\n\r\n"}
    assert [one.number for one in sending.answered()] == list(range(50))


def test_a_server_that_counts_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sending = sent(lambda _: Answer(Outcome.ANSWERED, 429), 50, monkeypatch)
    assert sending.answers == {}
    assert len(sending.queue) > 30


def test_a_server_that_is_silent_is_not_waited_for_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sending = sent(lambda _: Answer(Outcome.SILENT, detail="nothing for 20 s"), 50, monkeypatch)
    assert 8 <= len(sending.answers) <= 16
    assert sending.answered() == []


# --- noting --------------------------------------------------------------------------------------


def test_what_was_answered_alike_is_one_event() -> None:
    its = examination()
    plain = Drawn("GET", "/health", "/health", is_sound=True)
    query, put = Drawn("GET", "/health", "/health?a", is_sound=True), Drawn("PUT", "/health", "/health", is_sound=True)
    good, refused = Answer(Outcome.ANSWERED, 200, JSON, b"{}", took_ms=1), Answer(Outcome.ANSWERED, 405, took_ms=2)
    asked = [plain, query, query, put, query]
    answers = {0: good, 1: good, 2: good, 3: refused, 4: good}
    openapi.note(its, DOCUMENT, asked, answers, {4: ("response_schema_conformance: no",)})
    *tried, tally = its.recorder.timeline(0).events
    told = [(one.what, one.alike, one.may_refuse, one.wrong) for one in tried if isinstance(one, Tried)]
    assert told == [
        ("health, GET /health", 1, False, ()),
        ("health, GET /health?a", 2, True, ()),
        ("PUT /health", 1, False, ()),
        ("health, GET /health?a", 1, True, ("response_schema_conformance: no",)),
    ]
    assert [one.wanted for one in tried if isinstance(one, Tried)] == [
        Wanted.TAKEN,
        Wanted.TAKEN,
        Wanted.REFUSED,
        Wanted.TAKEN,
    ]
    assert isinstance(tally, Fuzzed)
    assert (tally.inputs, tally.ended, tally.seed) == (5, 1, QUICK.seed)


# --- the scenario --------------------------------------------------------------------------------


def examined() -> ScenarioResult:
    async def scene() -> ScenarioResult:
        async with local(local_server()) as target:
            return (await results(target, only=named("local-openapi")))["local-openapi"]

    return asyncio.run(scene())


def test_without_the_extra_it_is_unsupported_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openapi, "find_spec", lambda _: None)
    result = examined()
    assert result.verdict is Verdict.UNSUPPORTED
    assert result.reason == "schemathesis is not installed: pip install 'semantest-conformance[openapi]'"


def test_a_process_that_breaks_is_not_the_servers_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openapi, "_PROGRAM", "conformance.nothing_of_the_kind")
    result = examined()
    assert result.verdict is Verdict.ERROR
    assert "schemathesis could not draw: " in result.reason
    assert "nothing_of_the_kind" in result.reason


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("json.tool", "could not draw: nothing for 0.5 s"),  # it waits for the end of what it is told
        ("this", "could not draw: Expecting value"),
    ],
)
def test_a_process_that_says_nothing_or_something_else_is_not_either(
    program: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openapi, "_PROGRAM", program)
    monkeypatch.setattr(openapi, "_SILENT_S", 0.5 if program == "json.tool" else 60.0)
    with pytest.raises(RigFailed, match=says):
        drawn(order())


def test_a_process_that_cannot_be_started_is_not_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with pytest.raises(RigFailed, match=r"could not be started: .*No such file"):
        drawn(order())


def test_whoever_gives_up_leaves_no_process() -> None:
    pids: list[int] = []

    async def scene() -> None:
        async with openapi.drawer() as drawer:
            pids.append(drawer.process.pid)
            raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(scene())
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_nobody_else_has_it(tmp_path: Path) -> None:
    """It changes Hypothesis: neither the command line nor these tests may import it."""
    code = "import sys, conformance.cli, conformance.rig.serving.checks; sys.exit('schemathesis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path).returncode == 0  # noqa: S603
    assert "schemathesis" not in sys.modules
