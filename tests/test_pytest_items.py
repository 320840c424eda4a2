"""A verdict as pytest's outcome, the words of a failure, the order for workers, and the record's way home."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.errors import HarnessError
from conformance.events import ObservationEnded, SessionOpened, Source, SubjectStarted
from conformance.model import Level, Outcome
from conformance.pytest_items import Judged, _conclude, deal, decode_record, encode_record, excerpt, failure_text
from conformance.record import ScenarioRecord
from conformance.results import RequirementResult, ScenarioResult, SubjectResult
from conformance.timeline import Timeline
from conformance.verdict import Finding, Verdict

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


def timeline(sessions: int = 1) -> Timeline:
    return Timeline.of(
        [
            SubjectStarted(at_ms=0.0, source=Source.RIG, extension_id="abc", how="its worker was started"),
            *(SessionOpened(at_ms=10.0 + n, source=Source.LOCAL, connection=n) for n in range(sessions)),
            ObservationEnded(at_ms=9999.0, source=Source.RIG, reason="local as expected", lag_ms=0.1),
        ]
    )


def judged(verdict: Verdict, *findings: Finding, level: Level = Level.MUST, reason: str = "as said") -> Judged:
    """A scenario that came to ``verdict``; MUST-1 and SHOULD-1 are the requirements."""
    scenario = ScenarioResult(
        scenario="slow-probe[500]",
        repeat=0,
        verdict=verdict,
        findings=findings,
        connected_to=Outcome.LOCAL,
        connect_ms=12.3,
        reason=reason,
        wall_ms=100.0,
        says="waits for a slow answer",
        timeline="timelines/x.jsonl",
    )
    requirements = tuple(
        RequirementResult(f"{each}-1", each, verdict, "", ("slow-probe[500]",), says="…") for each in Level
    )
    subject = SubjectResult("subject", "1.0", verdict, {}, requirements, (scenario,))
    return Judged(ScenarioRecord("subject", "slow-probe[500]", timeline=timeline()), subject, level)


class Sections:
    """What an item is asked for while a verdict becomes its outcome."""

    def __init__(self) -> None:
        self.sections: list[tuple[str, str, str]] = []

    def add_report_section(self, when: str, key: str, content: str) -> None:
        self.sections.append((when, key, content))


def conclude(one: Judged) -> list[tuple[str, str, str]]:
    item = Sections()
    _conclude(item, one)  # type: ignore[arg-type]  # only its sections are asked for
    return item.sections


def test_pass_says_nothing() -> None:
    assert conclude(judged(PASS, Finding("MUST-1", PASS, "fine"))) == []


def test_fail_at_the_level_fails_in_the_findings_words() -> None:
    with pytest.raises(pytest.fail.Exception) as caught:
        conclude(judged(FAIL, Finding("MUST-1", FAIL, "went to the wrong server", (1,))))
    assert str(caught.value).splitlines() == [
        "MUST-1 (MUST) FAIL: went to the wrong server",
        "",
        "slow-probe[500]: waits for a slow answer",
        "went to: local, 12 ms",
        "",
        "  0.0 ms  subject: started (its worker was started)",
        "> 10.0 ms  local → subject: 101: session open",
        "  9999.0 ms  subject: end of observation: local as expected",
    ]
    assert caught.value.pytrace is False


def test_fail_below_the_level_passes_and_is_told() -> None:
    below = judged(FAIL, Finding("SHOULD-1", FAIL, "slow"), Finding("MUST-1", PASS, "fine"))
    assert conclude(below) == [("call", "below MUST", "SHOULD-1 (SHOULD) FAIL: slow")]


def test_the_same_at_the_level_fails() -> None:
    with pytest.raises(pytest.fail.Exception, match="SHOULD-1"):
        conclude(judged(FAIL, Finding("SHOULD-1", FAIL, "slow"), level=Level.SHOULD))


def test_inconclusive_fails_in_that_word() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"^INCONCLUSIVE, which is no pass: MUST-1 \(MUST\)"):
        conclude(judged(INCONCLUSIVE, Finding("MUST-1", INCONCLUSIVE, "within its error of the budget")))


def test_nothing_said_at_all_is_no_pass() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"^INCONCLUSIVE, which is no pass: nothing was seen"):
        conclude(judged(INCONCLUSIVE, reason="nothing was seen"))


def test_unsupported_skips_with_its_reason() -> None:
    with pytest.raises(pytest.skip.Exception, match="needs a public server"):
        conclude(judged(Verdict.UNSUPPORTED, reason="needs a public server"))


def test_error_is_the_harnesss() -> None:
    with pytest.raises(HarnessError, match="the browser died"):
        conclude(judged(Verdict.ERROR, reason="the browser died"))


def test_a_failure_without_observation_has_no_timeline() -> None:
    one = judged(FAIL, Finding("MUST-1", FAIL, "wrong"))
    text = failure_text(replace(one, record=replace(one.record, timeline=None)))
    assert text.endswith("went to: local, 12 ms")


# --- the excerpt of a timeline -------------------------------------------------------------------


def test_a_short_timeline_is_shown_whole() -> None:
    assert len(excerpt(timeline(sessions=4), set(), lines_max=6)) == 6


def test_of_a_long_one_the_ends_and_the_evidence() -> None:
    lines = excerpt(timeline(sessions=98), {50}, lines_max=10)
    assert lines[0].startswith("  0.0 ms  subject: started")
    assert lines[-1].startswith("  9999.0 ms")
    assert [line for line in lines if line.startswith(">")] == ["> 59.0 ms  local → subject: 101: session open"]
    assert "  … 89 more …" in lines
    assert len(lines) == 12


# --- the order for workers -----------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 3, 4, 10, 11, 100])
@pytest.mark.parametrize("hands", [1, 2, 4, 7])
def test_deal(count: int, hands: int) -> None:
    """Every hand is as long as pytest-xdist's share, longest first, and the longest items are spread."""
    dealt = deal(range(count), hands)
    assert sorted(dealt) == list(range(count))
    left = dealt
    for hand in range(hands):
        share = len(left) // (hands - hand)  # as in xdist's WorkStealingScheduling.check_schedule
        mine, left = left[:share], left[share:]
        assert mine == sorted(mine)
        assert mine[:1] == ([hands - 1 - hand] if mine else [])
    assert left == []


# --- the record's way from a worker --------------------------------------------------------------


@pytest.mark.parametrize(
    "record",
    [
        ScenarioRecord("subject", "slow-probe[500]", 2, timeline=timeline(), wall_ms=12.5),
        ScenarioRecord("subject", "local-up", failure="the browser died"),
        ScenarioRecord("subject", "local-up", unsupported="no public server"),
    ],
    ids=["timeline", "failure", "unsupported"],
)
def test_a_record_comes_home_as_it_was(record: ScenarioRecord) -> None:
    text = encode_record(record)
    assert isinstance(text, str)
    assert decode_record(text) == record
