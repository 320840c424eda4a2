"""A test double of Pulumi's engine: each resource that a program registers becomes a call of AWS's API, at once.

It speaks the protocol that the SDK speaks to the real engine (the stubs are the SDK's own), so the program that runs
against it is the one that users deploy. It is not Pulumi: no state, no plan, no diff, no update, no destroy. What it
makes of a resource stands in ``makers*.py``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, resource_pb2, resource_pb2_grpc

from tests.deploy.makers import MAKERS
from tests.deploy.makers_around import MAKERS as AROUND
from tests.deploy.making import Aws, Made, physical

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "fixtures" / "servers" / "public" / "deploy"
HOST = Path(__file__).with_name("host.py")
_STACK = "pulumi:pulumi:Stack"
_PROVIDER = "pulumi:providers:aws"
_MAKERS = {**MAKERS, **AROUND}


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: what the program asked for, and what AWS made of it."""

    type: str
    name: str
    region: str
    inputs: Mapping[str, Any]
    made: Made


@dataclass(slots=True)
class Deployed:
    """All of one deployment."""

    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def one(self, kind: str, name: str) -> Resource:
        """The resource of that type (its last part) and name."""
        (found,) = [each for each in self.resources if each.type.endswith(f":{kind}") and each.name == name]
        return found

    def of(self, kind: str) -> list[Resource]:
        """All of one type."""
        return [each for each in self.resources if each.type.endswith(f":{kind}")]


class Engine(resource_pb2_grpc.ResourceMonitorServicer, engine_pb2_grpc.EngineServicer):
    """Both services that a program talks to."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.deployed = Deployed()
        self.failures: list[str] = []
        self._providers: dict[str, dict[str, Any]] = {}
        self._root = ""
        self._one_at_a_time = threading.Lock()

    # --- the monitor

    def SupportsFeature(self, request: Any, context: Any) -> Any:
        """None of the newer features, so that everything arrives as plain values."""
        return resource_pb2.SupportsFeatureResponse(hasSupport=False)

    def RegisterResource(self, request: Any, context: Any) -> Any:
        """Make it; the program goes on with what AWS says of it."""
        urn = f"urn:pulumi:test::semantest-public::{request.type}::{request.name}"
        given = whole(json_format.MessageToDict(request.object))
        try:
            with self._one_at_a_time:
                made = self._make(urn, request, given)
        except Exception as error:  # noqa: BLE001 - the program has to be told, whatever it was
            said = f"{request.type} {request.name}: {type(error).__name__}: {error}"
            self.failures.append(said)
            context.abort(grpc.StatusCode.INTERNAL, said)
        answer = struct_pb2.Struct()
        answer.update({**given, **made.outputs})
        return resource_pb2.RegisterResourceResponse(urn=urn, id=made.id, object=answer)

    def _make(self, urn: str, request: Any, given: dict[str, Any]) -> Made:
        if request.type == _STACK:
            return Made("")
        if request.type == _PROVIDER:
            self._providers[f"{urn}::{request.name}"] = given
            made, region = Made(request.name), given["region"]
        else:
            provider = self._providers[request.provider]  # the program names one for each
            region = provider["region"]
            tags = json.loads(provider["defaultTags"])["tags"]
            made = self._call(request.type, request.name, given, self.aws.within(region, tags))
        self.deployed.resources.append(Resource(request.type, request.name, region, given, made))
        return made

    def _call(self, kind: str, name: str, given: dict[str, Any], aws: Aws) -> Made:
        if kind not in _MAKERS:
            raise LookupError("the double has no maker for this type; write one in makers.py")
        if kind.rpartition(":")[2] in aws.lacks:
            return Made(physical(name))
        return _MAKERS[kind](aws, name, given)

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:
        """The stack's outputs."""
        self.deployed.outputs.update(json_format.MessageToDict(request.outputs))
        return empty_pb2.Empty()

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> Any:
        """Nothing to wait for."""
        return empty_pb2.Empty()

    # --- the engine

    def Log(self, request: Any, context: Any) -> Any:
        """What the program says; the SDK's own diary is left out."""
        if request.severity >= engine_pb2.LogSeverity.INFO:
            self.deployed.said.append(request.message)
        return empty_pb2.Empty()

    def GetRootResource(self, request: Any, context: Any) -> Any:
        """The stack."""
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(self, request: Any, context: Any) -> Any:
        """The stack."""
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()


def whole(value: Any) -> Any:
    """The value with its whole numbers as such: a protobuf Struct knows only floats."""
    if isinstance(value, dict):
        return {key: whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return [whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@contextmanager
def listening(engine: Engine) -> Iterator[str]:
    """The engine on a free port of this machine; its address."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(engine, server)
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def deploy(aws: Aws, config: Mapping[str, str]) -> Deployed:
    """Run the program, unmodified, in a process of its own, as Pulumi does."""
    engine = Engine(aws)
    with listening(engine) as address:
        done = subprocess.run(  # noqa: S603 - ours
            [sys.executable, str(HOST), str(PROGRAM), address, json.dumps(config)],
            capture_output=True,
            check=False,
            text=True,
        )
    if done.returncode != 0:
        raise RuntimeError(f"the program failed: {engine.failures[0] if engine.failures else done.stderr}")
    return engine.deployed
