"""The command line: options and their help, one function a command, and the exit statuses.

What a command does is in conformance/commands. ``main`` is the only place where errors become messages:
one line on stderr, its exit status, no traceback. Exit statuses, of every command: 0 conforms, 1 does
not, 2 inconclusive, 3 the harness failed, 4 usage or bad input.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path  # noqa: TC003 - typer reads annotations at run time
from typing import TYPE_CHECKING, Annotated

import typer
from typer.main import get_command

from conformance import cli_load, cli_servers
from conformance.cli_options import (
    COLD,
    AgainOption,
    BrowserOption,
    CalibrationOption,
    LevelName,
    LevelOption,
    LocalTargetOption,
    OutputOption,
    OwnedOption,
    PublicTargetOption,
    ReportOption,
    RigOption,
    RunDir,
    SeedOption,
    TargetCaOption,
    VerboseOption,
    console_for,
    level_of,
    many,
    rigs,
)
from conformance.commands import calibrate, catalogue, crosscheck, crowd, doctor, mutants, rejudge, selftest, sweep
from conformance.commands.crash import explained
from conformance.commands.options import (
    JOBS_PER_CPU,
    JOBS_PER_CPU_WITH_TARGETS,
    OUTPUT,
    RunOptions,
    default_jobs,
    random_seed,
    targets_of,
)
from conformance.commands.report_files import parse_report
from conformance.commands.run import run as run_command
from conformance.crowd import Outage
from conformance.errors import ConformError, ExitStatus, InputError
from conformance.forecast import CLIENTS, LIMIT, Assumed
from conformance.report.kill_matrix import WRITERS
from conformance.rig.engine import RigMode
from conformance.sweep import Search

if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERRUPTED = 130  # what typer makes of a KeyboardInterrupt

app = typer.Typer(
    name="conform",
    help="Judge whether a browser extension finds its server as it should: the local one first, the public one else.",
    epilog="Exit status: 0 conforms · 1 does not · 2 inconclusive · 3 the harness failed · 4 usage or bad input",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def run(  # noqa: PLR0913 - one parameter an option
    *,
    extension: Annotated[list[Path] | None, many("DIR", "Judge this extension.")] = None,
    subject: Annotated[list[Path] | None, many("PROFILE.toml", "Judge what this profile describes.")] = None,
    scenario: Annotated[list[str] | None, many("GLOB", "Only scenarios so called, e.g. 'wrong-*'.")] = None,
    requirement: Annotated[list[str] | None, many("ID", "Only scenarios that cover it.")] = None,
    tag: Annotated[list[str] | None, many("TAG", "Only scenarios with this tag.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Print what would run, and run nothing.")] = False,
    level: LevelOption = LevelName.MUST,
    jobs: Annotated[int | None, rigs(JOBS_PER_CPU, f"{JOBS_PER_CPU_WITH_TARGETS} with a target", COLD)] = None,
    rig: RigOption = RigMode.WARM,
    seed: SeedOption = None,
    shuffle: Annotated[bool, typer.Option("--shuffle", help="Random order by --seed, not longest first.")] = False,
    repeat: Annotated[int, typer.Option(min=1, metavar="N", help="Run everything so many times.")] = 1,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure at --level.")] = False,
    headed: Annotated[bool, typer.Option("--headed", help="Show the browser.")] = False,
    report: ReportOption = None,
    browser: BrowserOption = None,
    output: OutputOption = OUTPUT,
    calibration: CalibrationOption = None,
    local_target: LocalTargetOption = None,
    public_target: PublicTargetOption = None,
    public_target_ca: TargetCaOption = None,
    i_own_this_target: OwnedOption = False,
    verbose: VerboseOption = False,
) -> ExitStatus:
    """Run scenarios on extensions and judge them. Without --extension: the bundled reference extension."""
    options = RunOptions(
        targets=(targets := targets_of(local_target, public_target, public_target_ca, owned=i_own_this_target)),
        extensions=tuple(extension or ()),
        subjects=tuple(subject or ()),
        scenarios=tuple(scenario or ()),
        requirements=tuple(requirement or ()),
        tags=tuple(tag or ()),
        list_only=list_,
        level=level_of(level),
        jobs=jobs or default_jobs(JOBS_PER_CPU_WITH_TARGETS if targets else JOBS_PER_CPU, rig),
        rig=rig,
        seed=random_seed() if seed is None else seed,
        shuffle=shuffle,
        repeat=repeat,
        fail_fast=fail_fast,
        headed=headed,
        reports=tuple(map(parse_report, report or ())),
        browser=browser,
        calibration=calibration,
        output=output,
        verbose=verbose,
    )
    return run_command(console_for(), console_for(stderr=True), options)


@app.command()
def judge(directory: RunDir, *, level: LevelOption = LevelName.MUST, verbose: VerboseOption = False) -> ExitStatus:
    """Judge a run again, from its record alone."""
    return rejudge.judge(console_for(), directory, level_of(level), verbose=verbose)


@app.command("report")
def report_(
    directory: RunDir,
    *,
    report: ReportOption = None,
    level: LevelOption = LevelName.MUST,
    verbose: VerboseOption = False,
) -> ExitStatus:
    """Write a run's reports again, or print it."""
    files = [parse_report(text) for text in report or ()]
    return rejudge.report(console_for(), directory, files, level_of(level), verbose=verbose)


