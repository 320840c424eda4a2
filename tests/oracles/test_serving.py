"""The servers' oracles: each with what passes, what fails, and nothing at all."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.events import Event, ObservationEnded, Source
from conformance.model import Profile
from conformance.oracles import ORACLES, Case
from conformance.server_events import Fuzzed, Limited, ListensOn, Measured, Outcome, Tried, Wanted
from conformance.server_plan import SERVER_SCENARIOS
from conformance.timeline import Timeline
from conformance.verdict import Finding, Verdict

ORIGIN = "chrome-extension://aaaa"
JSON = ("content-type: application/json; charset=utf-8",)
BODY = '{"service":"semantest","version":"1.0.0","type":"local"}'
PUBLIC_BODY = BODY.replace("local", "public")
SCENARIOS = {one.scenario.id: one.scenario for one in SERVER_SCENARIOS}
JUDGED = ("LOC-1", "LOC-2", "LOC-3", "LOC-4", "LOC-5", "API-1", "API-2", "API-3", "API-4", "API-7", "API-8")


def tried(what: str = "signature", **fields: Any) -> Tried:  # noqa: ANN401 - the event's own fields
    side = fields.pop("side", Source.LOCAL)
    given: dict[str, Any] = {
        "wanted": Wanted.ANSWERED,
        "outcome": Outcome.ANSWERED,
        "status": 200,
        "headers": JSON,
        "body": BODY,
    }
    return Tried(at_ms=1.0, source=side, what=what, **(given | fields))


def judged(id_: str, scenario: str, *seen: Event) -> Finding:
    case = Case.of(SCENARIOS[scenario], Profile("s", "1", ""), Timeline.of(seen), 5)
    finding = ORACLES[id_].judge(case)
    assert finding is not None
    assert finding.requirement == id_
    return finding


@pytest.mark.parametrize("id_", JUDGED)
def test_nothing_at_all_is_inconclusive(id_: str) -> None:
    scenario = next(name for name, one in SCENARIOS.items() if id_ in one.covers)
    finding = judged(id_, scenario)
    assert (finding.verdict, finding.arose) == (Verdict.INCONCLUSIVE, False)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, ""),
        ({"body": BODY.replace("semantest", "Semantest")}, "service is 'Semantest'"),
        ({"body": '{"service":"semantest","type":"local"}'}, "version is missing"),
        ({"body": BODY.replace('"1.0.0"', "1")}, "version is 1"),
        ({"body": BODY.replace("local", "public")}, "type is 'public'"),
        ({"body": f"[{BODY}]"}, "no JSON object"),
        ({"body": "<html>"}, "no JSON object"),
        ({"headers": ("content-type: text/html",)}, "content type is text/html"),
        ({"headers": ()}, "content type is missing"),
        ({"status": 201}, "201; 200 wanted"),
        ({"outcome": Outcome.SILENT, "status": 0}, "silent"),
    ],
)
def test_signature(change: dict[str, Any], says: str) -> None:
    finding = judged("LOC-1", "local-signature", tried(**change))
    assert finding.verdict is (Verdict.FAIL if says else Verdict.PASS)
    assert says in finding.reason
    assert finding.evidence == (0,)


def test_the_public_signature_is_of_the_public_kind() -> None:
    right = tried(side=Source.PUBLIC, body=PUBLIC_BODY)
    assert judged("API-3", "public-signature", right).verdict is Verdict.PASS
    assert judged("API-3", "public-signature", tried(side=Source.PUBLIC)).verdict is Verdict.FAIL


def shake(**fields: Any) -> Tried:  # noqa: ANN401 - the event's own fields
    given: dict[str, Any] = {"what": "handshake, plain", "wanted": Wanted.OPEN, "outcome": Outcome.OPEN, "status": 101}
    return tried(**(given | fields))


def test_a_handshake_opens_a_session_or_does_not() -> None:
    assert judged("LOC-2", "local-handshakes", shake()).verdict is Verdict.PASS
    refused = judged("LOC-2", "local-handshakes", shake(), shake(outcome=Outcome.ANSWERED, status=403))
    assert refused.verdict is Verdict.FAIL
    assert refused.reason == "handshake, plain: 403; an open session wanted"
    assert refused.evidence == (1,)


def test_the_first_of_several_that_went_wrong_is_told_and_the_others_counted() -> None:
    wrong = [shake(what=f"handshake {number}", outcome=Outcome.ANSWERED, status=403) for number in (1, 2, 3)]
    two = judged("LOC-2", "local-handshakes", shake(), *wrong[:2])
    assert two.reason == "handshake 1: 403; an open session wanted (and 1 more of 3)"
    three = judged("LOC-2", "local-handshakes", shake(), *wrong)
    assert three.reason.endswith("(and 2 more of 4)")
    assert three.evidence == (1, 2, 3)


def test_only_what_was_sent_to_the_server_under_that_name_counts() -> None:
    other = tried("signature", wanted=Wanted.OPEN, outcome=Outcome.SILENT)
    own = shake(side=Source.RIG, outcome=Outcome.SILENT)
    finding = judged("LOC-2", "local-handshakes", shake(), other, own)
    assert (finding.verdict, finding.evidence) == (Verdict.PASS, (0,))


@pytest.mark.parametrize(
    ("allowed", "says"),
    [
        (ORIGIN, ""),
        ("*", ""),
        ("https://a.example", f"Access-Control-Allow-Origin is https://a.example, so {ORIGIN} cannot read it"),
        ("", f"Access-Control-Allow-Origin is missing, so {ORIGIN} cannot read it"),
    ],
)
def test_cors(allowed: str, says: str) -> None:
    headers = (*JSON, f"access-control-allow-origin: {allowed}") if allowed else JSON
    finding = judged("LOC-3", "local-cors", tried(origin=ORIGIN, headers=headers))
    assert finding.verdict is (Verdict.FAIL if says else Verdict.PASS)
    assert finding.reason.endswith(says)


@pytest.mark.parametrize(
    ("addresses", "verdict"),
    [
        (("127.0.0.1", "::1"), Verdict.PASS),
        (("0.0.0.0",), Verdict.FAIL),  # noqa: S104 - seen, not bound
        (("127.0.0.1", "192.0.2.7"), Verdict.FAIL),
        (("::",), Verdict.FAIL),
        ((), Verdict.INCONCLUSIVE),
    ],
)
def test_addresses(addresses: tuple[str, ...], verdict: Verdict) -> None:
    seen = ListensOn(at_ms=1.0, source=Source.LOCAL, addresses=addresses)
    assert judged("LOC-4", "local-addresses", seen).verdict is verdict


@pytest.mark.parametrize(
    ("fields", "passes"),
    [
        ({"outcome": Outcome.ANSWERED, "status": 403}, True),
        ({"outcome": Outcome.ENDED, "status": 0}, True),
        ({"outcome": Outcome.OPEN, "status": 101}, False),
        ({"outcome": Outcome.ANSWERED, "status": 500}, False),
        ({"outcome": Outcome.SILENT, "status": 0}, False),
    ],
)
def test_a_page_gets_no_session(fields: dict[str, Any], passes: bool) -> None:
    finding = judged("LOC-4", "local-origins", shake(what="handshake, a web page", wanted=Wanted.REFUSED, **fields))
    assert finding.verdict is (Verdict.PASS if passes else Verdict.FAIL)


@pytest.mark.parametrize(
    ("p99", "floor", "verdict", "says"),
    [
        (3.0, 1.0, Verdict.PASS, "p99 of 9 answers is 3.0 ms"),
        (10.0, 9.0, Verdict.PASS, "p99 of 9 answers is 10.0 ms"),
        (
            12.0,
            8.0,
            Verdict.INCONCLUSIVE,
            "machine too busy, an empty server has a p99 of 8.0 ms, and who asked was up to 0.0 ms late: p99 of",
        ),
        (12.0, 2.0, Verdict.INCONCLUSIVE, "machine too busy"),
        (12.0, 1.0, Verdict.FAIL, "p99 of 9 answers is 12.0 ms"),
    ],
)
def test_latency(p99: float, floor: float, verdict: Verdict, says: str) -> None:
    seen = Measured(at_ms=1, source=Source.LOCAL, what="x", samples=9, p50_ms=1, p99_ms=p99, floor_p99_ms=floor)
    finding = judged("LOC-5", "local-latency", seen)
    assert (finding.verdict, finding.measured_ms, finding.budget_ms) == (verdict, p99, 10)
    assert finding.reason.startswith(says)


def test_a_latency_has_one_decimal() -> None:
    seen = Measured(at_ms=1, source=Source.LOCAL, what="x", samples=9, p50_ms=1, p99_ms=12.06, floor_p99_ms=1)
    assert judged("LOC-5", "local-latency", seen).measured_ms == 12.1


@pytest.mark.parametrize(("lag", "verdict"), [(280.0, Verdict.INCONCLUSIVE), (250.0, Verdict.FAIL)])
def test_who_asks_late_does_not_blame_the_server(lag: float, verdict: Verdict) -> None:
    """Seen on the reference at a load average of 18: the empty server had been asked in a better moment."""
    slow = Measured(at_ms=1, source=Source.LOCAL, what="x", samples=9, p50_ms=1, p99_ms=290, floor_p99_ms=20)
    ended = ObservationEnded(at_ms=2, source=Source.RIG, reason="it was over", lag_ms=lag)
    finding = judged("LOC-5", "local-latency", slow, ended)
    assert finding.verdict is verdict
    assert ("was up to 280.0 ms late" in finding.reason) is (verdict is Verdict.INCONCLUSIVE)


def tls(**outcomes: Outcome) -> list[Tried]:
    modern = outcomes.get("modern", Outcome.OPEN)
    return [
        tried("TLS 1.3", side=Source.PUBLIC, wanted=Wanted.OPEN, outcome=modern, status=0),
        tried("TLS 1.2", side=Source.PUBLIC, wanted=Wanted.OPEN, outcome=outcomes.get("older", modern), status=0),
        tried(
            "TLS 1.1", side=Source.PUBLIC, wanted=Wanted.REFUSED, outcome=outcomes.get("old", Outcome.REFUSED), status=0
        ),
        tried(
            "the certificate",
            side=Source.PUBLIC,
            wanted=Wanted.OPEN,
            outcome=outcomes.get("chain", Outcome.OPEN),
            status=0,
        ),
    ]


@pytest.mark.parametrize(
    ("outcomes", "passes"),
    [
        ({}, True),
        ({"older": Outcome.REFUSED}, True),  # TLS 1.3 alone is newer than 1.2
        ({"modern": Outcome.REFUSED}, False),
        ({"old": Outcome.OPEN}, False),
        ({"chain": Outcome.REFUSED}, False),
    ],
)
def test_tls(outcomes: dict[str, Outcome], passes: bool) -> None:
    assert judged("API-1", "public-tls", *tls(**outcomes)).verdict is (Verdict.PASS if passes else Verdict.FAIL)


def test_without_any_modern_tls_the_first_try_is_told() -> None:
    seen = [
        tried(f"TLS 1.{minor}", side=Source.PUBLIC, wanted=Wanted.OPEN, outcome=Outcome.REFUSED, detail=f"no 1.{minor}")
        for minor in (3, 2)
    ]
    assert judged("API-1", "public-tls", *seen).reason == "neither TLS 1.2 nor TLS 1.3: no 1.3"


@pytest.mark.parametrize(
    ("scenario", "status", "verdict"), [("health", 200, Verdict.FAIL), ("unhealthy", 503, Verdict.PASS)]
)
def test_only_the_healthy_have_to_say_so_in_json(scenario: str, status: int, verdict: Verdict) -> None:
    seen = tried("health", side=Source.PUBLIC, status=status, headers=())
    assert judged("API-2", f"public-{scenario}", seen).verdict is verdict


@pytest.mark.parametrize(
    ("scenario", "status", "passes"),
    [("health", 200, True), ("health", 503, False), ("unhealthy", 503, True), ("unhealthy", 200, False)],
)
def test_health(scenario: str, status: int, passes: bool) -> None:
    finding = judged("API-2", f"public-{scenario}", tried("health", side=Source.PUBLIC, status=status))
    assert finding.verdict is (Verdict.PASS if passes else Verdict.FAIL)


def allowed(origin: str, *more: str) -> tuple[str, ...]:
    return (*JSON, f"access-control-allow-origin: {origin}", *more)


GET_ALLOWED = "access-control-allow-methods: GET"


@pytest.mark.parametrize(
    ("seen", "passes"),
    [
        (tried("GET /health, it", origin=ORIGIN, headers=allowed(ORIGIN)), True),
        (tried("GET /health, it", origin=ORIGIN), False),
        (tried("GET /health, a page", origin="https://a", wanted=Wanted.REFUSED), True),
        (tried("GET /health, a page", origin="https://a", wanted=Wanted.REFUSED, headers=allowed("*")), False),
        (tried("GET /health, a page", origin="https://a", wanted=Wanted.REFUSED, headers=allowed("https://a")), False),
        (tried("preflight /, it", origin=ORIGIN, status=204, headers=allowed(ORIGIN, GET_ALLOWED)), True),
        (tried("preflight /, it", origin=ORIGIN, status=204, headers=allowed(ORIGIN)), False),
        (tried("preflight /, it", origin=ORIGIN, status=405, headers=allowed(ORIGIN, GET_ALLOWED)), False),
    ],
)
def test_public_cors(seen: Tried, passes: bool) -> None:
    assert judged("API-4", "public-cors", seen).verdict is (Verdict.PASS if passes else Verdict.FAIL)


@pytest.mark.parametrize(("status", "passes"), [(199, False), (200, True), (299, True), (300, False)])
def test_a_preflight_is_answered_with_success(status: int, passes: bool) -> None:
    seen = tried("preflight /, it", origin=ORIGIN, status=status, headers=allowed(ORIGIN, GET_ALLOWED))
    assert judged("API-4", "public-cors", seen).verdict is (Verdict.PASS if passes else Verdict.FAIL)


@pytest.mark.parametrize(("methods", "told"), [((), "none"), (("access-control-allow-methods: put",), "PUT")])
def test_the_methods_of_a_preflight_are_told(methods: tuple[str, ...], told: str) -> None:
    seen = tried("preflight /, it", origin=ORIGIN, status=204, headers=allowed(ORIGIN, *methods))
    assert judged("API-4", "public-cors", seen).reason.endswith(f"GET is not among the allowed methods ({told})")


@pytest.mark.parametrize(
    ("accepted", "status", "others", "passes"),
    [
        (100, 429, True, True),
        (100, 429, None, True),
        (104, 429, True, True),
        (99, 429, True, False),
        (120, 429, True, True),
        (121, 429, True, False),
        (130, 0, None, False),
        (100, 503, True, False),
        (100, 429, False, False),
    ],
)
def test_limit(accepted: int, status: int, others: bool | None, passes: bool) -> None:
    seen = Limited(
        at_ms=1, source=Source.PUBLIC, tried=accepted + 1, accepted=accepted, status=status, within_s=2, others=others
    )
    assert judged("API-7", "public-rate-limit", seen).verdict is (Verdict.PASS if passes else Verdict.FAIL)


@pytest.mark.parametrize(("within", "verdict"), [(60, Verdict.FAIL), (60.5, Verdict.INCONCLUSIVE)])
def test_a_limit_that_was_not_met_within_a_minute_says_nothing(within: float, verdict: Verdict) -> None:
    seen = Limited(at_ms=1, source=Source.PUBLIC, tried=130, accepted=130, status=0, within_s=within)
    finding = judged("API-7", "public-rate-limit", seen)
    assert finding.verdict is verdict
    assert verdict is not Verdict.FAIL or finding.reason == "all of 130 connects in 60 s were let in"


LOST = [400, 403, 429, 499, 501, 505]  # statuses of a refusal
BROKEN = [500, 502, 504, 506, 507, 599]


@pytest.mark.parametrize(
    ("wanted", "status", "passes"),
    [
        *((Wanted.REFUSED, status, True) for status in LOST),
        *((Wanted.REFUSED, status, False) for status in (*BROKEN, 200, 399, 503)),
        *((Wanted.SURVIVED, status, True) for status in (*LOST, 200, 503, 600)),
        *((Wanted.SURVIVED, status, False) for status in BROKEN),
    ],
)
def test_a_refusal_is_no_failure_of_the_servers_own(wanted: Wanted, status: int, passes: bool) -> None:
    finding = judged("API-8", "local-bad-frames", tried("request, x", wanted=wanted, status=status))
    assert finding.verdict is (Verdict.PASS if passes else Verdict.FAIL)


ENDS = {0, 1000, 1002, 1003, 1005, 1007, 1008, 1009}


@pytest.mark.parametrize("code", [-1, 0, 1, *range(999, 1013)])
def test_a_session_is_ended_with_a_code_that_blames_its_client(code: int) -> None:
    seen = tried("frames, x", wanted=Wanted.ENDED, outcome=Outcome.ENDED, status=0, code=code)
    assert judged("API-8", "local-bad-frames", seen).verdict is (Verdict.PASS if code in ENDS else Verdict.FAIL)


@pytest.mark.parametrize(
    ("code", "told"), [(3000, "the session ended with 3000 wanted"), (0, "the session ended wanted")]
)
def test_the_code_that_was_wanted_is_told(code: int, told: str) -> None:
    seen = tried("frames, x", wanted=Wanted.ENDED, outcome=Outcome.SILENT, status=0, code_wanted=code)
    assert judged("API-8", "local-bad-frames", seen).reason == f"frames, x: silent; {told}"


@pytest.mark.parametrize(
    ("fields", "passes"),
    [
        ({"wanted": Wanted.KEPT, "outcome": Outcome.ANSWERED}, True),
        ({"wanted": Wanted.KEPT, "outcome": Outcome.ENDED}, False),
        ({"wanted": Wanted.ENDED, "outcome": Outcome.ENDED, "code": 1002}, True),
        ({"wanted": Wanted.ENDED, "outcome": Outcome.ENDED}, True),
        ({"wanted": Wanted.ENDED, "outcome": Outcome.ENDED, "code": 1011}, False),
        ({"wanted": Wanted.ENDED, "outcome": Outcome.ENDED, "code": 1000, "code_wanted": 3000}, False),
        ({"wanted": Wanted.ENDED, "outcome": Outcome.SILENT}, False),
        ({"wanted": Wanted.SURVIVED, "outcome": Outcome.SILENT}, True),
        ({"wanted": Wanted.SURVIVED, "outcome": Outcome.ANSWERED, "status": 500}, False),
        ({"wanted": Wanted.REFUSED, "outcome": Outcome.ANSWERED, "status": 505}, True),
        ({"wanted": Wanted.REFUSED, "outcome": Outcome.ANSWERED, "status": 200}, False),
    ],
)
def test_bad_clients(fields: dict[str, Any], passes: bool) -> None:
    finding = judged("API-8", "local-bad-frames", tried("frames, x", **({"status": 0} | fields)))
    assert finding.verdict is (Verdict.PASS if passes else Verdict.FAIL)


def fuzzed(**fields: Any) -> Fuzzed:  # noqa: ANN401 - the event's own fields
    given = {"inputs": 100, "ended": 40, "wrong_count": 0, "seed": 7} | fields
    return Fuzzed(at_ms=1, source=Source.LOCAL, what="frames", **given)


def test_fuzzing() -> None:
    alive = tried("bystander", wanted=Wanted.KEPT, status=0)
    fine = judged("API-8", "local-fuzzed-frames", fuzzed(), alive)
    assert (fine.verdict, fine.reason) == (
        Verdict.PASS,
        "100 inputs (seed 7), 40 of them refused; all of 1 as wanted",
    )
    assert judged("API-8", "local-fuzzed-frames", fuzzed(inputs=0), alive).verdict is Verdict.INCONCLUSIVE
    found = judged("API-8", "local-fuzzed-frames", fuzzed(wrong_count=2, wrong=("b'x': broke", "b'y'")), alive)
    assert found.verdict is Verdict.FAIL
    assert found.reason == "2 of 100 inputs (seed 7) were not taken as they must be; b'x': broke"
    dead = tried("bystander", wanted=Wanted.KEPT, outcome=Outcome.ENDED, status=0)
    assert judged("API-8", "local-fuzzed-frames", fuzzed(), dead).verdict is Verdict.FAIL
