"""``conform sweep``: trials on a rig that is stood in for, and a small sweep on a real one."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from conformance import cli
from conformance.commands import sweep as command
from conformance.commands.sweep import SweepOptions, around, at_delay, late_ms, sweep
from conformance.errors import ExitStatus, HarnessError, InputError
from conformance.model import Profile
from conformance.plan import PlanItem
from conformance.record import ScenarioRecord
from conformance.rig.browsers import Browser
from conformance.rig.engine import RunSettings
from conformance.rig.faults import build
from conformance.sweep import Edge, Search, Share
from tests.rig import extensions
from tests.timelines import LOCAL, PROFILE, PUBLIC, Story, story

QUICK = Search(0, 3000, 100, 2)


def delay_of(item: PlanItem) -> float:
    (answer,) = item.scenario.given.local
    return float(str(answer.parameters["delay_ms"]))


def told_at(delay_ms: float, threshold_ms: float) -> Story:
    if delay_ms < threshold_ms:
        over = 10 + delay_ms
        return story().probe(at=10, ended=over).socket(LOCAL, at=over + 1, opened=over + 5).end(at=over + 9)
    told = story().given_up(at=10, ended=10 + threshold_ms)
    return told.socket(PUBLIC, at=threshold_ms + 12, opened=threshold_ms + 20).end(at=threshold_ms + 30)


class StandInPool:
    """In the place of the rigs: each trial is what ``act`` tells."""

    def __init__(self, act: Callable[[PlanItem], ScenarioRecord]) -> None:
        self._act = act
        self.ran: list[float] = []

    @asynccontextmanager
    async def open(self, settings: RunSettings, profiles: Iterable[Profile]) -> AsyncIterator[StandInPool]:
        assert settings.jobs == 1
        assert len(list(profiles)) == 1
        yield self

    def holder(self) -> StandInPool:
        return self

    async def run(self, item: PlanItem) -> ScenarioRecord:
        self.ran.append(delay_of(item))
        return self._act(item)


def record(item: PlanItem, told: Story) -> ScenarioRecord:
    return ScenarioRecord(item.profile.name, item.scenario.id, item.repeat, timeline=told.build())


def install(monkeypatch: pytest.MonkeyPatch, act: Callable[[PlanItem], ScenarioRecord]) -> StandInPool:
    pool = StandInPool(act)
    monkeypatch.setattr(command, "open_pool", pool.open)
    monkeypatch.setattr(command, "find_browser", lambda explicit: Browser("/b", "Chromium", "1", explicit or "search"))
    return pool


def leaving_at(threshold_ms: float) -> Callable[[PlanItem], ScenarioRecord]:
    return lambda item: record(item, told_at(delay_of(item), threshold_ms))


def swept(output: Path, search: Search = QUICK) -> str:
    out, err = Console(file=io.StringIO(), width=100), Console(file=io.StringIO())
    assert sweep(out, err, SweepOptions(search=search, output=output)) is ExitStatus.CONFORMS
    assert isinstance(out.file, io.StringIO)
    return " ".join(out.file.getvalue().split())


def test_the_edge_is_said_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pool = install(monkeypatch, leaving_at(1720))
    text = swept(tmp_path)
    assert "reference leaves local between 1700 and 1800 ms" in text
    assert "1700 ms 2 2 1.00 0.16 to 1.00" in text
    (directory,) = tmp_path.iterdir()
    kept = json.loads((directory / "sweep.json").read_text(encoding="utf-8"))
    assert (kept["stays_ms"], kept["leaves_ms"], kept["precision_ms"]) == (1700, 1800, 100)
    assert [one["delay_ms"] for one in kept["trials"]] == pool.ran
    root = ET.fromstring((directory / "sweep.svg").read_text(encoding="utf-8"))  # noqa: S314 - our own
    texts = {"".join(one.itertext()) for one in root.iter() if one.tag.endswith("}text")}
    assert {"always local until 1700 ms", "never from 1800 ms"} <= texts


def test_a_subject_that_goes_nowhere_is_not_local(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def act(item: PlanItem) -> ScenarioRecord:
        nowhere = story().probe(at=10, ended=10 + delay_of(item)).end(at=19000)
        return record(item, told_at(delay_of(item), 9000) if delay_of(item) < 1000 else nowhere)

    install(monkeypatch, act)
    text = swept(tmp_path)
    assert "reference leaves local between 900 and 1000 ms" in text
    assert "of them reference had no session 10 s after the answer" in text


def too_late(item: PlanItem) -> ScenarioRecord:
    over = 11 + delay_of(item) + 101
    return record(item, story().probe(at=10, answered=None, ended=over).socket(PUBLIC, at=over + 1, opened=over + 2))


def test_a_subject_that_left_before_the_delay_saw_no_late_answer() -> None:
    told = told_at(2000, 1720)
    assert late_ms(told.build(), PROFILE, 2000) == 0
    assert late_ms(told.build(), PROFILE, 1600) == 119


def test_a_trial_in_which_the_answer_was_late_does_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    late = iter([True, False] * 100)

    def act(item: PlanItem) -> ScenarioRecord:
        return too_late(item) if next(late) else leaving_at(1720)(item)

    pool = install(monkeypatch, act)
    text = swept(tmp_path)
    assert "reference leaves local between 1700 and 1800 ms" in text
    assert f"{len(pool.ran) // 2} more were not counted: the answer was late" in text


def test_a_machine_that_is_always_late_ends_the_sweep(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, too_late)
    with pytest.raises(HarnessError, match="the machine is too busy: in 21 trials"):
        swept(tmp_path)


def test_a_rig_that_fails_ends_the_sweep(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, lambda item: ScenarioRecord("reference", item.scenario.id, failure="the browser died"))
    with pytest.raises(HarnessError, match="trial 1, at 0 ms: the browser died; sweep again"):
        swept(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_range_that_is_none_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--from 5 --to 5 --precision 5 --repeat 10: a sweep goes upwards"):
        swept(tmp_path, Search(5, 5))


def test_a_trial_is_a_late_good_answer() -> None:
    (fault,) = build(at_delay(1695).given.local)
    assert str(fault) == "answer(delay_ms=1695.0)"
    assert at_delay(1695).given.public == ()


@pytest.mark.parametrize(
    ("edge", "shown"),
    [
        (Edge(1700, 1800, (Share(0, 1, 1), Share(1700, 2, 2), Share(1800, 0, 2))), (1100, 2400)),
        (Edge(100, 200, (Share(100, 2, 2), Share(200, 0, 2))), (0, 800)),
        (Edge(3000, None, (Share(0, 2, 2), Share(3000, 2, 2))), (0, 3000)),
    ],
)
def test_the_plot_shows_the_edge(edge: Edge, shown: tuple[float, float]) -> None:
    assert around(QUICK, edge) == shown


def test_it_is_a_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(monkeypatch, leaving_at(333))
    typed = "sweep --from 100 --to 500 --precision 50 --repeat 1 --output"
    assert cli.main([*typed.split(), str(tmp_path)]) == ExitStatus.CONFORMS
    assert "reference leaves local between 300 and 350 ms" in capsys.readouterr().out


@pytest.mark.browser
@pytest.mark.usefixtures("browser")
def test_a_real_subject_has_its_edge_where_its_timeout_is(tmp_path: Path) -> None:
    impatient = "http://localhost:3003/semantest-signature', {signal: AbortSignal.timeout(1000)}) //"
    directory = extensions.write(tmp_path / "impatient", signature=impatient)
    out, err = Console(file=io.StringIO(), width=100), Console(file=io.StringIO())
    options = SweepOptions(extension=directory, search=Search(0, 2000, 250, 1), output=tmp_path / "runs")
    assert sweep(out, err, options) is ExitStatus.CONFORMS
    (made,) = (tmp_path / "runs").iterdir()
    kept = json.loads((made / "sweep.json").read_text(encoding="utf-8"))
    # The timer runs from the call, the answer's delay from the request's arrival: a busy machine lowers the edge.
    assert 250 <= kept["stays_ms"] < kept["leaves_ms"] <= 1250
