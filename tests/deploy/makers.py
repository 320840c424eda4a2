"""What each resource is to AWS: functions, table, APIs. The rest is in ``makers_around.py``.

Inputs are Pulumi's (camel case), calls boto3's. A maker takes what the program gives and adds nothing of its own but
names; an input that it does not know is an error, so that nothing the program says is dropped in silence.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.deploy.making import Aws, Made, Maker, physical, take


def table(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    billing, key, attributes, ttl, encryption = take(
        given, "billingMode", "hashKey", "attributes", "ttl", "serverSideEncryption"
    )
    called = physical(name)
    made = aws("dynamodb").create_table(
        TableName=called,
        BillingMode=billing,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": one["name"], "AttributeType": one["type"]} for one in attributes],
        SSESpecification={"Enabled": encryption["enabled"]},
        Tags=aws.tag_list(),
    )
    aws("dynamodb").update_time_to_live(
        TableName=called, TimeToLiveSpecification={"AttributeName": ttl["attributeName"], "Enabled": ttl["enabled"]}
    )
    return Made(called, {"name": called, "arn": made["TableDescription"]["TableArn"]})


def log_group(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    (days,) = take(given, "retentionInDays")
    called = physical(name)
    aws("logs").create_log_group(logGroupName=called, tags=dict(aws.tags))
    aws("logs").put_retention_policy(logGroupName=called, retentionInDays=days)
    (found,) = aws("logs").describe_log_groups(logGroupNamePrefix=called)["logGroups"]
    return Made(called, {"name": called, "arn": found["arn"].removesuffix(":*")})  # Pulumi's ends without the star


def role(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    (policy,) = take(given, "assumeRolePolicy")
    called = physical(name)
    made = aws("iam").create_role(RoleName=called, AssumeRolePolicyDocument=policy, Tags=aws.tag_list())
    return Made(called, {"name": called, "arn": made["Role"]["Arn"]})


def role_policy(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    its, policy = take(given, "role", "policy")
    aws("iam").put_role_policy(RoleName=its, PolicyName=physical(name), PolicyDocument=policy)
    return Made(f"{its}:{physical(name)}")


_FUNCTION = ("runtime", "handler", "role", "timeout", "architectures", "environment", "loggingConfig", "code")


def function(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    runtime, handler, its_role, timeout, architectures, environment, logging, code, memory, publish, reserved = take(
        given, *_FUNCTION, "memorySize", "publish", "reservedConcurrentExecutions"
    )
    called = physical(name)
    made = aws("lambda").create_function(
        FunctionName=called,
        Runtime=runtime,
        Handler=handler,
        Role=its_role,
        Timeout=timeout,
        MemorySize=memory,
        Architectures=architectures,
        Environment={"Variables": environment["variables"]},
        LoggingConfig={"LogFormat": logging["logFormat"], "LogGroup": logging["logGroup"]},
        Code={"ZipFile": _zip(code)},
        Publish=publish,
        Tags=dict(aws.tags),
    )
    if reserved >= 0:
        aws("lambda").put_function_concurrency(FunctionName=called, ReservedConcurrentExecutions=reserved)
    return Made(called, {"name": called, "arn": made["FunctionArn"], "version": made["Version"]})


def _zip(archive: Mapping[str, Any]) -> bytes:
    """An AssetArchive of files, as the provider sends it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        for path, asset in sorted(archive["assets"].items()):
            out.writestr(path, Path(asset["path"]).read_bytes())
    return made.getvalue()


def alias(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    its, version, called = take(given, "functionName", "functionVersion", "name")
    made = aws("lambda").create_alias(FunctionName=its, Name=called, FunctionVersion=version)
    arn = made["AliasArn"]
    invoke = f"arn:aws:apigateway:{aws.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
    return Made(arn, {"name": called, "arn": arn, "invokeArn": invoke})


def warm(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    its, qualifier, count = take(given, "functionName", "qualifier", "provisionedConcurrentExecutions")
    aws("lambda").put_provisioned_concurrency_config(
        FunctionName=its, Qualifier=qualifier, ProvisionedConcurrentExecutions=count
    )
    return Made(f"{its},{qualifier}")


def permission(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    action, its, qualifier, principal, source = take(given, "action", "function", "qualifier", "principal", "sourceArn")
    aws("lambda").add_permission(
        FunctionName=its,
        Qualifier=qualifier,
        StatementId=physical(name),
        Action=action,
        Principal=principal,
        SourceArn=source,
    )
    return Made(physical(name))


# --- the APIs


def api(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    protocol, selection = take(given, "protocolType", "routeSelectionExpression?")
    more = {"RouteSelectionExpression": selection} if selection else {}
    made = aws("apigatewayv2").create_api(Name=physical(name), ProtocolType=protocol, Tags=dict(aws.tags), **more)
    id_ = made["ApiId"]
    account = aws("sts").get_caller_identity()["Account"]
    arn = f"arn:aws:execute-api:{aws.region}:{account}:{id_}"
    return Made(id_, {"apiEndpoint": made["ApiEndpoint"], "executionArn": arn})


def integration(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    its, kind, uri, version = take(given, "apiId", "integrationType", "integrationUri", "payloadFormatVersion?")
    made = aws("apigatewayv2").create_integration(
        ApiId=its,
        IntegrationType=kind,
        IntegrationUri=uri,
        IntegrationMethod="POST",  # the provider's default for Lambda
        PayloadFormatVersion=version or "1.0",
    )
    return Made(made["IntegrationId"])


def route(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    its, key, target, answers = take(given, "apiId", "routeKey", "target", "routeResponseSelectionExpression?")
    more = {"RouteResponseSelectionExpression": answers} if answers else {}
    made = aws("apigatewayv2").create_route(ApiId=its, RouteKey=key, Target=target, **more)
    return Made(made["RouteId"])


def route_response(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    its, route_id, key = take(given, "apiId", "routeId", "routeResponseKey")
    made = aws("apigatewayv2").create_route_response(ApiId=its, RouteId=route_id, RouteResponseKey=key)
    return Made(made["RouteResponseId"])


def stage(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    its, called, auto, limits = take(given, "apiId", "name", "autoDeploy", "defaultRouteSettings")
    aws("apigatewayv2").create_stage(
        ApiId=its,
        StageName=called,
        AutoDeploy=auto,
        DefaultRouteSettings={
            "ThrottlingRateLimit": limits["throttlingRateLimit"],
            "ThrottlingBurstLimit": limits["throttlingBurstLimit"],
        },
        Tags=dict(aws.tags),
    )
    return Made(called, {"name": called})


MAKERS: Mapping[str, Maker] = {
    "aws:dynamodb/table:Table": table,
    "aws:cloudwatch/logGroup:LogGroup": log_group,
    "aws:iam/role:Role": role,
    "aws:iam/rolePolicy:RolePolicy": role_policy,
    "aws:lambda/function:Function": function,
    "aws:lambda/alias:Alias": alias,
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": warm,
    "aws:lambda/permission:Permission": permission,
    "aws:apigatewayv2/api:Api": api,
    "aws:apigatewayv2/integration:Integration": integration,
    "aws:apigatewayv2/route:Route": route,
    "aws:apigatewayv2/routeResponse:RouteResponse": route_response,
    "aws:apigatewayv2/stage:Stage": stage,
}
