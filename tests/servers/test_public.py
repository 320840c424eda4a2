"""The reference public server: its service, its Lambda events, its state, and the front on this machine."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from servers.public import entry
from servers.public.handlers import Handlers
from servers.public.main import main
from servers.public.service import Reply, Service, Settings
from servers.public.tables import DynamoTable, MemoryTable, Table, TableDown
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from conformance.server_cases import EXTENSION, OTHER_EXTENSION, PAGES
from tests.servers.running import front_of, public, service

NOON_S = 1_800_000_000  # the first second of a minute
TABLE = "sessions"


def dynamo() -> DynamoTable:
    """A table as the deployment makes it, in moto's memory."""
    boto3.client("dynamodb", region_name="eu-west-1").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return DynamoTable(boto3.resource("dynamodb", region_name="eu-west-1").Table(TABLE))


@pytest.fixture(autouse=True)
def no_real_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


# --- state: both tables do the same --------------------------------------------------------------


def use(table: Table) -> list[object]:
    seen: list[object] = [table.count_connect("a", NOON_S + second) for second in (0, 30, 60, 61)]
    seen.append(table.count_connect("b", NOON_S))
    table.opened("one", "a", NOON_S)
    table.closed("one")
    table.closed("never opened")
    table.check()
    return seen


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
def test_dynamodb_and_memory_do_the_same() -> None:
    with mock_aws():
        assert use(dynamo()) == use(MemoryTable()) == [(1, 0), (2, 0), (1, 2), (2, 2), (1, 0)]


def test_what_dynamodb_keeps_goes_by_itself() -> None:
    with mock_aws():
        dynamo().opened("one", "client", NOON_S)
        item = (
            boto3.resource("dynamodb", region_name="eu-west-1").Table(TABLE).get_item(Key={"pk": "session#one"})["Item"]
        )
        assert item["expires"] == NOON_S + 24 * 3600
        assert item["client"] == "client"


def test_a_table_that_is_not_there_is_down() -> None:
    with mock_aws():
        table = DynamoTable(boto3.resource("dynamodb", region_name="eu-west-1").Table("none"))
        with pytest.raises(TableDown):
            table.check()
        with pytest.raises(TableDown):
            table.count_connect("a", NOON_S)


# --- the service ---------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [*PAGES.values(), OTHER_EXTENSION, None, ""])
def test_only_configured_extensions_connect(origin: str | None) -> None:
    assert service().connect("s", origin, "c", NOON_S).status == 403
    assert service().connect("s", EXTENSION, "c", NOON_S).status == 200


def accepted(its: Service, times: list[int]) -> int:
    return sum(its.connect(str(number), EXTENSION, "c", at_s).status == 200 for number, at_s in enumerate(times))


def test_a_hundred_connects_a_minute_and_no_more() -> None:
    its = service()
    assert accepted(its, [NOON_S] * 150) == 100
    assert its.connect("x", EXTENSION, "c", NOON_S).headers["Retry-After"] == "60"
    assert its.connect("x", EXTENSION, "another", NOON_S).status == 200


def test_the_minute_slides() -> None:
    """A hundred at the end of one minute leave few for the beginning of the next, and all for its end."""
    assert accepted(service(), [NOON_S + 59] * 100 + [NOON_S + 61] * 50) <= 102
    assert accepted(service(), [NOON_S] * 100 + [NOON_S + 119] * 90) == 190


def test_a_table_that_is_down() -> None:
    its = service(down=True)
    assert its.connect("s", EXTENSION, "c", NOON_S).status == 503
    assert its.health().status == 503
    assert its.disconnect("s").status == 200  # nobody is there to be told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"type":"ping"}', {"type": "pong"}),
        ('{"type":"event","id":7}', {"type": "ack", "id": 7}),
        ('{"type":"event","id":[1]}', {"type": "ack", "id": None}),
        ('{"type":"event"}', {"type": "ack", "id": None}),
        ("[]", {"type": "error", "reason": "no object with a type"}),
        ('{"type":1}', {"type": "error", "reason": "no object with a type"}),
        ("{", {"type": "error", "reason": "not JSON"}),
        ('{"type":"event","id":NaN}', {"type": "error", "reason": "not JSON"}),
        ("[" * 100_000, {"type": "error", "reason": "not JSON"}),
    ],
)
def test_messages(text: str, said: dict[str, Any]) -> None:
    assert json.loads(service().message(text).body) == said


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/health", 200), ("HEAD", "/health", 200), ("POST", "/health", 405), ("GET", "/other", 404)],
)
def test_routes(method: str, path: str, status: int) -> None:
    assert service().http(method, path, None).status == status


# --- Lambda's events -----------------------------------------------------------------------------


def event(origin: str | None = EXTENSION, address: str = "192.0.2.7", **headers: str) -> dict[str, Any]:
    given = {"Origin": origin} if origin else {}
    about = {"connectionId": "L0SM9cOFvHcCIhw=", "requestId": "r", "identity": {"sourceIp": address}}
    return {"headers": {**given, **headers}, "requestContext": about}


def handlers(lines: list[str], its: Service | None = None, secret: str = "") -> Handlers:
    return Handlers(its or service(), lines.append, now_s=lambda: NOON_S + 0.25, secret=secret)


