"""What faults mean to a subject, and which were in force when."""

from __future__ import annotations

from math import inf

import pytest

from conformance.events import Source, SubjectStarted
from conformance.model import Address, Change, Drop, FaultSpec, Shown, Side
from conformance.oracles.proof import unproved
from conformance.oracles.world import STAGES, Stage, met_at, name_of, serves, shown_by, spans, stage_of
from conformance.rig.faults import FAULTS
from tests.timelines import LOCAL, PUBLIC, REFUSED, Story, case, fault, scenario, story


def test_the_judge_knows_every_fault_of_the_rig_and_its_stage() -> None:
    assert {name: stage.name.lower() for name, stage in STAGES.items()} == {
        name: str(kind.stage) for name, kind in FAULTS.items()
    }


@pytest.mark.parametrize("written", ["answer", "answer on IPv6", "answer(status=500, signature=good) on IPv6"])
def test_a_fault_is_known_by_its_name(written: str) -> None:
    assert name_of(written) == "answer"
    assert stage_of(written) is Stage.SIGNATURE


def test_an_unknown_fault_has_no_stage() -> None:
    assert stage_of("gremlin") is None


# --- what is shown -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("faults", "shown"),
    [
        ([], Shown.GOOD),
        ([fault("refuse_upgrade", status=404)], Shown.GOOD),
        ([fault("close", code=1000)], Shown.GOOD),
        ([fault("die_after_signature")], Shown.GOOD),
        ([REFUSED], Shown.BAD),
        ([fault("reset"), fault("answer")], Shown.BAD),
        ([fault("tls_on_port")], Shown.BAD),
        ([fault("blackhole")], Shown.SILENT),
        ([fault("drop_syn")], Shown.SILENT),
        ([fault("drop_syn", first=1)], None),
        ([fault("stall", after="headers")], Shown.SILENT),
        ([fault("banner", text="SSH")], None),
        ([fault("huge", mib=16)], None),
        ([fault("gremlin")], None),
        ([fault("answer")], Shown.GOOD),
        ([fault("answer", signature="bom")], Shown.GOOD),
        ([fault("answer", signature="null")], Shown.BAD),
        ([fault("answer", signature="null", status=500)], Shown.BAD),
        ([fault("answer", status=500)], None),
        ([fault("answer", delay_ms=50)], None),
        ([fault("answer", body="hello")], None),
        ([fault("answer", signature="nobody-knows")], None),
    ],
    ids=lambda value: ",".join(map(str, value)) if isinstance(value, list) else str(value),
)
def test_what_a_local_server_shows(faults: list[FaultSpec], shown: Shown | None) -> None:
    assert shown_by(tuple(faults)) is shown


@pytest.mark.parametrize(
    ("side", "faults", "there"),
    [
        (PUBLIC, [], True),
        (PUBLIC, [fault("slow_upgrade", delay_ms=1)], False),
        (LOCAL, [], True),
        (LOCAL, [fault("answer", signature="bom")], True),
        (LOCAL, [fault("answer", signature="null")], False),
        (LOCAL, [fault("refuse_upgrade", status=404)], False),
        (LOCAL, [fault("die_after_signature")], False),
    ],
)
def test_which_servers_give_a_session(side: Side, faults: list[FaultSpec], there: bool) -> None:
    assert serves(side, tuple(faults)) is there


# --- the addresses of localhost ------------------------------------------------------------------

WRONG = FaultSpec("answer", {"signature": "null"})


def on(spec: FaultSpec, address: Address) -> FaultSpec:
    return FaultSpec(spec.name, spec.parameters, address)


V4_DOWN, V6_DOWN = on(REFUSED, Address.V4), on(REFUSED, Address.V6)
V4_WRONG, V6_WRONG = on(WRONG, Address.V4), on(WRONG, Address.V6)


@pytest.mark.parametrize(
    ("host", "faults", "met"),
    [
        ("localhost", (), ()),
        ("localhost", (REFUSED,), (REFUSED,)),
        ("localhost", (V4_DOWN,), ()),
        ("localhost", (V6_DOWN,), ()),
        ("localhost", (V4_DOWN, V6_DOWN), (V4_DOWN,)),
        ("localhost", (V6_DOWN, V4_WRONG), (V4_WRONG,)),
        ("localhost", (V6_WRONG,), (V6_WRONG,)),
        ("localhost", (V4_WRONG,), ()),
        ("api.localhost", (V6_WRONG,), (V6_WRONG,)),
        ("127.0.0.1", (V6_WRONG,), ()),
        ("127.0.0.1", (V4_DOWN,), (V4_DOWN,)),
        ("::1", (V6_DOWN, V4_WRONG), (V6_DOWN,)),
    ],
)
def test_which_address_a_subject_meets(host: str, faults: tuple[FaultSpec, ...], met: tuple[FaultSpec, ...]) -> None:
    assert met_at(host, faults) == met


