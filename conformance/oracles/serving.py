"""The servers' oracles: LOC-1 to LOC-5 and API-1 to API-8, but API-5 and API-6, which no answer shows.

Pure. What was sent, and what a server that conforms does with it, stands in each event; these say whether it did.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conformance.events import ObservationEnded, Source
from conformance.model import Side
from conformance.oracles.findings import evidence_of
from conformance.oracles.registry import oracle
from conformance.server_events import Fuzzed, Limited, ListensOn, Measured, Outcome, Tried, Wanted
from conformance.verdict import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.events import Event
    from conformance.oracles.case import Case

LATENCY_MS_MAX = 10.0
CONNECTS_MIN = 100  # so many in a minute have to come through
_MINUTE_S = 60.0
_CONNECTS_MARGIN = 20  # a limit may count a little late; it must not count a quarter more
_OK, _UNAVAILABLE, _TOO_MANY = 200, 503, 429
_CLIENT_ERRORS = range(400, 500)
_SERVER_ERRORS = range(500, 600)
_REFUSALS = (501, 505)  # a method or a version that the server does not speak: no failure of its own
# How a session may be ended for what its client sent. 1011 says that the server itself broke on it.
_FAILING_CODES = (0, 1000, 1002, 1003, 1005, 1007, 1008, 1009)
_NO_CODE = 0
_SCHEMA = "response_schema_conformance"  # the check's name
_LOOPBACK = ("127.", "::1", "::ffff:127.")


# --- the local server ----------------------------------------------------------------------------


@oracle("LOC-1")
def local_signature(case: Case) -> Finding | None:
    """It says who it is: 200, JSON, the three fields."""
    return _signature(case, "LOC-1", Side.LOCAL)


@oracle("LOC-2")
def local_upgrade(case: Case) -> Finding | None:
    """It opens a session for every handshake that is allowed."""
    return _each(case, "LOC-2", "handshake", _as_wanted)


@oracle("LOC-3")
def local_cors(case: Case) -> Finding | None:
    """It lets an extension read its signature."""
    return _each(case, "LOC-3", "signature", lambda tried: _unreadable(tried) or _unanswered(tried))


@oracle("LOC-4")
def local_only(case: Case) -> Finding | None:
    """It listens on loopback addresses, and opens no session for a web page."""
    listens = case.timeline.first(ListensOn)
    if listens is None:
        return _each(case, "LOC-4", "handshake", _as_wanted)
    if not listens.addresses:
        return Finding("LOC-4", Verdict.INCONCLUSIVE, "nobody listens on that port on this machine, as far as it says")
    wide = [address for address in listens.addresses if not address.startswith(_LOOPBACK)]
    if wide:
        return _failed("LOC-4", f"it listens on {', '.join(wide)}, which other machines can reach", listens)
    return Finding("LOC-4", Verdict.PASS, f"it listens on {', '.join(listens.addresses)}", evidence_of(listens))


@oracle("LOC-5")
def local_latency(case: Case) -> Finding | None:
    """It answers within 10 ms at p99, where the machine lets anybody do so."""
    seen = case.timeline.first(Measured)
    if seen is None:
        return case.absent("LOC-5", "the signature was not measured")
    told = f"p99 of {seen.samples} answers is {seen.p99_ms:.1f} ms (p50 {seen.p50_ms:.1f} ms)"
    told += f"; at most {LATENCY_MS_MAX:.0f} ms allowed"
    verdict = Verdict.PASS
    if seen.p99_ms > LATENCY_MS_MAX:
        # What the smallest server there is took as well is the machine's, and so is what the asking itself was late.
        ended = case.timeline.last(ObservationEnded)
        late_ms = 0.0 if ended is None else ended.lag_ms
        busy = seen.p99_ms - max(seen.floor_p99_ms, late_ms) <= LATENCY_MS_MAX
        verdict = Verdict.INCONCLUSIVE if busy else Verdict.FAIL
        if busy:
            floor = f"an empty server has a p99 of {seen.floor_p99_ms:.1f} ms"
            told = f"machine too busy, {floor}, and who asked was up to {late_ms:.1f} ms late: {told}"
    return Finding(
        "LOC-5", verdict, told, evidence_of(seen), measured_ms=round(seen.p99_ms, 1), budget_ms=LATENCY_MS_MAX
    )


# --- the public server ---------------------------------------------------------------------------


@oracle("API-1")
def public_tls(case: Case) -> Finding | None:
    """It opens sessions under TLS 1.2 or newer with a certificate that holds, and answers nothing in the plain."""
    versions = case.timeline.all(Tried, lambda tried: tried.what in ("TLS 1.2", "TLS 1.3"))
    if versions and all(tried.outcome != Outcome.OPEN for tried in versions):
        return _failed("API-1", f"neither TLS 1.2 nor TLS 1.3: {versions[0].detail}", *versions)
    return _each(case, "API-1", "", lambda tried: "" if tried in versions else _as_wanted(tried))


@oracle("API-2")
def public_health(case: Case) -> Finding | None:
    """It says healthy with 200 and JSON, and unhealthy with 503."""
    wanted = _UNAVAILABLE if case.scenario.id.endswith("unhealthy") else _OK

    def wrong(tried: Tried) -> str:
        if tried.may_refuse and _is_refusal(tried):
            return ""
        if tried.outcome != Outcome.ANSWERED or tried.status != wanted:
            return f"{_did(tried)}; {wanted} wanted"
        # What is in the JSON is the server's affair, whatever the document has there.
        return "" if wanted != _OK else _no_json(tried) or _undescribed(tried, but=_SCHEMA)

    return _each(case, "API-2", "health", wrong)


@oracle("API-3")
def public_signature(case: Case) -> Finding | None:
    """It says who it is: 200, JSON, the three fields, of the public kind."""
    return _signature(case, "API-3", Side.PUBLIC)


@oracle("API-4")
def public_cors(case: Case) -> Finding | None:
    """It lets the configured extensions read its answers, and nobody else; preflights are answered."""

    def wrong(tried: Tried) -> str:
        if tried.wanted == Wanted.REFUSED:
            return "" if _unreadable(tried) else f"{tried.origin} may read it"
        if tried.what.startswith("preflight"):
            methods = _header(tried, "access-control-allow-methods").upper()
            if tried.status not in range(200, 300):
                return f"{_did(tried)}; a status of success wanted"
            if "GET" not in methods and "*" not in methods:
                return f"GET is not among the allowed methods ({methods or 'none'})"
            return _unreadable(tried)
        return _unreadable(tried) or _unanswered(tried)

    return _each(case, "API-4", "", wrong)


@oracle("API-7")
def public_limit(case: Case) -> Finding | None:  # noqa: PLR0911 - one a way to miss it
    """It lets one client connect 100 times a minute, and answers 429 beyond; others come in all the same."""
    seen = case.timeline.first(Limited)
    if seen is None:
        return case.absent("API-7", "nobody connected so often")
    told = f"{seen.accepted} of {seen.tried} connects in {seen.within_s:.0f} s were let in before the first refusal"
    if seen.within_s > _MINUTE_S:
        return Finding(
            "API-7", Verdict.INCONCLUSIVE, f"{told}; too slow a machine, a minute was over", evidence_of(seen)
        )
    if seen.status == _NO_CODE:
        return _failed("API-7", f"all of {seen.tried} connects in {seen.within_s:.0f} s were let in", seen)
    if seen.status != _TOO_MANY:
        return _failed("API-7", f"{told}, which was {seen.status} and not {_TOO_MANY}", seen)
    if not CONNECTS_MIN <= seen.accepted <= CONNECTS_MIN + _CONNECTS_MARGIN:
        return _failed("API-7", f"{told}; {CONNECTS_MIN} a minute wanted", seen)
    if seen.others is False:
        return _failed("API-7", f"{told}; but then another client was refused as well", seen)
    return Finding("API-7", Verdict.PASS, told, evidence_of(seen))


# --- both ----------------------------------------------------------------------------------------


@oracle("API-8")
def bad_clients(case: Case) -> Finding | None:
    """It refuses what it must, keeps what it must, and nobody else loses a session over it."""
    for fuzzed in case.timeline.all(Fuzzed):
        if fuzzed.wrong_count:
            count = f"{fuzzed.wrong_count} of {fuzzed.inputs} inputs (seed {fuzzed.seed})"
            return _failed("API-8", f"{count} were not taken as they must be; {fuzzed.wrong[0]}", fuzzed)
        if not fuzzed.inputs:
            return Finding("API-8", Verdict.INCONCLUSIVE, "no input could be sent", evidence_of(fuzzed))
    told = _each(case, "API-8", "", _as_wanted)
    drawn = case.timeline.first(Fuzzed)
    if drawn is None or told is None or told.verdict is not Verdict.PASS:
        return told
    says = f"{drawn.inputs} inputs (seed {drawn.seed}), {drawn.ended} of them refused; {told.reason}"
    return Finding("API-8", Verdict.PASS, says, evidence_of(drawn))


# --- what they share -----------------------------------------------------------------------------


def _signature(case: Case, id_: str, side: Side) -> Finding | None:
    def wrong(tried: Tried) -> str:
        if tried.may_refuse and _is_refusal(tried):
            return ""
        return of_right_kind(tried) or _undescribed(tried)

    def of_right_kind(tried: Tried) -> str:
        if problem := _unanswered(tried) or _no_json(tried):
            return problem
        data = _object(tried.body)
        if data.get("service") != "semantest":
            return f"its service is {_shown(data, 'service')}, and not 'semantest'"
        if not isinstance(data.get("version"), str) or not data["version"]:
            return f"its version is {_shown(data, 'version')}"
        return "" if data.get("type") == side.value else f"its type is {_shown(data, 'type')}, and not '{side.value}'"

    return _each(case, id_, "signature", wrong)


def _each(case: Case, id_: str, prefix: str, wrong: Callable[[Tried], str]) -> Finding | None:
    """The finding over everything that was tried under names with this prefix: the first that is wrong tells."""
    tried = [one for one in case.timeline.all(Tried) if one.what.startswith(prefix) and _of_a_server(one)]
    if not tried:
        return case.absent(id_, "nothing was sent to the server")
    problems = [(one, problem) for one in tried if (problem := wrong(one))]
    count = sum(one.alike for one in tried)
    if not problems:
        return Finding(id_, Verdict.PASS, f"all of {count} as wanted", evidence_of(*tried))
    first, problem = problems[0]
    others = sum(one.alike for one, _ in problems) - 1
    more = f" (and {others} more of {count})" if others else ""
    return _failed(id_, f"{first.what}: {problem}{more}", *(one for one, _ in problems))


def _of_a_server(tried: Tried) -> bool:
    return tried.source in (Source.LOCAL, Source.PUBLIC)


def _failed(id_: str, reason: str, *seen: Event) -> Finding:
    return Finding(id_, Verdict.FAIL, " ".join(reason.split()), evidence_of(*seen))


def _as_wanted(tried: Tried) -> str:
    """What is wrong with the outcome, by what was wanted; empty if nothing is."""
    match tried.wanted:
        case Wanted.OPEN:
            right = tried.outcome == Outcome.OPEN
        case Wanted.REFUSED:
            right = _is_refusal(tried)
        case Wanted.SURVIVED:
            right = not _is_failure(tried)
        case Wanted.TAKEN:
            right = tried.outcome == Outcome.ANSWERED and not _is_failure(tried)
        case Wanted.KEPT | Wanted.ANSWERED:
            right = tried.outcome == Outcome.ANSWERED
        case _:
            codes = (tried.code_wanted,) if tried.code_wanted else _FAILING_CODES
            right = tried.outcome == Outcome.ENDED and tried.code in codes
    with_code = f" with {tried.code_wanted}" if tried.code_wanted else ""
    return "" if right else f"{_did(tried)}; {tried.wanted}{with_code} wanted"


def _is_refusal(tried: Tried) -> bool:
    if tried.outcome in (Outcome.ENDED, Outcome.REFUSED):
        return True
    return tried.outcome == Outcome.ANSWERED and (tried.status in _CLIENT_ERRORS or tried.status in _REFUSALS)


def _is_failure(tried: Tried) -> bool:
    """Whether the server says that it broke on it."""
    return tried.status in _SERVER_ERRORS and tried.status not in (*_REFUSALS, _UNAVAILABLE)


def _undescribed(tried: Tried, *, but: str = "") -> str:
    """What the OpenAPI document's checks say of the answer, without the check ``but``; empty if nothing."""
    return next((problem for problem in tried.wrong if not but or not problem.startswith(but)), "")


