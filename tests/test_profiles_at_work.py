"""Profiles at work, in a real browser: a subject that differs in everything, and budgets that decide."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.bundle import bundled
from conformance.events import RequestReceived, Source
from conformance.model import Profile
from conformance.record import ScenarioRecord
from conformance.rig.browsers import Browser
from conformance.rig.engine import RigMode
from conformance.subjects import load_subject
from conformance.verdict import Finding, Verdict
from tests.rig import extensions
from tests.rig.test_engine import carry_out, events, judged, opened, plan_of, reference

pytestmark = pytest.mark.browser


def asked(record: ScenarioRecord) -> list[tuple[Source, str, str]]:
    """Every request: who got it, for which host, at which path."""
    requests = [event for event in events(record) if isinstance(event, RequestReceived)]
    return [(event.source, event.host, event.target) for event in requests]


@pytest.mark.parametrize("rig", [RigMode.WARM, RigMode.FRESH])
def test_a_subject_that_differs_in_everything_is_judged_by_its_own_words(
    browser: Browser, tmp_path: Path, rig: RigMode
) -> None:
    profile = load_subject(extensions.otherwise(tmp_path / "otherwise"), None)
    plan = plan_of(profile, "both-up", "local-down", "wrong-signature[number]")
    both_up, down, wrong = carry_out(plan, browser, rig=rig)
    signature = (Source.LOCAL, "localhost:4100", "/who")
    public = (Source.PUBLIC, "sessions.example.net:8443", "/v2/connect")
    assert asked(both_up) == [signature, (Source.LOCAL, "localhost:4200", "/session")]
    assert asked(down) == [public]
    assert asked(wrong) == [signature, public]
    assert [opened(record) for record in (both_up, down, wrong)] == [[Source.LOCAL], [Source.PUBLIC], [Source.PUBLIC]]
    for result in judged(profile, (both_up, down, wrong)):
        assert result.verdict is Verdict.PASS, (result.scenario, result.reason)


def held_to(directory: Path, subject: str, probe_timeout_ms: int) -> Profile:
    """A bundled subject, by a profile of its own that states another budget."""
    path = directory / f"{subject}-{probe_timeout_ms}.toml"
    extension = bundled("fixtures", "extensions", subject)
    path.write_text(f"extension = '{extension}'\n[budgets]\nprobe_timeout_ms = {probe_timeout_ms}\n")
    return load_subject(None, path)


def time_1(profile: Profile, record: ScenarioRecord) -> Finding:
    (result,) = judged(profile, [record])
    return next(finding for finding in result.findings if finding.requirement == "TIME-1")


def test_one_record_comes_to_what_the_profiles_budget_says(browser: Browser, tmp_path: Path) -> None:
    """The reference gives a silent local server up after 1.7 s; both budgets are far from that, for a busy machine."""
    (record,) = carry_out(plan_of(reference(), "local-silent"), browser)
    lenient, strict = (time_1(held_to(tmp_path, "reference", ms), record) for ms in (6000, 200))
    assert (lenient.verdict, lenient.budget_ms) == (Verdict.PASS, 6000)
    assert (strict.verdict, strict.budget_ms) == (Verdict.FAIL, 200)
    assert lenient.measured_ms == strict.measured_ms
