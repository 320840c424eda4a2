"""The command line of servers: ``serve`` and ``servers``, their options and help."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads annotations at run time
from typing import Annotated

import typer

from conformance.cli_options import (
    LevelName,
    LevelOption,
    OutputOption,
    ReportOption,
    VerboseOption,
    console_for,
    level_of,
    many,
)
from conformance.commands import serve, servers
from conformance.commands.options import OUTPUT, SEED_END
from conformance.commands.report_files import parse_report
from conformance.errors import ExitStatus  # noqa: TC001 - as above
from conformance.rig.serving.examination import Settings
from conformance.server_cases import EXTENSION
from conformance.server_plan import check_absent


def add_to(app: typer.Typer) -> None:
    """Enter both commands. What follows ``serve local`` is the server's own, ``--help`` included."""
    its_own = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    app.command("serve", context_settings=its_own)(serve_)
    app.command("servers")(servers_)


def serve_(
    context: typer.Context, which: Annotated[str, typer.Argument(metavar="local|public", help="Which of the two.")]
) -> ExitStatus:
    """Run a bundled reference server, local or public."""
    return serve.serve(which, context.args)


def servers_(  # noqa: PLR0913 - one parameter an option
    *,
    local: Annotated[str | None, typer.Option(metavar="URL", help="Judge this local server.")] = None,
    public: Annotated[str | None, typer.Option(metavar="URL", help="Judge this public server.")] = None,
    public_unhealthy: Annotated[
        str | None, typer.Option(metavar="URL", help="The same public server in a state in which it is unhealthy.")
    ] = None,
    ca: Annotated[
        Path | None, typer.Option(metavar="FILE.pem", help="The CA of the public server's certificate.")
    ] = None,
    origin: Annotated[str, typer.Option(metavar="ORIGIN", help="A configured extension's.")] = EXTENSION,
    absent: Annotated[list[str] | None, many("FEATURE", "The servers do not have it.")] = None,
    scenario: Annotated[list[str] | None, many("GLOB", "Only scenarios so called, e.g. 'local-*'.")] = None,
    requirement: Annotated[list[str] | None, many("ID", "Only scenarios that cover it.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Print what would run, and run nothing.")] = False,
    inputs: Annotated[int, typer.Option(min=2, metavar="N", help="Drawn inputs a server.")] = 2000,
    half_open: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="How long a silent client may be kept.")
    ] = 60.0,
    seed: Annotated[
        int, typer.Option(min=0, max=SEED_END - 1, metavar="N", help="What is random comes from this.")
    ] = 0,
    i_own_this_target: Annotated[
        bool, typer.Option("--i-own-this-target", help="Needed for a server that is not on this machine.")
    ] = False,
    level: LevelOption = LevelName.MUST,
    report: ReportOption = None,
    output: OutputOption = OUTPUT,
    verbose: VerboseOption = False,
) -> ExitStatus:
    """Judge servers, without a browser. Without a URL: the bundled reference servers."""
    settings = Settings(
        origin=origin, absent=check_absent(absent or ()), inputs=inputs, seed=seed, half_open_s=half_open
    )
    options = servers.ServersOptions(
        local=local,
        public=public,
        public_unhealthy=public_unhealthy,
        ca=ca,
        scenarios=tuple(scenario or ()),
        requirements=tuple(requirement or ()),
        settings=settings,
        owned=i_own_this_target,
        level=level_of(level),
        reports=tuple(map(parse_report, report or ())),
        output=output,
        list_only=list_,
        verbose=verbose,
    )
    return servers.servers(console_for(), console_for(stderr=True), options)
