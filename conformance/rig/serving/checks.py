"""What each server scenario sends: one function a scenario, found by the scenario's name without its side.

They note what they saw and judge nothing. In the scenarios of bad clients a good one, the bystander, has a
session all along, and is asked after every input whether it still has.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from conformance.model import Side
from conformance.rig.serving import machine
from conformance.rig.serving.examination import Examination
from conformance.rig.serving.fuzzing import Tally, fuzz_frames, fuzz_requests
from conformance.rig.serving.openapi import described
from conformance.rig.serving.talk import NoSession, Talk
from conformance.rig.serving.wire import Answer, Wire, ask
from conformance.server_cases import (
    BAD_FRAMES,
    CLOSES,
    GOOD_FRAMES,
    OTHER_EXTENSION,
    PAGES,
    Sent,
    bad_handshakes,
    good_handshakes,
    malformed_requests,
    oversize_frames,
    request,
    upgrade,
)
from conformance.server_events import Fuzzed, Limited, ListensOn, Measured, Outcome, Tried, Wanted

Check: TypeAlias = Callable[[Examination], Awaitable[None]]

_CONNECTS_MAX: Final = 130
_MINUTE_S: Final = 61.0
_HALF_REQUEST_S: Final = 0.3  # nothing is expected, so nothing is waited for


# --- one function a scenario ---------------------------------------------------------------------


async def signature(its: Examination) -> None:
    """The signature, as a program asks that is no browser."""
    await its.get("signature", its.target.signature_path)


async def local_cors(its: Examination) -> None:
    """The signature, as an extension without host permission asks."""
    await its.get("signature", its.target.signature_path, origin=its.settings.origin)


async def origins(its: Examination) -> None:
    """Handshakes of web pages."""
    for who, origin in PAGES.items():
        data = upgrade(its.target.session_path, its.target.host, f"Origin: {origin}")
        await its.shake(Sent(f"handshake, {who}", Wanted.REFUSED, data), origin=origin)


async def addresses(its: Examination) -> None:
    """Where this machine listens at the server's port."""
    its.record(ListensOn, addresses=machine.listening_on(its.target.port))


async def latency(its: Examination) -> None:
    """The time of the signature, and in turns of the smallest server there is."""
    async with machine.smallest_server() as port:
        floor = Wire(machine.beside(its.target, port))
        data = request(its.target.signature_path, its.target.host)
        took: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(its.settings.probes):
            for mine in (True, False):
                began = time.perf_counter()
                connection = await (its.wire if mine else floor).connect()
                answer = await ask(connection, data)
                connection.abort()
                if mine and answer.outcome is not Outcome.ANSWERED:
                    its.note("signature", Wanted.ANSWERED, answer)
                    return
                took[mine].append((time.perf_counter() - began) * 1000)
    its.record(
        Measured,
        what="signature",
        samples=len(took[True]),
        p50_ms=machine.quantile(took[True], 0.5),
        p99_ms=machine.quantile(took[True], 0.99),
        floor_p99_ms=machine.quantile(took[False], 0.99),
    )


async def handshakes(its: Examination) -> None:
    """Every handshake that is allowed."""
    for sent in good_handshakes(its.target.session_path, its.target.host, its.settings.origin):
        await its.shake(sent, origin=its.settings.origin)


async def refused_handshakes(its: Examination) -> None:
    """Every handshake that is forbidden."""
    await its.watch("")
    for sent in bad_handshakes(its.target.session_path, its.target.host, its.settings.origin):
        await its.shake(sent, origin=its.settings.origin)
        await its.watch(sent.name)
    await its.watch("everything")


async def malformed_http(its: Examination) -> None:
    """What is no request."""
    await its.watch("")
    for sent in malformed_requests(its.target.signature_path, its.target.host):
        patience_s = _HALF_REQUEST_S if sent.wanted is Wanted.SURVIVED else 3.0
        its.note(sent.name, sent.wanted, await its.asked(sent.data, patience_s=patience_s))
        await its.watch(sent.name)
    await its.watch("everything")


async def frames(its: Examination) -> None:
    """Frames that are allowed."""
    await its.talk(GOOD_FRAMES)


async def closes(its: Examination) -> None:
    """Close frames that are allowed."""
    await its.talk(CLOSES, closes=True)


async def bad_frames(its: Examination) -> None:
    """Frames that are forbidden."""
    await its.talk(BAD_FRAMES)


async def oversize(its: Examination) -> None:
    """Messages beyond every measure."""
    await its.talk(oversize_frames())


async def half_open(its: Examination) -> None:
    """A client that answers nothing any more; beside it one that does."""
    await its.watch("")
    talk = await Talk.open(its.wire, its.settings.origin)
    try:
        async with its.attended():  # a client that says something is not to be dropped
            heard = await talk.silent(its.settings.half_open_s)
    finally:
        talk.abort()
    its.heard("a client that is silent", Wanted.ENDED, heard)
    await its.watch("everything")


async def fuzzed_http(its: Examination) -> None:
    """Drawn requests."""
    from conformance.rig.serving import drawing  # noqa: PLC0415 - Hypothesis takes long to load, and only this needs it

    await its.watch("")
    strategy, count = drawing.requests_to(its.target), its.settings.inputs // 2
    async with its.attended():
        inputs = await asyncio.to_thread(drawing.draw, strategy, count, its.settings.seed)
        tally = await fuzz_requests(its.wire, inputs)
    _note_tally(its, "requests", tally)
    await its.watch("everything")


