"""The one stack that these tests deploy: what is set, and the zone that its domain is in."""

from __future__ import annotations

from tests.deploy.double import Deployed, deploy
from tests.deploy.making import Aws

REGION, GLOBAL = "eu-west-1", "us-east-1"
DOMAIN = "api.example.com"
ORIGIN = f"chrome-extension://{'a' * 32}"
SECRET = "s3cret"  # noqa: S105 - of a stack that nobody has


def config(zone: str, **changes: str) -> dict[str, str]:
    """The settings that have no default, and what a test changes."""
    own = {"zone": zone, "domain": DOMAIN, "origins": ORIGIN, "alarmEmail": "ops@example.com", "originSecret": SECRET}
    return {"aws:region": REGION, **{f"semantest-public:{key}": value for key, value in {**own, **changes}.items()}}


def deployed_into(aws: Aws, **changes: str) -> Deployed:
    """The zone, which is there before a user deploys, and then the program."""
    zone = aws("route53").create_hosted_zone(Name="example.com", CallerReference="tests")["HostedZone"]["Id"]
    return deploy(aws, config(zone, **changes))
