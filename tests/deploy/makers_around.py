"""What each resource is to AWS: one host, its names and its certificate, and what watches over all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.deploy.making import Aws, Made, Maker, physical, take


def request_policy(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    headers, cookies, queries = take(given, "headersConfig", "cookiesConfig", "queryStringsConfig")
    items = headers["headers"]["items"]
    made = aws("cloudfront").create_origin_request_policy(
        OriginRequestPolicyConfig={
            "Name": physical(name),
            "HeadersConfig": {
                "HeaderBehavior": headers["headerBehavior"],
                "Headers": {"Quantity": len(items), "Items": items},
            },
            "CookiesConfig": {"CookieBehavior": cookies["cookieBehavior"]},
            "QueryStringsConfig": {"QueryStringBehavior": queries["queryStringBehavior"]},
        }
    )
    return Made(made["OriginRequestPolicy"]["Id"])


_DISTRIBUTION: tuple[str, ...] = (
    "enabled",
    "isIpv6Enabled",
    "httpVersion",
    "aliases",
    "origins",
    "defaultCacheBehavior",
)
_DISTRIBUTION += ("orderedCacheBehaviors", "restrictions", "viewerCertificate")


def distribution(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    enabled, ipv6, version, aliases, origins, default, ordered, restrictions, certificate = take(given, *_DISTRIBUTION)
    config = {
        "CallerReference": physical(name),
        "Comment": "",
        "Enabled": enabled,
        "IsIPV6Enabled": ipv6,
        "HttpVersion": version,
        "Aliases": _many(aliases),
        "Origins": _many([_origin(each) for each in origins]),
        "DefaultCacheBehavior": _behaviour(default),
        "CacheBehaviors": _many([_behaviour(each) for each in ordered]),
        "Restrictions": {
            "GeoRestriction": {"RestrictionType": restrictions["geoRestriction"]["restrictionType"], "Quantity": 0}
        },
        "ViewerCertificate": {
            "ACMCertificateArn": certificate["acmCertificateArn"],
            "SSLSupportMethod": certificate["sslSupportMethod"],
            "MinimumProtocolVersion": certificate["minimumProtocolVersion"],
        },
    }
    made = aws("cloudfront").create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": config, "Tags": {"Items": aws.tag_list()}}
    )["Distribution"]
    zone = "Z2FDTNDATAQYW2"  # CloudFront's own, the same for every distribution
    return Made(made["Id"], {"domainName": made["DomainName"], "hostedZoneId": zone, "arn": made["ARN"]})


def _many(items: list[Any]) -> dict[str, Any]:
    return {"Quantity": len(items), "Items": items}


def _origin(given: Mapping[str, Any]) -> dict[str, Any]:
    id_, domain, path, headers, custom = take(
        given, "originId", "domainName", "originPath", "customHeaders", "customOriginConfig"
    )
    return {
        "Id": id_,
        "DomainName": domain,
        "OriginPath": path,
        "CustomHeaders": _many([{"HeaderName": one["name"], "HeaderValue": one["value"]} for one in headers]),
        "CustomOriginConfig": {
            "HTTPPort": custom["httpPort"],
            "HTTPSPort": custom["httpsPort"],
            "OriginProtocolPolicy": custom["originProtocolPolicy"],
            "OriginSslProtocols": _many(custom["originSslProtocols"]),
        },
    }


def _behaviour(given: Mapping[str, Any]) -> dict[str, Any]:
    target, viewer, cache, passing, allowed, cached, pattern = take(
        given,
        "targetOriginId",
        "viewerProtocolPolicy",
        "cachePolicyId",
        "originRequestPolicyId",
        "allowedMethods",
        "cachedMethods",
        "pathPattern?",
    )
    return {
        **({"PathPattern": pattern} if pattern else {}),
        "TargetOriginId": target,
        "ViewerProtocolPolicy": viewer,
        "CachePolicyId": cache,
        "OriginRequestPolicyId": passing,
        "AllowedMethods": {**_many(allowed), "CachedMethods": _many(cached)},
    }


# --- names


def certificate(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    domain, method = take(given, "domainName", "validationMethod")
    arn = aws("acm").request_certificate(DomainName=domain, ValidationMethod=method, Tags=aws.tag_list())[
        "CertificateArn"
    ]
    found = aws("acm").describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]
    options = [
        {
            "domainName": each["DomainName"],
            "resourceRecordName": each["ResourceRecord"]["Name"],
            "resourceRecordType": each["ResourceRecord"]["Type"],
            "resourceRecordValue": each["ResourceRecord"]["Value"],
        }
        for each in found
    ]
    return Made(arn, {"arn": arn, "domainValidationOptions": options})


def certificate_validation(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    arn, _ = take(given, "certificateArn", "validationRecordFqdns")
    aws("acm").get_waiter("certificate_validated").wait(
        CertificateArn=arn, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    return Made(arn, {"certificateArn": arn})


def record(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    zone, called, kind, records, ttl, aliases = take(given, "zoneId", "name", "type", "records?", "ttl?", "aliases?")
    wanted: dict[str, Any] = {"Name": called, "Type": kind}
    if aliases:
        (one,) = aliases
        wanted["AliasTarget"] = {
            "HostedZoneId": one["zoneId"],
            "DNSName": one["name"],
            "EvaluateTargetHealth": one["evaluateTargetHealth"],
        }
    else:
        wanted |= {"TTL": ttl, "ResourceRecords": [{"Value": value} for value in records]}
    aws("route53").change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": wanted}]}
    )
    return Made(f"{zone}_{called}_{kind}", {"fqdn": called.removesuffix(".")})


# --- watching


def health_check(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    kind, fqdn, port, path, interval, threshold, sni = take(
        given, "type", "fqdn", "port", "resourcePath", "requestInterval", "failureThreshold", "enableSni"
    )
    made = aws("route53").create_health_check(
        CallerReference=physical(name),
        HealthCheckConfig={
            "Type": kind,
            "FullyQualifiedDomainName": fqdn,
            "Port": port,
            "ResourcePath": path,
            "RequestInterval": interval,
            "FailureThreshold": threshold,
            "EnableSNI": sni,
        },
    )
    return Made(made["HealthCheck"]["Id"])


def topic(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    take(given)
    arn = aws("sns").create_topic(Name=physical(name), Tags=aws.tag_list())["TopicArn"]
    return Made(arn, {"arn": arn})


def subscription(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    its, protocol, endpoint = take(given, "topic", "protocol", "endpoint")
    made = aws("sns").subscribe(TopicArn=its, Protocol=protocol, Endpoint=endpoint, ReturnSubscriptionArn=True)
    return Made(made["SubscriptionArn"])


_ALARM: tuple[str, ...] = (
    "namespace",
    "metricName",
    "dimensions",
    "statistic",
    "period",
    "evaluationPeriods",
    "comparisonOperator",
)
_ALARM += ("threshold", "treatMissingData", "alarmActions", "okActions")


def alarm(aws: Aws, name: str, given: Mapping[str, Any]) -> Made:
    namespace, metric, dimensions, statistic, period, periods, operator, threshold, missing, alarms, oks = take(
        given, *_ALARM
    )
    aws("cloudwatch").put_metric_alarm(
        AlarmName=physical(name),
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        Statistic=statistic,
        Period=period,
        EvaluationPeriods=periods,
        ComparisonOperator=operator,
        Threshold=threshold,
        TreatMissingData=missing,
        AlarmActions=alarms,
        OKActions=oks,
        Tags=aws.tag_list(),
    )
    return Made(physical(name))


MAKERS: Mapping[str, Maker] = {
    "aws:cloudfront/originRequestPolicy:OriginRequestPolicy": request_policy,
    "aws:cloudfront/distribution:Distribution": distribution,
    "aws:acm/certificate:Certificate": certificate,
    "aws:acm/certificateValidation:CertificateValidation": certificate_validation,
    "aws:route53/record:Record": record,
    "aws:route53/healthCheck:HealthCheck": health_check,
    "aws:sns/topic:Topic": topic,
    "aws:sns/topicSubscription:TopicSubscription": subscription,
    "aws:cloudwatch/metricAlarm:MetricAlarm": alarm,
}
