"""The plan: what the selectors admit, in an order that repeats."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.errors import InputError
from conformance.model import (
    Change,
    Drop,
    Endpoints,
    Expectation,
    FaultSpec,
    Hold,
    Level,
    Outcome,
    Profile,
    Requirement,
    Scenario,
    Shown,
    Side,
    Step,
    Until,
    UntilAttempts,
    World,
)
from conformance.plan import Plan, expected_ms, make_plan, unsupported

MINE = Profile("mine", "1.0", "/extensions/mine")
YOURS = Profile("yours", "2.0", "/extensions/yours")
LOCAL_ONLY = replace(MINE, endpoints=Endpoints(public=None))
REFUSED = (FaultSpec("refused"),)


def scenario(  # noqa: PLR0913 - a scenario has many parts
    name: str,
    *,
    covers: tuple[str, ...] = ("SEL-1",),
    tags: tuple[str, ...] = (),
    given: World | None = None,
    when: tuple[Step, ...] = (),
    session: Outcome = Outcome.LOCAL,
    shown: Shown = Shown.GOOD,
    within_ms: float = 6000,
    hold_ms: float = 150,
) -> Scenario:
    then = Expectation(session, shown, within_ms, hold_ms)
    return Scenario(name, "Choosing", "says", covers, given or World(), when, then, tags)


CATALOGUE = [
    scenario("local-up", tags=("quick",)),
    scenario("wrong[null]", covers=("SIG-1", "SEL-3"), tags=("quick",)),
    scenario("wrong[html]", covers=("SIG-2",)),
    scenario("both-down", covers=("RETRY-1",), when=(UntilAttempts(4, 30000),), session=Outcome.NONE),
]


def ids(plan: Plan) -> list[str]:
    return [item.scenario.id for item in plan.items]


# --- selection -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("globs", "chosen"),
    [
        ([], {"local-up", "wrong[null]", "wrong[html]", "both-down"}),
        (["local-up"], {"local-up"}),
        (["wrong"], {"wrong[null]", "wrong[html]"}),
        (["wrong[null]"], {"wrong[null]"}),
        (["wrong[*]"], {"wrong[null]", "wrong[html]"}),
        (["*-?p", "both*"], {"local-up", "both-down"}),
        (["*"], {"local-up", "wrong[null]", "wrong[html]", "both-down"}),
    ],
)
def test_globs(globs: list[str], chosen: set[str]) -> None:
    assert set(ids(make_plan([MINE], CATALOGUE, scenario_globs=globs))) == chosen


def test_selectors_of_one_kind_add_up_and_kinds_narrow_down() -> None:
    assert set(ids(make_plan([MINE], CATALOGUE, requirements=["SIG-2", "SEL-3"]))) == {"wrong[null]", "wrong[html]"}
    assert ids(make_plan([MINE], CATALOGUE, requirements=["SIG-2", "SEL-3"], tags=["quick"])) == ["wrong[null]"]


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ({"scenario_globs": ["locl-up"]}, "no scenario is called 'locl-up'; did you mean 'local-up'?"),
        (
            {"scenario_globs": ["local-up", "wrong[nul]"]},
            r"no scenario is called 'wrong\[nul\]'; did you mean 'wrong\[null\]'",
        ),
        ({"scenario_globs": ["wrong[n"]}, "no scenario is called"),
        ({"scenario_globs": [""]}, "no scenario is called ''"),
        ({"requirements": ["SIG-3"]}, "no scenario covers 'SIG-3'; did you mean 'SIG-"),
        ({"tags": ["quik"]}, "no scenario has the tag 'quik'; did you mean 'quick'?"),
        ({"tags": ["quick"], "requirements": ["RETRY-1"]}, "nothing is selected"),
    ],
)
def test_a_selector_that_admits_nothing_is_an_error(selector: dict[str, list[str]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_plan([MINE], CATALOGUE, **selector)  # type: ignore[arg-type]  # the other keywords keep their defaults


# --- items ---------------------------------------------------------------------------------------


def test_every_subject_has_every_scenario_as_often_as_asked() -> None:
    plan = make_plan([MINE, YOURS], CATALOGUE, repeat=3)
    assert len(plan.items) == len(set(map(str, plan.items))) == 2 * len(CATALOGUE) * 3
    assert {item.repeat for item in plan.items} == {0, 1, 2}


def test_repeat_is_at_least_one() -> None:
    with pytest.raises(InputError, match="--repeat 0: must be 1 or more"):
        make_plan([MINE], CATALOGUE, repeat=0)


def test_subjects_are_told_apart_by_their_names() -> None:
    twin = replace(YOURS, name="mine")
    with pytest.raises(InputError, match="two subjects are called 'mine': /extensions/mine and /extensions/yours"):
        make_plan([MINE, twin], CATALOGUE)


def test_there_is_a_subject() -> None:
    with pytest.raises(InputError, match="no subject"):
        make_plan([], CATALOGUE)


# --- order ---------------------------------------------------------------------------------------


def test_longest_expected_first_else_as_in_the_catalogue() -> None:
    assert ids(make_plan([MINE], CATALOGUE)) == ["both-down", "local-up", "wrong[null]", "wrong[html]"]


def test_a_seed_shuffles_and_repeats() -> None:
    orders = [ids(make_plan([MINE], CATALOGUE, repeat=4, seed=seed)) for seed in range(5)]
    assert len({tuple(order) for order in orders}) == 5
    assert orders == [ids(make_plan([MINE], CATALOGUE, repeat=4, seed=seed)) for seed in range(5)]
    assert [sorted(order) for order in orders] == [sorted(orders[0])] * 5


def test_a_shuffled_order_is_not_changed_by_what_is_beside_it() -> None:
    full = [one for one in ids(make_plan([MINE], CATALOGUE, seed=1)) if one != "both-down"]
    assert full == ids(make_plan([MINE], CATALOGUE[:3], seed=1))


@pytest.mark.parametrize(
    ("longer", "shorter"),
    [
        (scenario("a", hold_ms=1000), scenario("b")),
        (scenario("a", when=(Hold(900),)), scenario("b")),
        (scenario("a", shown=Shown.SILENT), scenario("b")),
        (scenario("a", tags=("fresh-profile",)), scenario("b")),
        (scenario("a", session=Outcome.NONE, within_ms=9000), scenario("b", within_ms=9000)),
        (scenario("a", when=(UntilAttempts(3, 30000),)), scenario("b", when=(UntilAttempts(2, 30000),))),
        (
            scenario("a", when=(UntilAttempts(3, 30000),), given=World((), (FaultSpec("blackhole"),))),
            scenario("b", when=(UntilAttempts(3, 30000),), given=World((), REFUSED)),
        ),
        (
            scenario("a", when=(Drop(Side.LOCAL, FaultSpec("half_open")),), within_ms=75000),
            scenario("b", when=(Drop(Side.LOCAL, FaultSpec("close", {"code": 1000})),), within_ms=75000),
        ),
        (scenario("a", given=World((FaultSpec("answer", {"delay_ms": 1500}),))), scenario("b")),
        (
            scenario("a", when=(Until(Outcome.LOCAL, 6000),), shown=Shown.SILENT),
            scenario("b", when=(Until(Outcome.LOCAL, 6000),)),
        ),
    ],
)
def test_what_is_expected_to_take_longer(longer: Scenario, shorter: Scenario) -> None:
    assert expected_ms(longer) > expected_ms(shorter)


def test_no_wait_is_expected_to_be_longer_than_what_it_is_given() -> None:
    patient = scenario("a", when=(UntilAttempts(1000, 700),), within_ms=300, hold_ms=0)
    assert expected_ms(patient) <= 100 + 700 + 300


def test_a_silent_server_is_waited_for_as_long_as_the_budget_says_not_as_long_as_it_takes() -> None:
    late = World((FaultSpec("answer", {"delay_ms": 5000}),))
    assert expected_ms(scenario("a", given=late, shown=Shown.SILENT)) < 3000


# --- what a profile cannot have ------------------------------------------------------------------

KNOWN = {
    name: Requirement(name, Level.SHOULD, "extension", "says", "source", "covers", feature)
    for name, feature in (("SEL-1", ""), ("RETRY-1", "reconnect"), ("FALL-3", "half-open-detection"))
}


@pytest.mark.parametrize(
    "needs",
    [
        scenario("a", session=Outcome.PUBLIC),
        scenario("a", session=Outcome.EITHER),
        scenario("a", given=World((), (FaultSpec("blackhole"),))),
        scenario("a", when=(Until(Outcome.PUBLIC, 6000),)),
        scenario("a", when=(Change(Side.PUBLIC, (FaultSpec("blackhole"),)),)),
        scenario("a", when=(Drop(Side.PUBLIC, FaultSpec("half_open")),)),
    ],
)
def test_a_profile_without_a_public_server_cannot_have_what_needs_one(needs: Scenario) -> None:
    assert unsupported(MINE, needs, KNOWN) is None
    assert unsupported(LOCAL_ONLY, needs, KNOWN) == "needs a public server, and the profile has none"
    assert unsupported(replace(MINE, absent=("public",)), needs, KNOWN) is not None


@pytest.mark.parametrize(
    "does_not",
    [
        scenario("a"),
        scenario("a", session=Outcome.NONE, given=World(REFUSED, REFUSED), when=(UntilAttempts(3, 6000), Hold(5))),
        scenario("a", when=(Change(Side.PUBLIC, ()), Change(Side.PUBLIC, REFUSED), Change(Side.LOCAL, REFUSED))),
        scenario("a", when=(Until(Outcome.LOCAL, 6000), Drop(Side.LOCAL, FaultSpec("half_open")))),
    ],
)
def test_and_can_have_what_does_not(does_not: Scenario) -> None:
    assert unsupported(LOCAL_ONLY, does_not, KNOWN) is None


def test_what_covers_only_absent_features_is_unsupported() -> None:
    profile = replace(MINE, absent=("reconnect", "half-open-detection"))
    reason = unsupported(profile, scenario("a", covers=("RETRY-1", "FALL-3")), KNOWN)
    assert reason == "covers only what the profile declares absent: half-open-detection, reconnect"
    assert unsupported(profile, scenario("a", covers=("RETRY-1", "SEL-1")), KNOWN) is None
    assert unsupported(replace(MINE, absent=("reconnect",)), scenario("a", covers=("RETRY-1", "FALL-3")), KNOWN) is None
