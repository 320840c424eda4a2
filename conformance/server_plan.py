"""The scenarios that servers are judged in: what each covers, and what a profile may declare absent.

Pure. They are scenarios like any other to the record, the judge and the reports; only the rig that carries
them out is another one (rig/serving), and no browser is in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from conformance.errors import InputError, did_you_mean
from conformance.model import Expectation, Outcome, Scenario, Shown, Side, World

if TYPE_CHECKING:
    from collections.abc import Iterable

FAMILIES: Final = tuple(f"{side.value.title()} server" for side in Side)
FEATURES: Final = {
    "origin-rules": "a local server that refuses web pages' origins",
    "origin-list": "a list of the origins that may read the public server's answers",
    "rate-limit": "a limit of one client's connects",
    "heartbeat": "noticing a client that has fallen silent",
}


@dataclass(frozen=True, slots=True)
class ServerScenario:
    """One scenario and how it is limited. ``feature``: what a profile may declare absent. ``unmeasured``: why not."""

    scenario: Scenario
    side: Side
    feature: str = ""
    unmeasured: str = ""


def _scenario(  # noqa: PLR0913 - what tells scenarios apart
    side: Side, name: str, covers: str, says: str, *, feature: str = "", unmeasured: str = ""
) -> ServerScenario:
    family = f"{side.value.title()} server"
    then = Expectation(Outcome.NONE, Shown.ARGUABLE, within_ms=0, hold_ms=0)
    made = Scenario(f"{side.value}-{name}", family, says, tuple(covers.split()), World(), (), then)
    return ServerScenario(made, side, feature, unmeasured)


def _both(side: Side, upgrade: str, http: str) -> Iterable[ServerScenario]:
    """What is asked of either server. ``upgrade``, ``http``: what its sessions and its answers are judged by."""
    yield _scenario(side, "handshakes", upgrade, "handshakes as RFC 6455 allows them open a session")
    yield _scenario(side, "bad-handshakes", "API-8", "handshakes that RFC 6455 forbids are refused")
    yield _scenario(side, "malformed-http", "API-8", "what is no HTTP request is refused, and nobody else notices")
    yield _scenario(side, "frames", "API-8", "frames as RFC 6455 allows them keep the session")
    yield _scenario(side, "closes", "API-8", "a close frame is answered with its code, and the connection ended")
    yield _scenario(side, "bad-frames", "API-8", "frames that RFC 6455 forbids, and bad UTF-8, end their session only")
    yield _scenario(side, "oversize", "API-8", "messages beyond every measure end their session only")
    yield _scenario(side, "half-open", "API-8", "a client that has fallen silent is dropped", feature="heartbeat")
    yield _scenario(
        side, "openapi", f"{http} API-8", "requests drawn from the published OpenAPI document are answered as it says"
    )
    yield _scenario(side, "fuzzed-http", "API-8", "drawn requests, well formed and not, break nothing")
    yield _scenario(side, "fuzzed-frames", "API-8", "drawn frames, well formed and not, are taken as RFC 6455 says")


SERVER_SCENARIOS: Final[tuple[ServerScenario, ...]] = (
    _scenario(Side.LOCAL, "signature", "LOC-1", "the signature is asked for"),
    _scenario(Side.LOCAL, "cors", "LOC-3", "an extension's origin asks for the signature"),
    _scenario(
        Side.LOCAL, "origins", "LOC-4", "web pages' origins ask for a WebSocket and get none", feature="origin-rules"
    ),
    _scenario(Side.LOCAL, "addresses", "LOC-4", "the port listens on loopback addresses and on no others"),
    _scenario(Side.LOCAL, "latency", "LOC-5", "the signature is asked for 500 times, one after the other"),
    *_both(Side.LOCAL, "LOC-2", "LOC-1"),
    _scenario(Side.PUBLIC, "signature", "API-3", "the signature is asked for"),
    _scenario(Side.PUBLIC, "tls", "API-1", "TLS of each version, the certificate, and plain text on the port"),
    _scenario(Side.PUBLIC, "health", "API-2", "the health of a healthy server is asked for"),
    _scenario(Side.PUBLIC, "unhealthy", "API-2", "the health of an unhealthy server is asked for"),
    _scenario(
        Side.PUBLIC,
        "cors",
        "API-4",
        "configured and other origins ask for the signature and the health, with preflight and without",
        feature="origin-list",
    ),
    *_both(Side.PUBLIC, "API-1", "API-2 API-3"),
    _scenario(Side.PUBLIC, "rate-limit", "API-7", "one client connects again and again", feature="rate-limit"),
    _scenario(
        Side.PUBLIC,
        "load",
        "API-5",
        "1,000 sessions and 10,000 messages a second",
        unmeasured="not measured here: `conform load` does, from as many machines as it takes",
    ),
    _scenario(
        Side.PUBLIC,
        "alarm",
        "API-6",
        "the deployment's alarm and its check every 30 s",
        unmeasured="not measured here: an alarm is in the deployment, and no answer of the server shows it",
    ),
)


def scenarios_of(sides: Iterable[Side]) -> tuple[ServerScenario, ...]:
    """The scenarios of these sides, in order."""
    wanted = set(sides)
    return tuple(one for one in SERVER_SCENARIOS if one.side in wanted)


def unsupported(one: ServerScenario, absent: Iterable[str]) -> str | None:
    """Why the scenario cannot be had of a server whose profile says so; None if it can."""
    if one.unmeasured:
        return one.unmeasured
    if one.feature and one.feature in absent:
        return f"the server is said to have no {one.feature} ({FEATURES[one.feature]})"
    return None


def check_absent(names: Iterable[str]) -> tuple[str, ...]:
    """Features as they are typed; a slip gets the nearest name."""
    for name in names:
        if name not in FEATURES:
            raise InputError(f"--absent '{name}': no such feature of a server{did_you_mean(name, FEATURES)}")
    return tuple(names)
