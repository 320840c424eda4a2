"""What a busy machine can have cost the browser."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.events import BrowserStarved
from conformance.model import Profile, Web
from conformance.rig import starvation
from conformance.rig.proc import Group
from conformance.rig.recorder import now_ms
from conformance.rig.starvation import Starvation, acts_in_pages, is_on_the_way, looking_on, waits_ms
from tests.rig.servers import PATIENCE_S


def test_only_threads_on_the_way_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    name = Path(f"/proc/{os.getpid()}/comm").read_bytes()
    monkeypatch.setattr(starvation, "_ON_THE_WAY", (name.strip(),))
    assert os.getpid() in waits_ms(Group(os.getpgid(0)), pages=True)
    monkeypatch.setattr(starvation, "_ON_THE_WAY", (b"no such thread",))
    assert waits_ms(Group(os.getpgid(0)), pages=True) == {}


@pytest.mark.parametrize(
    ("command", "alone", "with_pages"),
    [
        ("/usr/lib/chromium/chromium --show-component-extension-options", True, True),
        ("chromium --type=utility --utility-sub-type=network.mojom.NetworkService --lang=en", True, True),
        ("chromium --type=utility --utility-sub-type=storage.mojom.StorageService", True, True),
        ("chromium --type=utility --utility-sub-type=audio.mojom.AudioService", False, False),
        ("chromium --type=renderer --extension-process --launch-time-ticks=1", True, True),
        ("chromium --type=renderer --launch-time-ticks=1", False, True),
        ("chromium --type=gpu-process", False, False),
        ("chromium --type=zygote --no-zygote-sandbox", False, False),
    ],
)
def test_what_draws_and_other_peoples_pages_hold_nobody_up(command: str, *, alone: bool, with_pages: bool) -> None:
    said = command.replace(" ", "\0").encode()
    assert (is_on_the_way(said, pages=False), is_on_the_way(said, pages=True)) == (alone, with_pages)


def test_no_such_group_has_waited_for_nothing() -> None:
    assert waits_ms(Group(2**22 + 1), pages=True) == {}


class Says(Group):
    """One process, and this is what it says."""

    def __init__(self, said: bytes | None) -> None:
        super().__init__(0)
        self._word = said

    def command_lines(self) -> dict[str, bytes | None]:
        return {"/proc/9": self._word}


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
    """What the kernel says of each thread, to be changed between two looks."""
    told = {1: 10.0, 2: 5.0}
    monkeypatch.setattr(starvation, "waits_ms", lambda _group, *, pages: dict(told) if pages else {})
    return told


def begun(at_ms: float) -> Starvation:
    its = Starvation(7)
    its.begin(at_ms, pages=True)
    return its


def spans(seen: list[BrowserStarved]) -> list[tuple[float, float, float]]:
    return [(each.at_ms, each.over_ms, each.waited_ms) for each in seen]


def test_each_stretch_of_time_has_what_was_waited_in_it(waits: dict[int, float]) -> None:
    """Threads that begin in between count from nothing, those that end no more."""
    its = begun(100.0)
    waits.update({1: 40.0, 3: 20.0})
    its.look(200.0)
    del waits[1]
    waits[3] = 29.0
    its.look(400.0)
    assert spans(its.told(500.0)) == [(200.0, 100.0, 50.0), (400.0, 200.0, 9.0)]


def test_threads_that_wait_side_by_side_hold_nobody_up_for_longer_than_it_lasts(waits: dict[int, float]) -> None:
    its = begun(100.0)
    waits.update({1: 90.0, 2: 90.0})
    assert spans(its.told(190.0)) == [(190.0, 90.0, 90.0)]


def test_what_is_next_to_nothing_is_counted_with_what_follows(waits: dict[int, float]) -> None:
    its = begun(100.0)
    waits[1] += 5.0
    its.look(200.0)
    waits[1] += 0.5
    its.look(300.0)
    waits[1] += 0.1
    assert spans(its.told(400.0)) == [(300.0, 200.0, 5.5), (400.0, 100.0, 0.1)]


def test_a_calm_before_makes_no_room_for_more(waits: dict[int, float]) -> None:
    """Four threads that wait side by side for 100 ms hold nobody up for longer, however calm it was before."""
    its = begun(100.0)
    waits[1] += 2.0
    its.look(1000.0)
    waits.update({1: 112.0, 2: 105.0, 3: 100.0, 4: 100.0})
    its.look(1100.0)
    assert spans(its.told(1100.0)) == [(1100.0, 1000.0, 102.0)]


def test_it_looks_on_where_nothing_happens(waits: dict[int, float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starvation, "_EVERY_S", 0.0)
    its = begun(now_ms())
    waits.update({1: 60.0})

    async def scene() -> None:
        looked = asyncio.Event()
        monkeypatch.setattr(its, "look", lambda _: looked.set())
        async with looking_on(lambda: its):
            async with asyncio.timeout(PATIENCE_S):
                await looked.wait()

    asyncio.run(scene())


def test_one_that_cannot_look_on_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not a machine that was never busy."""
    monkeypatch.setattr(starvation, "_EVERY_S", 0.0)
    tried = asyncio.Event()

    def gone() -> Starvation:
        tried.set()
        raise FileNotFoundError("/proc")

    async def scene() -> None:
        async with looking_on(gone):
            async with asyncio.timeout(PATIENCE_S):
                await tried.wait()

    with pytest.raises(FileNotFoundError):
        asyncio.run(scene())