def test_a_session_from_connect_to_disconnect() -> None:
    lines: list[str] = []
    its = service()
    they = handlers(lines, its)
    assert they.connect(event())["statusCode"] == 200
    assert isinstance(its.table, MemoryTable)
    assert list(its.table.sessions) == ["L0SM9cOFvHcCIhw="]
    assert they.default({**event(), "body": '{"type":"ping"}'})["body"] == '{"type":"pong"}'
    assert they.disconnect(event())["statusCode"] == 200
    assert its.table.sessions == {}
    logged = [json.loads(line) for line in lines]
    assert [line["call"] for line in logged] == ["connect", "default", "disconnect"]
    assert all(line["at"] == NOON_S + 0.25 and line["status"] == 200 and line["ms"] >= 0 for line in logged)


def test_one_line_a_call_and_no_address_in_it() -> None:
    lines: list[str] = []
    handlers(lines).connect(event(origin="https://page.example"))
    (line,) = lines
    assert json.loads(line)["why"] == "origin 'https://page.example'"
    assert "192.0.2.7" not in line


def test_http_events() -> None:
    lines: list[str] = []
    get = {"rawPath": "/health", "headers": {"origin": EXTENSION}, "requestContext": {"http": {"method": "GET"}}}
    answer = handlers(lines).health(get)
    assert (answer["statusCode"], answer["body"]) == (200, '{"status":"healthy"}')
    assert answer["headers"]["Access-Control-Allow-Origin"] == EXTENSION
    assert json.loads(lines[0])["call"] == "health"
    signature = handlers([]).signature({**get, "rawPath": "/semantest-signature"})
    assert json.loads(signature["body"])["type"] == "public"


class Broken(Service):
    """Has a bug."""

    def health(self) -> Reply:
        raise ZeroDivisionError


def test_a_bug_is_a_500_and_a_line() -> None:
    lines: list[str] = []
    broken = Broken(Settings(frozenset()), MemoryTable())
    answer = handlers(lines, broken).health({"rawPath": "/health"})
    assert answer["statusCode"] == 500
    assert "ZeroDivisionError" in json.loads(lines[0])["why"]


def test_the_viewers_address_is_cloudfronts_word_only_with_its_secret() -> None:
    they = handlers([], secret="s3cret")  # noqa: S106 - a test's
    seen = {"cloudfront-viewer-address": "198.51.100.9:4711"}
    direct = they.client_of(event(address="192.0.2.1"))
    forged = they.client_of(event(address="192.0.2.1", **seen))
    wrong = they.client_of(event(address="192.0.2.1", **seen, **{"x-origin-verify": "guess"}))
    through = they.client_of(event(address="192.0.2.1", **seen, **{"x-origin-verify": "s3cret"}))
    other_edge = they.client_of(event(address="192.0.2.2", **seen, **{"x-origin-verify": "s3cret"}))
    assert direct == forged == wrong != through
    assert through == other_edge


def test_the_entry_points_are_set_up_by_their_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"TABLE_NAME": TABLE, "ALLOWED_ORIGINS": EXTENSION, "CONNECTS_PER_MINUTE": "1"}.items():
        monkeypatch.setenv(name, value)
    entry.handlers.cache_clear()
    with mock_aws():
        dynamo()
        statuses = [entry.connect(event(), None)["statusCode"] for _ in range(2)]
        assert statuses == [200, 429]
        assert entry.default({**event(), "body": "x"}, None)["statusCode"] == 400
        assert entry.disconnect(event(), None)["statusCode"] == 200
        http = {"rawPath": "/health", "requestContext": {"http": {"method": "GET"}}}
        assert entry.health(http, None)["statusCode"] == 200
        assert entry.signature({**http, "rawPath": "/semantest-signature"}, None)["statusCode"] == 200
    entry.handlers.cache_clear()
    assert len(capsys.readouterr().out.splitlines()) == 6


# --- the front -----------------------------------------------------------------------------------


def test_the_front_is_the_same_server(tmp_path: Path) -> None:
    async def scene() -> tuple[object, int, dict[str, str]]:
        its = service()
        async with public(front_of(its), tmp_path) as target:
            import ssl  # noqa: PLC0415 - here alone

            trust = ssl.create_default_context(cafile=str(target.ca))
            url = f"wss://localhost:{target.port}/"
            async with connect(url, ssl=trust, origin=EXTENSION, proxy=None) as session:  # type: ignore[arg-type]
                await session.send('{"type":"event","id":"a"}')
                answer = await session.recv()
                await session.send(b"bytes")
                with pytest.raises(ConnectionClosed) as closed:
                    await session.recv()
            assert closed.value.rcvd is not None
            async with asyncio.timeout(20):
                while isinstance(its.table, MemoryTable) and its.table.sessions:  # noqa: ASYNC110 - as in test_fuzzing
                    await asyncio.sleep(0.01)
        assert isinstance(its.table, MemoryTable)
        return answer, closed.value.rcvd.code, its.table.sessions

    assert asyncio.run(scene()) == ('{"type":"ack","id":"a"}', 1003, {})


def test_a_directory_that_is_not_there_is_exit_4(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--ca", "no/such/directory/ca.pem"])
    assert ended.value.code == 4
    assert "there is no such directory" in capsys.readouterr().err
