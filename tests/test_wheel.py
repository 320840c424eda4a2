"""The package as its users have it: the wheel, installed where nothing of this checkout can be found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
import conformance


def pytest_report_header():
    return f"the process that reports has {conformance.__file__}"
"""
OWN_TEST = """\
import conformance.plugin


def test_the_entry_point_is_the_wheels(pytestconfig):
    known = pytestconfig.pluginmanager.list_plugin_distinfo()
    (metadata,) = [metadata for plugin, metadata in known if plugin is conformance.plugin]
    assert str(metadata.locate_file("conformance/plugin.py")) == conformance.plugin.__file__ == PLUGIN
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel and what it needs, none of it fetched.

    A wheel is installed by unpacking it. The packages are those of the tests' own environment, by links; without its
    .pth files, which lead to this checkout, and without the checkout's metadata, which name the plugin as well.
    """
    home = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(home)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - ours
    (wheel,) = home.glob("*.whl")
    venv.create(home / "venv", symlinks=True)
    site = site_of(home / "venv")
    with ZipFile(wheel) as unpacked:
        unpacked.extractall(site)
    own = {each.name for each in site.iterdir()}
    for package in (each for path in packages() for each in path.iterdir()):
        if package.suffix != ".pth" and package.name not in own | {"__pycache__"}:
            own.add(package.name)
            (site / package.name).symlink_to(package)
    return home / "venv"


def packages() -> list[Path]:
    """Where this environment's packages are, in the order in which they are looked for."""
    return [path for path in map(Path, sys.path) if path.name in ("site-packages", "dist-packages") and path.is_dir()]


def site_of(home: Path) -> Path:
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(home), "platbase": str(home)}))


def run(environment: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Its Python, as somebody runs it who has never heard of this checkout."""
    return subprocess.run(  # noqa: S603 - ours
        [str(environment / "bin" / "python"), *arguments],
        cwd=cwd,
        env={**without_ours(os.environ), "PYTHONNOUSERSITE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def without_ours(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment without what the test runner has put there."""
    return {name: value for name, value in variables.items() if not name.startswith(("PYTEST", "PYTHON"))}


COMMAND = """\
import sys
from importlib.metadata import entry_points

(script,) = entry_points(group="console_scripts", name="conform")
sys.exit(script.load()(sys.argv[1:]))
"""


def test_the_command_has_its_scenarios_and_its_subject_with_it(environment: Path, tmp_path: Path) -> None:
    done = run(environment, "-c", COMMAND, "run", "--list", "--scenario", "local-up", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("local-up  SEL-1, ")


@pytest.mark.browser
def test_another_project_runs_it_with_workers_and_allure(environment: Path, tmp_path: Path) -> None:
    plugin = site_of(environment) / "conformance" / "plugin.py"
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(HEADER)
    (tmp_path / "test_own.py").write_text(OWN_TEST.replace("PLUGIN", repr(str(plugin))))
    chosen = ("--scenario=local-up", "--scenario=local-down")
    command = ("-m", "pytest", "--subject", "reference", *chosen, "-n", "2", "--alluredir=allure")
    done = run(environment, *command, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"the process that reports has {plugin.with_name('__init__.py')}" in done.stdout
    assert "2 workers [3 items]" in done.stdout
    assert "reference 1.0.0   MUST PASS" in done.stdout
    results = [json.loads(path.read_text()) for path in (tmp_path / "allure").glob("*-result.json")]
    assert {result["name"]: result["status"] for result in results} == {
        "local-up": "passed",
        "local-down": "passed",
        "test_the_entry_point_is_the_wheels": "passed",
    }
