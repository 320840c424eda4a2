"""The pytest plugin's door: its options, and nothing else until one of them is used.

pytest loads this module in every project that has the package installed, so it imports nothing of
ours at the top. With ``--subject`` it hands over to pytest_session.py. The short names of the options
(``--extension``, ``--browser``…) exist only then: a project or another plugin may have its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

SUBJECT = "conform_subjects"  # its dest, and what switches the plugin on

# name → what argparse is told of it; dest is conform_ and the name
_OPTIONS: dict[str, dict[str, Any]] = {
    "extension": {"action": "append", "metavar": "DIR", "help": "an unpacked extension to judge, besides --subject"},
    "scenario": {"action": "append", "metavar": "GLOB", "help": "only these scenarios"},
    "requirement": {"action": "append", "metavar": "ID", "help": "only scenarios that cover this requirement"},
    "tag": {"action": "append", "metavar": "TAG", "help": "only scenarios with this tag"},
    "level": {"choices": ("must", "should"), "default": "must", "help": "what fails a test (default: must)"},
    "rig": {
        "choices": ("warm", "fresh", "unattached"),
        "default": "warm",
        "help": "one browser for many scenarios, one for each, or one without a debugger (default: warm)",
    },
    "browser": {"metavar": "PATH", "help": "the Chromium to use (default: conform doctor says which)"},
    "local-target": {
        "metavar": "URL|COMMAND",
        "help": "put this server in the local fake's place; {port} is where its port belongs",
    },
    "public-target": {
        "metavar": "URL|COMMAND",
        "help": "the same for the public one; {ca} and {origin} may be in it, too: docs/targets.md",
    },
    "public-target-ca": {"metavar": "FILE.pem", "help": "the CA of the public target's certificate"},
    "i-own-this-target": {
        "action": "store_true",
        "help": "needed for faults before a target that is not on this machine",
    },
}


def dest(name: str) -> str:
    """Where the value of an option is kept."""
    return f"conform_{name.replace('-', '_')}"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--subject`` and the options with a prefix, which nobody else has."""
    group = parser.getgroup("conformance", "conformance of browser extensions")
    group.addoption(
        "--subject",
        "--conform-subject",
        action="append",
        dest=SUBJECT,
        metavar="SUBJECT",
        help="judge it: a profile (subject.toml), an unpacked extension's directory, or a bundled one's name; "
        "with it, the --conform-… options may be written without conform-",
    )
    for name, how in _OPTIONS.items():
        group.addoption(f"--conform-{name}", dest=dest(name), **how)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser
) -> Generator[None, object, object]:
    """Add the short names where ``--subject`` is among the arguments, after conftest.py had its choice of names."""
    result = yield
    if getattr(early_config.known_args_namespace, SUBJECT, None):
        group = parser.getgroup("conformance")
        taken = {name for each in parser._groups for option in each.options for name in option.names()}  # noqa: SLF001
        for name, how in _OPTIONS.items():
            if f"--{name}" not in taken:  # pytest-playwright has a --browser, for one
                group.addoption(f"--{name}", dest=dest(name), **how)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """Distribute by stealing where the user asked for workers and left it open how: scenarios wait for long, unevenly.

    A wrapper, because pytest-xdist fills in its own default in this hook.
    """
    option = config.option
    is_open = getattr(option, "dist", None) == "no" and not getattr(option, "distload", False)
    if is_open and getattr(option, "numprocesses", None) and getattr(option, SUBJECT, None):
        option.dist = "worksteal"
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    """Hand over when there is a subject."""
    if config.getoption(SUBJECT, None):
        from conformance.pytest_session import ConformanceSession  # noqa: PLC0415 - only now is it needed

        config.pluginmanager.register(ConformanceSession(config), "conformance-session")
