"""The unmodified program, deployed into moto: what AWS has afterwards, asked of AWS's own API.

moto has AWS's control plane, and runs nothing. It has no call for two of the types; test_program.py looks at these.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("pulumi", reason="pulumi is not installed; .ci/deploy makes an environment that has it")

from moto import mock_aws

from tests.deploy.double import Deployed
from tests.deploy.making import Aws
from tests.deploy.stack import DOMAIN, GLOBAL, ORIGIN, REGION, SECRET, deployed_into

LACKS = frozenset({"OriginRequestPolicy", "ProvisionedConcurrencyConfig"})
ROUTES = {"$connect": "connect", "$disconnect": "disconnect", "$default": "default"}
MAY = {
    "connect": ["dynamodb:UpdateItem", "dynamodb:GetItem", "dynamodb:PutItem"],
    "disconnect": ["dynamodb:DeleteItem"],
    "default": [],
    "health": ["dynamodb:GetItem"],
    "signature": [],
}
AWS = Aws(lacks=LACKS)
HERE, WORLD = AWS.within(REGION, {}), AWS.within(GLOBAL, {})


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    with mock_aws():
        yield deployed_into(AWS, reservedConcurrency="50")


def api(deployed: Deployed, name: str) -> tuple[str, dict[str, Any]]:
    id_ = deployed.one("Api", name).made.id
    return id_, HERE("apigatewayv2").get_api(ApiId=id_)


# --- a requirement each --------------------------------------------------------------------------


def test_api_1_one_host_with_a_valid_certificate(deployed: Deployed) -> None:
    (listed,) = WORLD("cloudfront").list_distributions()["DistributionList"]["Items"]
    its = WORLD("cloudfront").get_distribution(Id=listed["Id"])["Distribution"]
    config = its["DistributionConfig"]
    arn = config["ViewerCertificate"]["ACMCertificateArn"]
    assert arn.split(":")[3] == GLOBAL  # CloudFront looks for it nowhere else
    certificate = WORLD("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    assert (certificate["DomainName"], certificate["Status"]) == (DOMAIN, "ISSUED")
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert config["Aliases"]["Items"] == [DOMAIN]
    origins = {one["Id"]: one for one in config["Origins"]["Items"]}
    for name, stage in (("sockets", "/live"), ("http", "")):
        id_, made = api(deployed, name)
        assert origins[name]["DomainName"] == made["ApiEndpoint"].partition("://")[2]
        assert id_ in origins[name]["DomainName"]
        assert origins[name]["OriginPath"] == stage
    assert config["DefaultCacheBehavior"]["TargetOriginId"] == "sockets"
    assert {one["PathPattern"]: one["TargetOriginId"] for one in config["CacheBehaviors"]["Items"]} == {
        "/health": "http",
        "/semantest-signature": "http",
    }


def test_api_1_the_name_and_the_proof_are_in_the_zone(deployed: Deployed) -> None:
    zone = WORLD("route53").list_hosted_zones()["HostedZones"][0]["Id"]
    records = WORLD("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    host = deployed.one("Distribution", "one-host").made.outputs["domainName"]
    aliases = {one["Type"]: one["AliasTarget"]["DNSName"].rstrip(".") for one in records if "AliasTarget" in one}
    assert aliases == {"A": host, "AAAA": host}
    (proof,) = [one for one in records if one["Type"] == "CNAME"]
    (asked,) = WORLD("acm").describe_certificate(CertificateArn=deployed.of("Certificate")[0].made.id)["Certificate"][
        "DomainValidationOptions"
    ]
    assert proof["Name"].rstrip(".") == asked["ResourceRecord"]["Name"].rstrip(".")


def test_api_1_every_route_of_a_session_reaches_its_function(deployed: Deployed) -> None:
    id_, made = api(deployed, "sockets")
    assert made["ProtocolType"] == "WEBSOCKET"
    assert functions_of(deployed, id_) == ROUTES
    (stage,) = HERE("apigatewayv2").get_stages(ApiId=id_)["Items"]
    assert (stage["StageName"], stage["AutoDeploy"]) == ("live", True)


def test_api_1_what_default_says_reaches_its_sender(deployed: Deployed) -> None:
    """API Gateway drops a function's answer unless the route selects a response, and has that response."""
    id_, _ = api(deployed, "sockets")
    routes = {one["RouteKey"]: one for one in HERE("apigatewayv2").get_routes(ApiId=id_)["Items"]}
    assert routes["$default"]["RouteResponseSelectionExpression"] == "$default"
    answer = deployed.one("RouteResponse", "sockets-answer")
    found = HERE("apigatewayv2").get_route_response(
        ApiId=id_, RouteId=routes["$default"]["RouteId"], RouteResponseId=answer.made.id
    )
    assert found["RouteResponseKey"] == "$default"


