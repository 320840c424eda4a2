"""``conform mutants`` without a browser, and one mutant in one."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from conformance import cli
from conformance.commands import mutants as command
from conformance.commands.mutants import MutantsOptions, mutants
from conformance.commands.report_files import ReportFile
from conformance.errors import BrowserDied, ExitStatus, HarnessError, InputError
from conformance.files import load_scenarios
from conformance.gallery import load_gallery, stranger_directories
from conformance.kills import BOGUS, common
from conformance.model import Side
from conformance.mutants import Mutant
from conformance.plan import PlanItem
from conformance.record import Calibration, Environment, ScenarioRecord
from conformance.rig.browsers import Browser
from conformance.rig.calibrating import calibration_path, keep
from conformance.rig.engine import RigMode, RunSettings
from conformance.store import read_run
from tests.commands.stand_ins import StandIn, local_session
from tests.timelines import ENVIRONMENT, LOCAL, PUBLIC, story

STRANGERS = len(stranger_directories())
CONTROLS = STRANGERS + 1  # with the base: who is to pass, each in the same few scenarios
CHROMIUM = Browser("/b", "Chromium", "1", "search")


class Ran:
    """One ``conform mutants`` with its output."""

    def __init__(self, base: Path, *globs: str, **options: object) -> None:
        self.base = base
        self.out, self.err = io.StringIO(), io.StringIO()
        given: dict[str, Any] = {"jobs": 2, **options}
        asked = MutantsOptions(globs=globs, output=base, **given)
        self.status = mutants(Console(file=self.out, width=200), Console(file=self.err, width=100), asked)

    @property
    def text(self) -> str:
        return " ".join(self.out.getvalue().split())


def nothing(item: PlanItem) -> ScenarioRecord:
    return ScenarioRecord(item.profile.name, item.scenario.id, item.repeat, timeline=story().end(at=400).build())


@pytest.fixture
def bench(engine: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    def describe(settings: RunSettings, _: str, calibration: Calibration) -> Environment:
        return replace(ENVIRONMENT, jobs=settings.jobs, error_ms=calibration.error_ms, calibration=calibration)

    monkeypatch.setattr(command, "describe_environment", describe)
    monkeypatch.setattr(command, "find_browser", lambda explicit: replace(CHROMIUM, found_by=explicit or "search"))
    return engine


def seen_on(side: Side, item: PlanItem) -> ScenarioRecord:
    """It asked, met every fault of the local server's, and opened a session there."""
    told = story().probe(at=10, ended=15).socket(side, at=17, opened=60)
    for spec in item.scenario.given.local:
        told.effect(LOCAL, str(spec), at=12)
    return ScenarioRecord(item.profile.name, item.scenario.id, item.repeat, timeline=told.end(at=400).build())


def test_everybody_goes_through_one_pool_and_is_judged_from_the_record(bench: StandIn, tmp_path: Path) -> None:
    ran = Ran(tmp_path / "runs", "loose-equality", reports=(ReportFile("json", tmp_path / "it.json"),))
    assert bench.settings is not None
    assert bench.ran.count(BOGUS.id) == 1
    assert bench.ran.count("local-up") == 3 + STRANGERS  # the base, the one that does nothing, the mutant
    assert ran.status is ExitStatus.FAILS
    assert "0 of 1 mutants killed" in ran.text
    assert "do-nothing does nothing, and passes" in ran.text
    assert json.loads((tmp_path / "it.json").read_bytes())["mutants"][0]["mutant"] == "loose-equality"
    assert ran.err.getvalue().count("\n") >= 1
    (run_dir,) = (tmp_path / "runs").iterdir()
    again = Ran(tmp_path / "others", "loose-equality", judge=run_dir)
    assert again.status is ran.status
    assert again.out.getvalue().splitlines()[0] == ran.out.getvalue().splitlines()[0]
    assert not (tmp_path / "others").exists()


def test_a_mutant_that_nobody_saw_is_inconclusive(bench: StandIn, tmp_path: Path) -> None:
    bench.act = nothing
    ran = Ran(tmp_path, "loose-equality")
    assert ran.status is ExitStatus.INCONCLUSIVE  # so are the base and all who were not seen either
    assert "loose-equality compares with two equals signs" in ran.text
    assert "could not be judged" in ran.text