def test_a_span_has_what_is_met_and_what_is_passed_over() -> None:
    given = scenario(local=(V6_DOWN, V4_WRONG))
    (only,) = spans(story().build(), given, LOCAL)
    assert (only.faults, only.passed) == ((V4_WRONG,), (V6_DOWN,))
    (by_number,) = spans(story().build(), given, LOCAL, "127.0.0.1")
    assert by_number.faults == (V4_WRONG,)


def test_only_a_deaf_address_that_is_not_met_is_passed_over() -> None:
    (both,) = spans(story().build(), scenario(local=(V4_DOWN, V6_DOWN)), LOCAL)
    assert (both.faults, both.passed) == ((V4_DOWN,), (V6_DOWN,))
    (later,) = spans(story().build(), scenario(local=(V4_WRONG,)), LOCAL)
    assert (later.faults, later.passed) == ((), ())


def test_an_address_that_was_passed_over_needs_its_proof() -> None:
    given = scenario(local=(V6_DOWN,))
    assert unproved(case(story().probe(at=100, ended=300), given)) == ("local refused on IPv6, met at 100 ms",)
    told = story().world(LOCAL, "refused on IPv6", at=-5).proved(LOCAL, "refused on IPv6")
    assert unproved(case(told.probe(at=100, ended=300), given)) == ()


# --- spans ---------------------------------------------------------------------------------------


def test_without_changes_there_is_one_span() -> None:
    given = scenario(local=(REFUSED,))
    (only,) = spans(story().build(), given, LOCAL)
    assert (only.start_ms, only.end_ms, only.faults, only.given) == (-inf, inf, (REFUSED,), True)
    assert [span.faults for span in spans(story().build(), given, PUBLIC)] == [()]


def test_setting_the_first_world_is_no_change() -> None:
    told = story().world(LOCAL, "refused", at=-20).world(LOCAL, "refused", at=0)
    assert len(spans(told.build(), scenario(local=(REFUSED,)), LOCAL)) == 1


@pytest.mark.parametrize(
    ("started", "at", "count"), [(None, 0, 1), (None, 0.5, 2), (100, 50, 1), (100, 100, 1), (100, 150, 2)]
)
def test_the_first_world_lasts_from_before_the_start(started: float | None, at: float, count: int) -> None:
    told = Story(started=False).world(LOCAL, "refused", at=at)
    if started is not None:
        told.seen(SubjectStarted(at_ms=started, source=Source.RIG, extension_id="subject", how="told"))
    assert len(spans(told.build(), scenario(), LOCAL)) == count


def test_the_other_sides_changes_are_not_this_ones() -> None:
    wrong = fault("answer", signature="null")
    given = scenario(when=(Change(PUBLIC, (REFUSED,)), Drop(LOCAL, fault("close")), Change(LOCAL, (wrong,))))
    told = story().world(PUBLIC, "refused", at=50).world(LOCAL, "answer(signature=null)", at=100)
    assert [span.faults for span in spans(told.build(), given, LOCAL)] == [(), (wrong,)]


def test_changes_have_the_parameters_that_the_scenario_states() -> None:
    wrong = fault("answer", signature="null", status=200)
    given = scenario(when=(Change(LOCAL, (wrong,)), Change(PUBLIC, (REFUSED,)), Change(LOCAL, ())))
    told = story().world(LOCAL, "answer(signature=null)", at=100).world(PUBLIC, "refused", at=150).world(LOCAL, at=200)
    found = spans(told.build(), given, LOCAL)
    assert [(span.start_ms, span.end_ms, span.faults) for span in found] == [
        (-inf, 100, ()),
        (100, 200, (wrong,)),
        (200, inf, ()),
    ]
    assert [span.given for span in found] == [True, False, False]


def test_a_change_that_the_scenario_does_not_state_tells_only_its_names() -> None:
    told = story().world(LOCAL, "answer(signature=null)", at=100)
    _, after = spans(told.build(), scenario(), LOCAL)
    assert [spec.name for spec in after.faults] == ["answer"]
    assert shown_by(after.faults) is None


def test_spans_overlap_what_they_share_time_with() -> None:
    told = story().world(LOCAL, at=100)
    before, after = spans(told.build(), scenario(), LOCAL)
    assert [before.overlaps(0, 99), before.overlaps(100, 200), after.overlaps(0, 99), after.overlaps(50, 100)] == [
        True,
        False,
        False,
        True,
    ]