@pytest.mark.parametrize(("path", "name"), [("/health", "health"), ("/semantest-signature", "signature")])
def test_api_2_3_4_requests_and_preflight_reach_their_function(deployed: Deployed, path: str, name: str) -> None:
    id_, made = api(deployed, "http")
    assert made["ProtocolType"] == "HTTP"
    assert "CorsConfiguration" not in made
    routes = functions_of(deployed, id_)
    assert {key: to for key, to in routes.items() if key.endswith(path)} == {
        f"{method} {path}": name for method in ("GET", "HEAD", "OPTIONS")
    }
    (stage,) = HERE("apigatewayv2").get_stages(ApiId=id_)["Items"]
    assert stage["StageName"] == "$default"


def functions_of(deployed: Deployed, id_: str) -> dict[str, str]:
    """Route → the function that it comes to, by way of integration, alias and permission."""
    client = HERE("apigatewayv2")
    uris = {one["IntegrationId"]: one["IntegrationUri"] for one in client.get_integrations(ApiId=id_)["Items"]}
    found = {}
    for route in client.get_routes(ApiId=id_)["Items"]:
        uri = uris[route["Target"].removeprefix("integrations/")]
        (its,) = [one for one in deployed.of("Function") if f":function:{one.made.id}:live/" in uri]
        policy = json.loads(HERE("lambda").get_policy(FunctionName=its.made.id, Qualifier="live")["Policy"])
        allowed = [one["Condition"]["ArnLike"]["AWS:SourceArn"] for one in policy["Statement"]]
        assert any(f":{id_}/*/*" in arn for arn in allowed)
        found[route["RouteKey"]] = its.name
    return found


def test_api_4_only_the_configured_origins_are_told_to_functions(deployed: Deployed) -> None:
    for one in deployed.of("Function"):
        variables = HERE("lambda").get_function_configuration(FunctionName=one.made.id)["Environment"]["Variables"]
        assert variables["ALLOWED_ORIGINS"] == ORIGIN


