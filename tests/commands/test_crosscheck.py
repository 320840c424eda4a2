"""``conform crosscheck``: rigs that agree, rigs that do not, and a few scenarios in all three."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from rich.console import Console

from conformance import cli
from conformance.commands import crosscheck as command
from conformance.commands.crosscheck import compare, crosscheck
from conformance.commands.options import RunOptions, default_jobs
from conformance.errors import ExitStatus, InputError
from conformance.events import SocketOpened, SocketStarted
from conformance.gallery import base_directory
from conformance.plan import PlanItem
from conformance.record import ScenarioRecord
from conformance.rig.browsers import Browser
from conformance.rig.engine import RigMode
from conformance.timeline import Timeline
from tests.commands.stand_ins import StandIn, local_session

RIGS = tuple(RigMode)


def asked(base: Path, rigs: tuple[RigMode, ...] = RIGS, again: int = 0, **options: object) -> tuple[ExitStatus, str]:
    """The status and the words of one cross-check."""
    out = Console(file=io.StringIO(), width=200)
    given = replace(RunOptions(scenarios=("local-up",), jobs=1, output=base), **options)  # type: ignore[arg-type]
    status = crosscheck(out, Console(file=io.StringIO()), given, rigs, again)
    assert isinstance(out.file, io.StringIO)
    return status, out.file.getvalue()


def compared(base: Path, runs: list[Path], again: int = 0) -> tuple[ExitStatus, str]:
    """The status and the words of a comparison of runs that were made before."""
    out = Console(file=io.StringIO(), width=200)
    status = compare(out, Console(file=io.StringIO()), RunOptions(output=base), runs, again)
    assert isinstance(out.file, io.StringIO)
    return status, out.file.getvalue()


def made(
    item: PlanItem, timeline: Timeline | None = None, *, failure: str | None = None, unsupported: str | None = None
) -> ScenarioRecord:
    return ScenarioRecord(item.profile.name, item.scenario.id, item.repeat, timeline, failure, unsupported)


def leaking(item: PlanItem) -> Timeline:
    """As it should, and then it reaches for the public server besides."""
    right = local_session(item)
    (local,) = right.all(SocketStarted)
    public = str(item.profile.endpoints.public)
    return Timeline.of([*right, replace(local, at_ms=200.0, request=9, url=public)])


@pytest.mark.parametrize(("jobs", "taken"), [(0, default_jobs(rig=RigMode.FRESH)), (5, 5)])
def test_each_rig_has_as_many_as_it_bears_unless_told(engine: StandIn, tmp_path: Path, jobs: int, taken: int) -> None:
    asked(tmp_path, (RigMode.WARM, RigMode.FRESH), jobs=jobs)
    assert engine.settings is not None
    assert (engine.settings.rig, engine.settings.jobs) == (RigMode.FRESH, taken)


def test_rigs_that_agree_say_so_for_both_bundled_subjects(engine: StandIn, tmp_path: Path) -> None:
    status, text = asked(tmp_path)
    assert status is ExitStatus.CONFORMS
    assert engine.ran == ["local-up"] * 6
    assert "AGREE: warm, fresh, unattached found the same, " in text
    assert len(list(tmp_path.iterdir())) == 3


def test_a_rig_that_differs_is_an_error_that_names_the_scenario(engine: StandIn, tmp_path: Path) -> None:
    def act(item: PlanItem) -> ScenarioRecord:
        assert engine.settings is not None
        is_wrong = engine.settings.rig is RigMode.FRESH and item.profile.name == "reference"
        return made(item, leaking(item) if is_wrong else local_session(item))

    engine.act = act
    status, text = asked(tmp_path)
    assert status is ExitStatus.HARNESS_FAILED
    assert "DIFFERS reference: local-up: PRIV-1: pass in warm, fail in fresh, pass in unattached" in text
    assert "DIFFER: warm, fresh, unattached do not find the same in local-up" in text
    assert compared(tmp_path, sorted(tmp_path.iterdir()))[0] is ExitStatus.HARNESS_FAILED


@dataclass
class Moody:
    """A reference that leaks at the first ``bad`` looks of the fresh rig, and an engine that shows it."""

    engine: StandIn
    bad: int
    looks: list[tuple[RigMode, str, int]] = field(default_factory=list)

    def act(self, item: PlanItem) -> ScenarioRecord:
        assert self.engine.settings is not None
        rig = self.engine.settings.rig
        self.looks.append((rig, item.profile.name, self.engine.settings.jobs))
        is_wrong = rig is RigMode.FRESH and item.profile.name == "reference" and self.bad > 0
        self.bad -= is_wrong
        return made(item, leaking(item) if is_wrong else local_session(item))


def test_where_rigs_differ_each_looks_again_two_at_once(engine: StandIn, tmp_path: Path) -> None:
    """The first look had the scenario four rigs wide, and the browser late; one look that is right is no agreement."""
    moody = Moody(engine, bad=1)
    engine.act = moody.act
    status, text = asked(tmp_path, again=3, jobs=4)
    assert status is ExitStatus.INCONCLUSIVE
    assert moody.looks[-3:] == [(rig, "reference", 2) for rig in RIGS]
    assert len(moody.looks) == 9
    assert "FLAKY reference: local-up: PRIV-1: 2 pass in warm, 1 fail and 1 pass in fresh, 2 pass in unattached" in text
    assert "INCONCLUSIVE: warm, fresh, unattached differ in none of " in text
    assert "; 1 flaky" in text
    assert len(list(tmp_path.iterdir())) == 6


def test_rigs_that_differ_at_every_look_are_an_error(engine: StandIn, tmp_path: Path) -> None:
    moody = Moody(engine, bad=99)
    engine.act = moody.act
    status, text = asked(tmp_path, again=2, jobs=4)
    assert status is ExitStatus.HARNESS_FAILED
    assert [jobs for _, _, jobs in moody.looks[6:]] == [2, 2, 2, 1, 1, 1]
    assert "DIFFERS reference: local-up: PRIV-1: 3 pass in warm, 3 fail in fresh, 3 pass in unattached" in text


def test_who_has_not_decided_alone_looks_again(engine: StandIn, tmp_path: Path) -> None:
    """What was not proved tells nothing; the second time it is."""
    asked_again: list[tuple[RigMode, str]] = []

    def act(item: PlanItem) -> ScenarioRecord:
        assert engine.settings is not None
        asked_again.append((engine.settings.rig, item.profile.name))
        right = local_session(item)
        is_first = asked_again.count(asked_again[-1]) == 1
        late = engine.settings.rig is RigMode.UNATTACHED and item.profile.name == "seed-literal" and is_first
        unproved = [event for event in right if not isinstance(event, SocketOpened)]
        return made(item, Timeline.of(unproved) if late else right)

    engine.act = act
    status, text = asked(tmp_path, again=3)
    assert (status, asked_again[6:]) == (ExitStatus.CONFORMS, [(RigMode.UNATTACHED, "seed-literal")]), text


def of_an_extension_that_goes(engine: StandIn, base: Path, name: str) -> list[Path]:
    """A warm and a fresh run of it that differ; then its directory is removed."""
    shutil.copytree(base_directory(), base / name)
    (base / name / "subject.toml").write_text(f'name = "{name}"\n', encoding="utf-8")

    def act(item: PlanItem) -> ScenarioRecord:
        assert engine.settings is not None
        return made(item, leaking(item) if engine.settings.rig is RigMode.FRESH else local_session(item))

    engine.act = act
    runs = base / "runs"
    status, _ = asked(runs, (RigMode.WARM, RigMode.FRESH), extensions=(base / name,))
    assert status is ExitStatus.HARNESS_FAILED
    shutil.rmtree(base / name)
    return sorted(runs.iterdir())


def test_runs_that_were_made_before_are_looked_at_again_if_asked(engine: StandIn, tmp_path: Path) -> None:
    """Mutants are written anew: their run has them no longer."""
    runs = of_an_extension_that_goes(engine, tmp_path, "impatient")
    engine.act = lambda item: made(item, local_session(item))
    engine.ran.clear()
    status, text = compared(tmp_path / "again", runs, again=1)
    assert (status, len(engine.ran)) == (ExitStatus.INCONCLUSIVE, 2), text
    (flaky,) = [line for line in text.splitlines() if line.startswith("FLAKY impatient: local-up: PRIV-1: ")]
    assert "2 pass in warm" in flaky
    assert "1 fail and 1 pass in fresh" in flaky


def test_a_subject_that_is_gone_cannot_be_looked_at_again(engine: StandIn, tmp_path: Path) -> None:
    runs = of_an_extension_that_goes(engine, tmp_path, "no-mutant")
    with pytest.raises(InputError, match="the extension 'no-mutant' is gone; put it back, or run all anew"):
        compared(tmp_path / "again", runs, again=1)


@pytest.mark.usefixtures("engine")
def test_runs_of_one_rig_are_not_looked_at_again(tmp_path: Path) -> None:
    asked(tmp_path, rigs=(RigMode.WARM, RigMode.FRESH))
    first = min(tmp_path.iterdir())
    with pytest.raises(InputError, match="the runs are all of one rig; name runs of two or more"):
        compared(tmp_path, [first, first], again=1)


def test_what_a_rig_cannot_stage_is_said_by_name(engine: StandIn, tmp_path: Path) -> None:
    def act(item: PlanItem) -> ScenarioRecord:
        assert engine.settings is not None
        bare = engine.settings.rig is RigMode.UNATTACHED
        return made(item, unsupported="it has no interface") if bare else made(item, local_session(item))

    engine.act = act
    status, text = asked(tmp_path)
    assert status is ExitStatus.CONFORMS
    assert "UNSUPPORTED in unattached: seed-literal: local-up: it has no interface" in text


def test_a_harness_that_failed_agrees_with_nobody(engine: StandIn, tmp_path: Path) -> None:
    engine.act = lambda item: made(item, failure="the browser died")
    status, text = asked(tmp_path)
    assert status is ExitStatus.HARNESS_FAILED
    assert "ERROR warm: reference: local-up: the browser died" in text


def test_nothing_in_common_is_no_agreement(engine: StandIn, tmp_path: Path) -> None:
    engine.act = lambda item: made(item, unsupported="not here")
    status, text = asked(tmp_path)
    assert status is ExitStatus.INCONCLUSIVE
    assert "have no verdict in common" in text


def test_it_takes_two_to_differ(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one rig has nothing to be compared with"):
        asked(tmp_path, (RigMode.WARM, RigMode.WARM))
    with pytest.raises(InputError, match="one run has nothing to be compared with"):
        compared(tmp_path, [tmp_path])


def test_the_command_line_asks_for_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[tuple[RunOptions, Sequence[object], int]] = []

    def stand_in(_out: object, _err: object, options: RunOptions, of: Sequence[object], again: int) -> ExitStatus:
        calls.append((options, of, again))
        return ExitStatus.CONFORMS

    monkeypatch.setattr(command, "crosscheck", stand_in)
    assert cli.main(["crosscheck", "--scenario", "local-*", "--rig", "warm", "--rig", "fresh", "--again", "0"]) == 0
    assert cli.main(["crosscheck"]) == 0
    (some, two, none), (_, every, thrice) = calls
    assert (some.scenarios, two, every) == (("local-*",), (RigMode.WARM, RigMode.FRESH), RIGS)
    assert (none, thrice) == (0, 3)
    assert cli.main(["crosscheck", "no-such-run"]) == ExitStatus.BAD_INPUT
    assert "one run has nothing to be compared with" in capsys.readouterr().err
    monkeypatch.setattr(command, "compare", stand_in)
    assert cli.main(["crosscheck", "a", "b"]) == 0
    assert cli.main(["crosscheck", "a", "b", "--again", "2"]) == 0
    assert [(of, again) for _, of, again in calls[2:]] == [([Path("a"), Path("b")], 0), ([Path("a"), Path("b")], 2)]


@pytest.mark.browser
def test_the_three_rigs_agree_on_what_tells_subjects_apart(browser: Browser, tmp_path: Path) -> None:
    """Right and wrong answers, a refusal, and one that the reference passes and the seed's own lines fail.

    On a busy machine one of them may be inconclusive in a rig; that takes no side.
    """
    chosen = ("local-up", "local-down", "wrong-signature[other-name]", "status[500]")
    status, text = asked(tmp_path, scenarios=chosen, jobs=2, browser=str(browser.path))
    assert status in (ExitStatus.CONFORMS, ExitStatus.INCONCLUSIVE), text
    assert "warm, fresh, unattached found the same" in text or "unattached differ in none of" in text
