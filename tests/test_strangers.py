"""The strangers as files: each of another style, loadable, and built ones kept with what they were built from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from conformance.gallery import stranger_directories
from conformance.model import Budgets, Endpoints, Trigger
from conformance.subjects import load_subject

STRANGERS_MIN = 5
BUILT = {"typescript": ("tsc", "built/background.js"), "bundled": ("esbuild", "background.js")}


def scripts(directory: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in sorted(directory.rglob("*.js")))


def named(name: str) -> Path:
    return next(path for path in stranger_directories() if path.name == name)


def test_there_are_enough_of_them_and_their_readme_lists_them() -> None:
    names = [path.name for path in stranger_directories()]
    assert len(names) >= STRANGERS_MIN
    readme = (stranger_directories()[0].parent / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^\| `(\w+)` \|", readme) == sorted(names, key=readme.index)


@pytest.mark.parametrize("directory", stranger_directories(), ids=lambda path: path.name)
def test_a_stranger_asks_for_nothing_special(directory: Path) -> None:
    profile = load_subject(directory, None)
    assert profile.name == directory.name
    assert (profile.absent, profile.budgets, profile.endpoints) == ((), Budgets(), Endpoints())
    assert profile.trigger == Trigger()
    assert profile.heartbeat is not None
    assert profile.heartbeat.request in scripts(directory)
    assert profile.heartbeat.reply in scripts(directory)


def test_each_has_the_style_that_it_is_called_by() -> None:
    assert "await" not in re.sub(r"//.*", "", scripts(named("events")))
    assert "for await" in scripts(named("modules"))
    assert "setTimeout" not in scripts(named("alarms"))
    assert "setInterval" not in scripts(named("alarms"))
    assert "WebSocket" not in (named("offscreen") / "worker.js").read_text(encoding="utf-8")
    assert list((named("typescript") / "src").glob("*.ts"))
    assert max(map(len, (named("bundled") / "background.js").read_text(encoding="utf-8").splitlines())) > 1000


@pytest.mark.parametrize("name", BUILT)
def test_what_was_built_is_there_and_says_with_what(name: str) -> None:
    tool, built = BUILT[name]
    package = json.loads((named(name) / "package.json").read_text(encoding="utf-8"))
    assert package["scripts"]["build"].startswith(tool)
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())
    assert load_subject(named(name), None).name == name
    text = (named(name) / built).read_text(encoding="utf-8")
    sources = [path.read_text(encoding="utf-8") for path in (named(name) / "src").rglob("*.[jt]s")]
    urls = {url for source in sources for url in re.findall(r"(?:http|ws)s?://[\w.:/-]+", source)}
    assert len(urls) == 3
    assert all(url in text or url in scripts(named(name)) for url in urls)
