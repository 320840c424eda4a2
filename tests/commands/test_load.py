"""``conform load``: what is refused, what is said, and a load on the bundled server."""

from __future__ import annotations

import asyncio
import io
import json
import resource
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from conformance.codec import decode
from conformance.commands import load
from conformance.commands.load import LoadOptions, as_data, check, place_of, progress, rates, table
from conformance.commands.report_files import ReportFile
from conformance.errors import ExitStatus, HarnessError, InputError
from conformance.load import Counts, Latencies, LoadPlan, Measured, Place, judge_load
from conformance.model import Side
from conformance.rig.load.generator import Crew
from conformance.rig.serving import wire
from conformance.rig.serving.wire import Target
from conformance.server_cases import EXTENSION

PLAN = LoadPlan(
    place=Place(url="", host="", name="", port=0, address=""),
    sessions=6,
    rate=60.0,
    connects=50.0,
    hold_s=1.0,
    origin=EXTENSION,
)
TARGET = Target(Side.PUBLIC, "https://a.example/v2/", "a.example:444", "a.example", 444, "192.0.2.7", "/v2", tls=True)
CARRIED = Counts(opened=6, finished=6, sent=60, answered=60, storm_s=0.1)


def measured(counts: Counts = CARRIED) -> Measured:
    times = Latencies(count=60, p50_ms=1.0, p95_ms=2.0, p99_ms=3.0, p999_ms=4.0, max_ms=5678.9)
    return Measured(counts=counts, connect=times, answer=times, connect_lag=Latencies(), send_lag=times)


def options(**changes: Any) -> LoadOptions:  # noqa: ANN401 - the options' own types
    given: dict[str, Any] = {"plan": PLAN, "crew": Crew(2)}
    return LoadOptions(**given | changes)


def run(**changes: Any) -> tuple[ExitStatus, str]:  # noqa: ANN401 - as above
    out = Console(file=io.StringIO(), width=100)
    status = load.load(out, Console(file=io.StringIO()), options(**changes))
    assert isinstance(out.file, io.StringIO)
    return status, out.file.getvalue()


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"plan": replace(PLAN, sessions=0)}, "--users 0"),
        ({"public": "https://a", "local": "http://b"}, "--public and --local"),
        ({"crew": Crew(0)}, "--workers 0: give 1 to 64"),
        ({"crew": Crew(65)}, "--workers 65"),
        ({"crew": Crew(60, 5, ("192.0.2.1", 5557))}, "--workers 60"),
        ({"crew": Crew(1, 1)}, "--remote-workers: .*--bind ADDRESS:PORT"),
        ({"ca": Path("none.pem")}, "--ca none.pem: no such file"),
        ({"public": "ftp://a"}, "--public ftp://a: no such kind of URL"),
    ],
)
def test_a_slip_is_said(changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        run(output=tmp_path, **changes)
    assert list(tmp_path.iterdir()) == []


def test_more_sessions_than_files_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1024))
    plan = replace(PLAN, sessions=1650, connects=100.0, rate=0.0)
    with pytest.raises(InputError, match=r"--users 1650: 825 a worker, .* 1024 files .*--workers.*ulimit -Hn"):
        check(options(plan=plan))
    check(options(plan=plan, crew=Crew(3)))


