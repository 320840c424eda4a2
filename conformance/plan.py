"""What to run, and in which order.

Pure: the shuffle comes from a hash of the seed, not from a generator. Who runs it is the rig's
business, and so is what this machine cannot stage; what a profile cannot have is said here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeVar

from conformance.catalogue import family_id
from conformance.errors import InputError, did_you_mean
from conformance.model import (
    Budgets,
    Change,
    Drop,
    FaultSpec,
    Hold,
    Outcome,
    Profile,
    Scenario,
    Shown,
    Side,
    Until,
    UntilAttempts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from conformance.model import Requirement, Step

FRESH_PROFILE: Final = "fresh-profile"  # the tag of scenarios that get a browser of their own
PUBLIC_FEATURE: Final = "public"
_REFUSED: Final = FaultSpec("refused")

# What a scenario costs beyond the waits that it states, for putting the longest first. Estimates, in
# milliseconds; a wrong one costs some wall time at the end of a run and nothing else.
_BASE_MS: Final = 100.0  # load, connect, unload on a warm rig: 84 measured
_LAUNCH_MS: Final = 1000.0  # a browser of its own: 400 to 1300 measured
_RECONNECT_MS: Final = 1000.0  # session lost → next one: the first wait of the usual back-off
_WAIT_MS_FIRST: Final = 1000.0  # the usual back-off doubles from one second…
_WAIT_MS_LAST: Final = 8000.0  # …to no more than this early in an outage
_HANG_MS: Final = 8000.0  # how long a patient subject leaves a public server that says nothing
_HANGING: Final = frozenset({"blackhole", "silent", "hang_upgrade"})


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One scenario on one subject, once. ``repeat`` counts from 0.

    ``may_fail``: the subject has a fault that may show here, so that it may use up all the scenario's time.
    """

    profile: Profile
    scenario: Scenario
    repeat: int
    may_fail: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run, first things first."""

    items: tuple[PlanItem, ...]


def make_plan(  # noqa: PLR0913 - one keyword for each of the command line's selectors
    profiles: Sequence[Profile],
    scenarios: Sequence[Scenario],
    *,
    scenario_globs: Iterable[str] = (),
    requirements: Iterable[str] = (),
    tags: Iterable[str] = (),
    repeat: int = 1,
    seed: int | None = None,
) -> Plan:
    """The scenarios that every kind of selector admits, on every subject, longest expected first.

    Selectors of one kind add up; of different kinds narrow each other down. With ``seed`` the order is
    that seed's shuffle instead.
    """
    if repeat < 1:
        raise InputError(f"--repeat {repeat}: must be 1 or more")
    _check_names(profiles)
    chosen = select(scenarios, scenario_globs=scenario_globs, requirements=requirements, tags=tags)
    items = [
        PlanItem(profile, scenario, number) for number in range(repeat) for scenario in chosen for profile in profiles
    ]
    if seed is None:
        items.sort(key=lambda item: -expected_ms(item.scenario, item.profile.budgets))
    else:
        items.sort(key=lambda item: _lot(seed, item))
    return Plan(tuple(items))


def _check_names(profiles: Sequence[Profile]) -> None:
    if not profiles:
        raise InputError("no subject: name one with --extension")
    seen: dict[str, Profile] = {}
    for profile in profiles:
        if profile.name in seen:
            where = f"{seen[profile.name].extension} and {profile.extension}"
            raise InputError(f"two subjects are called '{profile.name}': {where}; give each its name in subject.toml")
        seen[profile.name] = profile


def _lot(seed: int, item: PlanItem) -> bytes:
    return sha256(f"{seed}\0{item.profile.name}\0{item.scenario.id}\0{item.repeat}".encode()).digest()


# --- selection -----------------------------------------------------------------------------------

T = TypeVar("T")


def select(
    scenarios: Sequence[Scenario],
    *,
    scenario_globs: Iterable[str] = (),
    requirements: Iterable[str] = (),
    tags: Iterable[str] = (),
) -> list[Scenario]:
    """The scenarios that every kind of selector admits, in the catalogue's order."""
    names = [name for scenario in scenarios for name in (scenario.id, family_id(scenario.id))]
    covered = [one for scenario in scenarios for one in scenario.covers]
    tagged = [one for scenario in scenarios for one in scenario.tags]
    chosen = list(scenarios)
    for wanted, known, what, admits in (
        (tuple(scenario_globs), names, "no scenario is called", _is_called),
        (tuple(requirements), covered, "no scenario covers", _covers),
        (tuple(tags), tagged, "no scenario has the tag", _has_tag),
    ):
        for name in wanted:
            if not any(admits(scenario, name) for scenario in scenarios):
                raise InputError(f"{what} '{name}'{did_you_mean(name, dict.fromkeys(known))}")
        if wanted:
            chosen = [scenario for scenario in chosen if _any(admits, scenario, wanted)]
    if not chosen:
        raise InputError("nothing is selected: no scenario fits all of --scenario, --requirement and --tag together")
    return chosen