@app.command("crowd")
def crowd_(  # noqa: PLR0913 - one parameter an option
    directory: RunDir,
    *,
    clients: Annotated[list[int] | None, many("N", "How many extensions come back; else 10^3 to 10^7.")] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="New connections a second.")] = LIMIT,
    away: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long the server was away.")] = 30.0,
    throttled: Annotated[bool, typer.Option("--throttled", help="Let Chromium delay their WebSockets, too.")] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="What is random comes from this.", show_default="the run's")
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.svg", help="The plot.", show_default="in RUN")] = None,
) -> ExitStatus:
    """Forecast how a crowd of subjects returns after an outage."""
    sizes = tuple(clients or CLIENTS)
    if min(sizes) < 1:
        raise InputError(f"--clients {min(sizes)}: must be at least 1")
    assumed = Assumed(sizes, Outage(away_s=away, limit=limit, throttled=throttled), seed)
    return crowd.crowd(console_for(), directory, crowd.CrowdOptions(assumed=assumed, plot=plot))


@app.command("sweep")
def sweep_(  # noqa: PLR0913 - one parameter an option
    *,
    extension: Annotated[Path | None, typer.Option(metavar="DIR", help="Of this extension.")] = None,
    subject: Annotated[
        Path | None, typer.Option(metavar="PROFILE.toml", help="Of what this profile describes.")
    ] = None,
    from_: Annotated[float, typer.Option("--from", min=0, metavar="MS", help="The shortest delay.")] = 0.0,
    to: Annotated[float, typer.Option(min=0, metavar="MS", help="The longest delay.")] = 6000.0,
    precision: Annotated[float, typer.Option(min=1, metavar="MS", help="How closely.")] = 5.0,
    repeat: Annotated[int, typer.Option(min=1, metavar="N", help="Trials at each side of the edge.")] = 10,
    headed: Annotated[bool, typer.Option("--headed", help="Show the browser.")] = False,
    browser: BrowserOption = None,
    output: OutputOption = OUTPUT,
) -> ExitStatus:
    """Find the delay of the local answer at which it goes public."""
    options = sweep.SweepOptions(
        extension=extension,
        subject=subject,
        search=Search(from_, to, precision, repeat),
        browser=browser,
        headed=headed,
        output=output,
    )
    return sweep.sweep(console_for(), console_for(stderr=True), options)


@app.command("mutants")
def mutants_(  # noqa: PLR0913 - one parameter an option
    *,
    mutant: Annotated[list[str] | None, many("GLOB", "Only mutants so called.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="List them, and run nothing.")] = False,
    write: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write them as unpacked extensions, and run nothing.")
    ] = None,
    jobs: Annotated[int | None, rigs(mutants.JOBS_PER_CPU, COLD)] = None,
    report: Annotated[list[str] | None, many("FORMAT:PATH", "Also write markdown, json or svg.")] = None,
    rig: Annotated[RigMode, typer.Option(help="In which rig; `crosscheck RUN RUN` compares.")] = RigMode.WARM,
    judge: Annotated[Path | None, typer.Option(metavar="RUN", help="Judge such a run again, from its record.")] = None,
    browser: BrowserOption = None,
    output: OutputOption = OUTPUT,
) -> ExitStatus:
    """Prove the harness on extensions with one known fault each."""
    options = mutants.MutantsOptions(
        globs=tuple(mutant or ()),
        jobs=jobs or default_jobs(mutants.JOBS_PER_CPU, rig),
        reports=tuple(parse_report(text, WRITERS.keys()) for text in report or ()),
        rig=rig,
        browser=browser,
        output=output,
        judge=judge,
        write=write,
        list_only=list_,
    )
    return mutants.mutants(console_for(), console_for(stderr=True), options)


@app.command("calibrate")
def calibrate_(
    *,
    repeat: Annotated[int, typer.Option(min=1, metavar="N", help="Passes over all known delays.")] = 1,
    browser: BrowserOption = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where it is kept.", show_default="where `run` looks")
    ] = None,
) -> ExitStatus:
    """Measure the error of every time on this machine."""
    options = calibrate.CalibrateOptions(repeat=repeat, browser=browser, output=output)
    return calibrate.calibrate(console_for(), console_for(stderr=True), options)


