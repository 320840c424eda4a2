"""The published OpenAPI document says what the reference servers answer, and they answer nothing else."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types

from conformance.bundle import bundled
from conformance.model import Side
from conformance.rig.serving.wire import Answer, Target, Wire, ask
from conformance.server_cases import EXTENSION, HEALTH_PATH, SIGNATURE_PATH, request
from tests.servers.running import front_of, local, local_server, public, service

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE")


def document() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(bundled("fixtures", "servers", "openapi.yaml").read_text(encoding="utf-8"))
    return data


async def answers(target: Target) -> dict[tuple[str, str, str], Answer]:
    """Every path with every method, by an extension that may and by a page."""
    found = {}
    wire = Wire(target)
    for path in document()["paths"]:
        for method in METHODS:
            for origin in (EXTENSION, "https://page.example"):
                connection = await wire.connect()
                data = request(path, target.host, f"Origin: {origin}", method=method)
                found[path, method, origin] = await ask(connection, data, method=method)
                connection.abort()
    return found


def answers_of(side: Side, directory: Path, *, down: bool = False) -> dict[tuple[str, str, str], Answer]:
    async def scene() -> dict[tuple[str, str, str], Answer]:
        if side is Side.LOCAL:
            async with local(local_server()) as target:
                return await answers(target)
        async with public(front_of(service(down=down)), directory) as target:
            return await answers(target)

    return asyncio.run(scene())


@pytest.mark.parametrize(("side", "down"), [(Side.LOCAL, False), (Side.PUBLIC, False), (Side.PUBLIC, True)])
def test_the_servers_answer_as_the_document_says(side: Side, down: bool, tmp_path: Path) -> None:
    described = document()
    for (path, method, _), answer in answers_of(side, tmp_path, down=down).items():
        operation = described["paths"][path].get(method.lower())
        if operation is None:
            assert answer.status == 405 or (method == "HEAD" and answer.status in (200, 503)), (path, method)
            continue
        assert str(answer.status) in operation["responses"], (path, method)
        response = operation["responses"][str(answer.status)]
        if "content" not in response:
            continue
        schema = response["content"]["application/json"]["schema"]
        schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert answer.header("content-type").startswith("application/json")
        assert [error.message for error in Draft202012Validator(schema).iter_errors(json.loads(answer.body))] == []
        if "headers" in response:
            assert answer.header("vary") == "Origin"


def test_the_document_has_the_paths_of_the_requirements() -> None:
    assert set(document()["paths"]) == {SIGNATURE_PATH, HEALTH_PATH}
    for schema in document()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