def test_times_have_the_error_that_was_calibrated(bench: StandIn, tmp_path: Path) -> None:
    assert bench.ran == []
    made = Calibration(7.5, 84, "2026-01-31T12:00:00Z")
    keep(made, calibration_path(CHROMIUM))
    Ran(tmp_path, "loose-equality")
    (run_dir,) = tmp_path.glob("*-mutants")
    environment = read_run(run_dir).environment
    assert (environment.error_ms, environment.calibration) == (7.5, made)


def test_an_error_of_the_harness_ends_in_its_status(bench: StandIn, tmp_path: Path) -> None:
    bench.act = lambda item: ScenarioRecord(item.profile.name, item.scenario.id, item.repeat, failure="it broke")
    assert Ran(tmp_path, "loose-equality").status is ExitStatus.HARNESS_FAILED


def test_those_that_await_their_scenarios_are_told_and_not_run(
    bench: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waiting(*known: Any) -> tuple[Mutant, ...]:  # noqa: ANN401 - what load_gallery takes
        return tuple(
            replace(one, awaits="another day") if one.name == "ipv4-only" else one for one in load_gallery(*known)
        )

    monkeypatch.setattr(command, "load_gallery", waiting)
    ran = Ran(tmp_path, "ipv4-*")
    assert bench.ran.count("local-up") == 2 + STRANGERS
    assert "not judged: ipv4-only awaits another day" in ran.text


def test_the_long_ones_begin_first(bench: StandIn, tmp_path: Path) -> None:
    Ran(tmp_path, "deaf-to-silence", "loose-equality")
    first_look = bench.repeats.count(0)
    assert bench.ran[0].endswith("half-open")
    assert set(bench.ran[first_look - 3 : first_look]) <= {one.id for one in (*common(load_scenarios()), BOGUS)}


def test_what_was_not_seen_is_looked_at_again_with_fewer_rigs(bench: StandIn, tmp_path: Path) -> None:
    ran = Ran(tmp_path, "wants-a-length", "hurries")
    first = [name for name, repeat in zip(bench.ran, bench.repeats, strict=True) if repeat == 0]
    second = [name for name, repeat in zip(bench.ran, bench.repeats, strict=True) if repeat == 1]
    assert len(first) + len(second) == len(bench.ran)
    assert {"both-down", "public-outage[429]", "public-outage[503]"} < set(second)
    signatures = [name for name in second if name.startswith("good-signature")]
    assert len(signatures) == command.SECOND_LOOK_SCENARIOS + CONTROLS
    assert bench.ran.count(BOGUS.id) == 1  # the base's alone, whatever a mutant breaks
    # The base and the strangers, too, where they were not seen to pass.
    assert (second.count("wrong-signature[other-name]"), second.count("local-up")) == (CONTROLS, 0)
    assert bench.settings is not None
    assert bench.settings.jobs == command.SECOND_LOOK_JOBS
    (again,) = re.findall(r"Looked at again with fewer rigs, since the first look could not tell: (.*?)\.", ran.text)
    assert {"hurries", "wants-a-length", "reference", "events"} <= set(again.split(", "))
    assert "do-nothing" not in again


def test_what_was_seen_in_the_second_look_is_not_looked_at_a_third_time(bench: StandIn, tmp_path: Path) -> None:
    def goes_public(item: PlanItem) -> ScenarioRecord:
        if not item.repeat:
            return nothing(item)
        return seen_on(PUBLIC, item)

    bench.act = goes_public
    ran = Ran(tmp_path, "wants-a-length")
    assert bench.ran[-1].startswith("good-signature")
    of_the_mutant = [name for name in bench.ran[bench.repeats.index(1) :] if name.startswith("good-signature")]
    assert len(of_the_mutant) == 1 + CONTROLS
    assert "1 of 1 mutants killed" in ran.text


def test_the_second_look_begins_where_the_first_could_not_tell(bench: StandIn, tmp_path: Path) -> None:
    """Four short ones in which the fault does not show were looked at again, and the one that shows it was not."""
    untold = "good-signature[pretty]"

    def goes_local(item: PlanItem) -> ScenarioRecord:
        if item.repeat or item.scenario.id == untold:
            return nothing(item)
        return seen_on(LOCAL, item)

    bench.act = goes_local
    Ran(tmp_path, "wants-a-length")
    looks = zip(bench.ran, bench.repeats, strict=True)
    again = [name for name, repeat in looks if repeat and name.startswith("good-signature")]
    assert again[0] == untold
    assert len(set(again)) == len(again) == command.SECOND_LOOK_SCENARIOS


def test_who_ends_it_in_the_second_look_is_told_what_both_have_left(bench: StandIn, tmp_path: Path) -> None:
    def breaks_down(item: PlanItem) -> ScenarioRecord:
        if item.repeat:
            message = "the browser is gone"
            raise BrowserDied(message)
        return nothing(item)

    bench.act = breaks_down
    with pytest.raises(BrowserDied) as raised:
        Ran(tmp_path, "wants-a-length")
    first = bench.repeats.count(0)
    second = 1 + CONTROLS * len(common(load_scenarios()))
    assert f"the browser is gone; {first} of {first + second} results so far are kept in " in str(raised.value)


def test_both_looks_are_taken_in_the_rig_that_was_asked_for(bench: StandIn, tmp_path: Path) -> None:
    Ran(tmp_path, "wants-a-length", rig=RigMode.FRESH)
    assert 1 in bench.repeats
    assert bench.settings is not None
    assert bench.settings.rig is RigMode.FRESH


def test_list_and_write_run_nothing(bench: StandIn, tmp_path: Path) -> None:
    listed = Ran(tmp_path / "none", "loose-*", list_only=True)
    assert listed.status is ExitStatus.CONFORMS
    assert "compares with two equals signs" in listed.text
    written = Ran(tmp_path / "none", "loose-*", write=tmp_path / "out")
    assert written.out.getvalue().splitlines() == [str(tmp_path / "out" / "loose-equality")]
    assert (tmp_path / "out" / "loose-equality" / "manifest.json").is_file()
    assert bench.ran == []
    assert not (tmp_path / "none").exists()


def test_a_run_of_something_else_is_told(engine: StandIn, tmp_path: Path) -> None:
    from conformance.commands.options import RunOptions  # noqa: PLC0415
    from conformance.commands.run import run as run_command  # noqa: PLC0415

    engine.act = lambda item: ScenarioRecord(item.profile.name, item.scenario.id, 0, timeline=local_session(item))
    asked = RunOptions(scenarios=("local-up",), jobs=1, output=tmp_path)
    run_command(Console(file=io.StringIO()), Console(file=io.StringIO()), asked)
    (run_dir,) = tmp_path.iterdir()
    with pytest.raises(HarnessError, match="is no run of `conform mutants`"):
        Ran(tmp_path / "x", "loose-equality", judge=run_dir)


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(InputError, match="no mutant is called 'loos'; did you mean"):
        Ran(Path("nowhere"), "loos")


def test_the_command_line_reaches_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["mutants", "--list", "--mutant", "loose-*"]) == ExitStatus.CONFORMS
    assert "loose-equality" in capsys.readouterr().out
    assert cli.main(["mutants", "--report", "html:x"]) == ExitStatus.BAD_INPUT
    assert "formats: json, markdown, svg" in capsys.readouterr().err


@pytest.mark.browser
def test_a_mutant_is_killed_in_a_browser(browser: Browser, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One of them, and without the strangers; CI judges the whole gallery."""
    monkeypatch.setattr(command, "stranger_directories", list)
    ran = Ran(tmp_path, "opens-local-beside-public", browser=browser.path, jobs=8)
    assert "1 of 1 mutants killed, 0 collateral failures" in ran.text, ran.text
    assert "do-nothing: an extension that does nothing passes nothing, and fails something" in ran.text
    assert "bogus: a scenario that calls a wrong signature good is failed by the base" in ran.text
    assert ran.status is ExitStatus.CONFORMS
