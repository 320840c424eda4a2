"""Run by test_program.py: deploys with Pulumi's mocks and prints what was registered; nothing leaves this process."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import pulumi
from servers.public.deploy.program import deploy
from servers.public.deploy.settings import Settings

SETTINGS = Settings("eu-west-1", "api.example.com", "Z1", (), "ops@example.com", "s3cret")
resources: list[dict[str, Any]] = []
outputs: dict[str, Any] = {}


def new_resource(self: object, args: Any) -> list[Any]:
    """Note it, and make up what AWS would say."""
    inputs = dict(args.inputs)
    if "code" in inputs:
        inputs["code"] = sorted(inputs["code"].assets)
    resources.append({"type": args.typ, "name": args.name, "inputs": inputs})
    made = {"arn": f"arn:{args.name}", "name": args.name, "executionArn": f"arn:run:{args.name}", "version": "1"}
    made |= {"invokeArn": f"arn:invoke:{args.name}", "apiEndpoint": f"wss://{args.name}.aws.example"}
    made |= {"domainName": "d.cloudfront.example", "hostedZoneId": "Z2", "fqdn": "proof.example"}
    proof = {"resourceRecordName": "p", "resourceRecordType": "CNAME", "resourceRecordValue": "v"}
    return [f"{args.name}-id", {**made, "domainValidationOptions": [proof], **args.inputs}]


def run() -> Any:
    """The deployment that the test asks for."""
    changes = json.loads(sys.argv[1])
    changes["origins"] = tuple(changes["origins"])
    return pulumi.Output.all(**deploy(replace(SETTINGS, **changes))).apply(outputs.update)


def main() -> None:
    """Deploy, wait, print."""
    mocks = type("Mocks", (pulumi.runtime.Mocks,), {"new_resource": new_resource, "call": lambda self, args: {}})
    pulumi.runtime.set_mocks(mocks(), preview=False)
    pulumi.runtime.test(run)()
    sys.stdout.write(json.dumps({"resources": resources, "outputs": outputs}))


if __name__ == "__main__":
    main()
