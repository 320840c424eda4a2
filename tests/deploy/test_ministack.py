"""The unmodified program, deployed into ministack behind HAProxy, and judged by ``conform servers`` as any server is.

What ministack and HAProxy do otherwise than AWS is listed here by name, each with what is seen instead and why; the
list is exact, so that what gets better is noticed as well. No load: ministack takes some 120 messages a second.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pulumi", reason="pulumi is not installed; .ci/deploy makes an environment that has it")

from tests.deploy.double import Deployed
from tests.deploy.edge import edge
from tests.deploy.emulator import emulator
from tests.deploy.making import Aws
from tests.deploy.stack import ORIGIN, REGION, SECRET, deployed_into

PASSED = {
    "public-signature",
    "public-tls",
    "public-health",
    "public-handshakes",
    "public-bad-handshakes",
    "public-frames",
    "public-closes",
    "public-bad-frames",
    "public-fuzzed-http",
    "public-fuzzed-frames",
}
# Scenario → what ``conform servers`` says of it, where AWS, or the reference front, does as it should.
OTHERWISE = {
    # ministack answers OPTIONS itself, by a CORS configuration; API Gateway calls the route where there is none.
    # The one more is the same of /health.
    "public-cors": r"preflight /semantest-signature, the configured extension: 403; a status of success wanted "
    r"\(and 1 more of 24\)",
    # ministack says 403 whenever $connect says anything but 200; API Gateway hands the function's status on.
    "public-rate-limit": r"\d+ of \d+ connects in \d+ s were let in before the first refusal, which was 403 "
    r"and not 429",
    # HAProxy 2.6 lets a null byte in a header through; CloudFront does not.
    "public-malformed-http": r"request, a null in a header: 200; a refusal wanted",
    # hypercorn, in which ministack runs, says 1009 and waits for the client to end the connection.
    "public-oversize": r"frames, a text of 16 MiB: silent with 1009 \(nothing for 3 s\); the session ended wanted",
}
UNMEASURED = {
    "public-openapi": "schemathesis is not installed",  # the environment of these tests is large enough
    "public-half-open": "heartbeat",  # API Gateway has none, and ends an idle session after ten minutes
    "public-load": "not measured",
    "public-alarm": "not measured",  # test_moto.py
}


@dataclass(frozen=True)
class Live:
    """The deployed server, and what was found in it: healthy, and then without its table.

    ``connects``: the statuses of one client's connects until one is refused; ``another``: another client's, then.
    """

    deployed: Deployed
    aws: Aws
    healthy: dict[str, Any]
    connects: list[int]
    another: int
    unhealthy: dict[str, Any]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    directory = tmp_path_factory.mktemp("live")
    with emulator(directory) as port:
        aws = Aws(endpoint=f"http://127.0.0.1:{port}")
        deployed = deployed_into(aws)
        here = aws.within(REGION, {})
        with edge(deployed, port, directory / "edge") as (url, ca):
            for name in ("connect", "disconnect", "default", "health", "signature"):
                invoked(here, deployed, name, {})  # so that no start of a function is taken for silence
            common = ("--public", url, "--ca", str(ca), "--origin", ORIGIN, "--seed", "0", "--inputs", "200")
            healthy = judged(directory / "healthy", *common, "--absent", "heartbeat", "--scenario", "public-[!u]*")
            connects = until_refused(here, deployed, "198.51.100.1")
            another = connect(here, deployed, "198.51.100.2")
            here("dynamodb").delete_table(TableName=deployed.outputs["table"])
            sick = (*common, "--public-unhealthy", url, "--scenario", "public-unhealthy")
            yield Live(deployed, here, healthy, connects, another, judged(directory / "unhealthy", *sick))


def judged(directory: Path, *options: str) -> dict[str, Any]:
    """The results of one ``conform servers``."""
    report = directory / "results.json"
    directory.mkdir()
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-m", "conformance", "servers", *options, "--output", directory, "--report", f"json:{report}"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert report.is_file(), done.stderr
    (subject,) = json.loads(report.read_text())["subjects"]
    assert isinstance(subject, dict)
    return subject


def verdicts(subject: dict[str, Any], key: str) -> dict[str, str]:
    return {one["id"]: one["verdict"] for one in subject[key]}


@pytest.mark.parametrize("id_", ["API-1", "API-2", "API-3"])
def test_what_it_shows(live: Live, id_: str) -> None:
    assert verdicts(live.healthy, "requirements")[id_] == "pass"


def test_api_2_it_is_unhealthy_without_its_table(live: Live) -> None:
    assert verdicts(live.unhealthy, "scenarios") == {"public-unhealthy": "pass"}


def test_every_scenario_has_the_verdict_that_is_expected_of_it(live: Live) -> None:
    found = verdicts(live.healthy, "scenarios")
    assert {id_ for id_, verdict in found.items() if verdict == "pass"} == PASSED
    assert {id_ for id_, verdict in found.items() if verdict == "unsupported"} == set(UNMEASURED)
    assert {id_ for id_, verdict in found.items() if verdict == "fail"} == set(OTHERWISE)


@pytest.mark.parametrize("id_", sorted(UNMEASURED))
def test_what_is_not_measured_says_why(live: Live, id_: str) -> None:
    (reason,) = [one["reason"] for one in live.healthy["scenarios"] if one["id"] == id_]
    assert UNMEASURED[id_] in reason


@pytest.mark.parametrize("id_", sorted(OTHERWISE))
def test_what_the_stand_ins_do_otherwise_is_that_and_no_more(live: Live, id_: str) -> None:
    (reason,) = [one["reason"] for one in live.healthy["scenarios"] if one["id"] == id_]
    assert re.fullmatch(rf"API-\d: {OTHERWISE[id_]}", reason)


def test_api_4_the_deployed_functions_answer_preflights(live: Live) -> None:
    """What ministack does not ask of them; that the route is there is seen in test_moto.py."""
    for name, path in (("health", "/health"), ("signature", "/semantest-signature")):
        for origin, status in ((ORIGIN, 204), ("https://page.example", 403)):
            event = {
                "rawPath": path,
                "headers": {"origin": origin},
                "requestContext": {"http": {"method": "OPTIONS", "path": path}},
            }
            answer = invoked(live.aws, live.deployed, name, event)
            assert answer["statusCode"] == status
            assert answer["headers"].get("Access-Control-Allow-Origin") == (origin if status == 204 else None)


def invoked(aws: Aws, deployed: Deployed, name: str, event: dict[str, Any]) -> Any:
    its = deployed.one("Function", name).made.id
    called = aws("lambda").invoke(FunctionName=its, Qualifier="live", Payload=json.dumps(event))
    return json.loads(called["Payload"].read())


def test_api_7_the_deployed_function_says_429(live: Live) -> None:
    """Which ministack makes a 403 of. A minute that ends meanwhile lets some more in, never twice as many."""
    allowed, refusals = live.connects.count(200), live.connects.count(429)
    assert refusals == 1
    assert live.connects[-1] == 429
    assert 100 <= allowed <= 200
    assert live.another == 200


def connect(aws: Aws, deployed: Deployed, viewer: str) -> int:
    """The status that a client at that address gets, as CloudFront tells of it."""
    headers = {"origin": ORIGIN, "x-origin-verify": SECRET, "cloudfront-viewer-address": f"{viewer}:50000"}
    about = {"connectionId": "direct", "identity": {"sourceIp": "203.0.113.9"}}
    return int(invoked(aws, deployed, "connect", {"headers": headers, "requestContext": about})["statusCode"])


def until_refused(aws: Aws, deployed: Deployed, viewer: str) -> list[int]:
    """The statuses of one client's connects, the first refusal last."""
    statuses = [connect(aws, deployed, viewer)]
    while statuses[-1] == 200 and len(statuses) < 201:
        statuses.append(connect(aws, deployed, viewer))
    return statuses


def test_nothing_is_made_up_here(live: Live) -> None:
    """Every type has its call: what moto lacks, ministack has."""
    assert (
        len(live.aws("cloudfront").list_origin_request_policies(Type="custom")["OriginRequestPolicyList"]["Items"]) == 1
    )
