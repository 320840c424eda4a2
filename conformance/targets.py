"""Targets: the real servers that are put in the fakes' places, as a user states them, and what they cannot have.

Pure. Where one is found, started and killed is rig/targets.py's; how it is spoken through, rig/upstream.py's.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from conformance.errors import InputError
from conformance.model import Change, Drop, Side

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.model import Scenario, Step

# What a command may have in it, and what comes in its place.
PORT: Final = "{port}"  # a free port, which the target has to listen on
CA: Final = "{ca}"  # a file that the target writes its CA's certificate into; it speaks TLS then
ORIGIN: Final = "{origin}"  # the subject's origin; an argument with it is given once for each subject
_SCHEMES: Final = ("http", "https", "ws", "wss")


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """One target. Either ``url`` or ``command`` is set.

    ``ca``: a PEM file with the CA of its certificate; "": the system's. ``owned``: its user says that it is his.
    """

    side: Side
    stated: str
    url: str = ""
    command: tuple[str, ...] = ()
    ca: str = ""
    owned: bool = False

    @property
    def option(self) -> str:
        """How it was stated, for messages."""
        return f"--{self.side}-target {self.stated!r}"

    def __str__(self) -> str:
        return f"{self.side}: {self.stated}"

    @property
    def makes_ca(self) -> bool:
        """Whether it writes the certificate of a CA of its own."""
        return any(CA in argument for argument in self.command)

    @property
    def tls(self) -> bool:
        """Whether it speaks TLS."""
        return urlsplit(self.url).scheme in ("https", "wss") if self.url else self.makes_ca or bool(self.ca)

    def arguments(self, port: int, ca: str, origins: Iterable[str]) -> list[str]:
        """The command with everything in its place."""
        known = list(origins)
        filled: list[str] = []
        for argument in self.command:
            once = argument.replace(PORT, str(port)).replace(CA, ca)
            filled += [once.replace(ORIGIN, origin) for origin in known] if ORIGIN in once else [once]
        return filled


def parse_target(side: Side, text: str, *, ca: str = "", owned: bool = False) -> TargetSpec:
    """The target that ``text`` states: a URL, or a command line with ``{port}`` in it. Raises InputError."""
    option = f"--{side}-target {text!r}"
    if "://" in text.partition(" ")[0]:
        _check_url(option, text)
        return TargetSpec(side, text, url=text, ca=ca, owned=owned)
    try:
        command = tuple(shlex.split(text))
    except ValueError as error:
        raise InputError(f"{option}: this is no command line: {str(error).lower()}; mend its quotes") from error
    if not command:
        raise InputError(f"{option}: give a URL, or a command line with {PORT} where its port belongs")
    if not any(PORT in argument for argument in command[1:]):
        raise InputError(
            f"{option}: it is no URL, and as a command line it needs {PORT} where the server's port belongs, "
            f"e.g. 'conform serve {side} --port {PORT}'"
        )
    return TargetSpec(side, text, command=command, ca=ca, owned=owned)


def _check_url(option: str, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise InputError(f"{option}: no such kind of URL; write http://… or ws://…, https://… or wss://…")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InputError(
            f"{option}: host, port and path are all that a target's URL may have, since the record keeps it; "
            "leave out what comes before an @ and after a ? or #"
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """A target that was looked for. ``is_here``: it is on this machine."""

    spec: TargetSpec
    is_here: bool = True


def why_not(scenario: Scenario, targets: Sequence[Standing]) -> str | None:
    """Why this scenario cannot be had with these targets; None when it can.

    A target that is somewhere else and that nobody has said to own gets no fault.
    """
    for target in targets:
        side = target.spec.side
        if not target.is_here and not target.spec.owned and _misuses(scenario, side):
            return (
                f"it puts a fault before the {side} target, which is not on this machine; "
                "if that is yours, say so with --i-own-this-target"
            )
    return None


def _misuses(scenario: Scenario, side: Side) -> bool:
    return bool(scenario.given.of(side)) or any(_is_fault(step, side) for step in scenario.when)


def _is_fault(step: Step, side: Side) -> bool:
    match step:
        case Change(side=its, faults=faults):
            return its is side and bool(faults)
        case Drop(side=its):
            return its is side
        case _:
            return False
