"""What the report on seed-literal has to show, in a real browser: which SHOULDs it misses, and no others.

docs/reading-a-report.md has the table, from a whole run; here is every row of it in the least that shows it.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from conformance import cli
from conformance.bundle import bundled
from conformance.calibration import DEFAULT_ERROR_MS
from conformance.catalogue import family_id
from conformance.commands.verdict import judged as judged_run
from conformance.errors import ExitStatus
from conformance.events import FetchEnded, Source
from conformance.gallery import base_directory, load_gallery, load_mutant
from conformance.judge import judge_scenario
from conformance.model import FaultSpec, Level, Outcome, Profile, Scenario, World
from conformance.oracles.living import IDLE_MS
from conformance.plan import Plan, PlanItem
from conformance.record import ScenarioRecord
from conformance.results import ScenarioResult
from conformance.rig.browsers import Browser
from conformance.rig.engine import RigMode
from conformance.rig.namespace import why_none
from conformance.subjects import load_subject
from conformance.verdict import Finding, Verdict
from tests.rig.test_engine import REQUIREMENTS, SCENARIOS, carry_out, events, judged, opened, plan_of, reference

SEED_LITERAL = bundled("fixtures", "extensions", "seed-literal")
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "reading-a-report.md"

# In each of these scenarios it fails exactly these.
SOON: dict[str, set[str]] = {
    "local-up": set(),
    "local-down": set(),
    "local-silent": {"TIME-1", "TIME-4"},
    "slow-probe[2500-ms]": {"TIME-1"},
    "endless-body": {"SIG-6", "TIME-4"},
    "status[500]": {"SIG-4"},
    "redirect[302-other-origin]": {"SIG-5"},
    "websocket-refused[404]": {"FALL-1", "TIME-4"},
    "canary-good": {"PRIV-3"},
    "local-session-lost[reset]": {"FALL-2"},
    "local-up-after-first-attempt": {"RETRY-1"},
}
# The same, where this machine gives a rig a network of its own.
APART: dict[str, set[str]] = {
    "localhost-wrong-first[silent]": {"NET-1", "TIME-4"},
    "offline-then-online[3-s]": {"LIFE-4"},
}
# Where it should have had a session with the public server.
WENT = {
    "local-silent": Outcome.NONE,
    "slow-probe[2500-ms]": Outcome.LOCAL,
    "status[500]": Outcome.LOCAL,
    "websocket-refused[404]": Outcome.NONE,
}
IDLE, HALF_OPEN = "idle-40-s", "local-session-half-open"
LATE = {IDLE: {"LIFE-1"}, HALF_OPEN: {"FALL-3"}}
EVERY = {**SOON, **APART, **LATE}


def subject() -> Profile:
    return load_subject(SEED_LITERAL, None)


def failed(result: ScenarioResult) -> set[str]:
    return {finding.requirement for finding in result.findings if finding.verdict is Verdict.FAIL}


@pytest.mark.browser
@pytest.mark.alone
def test_the_report_shows_which_shoulds_it_misses(tmp_path: Path) -> None:
    """Alone: what is over a budget by a second is excused on a machine that keeps the browser waiting for one."""
    expected = SOON if why_none() else {**SOON, **APART}
    chosen = [word for name in expected for word in ("--scenario", name)]
    command = ["run", "--extension", str(SEED_LITERAL), "--jobs", "6", "--output", str(tmp_path), *chosen]
    assert cli.main(command) == ExitStatus.CONFORMS
    (directory,) = tmp_path.iterdir()
    _, result = judged_run(directory)
    (its,) = result.subjects
    assert {each.scenario: failed(each) for each in its.scenarios} == expected
    musts = {each.id: each.verdict for each in its.requirements if each.level is Level.MUST and each.counts}
    assert set(musts.values()) == {Verdict.PASS}
    assert {"SEL-1", "SEL-2", "SEL-3", "SEL-5", "TIME-2", "PRIV-1", "PUB-1"} <= musts.keys()
    assert {each.id for each in its.requirements if each.verdict is Verdict.FAIL} == set[str]().union(
        *expected.values()
    )
    went = {each.scenario: each.connected_to for each in its.scenarios}
    assert {name: went[name] for name in WENT} == WENT
    assert cli.main(["judge", str(directory), "--level", "should"]) == ExitStatus.FAILS


# --- what takes longer than a worker may be idle --------------------------------------------------


@pytest.mark.browser
@pytest.mark.long
def test_a_worker_that_nobody_is_attached_to_idles_out_by_itself(browser: Browser, tmp_path: Path) -> None:
    """It sends nothing, and a mutant sends its heartbeat after 31 s; the reference, after 20 s, keeps its session."""
    gallery = load_gallery(REQUIREMENTS, SCENARIOS.values())
    late = next(mutant for mutant in gallery if mutant.name == "heartbeat-after-31-s")
    subjects = {each.name: each for each in (subject(), load_mutant(late, base_directory(), tmp_path), reference())}
    plan = Plan(tuple(PlanItem(profile, SCENARIOS[IDLE], 0) for profile in subjects.values()))
    records = carry_out(plan, browser, rig=RigMode.UNATTACHED, jobs=len(subjects))
    results = {record.subject: judged(subjects[record.subject], [record])[0] for record in records}
    assert finding_of(results.pop("reference"), "LIFE-1").verdict is Verdict.PASS
    for name, result in results.items():
        lost = re.search(r"its local session was lost after (\d+) ms; no session since", missed(result, LATE[IDLE]))
        assert lost is not None, name
        assert int(lost[1]) >= IDLE_MS - DEFAULT_ERROR_MS


@pytest.mark.browser
@pytest.mark.long
def test_it_does_not_notice_that_its_session_went_silent(browser: Browser) -> None:
    (result,) = judged(subject(), carry_out(plan_of(subject(), HALF_OPEN), browser))
    assert "its silent session was closed after" in missed(result, LATE[HALF_OPEN])


def missed(result: ScenarioResult, expected: set[str]) -> str:
    """Why it failed this, and nothing else. Beside other tests, that may be excused and must still have been seen."""
    (id_,) = expected
    assert failed(result) <= expected
    finding = finding_of(result, id_)
    assert finding.verdict is Verdict.FAIL or finding.reason.startswith("machine too busy, the browser waited")
    return finding.reason


def finding_of(result: ScenarioResult, id_: str) -> Finding:
    return next(finding for finding in result.findings if finding.requirement == id_)


# --- what it can read -----------------------------------------------------------------------------

UP = SCENARIOS["both-up"]
UNREADABLE = replace(UP, given=World(local=(FaultSpec("answer", {"cors": False}),)))


def without_permission(directory: Path) -> Profile:
    """The same snippet with a manifest that gives no host permission."""
    shutil.copytree(SEED_LITERAL, directory)
    manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    del manifest["host_permissions"]
    (directory / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return load_subject(directory, None)


@pytest.mark.browser
def test_without_host_permission_and_cors_it_goes_public_though_the_local_server_is_up(
    browser: Browser, tmp_path: Path
) -> None:
    """Either is enough. The browser keeps an answer from it that both are wanting for, and says so in its log."""
    bare = without_permission(tmp_path / "bare")
    cases = [(subject(), UP), (subject(), UNREADABLE), (bare, UP), (bare, UNREADABLE)]
    plan = Plan(tuple(PlanItem(profile, scenario, number) for number, (profile, scenario) in enumerate(cases)))
    records = carry_out(plan, browser)
    assert [opened(record) for record in records] == [[Source.LOCAL]] * 3 + [[Source.PUBLIC]]
    ends = [[event.error for event in events(record) if isinstance(event, FetchEnded)] for record in records]
    assert ends == [[""]] * 3 + [["ERR_BLOCKED_BY_CORS"]]
    found = [sel_2(profile, scenario, record) for (profile, scenario), record in zip(cases, records, strict=True)]
    assert [finding.verdict for finding in found] == [Verdict.PASS] * 3 + [Verdict.INCONCLUSIVE]
    assert "the browser kept the good signature from it (CORS): its manifest gives no leave" in found[-1].reason


def sel_2(profile: Profile, scenario: Scenario, record: ScenarioRecord) -> Finding:
    result = judge_scenario(scenario, profile, record, REQUIREMENTS, DEFAULT_ERROR_MS)
    return finding_of(result, "SEL-2")


# --- what is written of it ------------------------------------------------------------------------


def test_the_documents_table_has_what_is_judged_here() -> None:
    section = DOCUMENT.read_text(encoding="utf-8").partition("## What seed-literal misses")[2].partition("\n## ")[0]
    rows = re.findall(r"(?m)^\| ([A-Z]+-\d) \|(.*)$", section)
    assert {id_ for id_, _ in rows} == set[str]().union(*EVERY.values())
    shown = {(id_, name) for name, ids in EVERY.items() for id_ in ids}
    assert {(id_, name) for id_, name in shown if f"`{family_id(name)}" not in dict(rows)[id_]} == set()