def test_api_5_it_scales_by_itself_up_to_what_is_set(deployed: Deployed) -> None:
    table = HERE("dynamodb").describe_table(TableName=deployed.outputs["table"])["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    for name in ("sockets", "http"):
        (stage,) = HERE("apigatewayv2").get_stages(ApiId=api(deployed, name)[0])["Items"]
        limits = stage["DefaultRouteSettings"]
        assert (limits["ThrottlingRateLimit"], limits["ThrottlingBurstLimit"]) == (10_000, 5_000)
    for one in deployed.of("Function"):
        kept = HERE("lambda").get_function_concurrency(FunctionName=one.made.id)
        assert kept["ReservedConcurrentExecutions"] == 50


def test_api_6_health_is_checked_every_30_s_and_somebody_is_told(deployed: Deployed) -> None:
    (check,) = WORLD("route53").list_health_checks()["HealthChecks"]
    config = check["HealthCheckConfig"]
    assert (config["Type"], config["FullyQualifiedDomainName"], config["ResourcePath"]) == ("HTTPS", DOMAIN, "/health")
    assert (config["Port"], config["RequestInterval"], config["EnableSNI"]) == (443, 30, True)
    (alarm,) = WORLD("cloudwatch").describe_alarms()["MetricAlarms"]  # Route 53's metrics are there and nowhere else
    assert alarm["Dimensions"] == [{"Name": "HealthCheckId", "Value": check["Id"]}]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert alarm["TreatMissingData"] == "breaching"
    assert told(WORLD, alarm) == {"ops@example.com"}


def test_api_6_every_function_api_and_the_table_has_its_alarms(deployed: Deployed) -> None:
    alarms = HERE("cloudwatch").describe_alarms()["MetricAlarms"]
    watched = {(one["MetricName"], one["Dimensions"][0]["Value"]) for one in alarms}
    wanted = {(metric, one.made.id) for one in deployed.of("Function") for metric in ("Errors", "Throttles")}
    wanted |= {("5xx", api(deployed, "http")[0]), ("IntegrationError", api(deployed, "sockets")[0])}
    wanted |= {("ThrottledRequests", deployed.outputs["table"])}
    assert watched == wanted
    for alarm in alarms:
        assert told(HERE, alarm) == {"ops@example.com"}


def told(aws: Aws, alarm: dict[str, Any]) -> set[str]:
    """Whom an alarm reaches, when it begins and when it ends."""
    assert alarm["AlarmActions"] == alarm["OKActions"]
    (topic,) = alarm["AlarmActions"]
    return {one["Endpoint"] for one in aws("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]}


def test_api_7_clients_are_counted_behind_cloudfront(deployed: Deployed) -> None:
    its = HERE("lambda").get_function_configuration(FunctionName=deployed.one("Function", "connect").made.id)
    variables = its["Environment"]["Variables"]
    assert (variables["CONNECTS_PER_MINUTE"], variables["ORIGIN_SECRET"]) == ("100", SECRET)
    for origin in deployed.one("Distribution", "one-host").inputs["origins"]:
        assert origin["customHeaders"] == [{"name": "x-origin-verify", "value": SECRET}]


# --- the rest ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(MAY))
def test_a_role_may_do_what_its_function_does(deployed: Deployed, name: str) -> None:
    its = deployed.one("Role", f"{name}-role").made.id
    (policy,) = HERE("iam").list_role_policies(RoleName=its)["PolicyNames"]
    document = HERE("iam").get_role_policy(RoleName=its, PolicyName=policy)["PolicyDocument"]
    logs, *table = document["Statement"]
    assert logs["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert logs["Resource"] == f"{deployed.one('LogGroup', f'{name}-logs').made.outputs['arn']}:*"
    assert [one["Action"] for one in table] == [MAY[name]] * bool(MAY[name])
    assert {one["Resource"] for one in table} <= {deployed.one("Table", "sessions").made.outputs["arn"]}
    assert HERE("iam").list_attached_role_policies(RoleName=its)["AttachedPolicies"] == []
    trust = HERE("iam").get_role(RoleName=its)["Role"]["AssumeRolePolicyDocument"]
    assert [one["Principal"] for one in trust["Statement"]] == [{"Service": "lambda.amazonaws.com"}]
    assert (
        HERE("lambda")
        .get_function_configuration(FunctionName=deployed.one("Function", name).made.id)["Role"]
        .endswith(f"/{its}")
    )


def test_logs_go_after_30_days_and_sessions_by_themselves(deployed: Deployed) -> None:
    groups = HERE("logs").describe_log_groups()["logGroups"]
    assert {one["retentionInDays"] for one in groups} == {30}
    ttl = HERE("dynamodb").describe_time_to_live(TableName=deployed.outputs["table"])["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    table = HERE("dynamodb").describe_table(TableName=deployed.outputs["table"])["Table"]
    assert table["SSEDescription"]["Status"] == "ENABLED"


def test_everything_that_costs_carries_the_project_s_tag(deployed: Deployed) -> None:
    arn = deployed.one("Table", "sessions").made.outputs["arn"]
    assert {"Key": "project", "Value": "semantest"} in HERE("dynamodb").list_tags_of_resource(ResourceArn=arn)["Tags"]
    for one in deployed.of("Function"):
        assert HERE("lambda").get_function(FunctionName=one.made.id)["Tags"] == {"project": "semantest"}


@pytest.mark.parametrize("name", sorted(MAY))
def test_a_function_is_the_one_in_entry_py(deployed: Deployed, name: str) -> None:
    its = HERE("lambda").get_function(FunctionName=deployed.one("Function", name).made.id)["Configuration"]
    assert (its["Handler"], its["Runtime"]) == (f"servers.public.entry.{name}", "python3.12")
    assert (its["Timeout"], its["Architectures"]) == (5, ["arm64"])


def test_what_moto_lacks_is_all_that_is_made_up(deployed: Deployed) -> None:
    kinds = {one.type.rpartition(":")[2] for one in deployed.resources}
    assert kinds & LACKS == {"OriginRequestPolicy"}
