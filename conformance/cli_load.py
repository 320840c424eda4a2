"""The command line of ``load``: its options and help."""

from __future__ import annotations

import os
from pathlib import Path  # noqa: TC003 - typer reads annotations at run time
from typing import Annotated

import typer

from conformance.cli_options import OutputOption, console_for, many
from conformance.commands import load
from conformance.commands.options import OUTPUT
from conformance.commands.report_files import parse_report
from conformance.errors import ExitStatus, InputError
from conformance.load import MARK_MESSAGES, MARK_SESSIONS, LoadPlan, Place, seconds
from conformance.rig.load.generator import Crew
from conformance.server_cases import EXTENSION

_FORMATS = ("json",)
_LATER = Place(url="", host="", name="", port=0, address="")  # where the server is, the command finds out


def add_to(app: typer.Typer) -> None:
    """Enter the command."""
    app.command("load")(load_)


def load_(  # noqa: PLR0913 - one parameter an option
    *,
    public: Annotated[str | None, typer.Option(metavar="URL", help="On this public server.")] = None,
    local: Annotated[str | None, typer.Option(metavar="URL", help="On this local server.")] = None,
    ca: Annotated[Path | None, typer.Option(metavar="FILE.pem", help="The CA of the server's certificate.")] = None,
    origin: Annotated[str, typer.Option(metavar="ORIGIN", help="A configured extension's.")] = EXTENSION,
    users: Annotated[int, typer.Option(metavar="N", help="Sessions.")] = MARK_SESSIONS,
    rate: Annotated[
        float, typer.Option(metavar="R", help="Messages a second, over all sessions; 0: they stay idle.")
    ] = MARK_MESSAGES,
    connects: Annotated[float, typer.Option(metavar="R", help="Sessions opened a second, before that.")] = 100.0,
    for_: Annotated[str, typer.Option("--for", metavar="TIME", help="How long messages are sent: 30s, 2m.")] = "30s",
    message: Annotated[str, typer.Option(metavar="TEXT", help="What each message is.")] = '{"type":"ping"}',
    reply: Annotated[str, typer.Option(metavar="TEXT", help="What its answer has in it.")] = "pong",
    no_reply: Annotated[bool, typer.Option("--no-reply", help="The server answers no message.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Processes that make the load.", show_default="1 a CPU")
    ] = None,
    remote_workers: Annotated[int, typer.Option(min=0, metavar="N", help="Those of other machines, besides.")] = 0,
    bind: Annotated[
        str | None, typer.Option(metavar="ADDRESS:PORT", help="Where these come to.", show_default="loopback")
    ] = None,
    i_own_this_target: Annotated[
        bool, typer.Option("--i-own-this-target", help="Needed for a server that is not on this machine.")
    ] = False,
    report: Annotated[list[str] | None, many("json:PATH", "Also write the figures there.")] = None,
    output: OutputOption = OUTPUT,
) -> ExitStatus:
    """Put load on a server and judge it against API-5. Without a URL: on the bundled public server."""
    plan = LoadPlan(
        place=_LATER,
        sessions=users,
        rate=rate,
        connects=connects,
        hold_s=seconds(for_),
        message=message,
        reply=reply_of(reply, none=no_reply),
        origin=origin,
    )
    crew = Crew(default_workers(remote_workers) if workers is None else workers, remote_workers, address_of(bind))
    reports = tuple(parse_report(text, _FORMATS) for text in report or ())
    where = {"public": public, "local": local}
    options = load.LoadOptions(
        **where, ca=ca, plan=plan, crew=crew, owned=i_own_this_target, reports=reports, output=output
    )
    return load.load(console_for(), console_for(stderr=True), options)


def reply_of(text: str, *, none: bool) -> str:
    """What an answer has in it; "" where there are none."""
    if not text and not none:
        raise InputError("--reply '': every message has nothing in it; say --no-reply where the server answers none")
    return "" if none else text


def default_workers(remote: int) -> int:
    """A process uses one CPU; where other machines make the load, this one adds up."""
    return 0 if remote else os.cpu_count() or 1


def address_of(text: str | None) -> tuple[str, int] | None:
    """``ADDRESS:PORT``."""
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise InputError(f"--bind '{text}': give ADDRESS:PORT, for instance 192.0.2.1:5557")
    return host.strip("[]"), int(port)
