"""The network's return where nothing else about it changes: the browser's estimates of its speed are nailed down.

Without an estimate that changes Chromium sends no ``change`` of ``navigator.connection`` (network_information.cc): by
chance two of forty runs of a subject that listened for it alone had none, and it waited for its next ping.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from conformance.bundle import bundled
from conformance.calibration import DEFAULT_ERROR_MS
from conformance.catalogue import by_id
from conformance.files import load_requirements, load_scenarios
from conformance.gallery import stranger_directories
from conformance.judge import judge_scenario
from conformance.plan import Plan, PlanItem
from conformance.rig import chromium
from conformance.rig.engine import RigMode, RunSettings, run_plan
from conformance.rig.namespace import why_none
from conformance.subjects import load_subject
from conformance.verdict import Verdict

if TYPE_CHECKING:
    from conformance.record import ScenarioRecord
    from conformance.rig.browsers import Browser

RETURN = next(scenario for scenario in load_scenarios() if scenario.id == "offline-then-online[3-s]")
NAILED = "--force-effective-connection-type=4G"


@pytest.mark.browser
def test_who_conforms_notices_it(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    if why := why_none():
        pytest.skip(why)
    monkeypatch.setattr(chromium, "FLAGS", (*chromium.FLAGS, NAILED))
    directories = [bundled("fixtures", "extensions", "reference"), *stranger_directories()]
    subjects = {profile.name: profile for profile in (load_subject(directory, None) for directory in directories)}
    records: list[ScenarioRecord] = []
    plan = Plan(tuple(PlanItem(profile, RETURN, 0) for profile in subjects.values()))
    settings = RunSettings(browser, RigMode.WARM, len(subjects))
    asyncio.run(run_plan(plan, settings, on_start=lambda _: None, on_record=records.append, stop=lambda: False))
    requirements, results = by_id(load_requirements()), {}
    for its in records:
        result = judge_scenario(RETURN, subjects[its.subject], its, requirements, DEFAULT_ERROR_MS)
        results[its.subject] = "" if result.verdict is Verdict.PASS else result.reason
    assert results == dict.fromkeys(subjects, "")