def test_nobody_there_is_a_slip_of_the_user(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(InputError, match=f"--local {url}: nobody answers there .*start the server"):
        run(local=url, output=tmp_path)


@pytest.mark.parametrize("address", ["192.0.2.7", "10.1.2.3", "::2"])
def test_a_server_elsewhere_needs_its_owners_word(
    address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And nothing at all is sent to it before."""
    connected: list[Target] = []

    async def find(url: str, side: Side, ca: Path | None = None) -> Target:
        return replace(TARGET, url=url, side=side, ca=ca, address=address)

    async def connect(self: wire.Wire, **_: object) -> None:
        connected.append(self.target)
        raise ConnectionRefusedError

    monkeypatch.setattr(load, "find", find)
    monkeypatch.setattr(wire.Wire, "connect", connect)
    with pytest.raises(InputError, match=f"{address} is not this machine.*--i-own-this-target"):
        run(public="https://server.example", output=tmp_path)
    assert connected == []
    with pytest.raises(InputError, match="nobody answers there"):
        run(public="https://server.example", output=tmp_path, owned=True)
    assert [target.address for target in connected] == [address]


# --- where sessions are opened -------------------------------------------------------------------


def test_only_loopback_has_addresses_to_spare() -> None:
    place = place_of(TARGET)
    assert (place.host, place.name, place.port, place.address) == ("a.example:444", "a.example", 444, "192.0.2.7")
    assert (place.path, place.tls, place.ca) == ("/v2", True, "")
    addresses = ("127.0.0.1", "::1", "192.0.2.7")
    places = [place_of(replace(TARGET, address=address)) for address in addresses]
    assert [(one.here, one.own_addresses) for one in places] == [(True, True), (True, False), (False, False)]


def test_a_ca_is_named_so_that_another_process_finds_it() -> None:
    assert place_of(replace(TARGET, ca=Path("ca.pem"))).ca == str(Path("ca.pem").absolute())


# --- what is said --------------------------------------------------------------------------------


def test_progress_has_what_there_is() -> None:
    early = measured(Counts(opened=3))
    assert progress(PLAN, early) == "3 of 6 sessions"
    later = measured(replace(CARRIED, errors={"refused": 1, "closed with 1011": 2}))
    assert progress(PLAN, later) == "6 of 6 sessions · 60 messages · 60 answers · p99 3.0 ms · 3 errors"


def test_figures_are_in_a_table() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(table(measured()))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "5,678.9" in text
    assert "generator late with connects" in text
    assert " - " in text, "of what there is none there is no figure"


def test_rates_are_said_beside_what_was_asked() -> None:
    text = rates(PLAN, measured(replace(CARRIED, late=2, lost=1, errors={"closed with 1011": 1})))
    assert "6 of 6 opened, 60 a second (50 asked); 1 lost" in text
    assert "60 a second sent (60 asked), 60 a second answered, 2 of them late, 0 not answered" in text
    assert text.endswith("error: closed with 1011: 1")


def test_the_report_has_all_of_it() -> None:
    data: Any = as_data(PLAN, measured(), judge_load(PLAN, measured()))
    assert (data["schema"], data["verdict"], data["requirement"]) == (1, "inconclusive", "API-5")
    assert data["mark"] == {"sessions": 1000, "messages_per_s": 10_000.0}
    assert decode(LoadPlan, data["asked"]) == PLAN
    assert decode(Measured, data["measured"]) == measured()


@pytest.mark.parametrize(
    ("plan", "opened", "told"),
    [
        ({"sessions": 1000, "rate": 10_000.0}, 1000, (ExitStatus.CONFORMS, "\nCONFORMS: API-5 ")),
        ({}, 5, (ExitStatus.FAILS, "\nDOES NOT CONFORM: API-5 ")),
        ({}, 6, (ExitStatus.INCONCLUSIVE, "\nINCONCLUSIVE: API-5 ")),
    ],
)
def test_the_verdict_is_the_exit_status(
    plan: dict[str, Any], opened: int, told: tuple[ExitStatus, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    its = replace(PLAN, connects=500.0, **plan)

    async def carried(*_: object) -> tuple[LoadPlan, Measured]:
        return its, measured(replace(CARRIED, opened=opened))

    monkeypatch.setattr(load, "_carry_out", carried)
    status, text = run(plan=its, output=tmp_path / "runs", reports=(ReportFile("json", tmp_path / "x.json"),))
    assert (status, told[1] in text) == (told[0], True)
    (directory,) = (tmp_path / "runs").iterdir()
    assert (directory / "load.json").read_bytes() == (tmp_path / "x.json").read_bytes()


def test_ctrl_c_reaches_no_verdict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def interrupted(*_: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(load, "_carry_out", interrupted)
    with pytest.raises(HarnessError, match="interrupted; no verdict"):
        run(output=tmp_path)


# --- a whole load --------------------------------------------------------------------------------


def test_the_bundled_server_carries_a_small_load(tmp_path: Path) -> None:
    """On two workers, with TLS, by the reference's heartbeat; below the mark, so no pass."""
    report = tmp_path / "load.json"
    status, text = run(output=tmp_path / "runs", reports=(ReportFile("json", report),))
    data = json.loads(report.read_text(encoding="utf-8"))
    counts = data["measured"]["counts"]
    assert (counts["opened"], counts["sent"], counts["answered"], counts["errors"]) == (6, 60, 60, {}), text
    assert data["measured"]["workers"] == 2
    assert data["asked"]["place"]["tls"]
    assert status is ExitStatus.INCONCLUSIVE
