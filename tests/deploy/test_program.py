"""The deployment, as Pulumi would register it: every requirement of the public server has its resource.

Pulumi's own mocks: nothing is deployed here. test_moto.py and test_ministack.py deploy it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pulumi", reason="pulumi is not installed; .ci/deploy makes an environment that has it")

# What each function does to the table; as in the program, and written out once more so that a change is seen.
TABLE_ACTIONS: dict[str, list[str]] = {
    "connect": ["dynamodb:UpdateItem", "dynamodb:GetItem", "dynamodb:PutItem"],
    "disconnect": ["dynamodb:DeleteItem"],
    "default": [],
    "health": ["dynamodb:GetItem"],
    "signature": [],
}
ORIGIN = f"chrome-extension://{'a' * 32}"
ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("mocked.py")


@dataclass(frozen=True)
class Seen:
    """One resource as it was registered."""

    type: str
    name: str
    inputs: dict[str, Any]


@cache
def deployed(**changes: Any) -> tuple[tuple[Seen, ...], dict[str, Any]]:
    """Every resource, and the outputs, by a process of its own: Pulumi leaves event loops open behind it."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "fixtures"), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, str(SCRIPT), json.dumps({"origins": [ORIGIN], **changes})],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return tuple(Seen(**one) for one in told["resources"]), told["outputs"]


def of(kind: str, **changes: Any) -> list[Seen]:
    return [one for one in deployed(**changes)[0] if one.type.lower().endswith(kind.lower())]


def only(kind: str, name: str = "") -> dict[str, Any]:
    (found,) = [one for one in of(kind) if name in ("", one.name)]
    return found.inputs


# --- a requirement each --------------------------------------------------------------------------


def test_api_1_one_host_under_tls() -> None:
    one = only(":Distribution")
    assert one["aliases"] == ["api.example.com"]
    assert one["viewerCertificate"]["minimumProtocolVersion"] == "TLSv1.2_2021"
    assert one["defaultCacheBehavior"]["targetOriginId"] == "sockets"
    behaviours = [one["defaultCacheBehavior"], *one["orderedCacheBehaviors"]]
    assert {each["viewerProtocolPolicy"] for each in behaviours} == {"https-only"}
    assert {each["pathPattern"]: each["targetOriginId"] for each in one["orderedCacheBehaviors"]} == {
        "/health": "http",
        "/semantest-signature": "http",
    }
    passed = only(":OriginRequestPolicy")["headersConfig"]["headers"]["items"]
    assert {"Origin", "Sec-WebSocket-Key", "Sec-WebSocket-Version"} <= set(passed)
    assert "Host" not in passed
    assert only(":Certificate")["domainName"] == "api.example.com"
    assert {one.inputs["type"] for one in of(":Record") if one.name.startswith("name-")} == {"A", "AAAA"}


def test_api_1_sessions_reach_their_functions() -> None:
    assert only(":Api", "sockets")["protocolType"] == "WEBSOCKET"
    routes = {one.inputs["routeKey"]: one.inputs for one in of(":Route") if one.name.startswith("sockets")}
    assert set(routes) == {"$connect", "$disconnect", "$default"}
    assert routes["$default"]["routeResponseSelectionExpression"] == "$default"
    assert only(":RouteResponse")["routeResponseKey"] == "$default"


def test_api_2_health_reads_the_table_and_nothing_else() -> None:
    assert "GET /health" in {one.inputs["routeKey"] for one in of(":Route")}
    policy = json.loads(only(":RolePolicy", "health-may")["policy"])
    assert policy["Statement"][1] == {"Effect": "Allow", "Action": ["dynamodb:GetItem"], "Resource": "arn:sessions"}


def test_api_3_the_signature_has_its_route() -> None:
    keys = {one.inputs["routeKey"] for one in of(":Route")}
    assert {f"{method} /semantest-signature" for method in ("GET", "HEAD", "OPTIONS")} <= keys


def test_api_4_the_origins_are_the_functions_and_preflight_reaches_them() -> None:
    for one in of(":Function"):
        assert one.inputs["environment"]["variables"]["ALLOWED_ORIGINS"] == ORIGIN
    assert "corsConfiguration" not in only(":Api", "http")  # two answers to one question would differ one day
    assert "OPTIONS /health" in {one.inputs["routeKey"] for one in of(":Route")}


