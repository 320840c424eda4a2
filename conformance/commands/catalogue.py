"""``conform list`` and ``conform schema``: what there is to run, and the grammars of data files."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from inspect import getdoc
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from conformance.catalogue import by_id, family_id, schema_text
from conformance.errors import ExitStatus, InputError, did_you_mean
from conformance.files import load_requirements, load_scenarios
from conformance.oracles import ORACLES
from conformance.report.schema import results_schema
from conformance.rig.faults import FAULTS
from conformance.server_plan import SERVER_SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rich.console import Console

    from conformance.model import Requirement, Scenario


def list_tables(console: Console, what: str | None) -> ExitStatus:
    """Print one table, or all of them."""
    tables: dict[str, Callable[[], Table]] = {
        "scenarios": lambda: scenario_table(load_scenarios()),
        "requirements": lambda: requirement_table(load_requirements()),
        "faults": lambda: fault_table(FAULTS),
    }
    if what is not None and what not in tables:
        raise InputError(f"there is no list of '{what}'{did_you_mean(what, tables)}")
    for name, table in tables.items():
        if what in (None, name):
            console.print(table())
    return ExitStatus.CONFORMS


def print_requirements(console: Console, what: str | None) -> ExitStatus:
    """Print docs/requirements.md, and nothing else."""
    if what != "requirements":
        raise InputError("only the requirements are a document; write: conform list requirements --markdown")
    every = [*load_scenarios(), *(one.scenario for one in SERVER_SCENARIOS)]
    console.file.write(requirements_markdown(load_requirements(), every))
    console.file.flush()
    return ExitStatus.CONFORMS


def print_schema(console: Console, what: str) -> ExitStatus:
    """Print one JSON Schema, and nothing else, so that it can go into a file."""
    schemas: dict[str, Callable[[], str]] = {
        "scenario": lambda: schema_text(FAULTS, by_id(load_requirements())),
        "results": lambda: json.dumps(results_schema(), indent=2) + "\n",
    }
    if what not in schemas:
        raise InputError(f"there is no schema of '{what}'{did_you_mean(what, schemas)}")
    console.file.write(schemas[what]())
    console.file.flush()  # a reader that has gone is noticed here, not at the interpreter's end
    return ExitStatus.CONFORMS


def scenario_table(scenarios: Iterable[Scenario]) -> Table:
    """One row a scenario, its cases together."""
    families: dict[str, list[Scenario]] = {}
    for scenario in scenarios:
        families.setdefault(family_id(scenario.id), []).append(scenario)
    count = sum(map(len, families.values()))
    table = _table(f"{count} scenarios", "covers", "says")
    area = ""
    for name, cases in families.items():
        first = cases[0]
        if first.family != area:
            area = first.family
            table.add_row(Text(area, style="bold"), "", "")
        ids = ", ".join(_case(scenario.id) for scenario in cases)
        about = Text(first.says)
        if len(cases) > 1:
            about.append(f"\n{len(cases)} cases: {ids}", style="dim")
        table.add_row(Text(f" {name}"), Text(", ".join(first.covers)), about)
    return table


def _case(scenario: str) -> str:
    return scenario.partition("[")[2].removesuffix("]") or scenario


def requirement_table(requirements: Iterable[Requirement]) -> Table:
    """One row a requirement: what it says, and where that comes from."""
    every = list(requirements)
    table = _table(f"{len(every)} requirements", "level", "says")
    for one in every:
        feature = f" (feature: {one.feature})" if one.feature else ""
        about = Text(one.says).append(f"\n{one.source}{feature}", style="dim")
        table.add_row(one.id, one.level.value, about)
    return table


def requirements_markdown(requirements: Iterable[Requirement], scenarios: Iterable[Scenario]) -> str:
    """Requirement → scenarios as a document: the extension's, then the servers'."""
    every, wanted = list(scenarios), list(requirements)

    def rows(*, extension: bool) -> list[str]:
        return [
            f"| {one.id} | {one.level} | {one.says} | {_judged_by(one.id, every)} |"
            for one in wanted
            if (one.of == "extension") is extension
        ]

    return "\n".join([_REQUIREMENTS_HEAD, *rows(extension=True), _SERVERS_HEAD, *rows(extension=False), ""])


def _judged_by(requirement: str, scenarios: Iterable[Scenario]) -> str:
    """The families that cover it, with the number of their cases; ``none`` where there is none."""
    counts: dict[str, int] = {}
    for scenario in scenarios:
        if requirement in scenario.covers:
            name = family_id(scenario.id)
            counts[name] = counts.get(name, 0) + 1
    named = [f"`{name}`" if count == 1 else f"`{name}` ({count})" for name, count in counts.items()]
    if requirement in ORACLES and ORACLES[requirement].everywhere:
        named.append("every other one in which it arises")
    return ", ".join(named) or "none"


_REQUIREMENTS_HEAD: Final = """\
# Requirements and the scenarios that judge them

Written by `conform list requirements --markdown`; a test holds that it is up to date. The number in
brackets is that of a scenario's cases which cover the requirement. Where each requirement comes from:
`conform list requirements`.

| id | level | the extension… | judged by |
|---|---|---|---|"""


_SERVERS_HEAD: Final = """
## Servers

Judged by `conform servers` ([servers](servers.md)); what cannot be measured there says so, and never passes.

| id | level | the server… | judged by |
|---|---|---|---|"""


def fault_table(faults: Mapping[str, type]) -> Table:
    """One row a fault: its parameters with their defaults, where it sits, what it does."""
    table = _table(f"{len(faults)} faults", "stage", "does")
    for name, fault in faults.items():
        about = Text((getdoc(fault) or "").partition("\n\n")[0].replace("\n", " "))
        if parameters := ", ".join(_parameter(field) for field in fields(fault) if field.init):
            about.append(f"\n{parameters}", style="dim")
        table.add_row(name, str(getattr(fault, "stage", "")), about)
    return table


def _parameter(field: Any) -> str:  # noqa: ANN401 - dataclasses.Field of any type
    kind = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", str(field.type))
    return f"{field.name}: {kind}" + ("" if field.default is MISSING else f" = {field.default!r}")


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    table.columns[0].no_wrap = True
    table.columns[-1].ratio = 1
    return table
