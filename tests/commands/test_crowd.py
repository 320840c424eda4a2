"""``conform crowd``: from a run's record to the storm, in a table, a sentence and a plot."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from conformance import cli
from conformance.commands.crowd import CrowdOptions, crowd
from conformance.crowd import Outage
from conformance.errors import ExitStatus, InputError
from conformance.forecast import Assumed
from conformance.model import Endpoints, Profile
from conformance.record import RunRecord, ScenarioRecord
from conformance.store import RunWriter, create_run_dir
from tests.timelines import ENVIRONMENT, NEITHER, PROFILE, PUBLIC, Story, recorded, story

DOUBLING = (100.0, 1104, 3108, 7112, 13116, 19120)  # waits of 1, 2, 4, 6 and 6 s


def outage(*starts: float) -> Story:
    told = story()
    for at in starts:
        told.no_server(at=at)
    return told


def run_of(base: Path, *records: ScenarioRecord, profiles: tuple[Profile, ...] = (PROFILE,)) -> Path:
    directory = create_run_dir(base, "a-run")
    with RunWriter(directory) as writer:
        writer.header(RunRecord("a-run", ENVIRONMENT, (), profiles, (NEITHER,), ()))
        for record in records:
            writer.add(record)
    return directory


def said(directory: Path, plot: Path | None = None, **options: object) -> str:
    on = Console(file=io.StringIO(), width=120)
    assumed = Assumed(**{"clients": (1000, 20_000), **options})  # type: ignore[arg-type]
    assert crowd(on, directory, CrowdOptions(assumed=assumed, plot=plot)) is ExitStatus.CONFORMS
    assert isinstance(on.file, io.StringIO)
    return " ".join(on.file.getvalue().split())


def test_the_storm_is_told(tmp_path: Path) -> None:
    text = said(run_of(tmp_path, recorded(outage(*DOUBLING))))
    assert "subject waits 1.00 s, 2.00 times as long after each failure up to 6.00 s, without jitter" in text
    assert "told from 5 waits in 1 scenario, the longest row of 5" in text
    assert "20,000 extensions make up to 20,000 connects in a second" in text
    assert "40 times its limit of 500" in text


def test_the_storm_is_drawn(tmp_path: Path) -> None:
    directory = run_of(tmp_path, recorded(outage(*DOUBLING)))
    assert f"plot: {directory / 'crowd.svg'}" in said(directory).replace("/ ", "/")
    root = ET.fromstring((directory / "crowd.svg").read_text(encoding="utf-8"))  # noqa: S314 - our own
    texts = {"".join(one.itertext()) for one in root.iter() if one.tag.endswith("}text")}
    assert {"1,000 extensions", "20,000 extensions", "limit: 500 new connections a second"} <= texts


def test_the_outage_can_be_another(tmp_path: Path) -> None:
    directory = run_of(tmp_path, recorded(outage(*DOUBLING)))
    text = said(directory, outage=Outage(away_s=300, limit=100_000), plot=tmp_path / "other.svg")
    assert "within its limit of 100,000" in text
    assert "after an outage of 300 s" in (tmp_path / "other.svg").read_text(encoding="utf-8")


def test_a_run_gives_the_same_numbers_again(tmp_path: Path) -> None:
    jittered = (100.0, 900, 2600, 6900, 12100, 19900)
    directory = run_of(tmp_path, recorded(outage(*jittered)))
    assert said(directory) == said(directory)
    assert said(directory, seed=1) != said(directory, seed=2)


def test_the_browsers_part_is_shown_as_such(tmp_path: Path) -> None:
    told = story()
    for number in range(13):
        told.socket(PUBLIC, at=100 + 1000 * number, failed=110 + 1000 * number)
    text = said(run_of(tmp_path, recorded(told)))
    assert "5 waits left out, of which too much may be the browser's delay of WebSockets" in text
    assert "no check" in text
    assert "up to 312" in text  # 5 s times 2**12 / 65536


def test_every_subject_has_its_own_plot(tmp_path: Path) -> None:
    other = Profile(name="other", version="2", extension="other")
    record = recorded(outage(*DOUBLING))
    theirs = ScenarioRecord("other", record.scenario, timeline=record.timeline)
    directory = run_of(tmp_path, record, theirs, profiles=(PROFILE, other))
    said(directory)
    assert sorted(path.name for path in directory.glob("*.svg")) == ["crowd-other.svg", "crowd-subject.svg"]


def test_a_subject_that_never_tries_again_has_no_waits(tmp_path: Path) -> None:
    directory = run_of(tmp_path, recorded(outage(100)))
    with pytest.raises(InputError, match=r"subject never tried twice in it.*--scenario outage-30-s"):
        said(directory)


def test_without_a_public_server_there_is_no_storm(tmp_path: Path) -> None:
    profile = replace(PROFILE, endpoints=Endpoints(public=None))
    with pytest.raises(InputError, match="subject has no public server"):
        said(run_of(tmp_path, recorded(outage(*DOUBLING)), profiles=(profile,)))


def test_it_is_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = run_of(tmp_path, recorded(outage(*DOUBLING)))
    typed = ["crowd", str(directory), "--clients", "5000", "--limit", "1000", "--away", "60", "--seed", "3"]
    assert cli.main([*typed, "--throttled", "--plot", str(tmp_path / "x.svg")]) == ExitStatus.CONFORMS
    assert "5,000 extensions make" in capsys.readouterr().out
    assert cli.main([*typed, "--clients", "0"]) == ExitStatus.BAD_INPUT
    assert "--clients 0: must be at least 1" in capsys.readouterr().err
