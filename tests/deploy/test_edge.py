"""CloudFront's stand-in: what the program does not register is not there, and what is missing here is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("pulumi", reason="pulumi is not installed; .ci/deploy makes an environment that has it")

from tests.deploy import edge
from tests.deploy.double import Deployed, Resource
from tests.deploy.making import Made

DEPLOYED = Deployed(
    [
        Resource("aws:apigatewayv2/api:Api", "sockets", "", {"protocolType": "WEBSOCKET"}, Made("abc")),
        Resource("aws:apigatewayv2/stage:Stage", "sockets", "", {"apiId": "abc"}, Made("live")),
        Resource(
            "aws:cloudfront/originRequestPolicy:OriginRequestPolicy",
            "what-is-passed-on",
            "",
            {"headersConfig": {"headers": {"items": ["Origin"]}}},
            Made(""),
        ),
        Resource(
            "aws:cloudfront/distribution:Distribution",
            "one-host",
            "",
            {
                "defaultCacheBehavior": {"targetOriginId": "sockets"},
                "orderedCacheBehaviors": [{"targetOriginId": "http", "pathPattern": "/health"}],
                "origins": [
                    {
                        "originId": "sockets",
                        "domainName": "abc.execute-api.example",
                        "originPath": "/live",
                        "customHeaders": [{"name": "x-origin-verify", "value": "s3cret"}],
                    }
                ],
            },
            Made(""),
        ),
    ]
)


def configuration(deployed: Deployed = DEPLOYED) -> str:
    return edge.configuration(deployed, 4566, Path("both.pem"), 3)


def test_it_is_what_the_distribution_says() -> None:
    text = configuration()
    assert "use_backend http if { path /health }" in text
    assert "default_backend sockets" in text
    assert "http-request set-path /_aws/execute-api/abc/live%[path]" in text
    assert "http-request set-header x-origin-verify s3cret" in text
    assert "(?!(?i:Origin|connection|" in text
    assert "CloudFront-Viewer-Address" not in text  # the policy does not name it


def test_a_stage_that_is_not_there_is_refused_as_api_gateway_does() -> None:
    others = [one for one in DEPLOYED.resources if not one.type.endswith(":Stage")]
    refusal = "http-request deny deny_status 403\n"
    assert refusal not in configuration()
    assert refusal in configuration(replace(DEPLOYED, resources=others))


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "HAPROXY", None)
    with (
        pytest.raises(pytest.fail.Exception, match="apt-get install haproxy"),
        edge.edge(DEPLOYED, 4566, tmp_path / "a"),
    ):
        pass