def test_api_5_it_scales_and_is_throttled() -> None:
    assert only(":Table")["billingMode"] == "PAY_PER_REQUEST"
    for stage in of(":Stage"):
        assert stage.inputs["defaultRouteSettings"]["throttlingRateLimit"] == 10_000
    assert of(":ProvisionedConcurrencyConfig") == []
    warm = of(":ProvisionedConcurrencyConfig", provisioned=3)
    assert {one.inputs["provisionedConcurrentExecutions"] for one in warm} == {3}
    assert len(warm) == len(TABLE_ACTIONS)
    assert {one.inputs["reservedConcurrentExecutions"] for one in of(":Function", reserved=50)} == {50}


def test_api_6_health_is_checked_every_30_s_and_alarms() -> None:
    check = only(":HealthCheck")
    assert (check["type"], check["resourcePath"], check["requestInterval"]) == ("HTTPS", "/health", 30)
    alarms = {one.name: one.inputs for one in of(":MetricAlarm")}
    assert alarms["unhealthy"]["dimensions"] == {"HealthCheckId": "health-id"}
    assert alarms["unhealthy"]["treatMissingData"] == "breaching"
    assert {f"{name}-errors" for name in TABLE_ACTIONS} <= set(alarms)
    assert all(alarm["alarmActions"] for alarm in alarms.values())
    assert {one.inputs["endpoint"] for one in of(":TopicSubscription")} == {"ops@example.com"}


def test_api_7_clients_are_counted_by_the_viewers_address() -> None:
    variables = only(":Function", "connect")["environment"]["variables"]
    assert variables["CONNECTS_PER_MINUTE"] == "100"
    assert "CloudFront-Viewer-Address" in only(":OriginRequestPolicy")["headersConfig"]["headers"]["items"]
    for origin in only(":Distribution")["origins"]:
        assert origin["customHeaders"] == [{"name": "x-origin-verify", "value": variables["ORIGIN_SECRET"]}]


# --- the rest ------------------------------------------------------------------------------------


def test_no_role_may_more_than_its_function_does() -> None:
    for name, actions in TABLE_ACTIONS.items():
        statements = json.loads(only(":RolePolicy", f"{name}-may")["policy"])["Statement"]
        assert statements[0]["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
        assert [one["Action"] for one in statements[1:]] == ([actions] if actions else [])
        assert "*" not in {action for one in statements for action in one["Action"]}


def test_logs_and_sessions_go_by_themselves() -> None:
    assert {one.inputs["retentionInDays"] for one in of(":LogGroup")} == {30}
    assert only(":Table")["ttl"] == {"attributeName": "expires", "enabled": True}


def test_the_functions_have_the_code_that_is_tested_here() -> None:
    root = Path(__file__).resolve().parents[2] / "fixtures"
    for one in of(":Function"):
        assert one.inputs["handler"] == f"servers.public.entry.{one.name}"
        files = one.inputs["code"]
        assert {f"servers/public/{name}.py" for name in ("entry", "handlers", "service", "tables")} <= set(files)
        assert all((root / path).is_file() for path in files)


def test_the_outputs_are_what_the_extension_opens() -> None:
    outputs = deployed()[1]
    assert outputs["session"] == "wss://api.example.com/"
    assert outputs["signature"] == "https://api.example.com/semantest-signature"
    assert outputs["health"] == "https://api.example.com/health"
    assert set(outputs) == {"session", "signature", "health", "distribution", "table"}


def test_the_outputs_name_the_distribution_that_the_domain_leads_to_and_the_table_of_the_functions() -> None:
    outputs = deployed()[1]
    aliases = [alias for one in of(":Record") for alias in one.inputs.get("aliases", ())]
    assert outputs["distribution"] == "d.cloudfront.example"
    assert {alias["name"] for alias in aliases} == {outputs["distribution"]}
    (table,) = of(":Table")
    assert outputs["table"] == table.name
    assert {one.inputs["environment"]["variables"].get("TABLE_NAME") for one in of(":Function")} == {outputs["table"]}


def test_everything_has_its_tags_by_its_provider() -> None:
    providers = [one.inputs for one in deployed()[0] if one.type == "pulumi:providers:aws"]
    assert all("semantest" in json.dumps(one["defaultTags"]) for one in providers)
    assert {one["region"] for one in providers} == {"eu-west-1", "us-east-1"}