def _any(admits: Callable[[Scenario, str], bool], scenario: Scenario, wanted: tuple[str, ...]) -> bool:
    return any(admits(scenario, name) for name in wanted)


def _is_called(scenario: Scenario, glob: str) -> bool:
    pattern = _glob(glob)
    return bool(pattern.fullmatch(scenario.id) or pattern.fullmatch(family_id(scenario.id)))


@lru_cache(maxsize=64)
def _glob(glob: str) -> re.Pattern[str]:
    """``*`` and ``?`` only: brackets are part of the ids, so they mean themselves."""
    return re.compile(re.escape(glob).replace(r"\*", ".*").replace(r"\?", "."))


def _covers(scenario: Scenario, requirement: str) -> bool:
    return requirement in scenario.covers


def _has_tag(scenario: Scenario, tag: str) -> bool:
    return tag in scenario.tags


# --- order ---------------------------------------------------------------------------------------


def launch_ms(scenario: Scenario) -> float:
    """About how much of what is expected is work and no waiting: the launch of a browser of its own."""
    return _LAUNCH_MS if FRESH_PROFILE in scenario.tags else 0.0


def expected_ms(scenario: Scenario, budgets: Budgets | None = None) -> float:
    """About how long the scenario takes on a subject that conforms.

    What it states (holds, and the watching of an expectation of no session) is exact. For the rest: a
    wait for a session takes as long as the silent server is given, or a reconnect; a wait for attempts
    takes the usual back-off, plus a hanging public server's time at each attempt; a half-open session
    is noticed at about half of its budget. No wait is longer than the scenario gives it.
    """
    budgets = budgets or Budgets()
    hanging = any(fault.name in _HANGING for fault in scenario.given.public)
    total = _BASE_MS + scenario.stated_wait_ms + launch_ms(scenario)
    attempts, pending = 0, budgets.probe_timeout_ms if scenario.then.shown is Shown.SILENT else 0.0
    for step in scenario.when:
        match step:
            case Until(within_ms=within_ms):
                total, pending = total + min(pending, within_ms), 0.0
            case UntilAttempts(count=count, within_ms=within_ms):
                total += min(_attempts_ms(attempts, count, hanging=hanging), within_ms)
                attempts, pending = count, _wait_ms(count) + (_HANG_MS if hanging else 0.0)
            case Drop(fault=fault):
                pending = budgets.half_open_ms / 2 if fault.name == "half_open" else _RECONNECT_MS
            case Change() | Hold():
                pass
    given_ms = scenario.then.within_ms
    waited_for = [side for side in Side if side is Side.PUBLIC or scenario.then.shown is not Shown.SILENT]
    slow_ms = max((_delay_ms(fault) for side in waited_for for fault in scenario.given.of(side)), default=0.0)
    return total + (given_ms if scenario.then.session is Outcome.NONE else min(max(pending, slow_ms), given_ms))


def _wait_ms(after: int) -> float:
    """The usual wait after that many failed attempts."""
    return min(_WAIT_MS_FIRST * 2.0 ** (after - 1), _WAIT_MS_LAST)


def _attempts_ms(begun: int, count: int, *, hanging: bool) -> float:
    """From the start of attempt ``begun`` (0: the subject's start) to the start of attempt ``count``."""
    return sum(_wait_ms(after) + (_HANG_MS if hanging else 0.0) for after in range(max(begun, 1), count))


def _delay_ms(fault: FaultSpec) -> float:
    delay_ms = fault.parameters.get("delay_ms", 0)
    return float(delay_ms) if isinstance(delay_ms, (int, float)) else 0.0


# --- what a profile cannot have ------------------------------------------------------------------


def unsupported(profile: Profile, scenario: Scenario, requirements: Mapping[str, Requirement]) -> str | None:
    """Why this profile cannot have this scenario, or None when it can."""
    has_public = profile.endpoints.public is not None and PUBLIC_FEATURE not in profile.absent
    if not has_public and needs_public(scenario):
        return "needs a public server, and the profile has none"
    features = {requirements[one].feature for one in scenario.covers if one in requirements}
    if features and features <= set(profile.absent):
        return f"covers only what the profile declares absent: {', '.join(sorted(features))}"
    return None


def needs_public(scenario: Scenario) -> bool:
    """Whether the scenario asks for anything of the public server but to be refused or left alone."""
    return (
        scenario.then.session in (Outcome.PUBLIC, Outcome.EITHER)
        or any(fault != _REFUSED for fault in scenario.given.public)
        or any(_step_needs_public(step) for step in scenario.when)
    )


def _step_needs_public(step: Step) -> bool:
    match step:
        case Until(session=session):
            return session in (Outcome.PUBLIC, Outcome.EITHER)
        case Change(side=Side.PUBLIC, faults=faults):
            return any(fault != _REFUSED for fault in faults)
        case Drop(side=side):
            return side is Side.PUBLIC
        case _:
            return False