def test_it_does_not_look_twice_in_a_moment(waits: dict[int, float]) -> None:
    its = begun(100.0)
    waits[1] += 20.0
    its.look(149.0)
    assert spans(its.told(149.5)) == [(149.5, 49.5, 20.0)]
    waits[1] += 20.0
    its.look(199.5)
    assert spans(its.told(199.5)) == [(199.5, 50.0, 20.0)]


def test_what_was_waited_before_it_begins_is_nobodys(waits: dict[int, float]) -> None:
    """A warm browser has carried others; what was seen of them and not told is forgotten, too."""
    its = begun(100.0)
    waits[1] += 30.0
    its.look(200.0)
    waits[1] += 30.0
    its.begin(300.0, pages=True)
    waits[1] += 10.0
    assert spans(its.told(400.0)) == [(400.0, 100.0, 10.0)]


def test_a_thread_that_could_not_be_read_once_has_not_begun_anew(waits: dict[int, float]) -> None:
    """It ended, or another of its process did while that was looked at."""
    its = begun(100.0)
    its.look(200.0)
    gone = waits.pop(1)
    its.look(300.0)
    waits[1] = gone + 7.0
    assert spans(its.told(400.0)) == [(400.0, 300.0, 7.0)]


def test_one_thread_that_ended_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"comm": b"chrome", "schedstat": b"1 2000000 3"}

    def read(path: str) -> bytes:
        if "/task/11/" in path:
            raise ProcessLookupError
        return files[path.rpartition("/")[2]]

    monkeypatch.setattr(starvation, "read", read)
    monkeypatch.setattr("os.listdir", lambda _path: ["10", "11", "12"])
    assert waits_ms(Says(b"chromium"), pages=False) == {10: 2.0, 12: 2.0}


def test_a_thread_that_has_had_no_core_to_name_itself_is_known_as_soon_as_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A subject's worker is made by a thread of a pool, and has its name until then."""
    files = {"comm": b"ThreadPoolSingl", "schedstat": b"0 90000000 0"}
    monkeypatch.setattr(starvation, "read", lambda path: files[path.rpartition("/")[2]])
    monkeypatch.setattr("os.listdir", lambda _path: ["10"])
    its = Says(b"chromium\0--type=renderer\0--extension-process")
    assert waits_ms(its, pages=False) == {}
    files["comm"] = b"ServiceWorker t"
    assert waits_ms(its, pages=False) == {10: 90.0}


@pytest.mark.parametrize(
    ("said", "counted"), [(b"chromium", True), (b"chromium\0--type=gpu-process", False), (None, True)]
)
def test_a_process_that_does_not_say_what_it_is_may_be_on_the_way(
    monkeypatch: pytest.MonkeyPatch, said: bytes | None, *, counted: bool
) -> None:
    monkeypatch.setattr(starvation, "read", lambda path: b"chrome" if path.endswith("comm") else b"1 2000000 3")
    monkeypatch.setattr("os.listdir", lambda _path: ["10"])
    assert waits_ms(Says(said), pages=False) == ({10: 2.0} if counted else {})


@pytest.mark.parametrize(
    ("manifest", "acts"), [("{}", False), ('{"content_scripts": []}', True), ('{"permissions": ["scripting"]}', True)]
)
def test_a_subject_acts_in_pages_that_may_bring_scripts_into_them(manifest: str, *, acts: bool, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    subject = Profile("it", "1", str(tmp_path))
    assert acts_in_pages(subject) is acts
    assert acts_in_pages(replace(subject, web=Web("https://www.example.org/")))


def test_a_look_after_the_end_belongs_to_the_end(waits: dict[int, float]) -> None:
    """The log is read up to the end a little after it."""
    its = begun(100.0)
    waits[1] += 20.0
    its.look(210.0)
    assert spans(its.told(205.0)) == [(205.0, 110.0, 20.0)]


def test_who_never_waited_has_nothing_to_tell(waits: dict[int, float]) -> None:
    assert waits
    its = begun(100.0)
    its.look(200.0)
    assert its.told(300.0) == []
