"""``conform servers``: what is chosen, what is refused, and a whole run on the bundled servers."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from conformance.commands import rejudge, servers
from conformance.commands.report_files import ReportFile
from conformance.commands.servers import ServersOptions, choose
from conformance.errors import ExitStatus, HarnessError, InputError
from conformance.model import Level, Side
from conformance.rig.serving import wire
from conformance.rig.serving.examination import Settings
from conformance.rig.serving.examine import Subject, examine
from conformance.rig.serving.wire import Target


def run(**options: Any) -> tuple[ExitStatus, str]:  # noqa: ANN401 - the options' own types
    out = Console(file=io.StringIO(), width=100)
    status = servers.servers(out, Console(file=io.StringIO()), ServersOptions(**options))
    assert isinstance(out.file, io.StringIO)
    return status, out.file.getvalue()


# --- what is chosen ------------------------------------------------------------------------------


def chosen(**options: Any) -> set[str]:  # noqa: ANN401 - as above
    return {one.scenario.id for one in choose(ServersOptions(**options))}


def test_without_a_url_both_sides_are_judged() -> None:
    assert {one.side for one in choose(ServersOptions())} == set(Side)


def test_with_a_url_its_side_alone() -> None:
    assert {one.side for one in choose(ServersOptions(local="http://localhost:3003"))} == {Side.LOCAL}


def test_scenarios_and_requirements_narrow_it() -> None:
    assert chosen(scenarios=("local-c*",)) == {"local-cors", "local-closes"}
    assert chosen(requirements=("LOC-4", "API-7")) == {"local-origins", "local-addresses", "public-rate-limit"}
    assert chosen(scenarios=("local-*",), requirements=("LOC-3",)) == {"local-cors"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"scenarios": ("local-corse",)}, "no such scenario of a server; did you mean 'local-cors'"),
        ({"requirements": ("LOC-7",)}, "no scenario of these servers covers it; did you mean 'LOC-"),
        ({"requirements": ("API-1",), "local": "http://localhost"}, "no scenario of these servers covers it"),
    ],
)
def test_a_slip_is_said(options: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        choose(ServersOptions(**options))


def test_a_list_runs_nothing() -> None:
    status, text = run(list_only=True, scenarios=("public-tls",))
    assert (status, text) == (ExitStatus.CONFORMS, "public-tls  API-1\n")


# --- what is refused -----------------------------------------------------------------------------


def test_nobody_there_is_a_slip_of_the_user(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(InputError, match=f"--local {url}: nobody answers there .*start the server"):
        run(local=url, output=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_ca_that_is_none_is_said(tmp_path: Path) -> None:
    for path, says in ((tmp_path / "none.pem", "no such file"), (Path(__file__), "no certificate")):
        with pytest.raises(InputError, match=f"--ca .*: {says}.*PEM"):
            run(public="https://localhost:1", ca=path, output=tmp_path)


@pytest.mark.parametrize("address", ["192.0.2.7", "10.1.2.3", "::2", "198.51.100.1"])
def test_a_server_elsewhere_needs_its_owners_word(
    address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And nothing at all is sent to it before."""
    connected: list[Target] = []

    async def find(url: str, side: Side, ca: Path | None = None) -> Target:
        return Target(side, url, "server.example", "server.example", 443, address, "", tls=True, ca=ca)

    async def connect(self: wire.Wire, **_: object) -> None:
        connected.append(self.target)
        raise ConnectionRefusedError

    monkeypatch.setattr(servers, "find", find)
    monkeypatch.setattr(wire.Wire, "connect", connect)
    with pytest.raises(InputError, match="--i-own-this-target"):
        run(public="https://server.example", output=tmp_path)
    assert connected == []
    with pytest.raises(InputError, match="nobody answers there"):
        run(public="https://server.example", output=tmp_path, owned=True)
    assert [target.address for target in connected] == [address]


# --- a whole run ---------------------------------------------------------------------------------


def test_the_bundled_servers_are_judged_and_the_record_judges_them_again(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    asked = ("local-signature", "local-bad-frames", "public-health", "public-unhealthy", "public-tls", "public-alarm")
    status, text = run(
        scenarios=asked,
        level=Level.SHOULD,
        output=tmp_path / "runs",
        reports=(ReportFile("json", report), ReportFile("html", tmp_path / "report.html")),
    )
    assert status is ExitStatus.CONFORMS, text
    assert "CONFORMS: reference local server 1.0.0, reference public server 1.0.0 meet every MUST and SHOULD" in text
    data = json.loads(report.read_text(encoding="utf-8"))
    found = {one["id"]: one["verdict"] for subject in data["subjects"] for one in subject["scenarios"]}
    assert found == dict.fromkeys(asked, "pass") | {"public-alarm": "unsupported"}
    assert "no browser" in text
    (directory,) = (tmp_path / "runs").iterdir()
    out = Console(file=io.StringIO(), width=100)
    assert rejudge.judge(out, directory, Level.SHOULD, verbose=True) is ExitStatus.CONFORMS
    assert isinstance(out.file, io.StringIO)
    assert "same verdicts as when it was run" in out.file.getvalue()


def test_ctrl_c_names_what_is_kept_and_it_can_be_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes when the second of three scenarios begins."""
    began: list[str] = []

    async def examined(subject: Subject, on_record: Any, on_start: Any, only: Any) -> None:  # noqa: ANN401 - examine's
        def start(scenario: str) -> None:
            began.append(scenario)
            on_start(scenario)
            if len(began) == 2:
                os.kill(os.getpid(), signal.SIGINT)

        await examine(subject, on_record, start, only)

    monkeypatch.setattr(servers, "examine", examined)
    asked = ("local-signature", "local-cors", "local-bad-frames")
    with pytest.raises(HarnessError) as raised:
        run(scenarios=asked, output=tmp_path)
    (directory,) = tmp_path.iterdir()
    told = f"interrupted; 1 of 3 results kept in {directory}; `conform judge {directory}` reads them"
    assert str(raised.value) == told
    out = Console(file=io.StringIO(), width=100)
    assert rejudge.judge(out, directory, Level.MUST, verbose=False) is ExitStatus.CONFORMS


def test_ctrl_c_before_anything_is_examined_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def find(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()

    monkeypatch.setattr(servers, "find", find)
    with pytest.raises(HarnessError, match=r"^interrupted before anything was examined; run again$"):
        run(local="http://localhost:1", output=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_fails_is_exit_1(tmp_path: Path) -> None:
    async def saying(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    async def scene() -> tuple[ExitStatus, str]:
        server = await asyncio.start_server(saying, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            options = {"local": url, "scenarios": ("local-signature", "local-frames"), "output": tmp_path}
            return await asyncio.to_thread(lambda: run(**options, settings=Settings(inputs=10)))
        finally:
            server.close()

    status, text = asyncio.run(scene())
    assert status is ExitStatus.FAILS
    assert "DOES NOT CONFORM: local server fails MUST LOC-1" in text
