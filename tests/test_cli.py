"""The command line: what is typed, what comes of it, and the exit statuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance import cli, cli_options
from conformance.commands import selftest
from conformance.commands.options import RunOptions
from conformance.commands.report_files import ReportFile
from conformance.errors import BrowserDied, ConformError, DataError, ExitStatus
from conformance.model import Level, Side
from conformance.rig.engine import RigMode
from conformance.targets import parse_target
from tests.commands.stand_ins import install

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[RunOptions]:
    """What ``conform run`` was asked to do; it does nothing."""
    calls: list[RunOptions] = []

    def run(out: object, err: object, options: RunOptions) -> ExitStatus:
        assert out is not err
        calls.append(options)
        return ExitStatus.FAILS

    monkeypatch.setattr(cli, "run_command", run)
    return calls


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run(*_: object) -> ExitStatus:
        raise error

    monkeypatch.setattr(cli, "run_command", run)


def options(typed: str, asked: list[RunOptions]) -> RunOptions:
    assert cli.main(["run", *typed.split()]) == ExitStatus.FAILS  # whatever the command returns
    return asked[-1]


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("--extension a --extension b", {"extensions": (Path("a"), Path("b"))}),
        ("--subject p.toml", {"subjects": (Path("p.toml"),)}),
        ("--scenario wrong-* --scenario x", {"scenarios": ("wrong-*", "x")}),
        ("--requirement SIG-1", {"requirements": ("SIG-1",)}),
        ("--tag quick", {"tags": ("quick",)}),
        ("--list", {"list_only": True}),
        ("--level should", {"level": Level.SHOULD}),
        ("--jobs 7", {"jobs": 7}),
        ("--rig unattached", {"rig": RigMode.UNATTACHED}),
        ("--seed 5 --shuffle", {"seed": 5, "shuffle": True}),
        ("--repeat 3", {"repeat": 3}),
        ("--fail-fast --headed --verbose", {"fail_fast": True, "headed": True, "verbose": True}),
        (
            "--report json:a --report junit:b",
            {"reports": (ReportFile("json", Path("a")), ReportFile("junit", Path("b")))},
        ),
        ("--browser chrome", {"browser": "chrome"}),
        ("--local-target http://localhost:3003", {"targets": (parse_target(Side.LOCAL, "http://localhost:3003"),)}),
        (
            "--public-target https://api.example.org --i-own-this-target",
            {"targets": (parse_target(Side.PUBLIC, "https://api.example.org", owned=True),)},
        ),
        ("--output elsewhere", {"output": Path("elsewhere")}),
        ("", {"level": Level.MUST, "rig": RigMode.WARM, "repeat": 1, "output": Path("reports/runs"), "extensions": ()}),
    ],
)
def test_options_arrive(typed: str, wanted: dict[str, Any], asked: list[RunOptions]) -> None:
    got = options(typed, asked)
    assert {name: getattr(got, name) for name in wanted} == wanted


def test_what_is_left_open_has_a_default(asked: list[RunOptions]) -> None:
    assert options("", asked).jobs >= 1
    assert options("--local-target http://localhost:3003", asked).jobs < options("", asked).jobs
    assert options("", asked).seed != options("", asked).seed  # by chance the same once in 2**32


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("run --bogus", "No such option: --bogus"),
        ("rnu", "No such command 'rnu'; did you mean 'run'"),
        ("run --level may", "'may' is not one of 'must', 'should'"),
        ("run --rig cold", "'cold' is not one of 'warm', 'fresh', 'unattached'"),
        ("run --jobs 0", "Invalid value for '--jobs'"),
        ("run --repeat none", "Invalid value for '--repeat'"),
        ("run --seed -1", "Invalid value for '--seed'"),
        ("run --jobs", "'--jobs' requires an argument"),
        ("run stray", "Got unexpected extra argument"),
        ("judge", "Missing argument 'RUN'"),
        ("run --local-target ftp://x", "no such kind of URL"),
        ("run --public-target-ca ca.pem", "is for a --public-target, and there is none"),
        ("run --public-target https://x --public-target-ca no.pem", "--public-target-ca no.pem: no such file"),
        ("run --i-own-this-target", "is for a --local-target or --public-target, and there is none"),
        ("run --report jnit:x", "no such format: 'jnit'; did you mean 'junit'?"),
        ("report nowhere --report x", "must be FORMAT:PATH"),
        ("judge no/such/run", "no/such/run: no such run directory"),
        ("schema resluts", "there is no schema of 'resluts'; did you mean 'results'?"),
        ("list fault", "there is no list of 'fault'; did you mean 'faults'?"),
    ],
)
def test_bad_input_is_one_message_and_status_4(
    typed: str, says: str, capsys: pytest.CaptureFixture[str], asked: list[RunOptions]
) -> None:
    assert cli.main(typed.split()) == ExitStatus.BAD_INPUT
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("conform: ")
    assert says in printed.err
    assert printed.err.count("\n") == 1
    assert asked == []


@pytest.mark.parametrize("error", [DataError("x.yaml:3 'refsed': no such fault"), BrowserDied("the browser went away")])
def test_what_was_raised_on_purpose_is_said_and_nothing_else(
    error: ConformError, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_with(monkeypatch, error)
    assert cli.main(["run"]) == error.exit_status
    assert capsys.readouterr().err == f"conform: {error}\n"


def test_what_nobody_expected_is_status_3_and_leaves_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fail_with(monkeypatch, RuntimeError("what?"))
    assert cli.main(["run"]) == ExitStatus.HARNESS_FAILED
    message = capsys.readouterr().err
    assert message.startswith("conform: unexpected error: RuntimeError: what?")
    assert message.count("\n") == 1
    (log,) = tmp_path.rglob("crash.log")
    assert str(log) in message
    assert "RuntimeError: what?" in log.read_text(encoding="utf-8")


def test_ctrl_c_before_anything_ran(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    fail_with(monkeypatch, KeyboardInterrupt())
    assert cli.main(["run"]) == ExitStatus.HARNESS_FAILED
    assert capsys.readouterr().err == "conform: interrupted before anything ran\n"


@pytest.mark.parametrize("typed", ["", "--help", "-h"])
def test_help_names_every_command(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(typed.split()) == ExitStatus.CONFORMS
    text = capsys.readouterr().out
    for command in ("run", "judge", "report", "calibrate", "crosscheck", "doctor", "schema", "list", "test"):
        assert f"\n  {command} " in text
    assert "..." not in text.replace("[ARGS]...", "")  # no help was cut


def test_a_run_from_end_to_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    install(monkeypatch)
    assert cli.main(["run", "--scenario", "local-up", "--output", str(tmp_path), "--verbose"]) == ExitStatus.CONFORMS
    out = capsys.readouterr().out
    assert "local-up" in out
    assert "CONFORMS: reference" in out
    (directory,) = tmp_path.iterdir()
    assert cli.main(["judge", str(directory)]) == ExitStatus.CONFORMS
    assert "same verdicts as when it was run" in " ".join(capsys.readouterr().out.split())
    assert cli.main(["report", str(directory), "--report", f"markdown:{tmp_path / 'x.md'}"]) == ExitStatus.CONFORMS
    assert (tmp_path / "x.md").is_file()


def test_lists_and_schemas_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "requirements"]) == ExitStatus.CONFORMS
    assert "SEL-1" in capsys.readouterr().out
    assert cli.main(["schema", "results"]) == ExitStatus.CONFORMS
    assert capsys.readouterr().out.startswith("{")


def test_tests_are_pytests_with_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[str]] = []

    def passed(arguments: list[str]) -> ExitStatus:
        given.append(arguments)
        return ExitStatus.CONFORMS

    monkeypatch.setattr(selftest, "selftest", passed)
    assert cli.main(["test", "-x", "--co", "tests/test_cli.py", "-k", "help"]) == ExitStatus.CONFORMS
    assert given == [["-x", "--co", "tests/test_cli.py", "-k", "help"]]


def test_off_a_terminal_reports_are_a_hundred_columns_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert cli_options.console_for().width == cli_options.WIDTH_OFF_TERMINAL
    monkeypatch.setenv("COLUMNS", "77")
    assert cli_options.console_for().width == 77


def conform(*arguments: str, encoding_of: str = "utf-8", **more: Any) -> subprocess.Popen[str]:  # noqa: ANN401
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding_of}
    command = [sys.executable, "-m", "conformance", *arguments]
    return subprocess.Popen(command, env=environment, text=True, stderr=subprocess.PIPE, **more)  # noqa: S603 - ours


def test_a_terminal_of_few_signs_is_no_crash() -> None:
    with conform("list", "requirements", stdout=subprocess.PIPE, encoding_of="ascii") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "SEL-1" in out


def test_it_runs_as_a_module() -> None:
    with conform("schema", "results", stdout=subprocess.PIPE) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert '"title": "Results of a conformance run"' in out


@pytest.mark.parametrize("typed", ["list", "schema results"])
def test_a_reader_that_goes_away_is_no_traceback(typed: str) -> None:
    end, start = os.pipe()
    os.close(end)
    with conform(*typed.split(), stdout=start) as process:
        os.close(start)
        _, err = process.communicate(timeout=60)
    assert err == ""
    assert process.returncode == ExitStatus.HARNESS_FAILED