async def fuzzed_frames(its: Examination) -> None:
    """Drawn frames."""
    from conformance.rig.serving import drawing  # noqa: PLC0415 - as above

    await its.watch("")
    count = its.settings.inputs - its.settings.inputs // 2
    async with its.attended():
        inputs = await asyncio.to_thread(drawing.draw, drawing.FRAMES, count, its.settings.seed)
        tally = await fuzz_frames(its.wire, its.settings.origin, inputs)
    _note_tally(its, "frames", tally)
    await its.watch("everything")


def _note_tally(its: Examination, what: str, tally: Tally) -> None:
    its.record(
        Fuzzed,
        what=what,
        inputs=tally.inputs,
        ended=tally.ended,
        wrong_count=tally.wrong_count,
        seed=its.settings.seed,
        wrong=tuple(tally.wrong),
    )


async def tls(its: Examination) -> None:
    """Versions, certificate, plain text."""
    for version, (context, wanted) in machine.tls_versions().items():
        outcome, detail = await machine.greet(its.wire, context)
        its.record(Tried, what=version, wanted=wanted, outcome=outcome, detail=detail)
    outcome, detail = await machine.greet(its.wire, its.wire.context())
    its.record(Tried, what="the certificate", wanted=Wanted.OPEN, outcome=outcome, detail=detail)
    plain = Wire(its.target)
    for name, data in {
        "a request in plain text": request(its.target.health_path, its.target.host),
        "a handshake in plain text": upgrade(
            its.target.session_path, its.target.host, f"Origin: {its.settings.origin}"
        ),
    }.items():
        try:
            connection = await plain.connect(tls=False)
        except (OSError, TimeoutError) as error:
            its.note(name, Wanted.REFUSED, Answer(Outcome.REFUSED, detail=str(error)))
            continue
        answer = await ask(connection, data)
        broken = answer.outcome is Outcome.BROKEN and not answer.status  # a TLS alert is no HTTP
        its.note(name, Wanted.REFUSED, answer, outcome=Outcome.ENDED if broken else "")
        connection.abort()


async def health(its: Examination) -> None:
    """The health of a healthy server."""
    await its.get("health", its.target.health_path)


async def unhealthy(its: Examination) -> None:
    """The health of a server that was made unhealthy."""
    sick = its.settings.unhealthy
    if sick is None:
        raise machine.Missing("nobody made the server unhealthy; give one that is with --public-unhealthy URL")
    answer = await Examination(Wire(sick), its.settings, its.recorder).asked(request(sick.health_path, sick.host))
    its.note("health", Wanted.ANSWERED, answer)


async def public_cors(its: Examination) -> None:
    """Who may read, asked straight and by preflight."""
    others = {**PAGES, "another extension": OTHER_EXTENSION}
    for path in (its.target.signature_path, its.target.health_path):
        for who, origin in {"the configured extension": its.settings.origin, **others}.items():
            wanted = Wanted.ANSWERED if origin == its.settings.origin else Wanted.REFUSED
            await its.get(f"GET {path}, {who}", path, origin=origin, wanted=wanted)
            ask_for = ("Access-Control-Request-Method: GET", "Access-Control-Request-Headers: content-type")
            data = request(path, its.target.host, f"Origin: {origin}", *ask_for, method="OPTIONS")
            its.note(f"preflight {path}, {who}", wanted, await its.asked(data), origin=origin)


async def rate_limit(its: Examination) -> None:
    """One client, again and again."""
    if not its.wire.has_sources:
        await asyncio.sleep(_MINUTE_S)  # what came from here before counts, too
    source, began = its.wire.source(), time.monotonic()
    accepted, status, tried = 0, 0, 0
    while not status and tried < _CONNECTS_MAX:
        tried += 1
        try:
            (await Talk.open(its.wire, its.settings.origin, source=source)).abort()
            accepted += 1
        except NoSession as refused:
            status = int(str(refused)) if str(refused).isdigit() else -1
    within_s = time.monotonic() - began
    others = None
    if its.wire.has_sources:
        try:
            (await Talk.open(its.wire, its.settings.origin)).abort()
            others = True
        except NoSession:
            others = False
    its.record(Limited, tried=tried, accepted=accepted, status=status, within_s=round(within_s, 3), others=others)


CHECKS: Final[dict[str, Check]] = {
    "local-signature": signature,
    "local-cors": local_cors,
    "local-origins": origins,
    "local-addresses": addresses,
    "local-latency": latency,
    "public-signature": signature,
    "public-tls": tls,
    "public-health": health,
    "public-unhealthy": unhealthy,
    "public-cors": public_cors,
    "public-rate-limit": rate_limit,
    **{
        f"{side}-{name}": check
        for side in Side
        for name, check in {
            "handshakes": handshakes,
            "bad-handshakes": refused_handshakes,
            "malformed-http": malformed_http,
            "frames": frames,
            "closes": closes,
            "bad-frames": bad_frames,
            "oversize": oversize,
            "half-open": half_open,
            "openapi": described,
            "fuzzed-http": fuzzed_http,
            "fuzzed-frames": fuzzed_frames,
        }.items()
    },
}