def _did(tried: Tried) -> str:
    """What the server did, in words."""
    what = f"{tried.status}" if tried.status else tried.outcome
    code = f" with {tried.code}" if tried.code else ""
    return f"{what}{code}{f' ({tried.detail})' if tried.detail else ''}"


def _unanswered(tried: Tried) -> str:
    if tried.outcome != Outcome.ANSWERED or tried.status != _OK:
        return f"{_did(tried)}; {_OK} wanted"
    return ""


def _no_json(tried: Tried) -> str:
    kind = _header(tried, "content-type").partition(";")[0].strip().lower()
    if kind != "application/json":
        return f"its content type is {kind or 'missing'}, and not application/json"
    return "" if _object(tried.body) else f"its body is no JSON object: {tried.body:.60}"


def _unreadable(tried: Tried) -> str:
    """Why the browser does not let ``tried.origin`` read this answer; empty if it does (Fetch, CORS check)."""
    allowed = _header(tried, "access-control-allow-origin")
    if allowed in ("*", tried.origin):
        return ""
    return f"Access-Control-Allow-Origin is {allowed or 'missing'}, so {tried.origin} cannot read it"


def _header(tried: Tried, name: str) -> str:
    found = (line.partition(":")[2].strip() for line in tried.headers if line.lower().startswith(f"{name}:"))
    return next(iter(found), "")


def _object(body: str) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _shown(data: dict[str, Any], key: str) -> str:
    return f"{data[key]!r:.60}" if key in data else "missing"
