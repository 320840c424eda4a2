"""``conform crosscheck``: rigs that agree, rigs that do not, and a few scenarios in all three."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from conformance import cli
from conformance.commands import crosscheck as command
from conformance.commands.crosscheck import compare, crosscheck
from conformance.commands.options import RunOptions, default_jobs
from conformance.errors import ExitStatus, InputError
from conformance.events import SocketStarted
from conformance.plan import PlanItem
from conformance.record import ScenarioRecord
from conformance.rig.browsers import Browser
from conformance.rig.engine import RigMode
from conformance.timeline import Timeline
from tests.commands.stand_ins import StandIn, local_session

RIGS = tuple(RigMode)


def asked(base: Path, rigs: tuple[RigMode, ...] = RIGS, **options: object) -> tuple[ExitStatus, str]:
    """The status and the words of one cross-check."""
    out = Console(file=io.StringIO(), width=200)
    given = replace(RunOptions(scenarios=("local-up",), jobs=1, output=base), **options)  # type: ignore[arg-type]
    status = crosscheck(out, Console(file=io.StringIO()), given, rigs)
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
    runs = sorted(tmp_path.iterdir())
    again = Console(file=io.StringIO(), width=200)
    assert compare(again, runs) is ExitStatus.HARNESS_FAILED


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
        compare(Console(file=io.StringIO()), [tmp_path])


def test_the_command_line_asks_for_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[tuple[RunOptions, tuple[RigMode, ...]]] = []

    def stand_in(_out: object, _err: object, options: RunOptions, rigs: tuple[RigMode, ...]) -> ExitStatus:
        calls.append((options, rigs))
        return ExitStatus.CONFORMS

    monkeypatch.setattr(command, "crosscheck", stand_in)
    assert cli.main(["crosscheck", "--scenario", "local-*", "--rig", "warm", "--rig", "fresh"]) == 0
    assert cli.main(["crosscheck"]) == 0
    (some, two), (_, every) = calls
    assert (some.scenarios, two, every) == (("local-*",), (RigMode.WARM, RigMode.FRESH), RIGS)
    assert cli.main(["crosscheck", "no-such-run"]) == ExitStatus.BAD_INPUT
    assert "one run has nothing to be compared with" in capsys.readouterr().err


@pytest.mark.browser
def test_the_three_rigs_agree_on_what_tells_subjects_apart(browser: Browser, tmp_path: Path) -> None:
    """Right and wrong answers, a refusal, and one that the reference passes and the seed's own lines fail.

    On a busy machine one of them may be inconclusive in a rig; that takes no side.
    """
    chosen = ("local-up", "local-down", "wrong-signature[other-name]", "status[500]")
    status, text = asked(tmp_path, scenarios=chosen, jobs=2, browser=str(browser.path))
    assert status in (ExitStatus.CONFORMS, ExitStatus.INCONCLUSIVE), text
    assert "AGREE: warm, fresh, unattached found the same" in text