@app.command("crosscheck")
def crosscheck_(  # noqa: PLR0913 - one parameter an option
    runs: Annotated[list[Path] | None, typer.Argument(metavar="[RUN]...", help="Compare these; run nothing.")] = None,
    *,
    extension: Annotated[list[Path] | None, many("DIR", "Of this extension.")] = None,
    subject: Annotated[list[Path] | None, many("PROFILE.toml", "Of what this profile describes.")] = None,
    scenario: Annotated[list[str] | None, many("GLOB", "Only scenarios so called.")] = None,
    tag: Annotated[list[str] | None, many("TAG", "Only scenarios with this tag.")] = None,
    rig: Annotated[list[RigMode] | None, many("RIG", "In this rig; else in all three.")] = None,
    again: AgainOption = None,
    jobs: Annotated[int | None, rigs(JOBS_PER_CPU, COLD)] = None,
    browser: BrowserOption = None,
    output: OutputOption = OUTPUT,
) -> ExitStatus:
    """Compare what warm, fresh and unattached rigs find."""
    options = RunOptions(
        extensions=tuple(extension or ()),
        subjects=tuple(subject or ()),
        scenarios=tuple(scenario or ()),
        tags=tuple(tag or ()),
        jobs=jobs or 0,
        seed=random_seed(),
        browser=browser,
        output=output,
    )
    out, err = console_for(), console_for(stderr=True)
    if runs:
        return crosscheck.compare(out, err, options, runs, again or 0)
    most = crosscheck.AGAIN if again is None else again
    return crosscheck.crosscheck(out, err, options, tuple(rig or RigMode), most)


@app.command("doctor")
def doctor_(*, browser: BrowserOption = None, output: OutputOption = OUTPUT) -> ExitStatus:
    """Say what was found on this machine, and what is missing."""
    return doctor.doctor(console_for(), browser, output)


@app.command()
def schema(
    what: Annotated[str, typer.Argument(metavar="[scenario|results]", help="Whose grammar.")] = "scenario",
) -> ExitStatus:
    """Print the JSON Schema of scenario files or of results."""
    return catalogue.print_schema(console_for(), what)


@app.command("list")
def list_(
    what: Annotated[str | None, typer.Argument(metavar="[scenarios|requirements|faults]", help="Which.")] = None,
    *,
    markdown: Annotated[bool, typer.Option("--markdown", help="Requirement by scenario, as a document.")] = False,
) -> ExitStatus:
    """List the scenarios, the requirements and the faults there are."""
    if markdown:
        return catalogue.print_requirements(console_for(), what)
    return catalogue.list_tables(console_for(), what)


@app.command("test", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> ExitStatus:
    """Pass the project's own tests; arguments go to pytest."""
    return selftest.selftest(context.args)


cli_servers.add_to(app)
cli_load.add_to(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a sign gets a question mark, no crash
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = get_command(app).main(args=given or ["--help"], prog_name="conform", standalone_mode=False)
    except ConformError as error:
        return _say(str(error), error.exit_status)
    except typer.TyperException as error:
        what = error.format_message().replace("Value error, ", "").rstrip(".?").replace(". Did", "; did")
        return _say(f"{what}; {_help_for(error)}", ExitStatus.BAD_INPUT)
    except SystemExit:  # whoever read the output has gone: rich and typer both end so, and there is nobody to tell
        return ExitStatus.HARNESS_FAILED
    except Exception as error:  # noqa: BLE001 - whatever it is, the user gets one message
        return _say(str(explained(error)), ExitStatus.HARNESS_FAILED)
    if status == _INTERRUPTED:
        return _say("interrupted before anything ran", ExitStatus.HARNESS_FAILED)
    return int(status or 0)


def _help_for(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "conform"
    return f"`{command} --help` lists what there is"


def _say(message: str, status: ExitStatus) -> int:
    sys.stderr.write(f"conform: {message}\n")
    return int(status)
