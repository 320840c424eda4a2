"""``./conform``: where it installs, when, and what it hands over. Python is a stand-in; nothing is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = (
    "sh",
    "cat",
    "cksum",
    "dirname",
    "id",
    "mkdir",
    "cp",
    "mktemp",
    "printf",
    "readlink",
    "rm",
    "sed",
    "sleep",
    "tail",
)

# What python does in ./conform's hands, written down in calls.log. FAIL names a call that fails.
STAND_IN = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in *"${FAIL-nothing}"*) echo 'ERROR: no matching distribution'; exit 1 ;; esac
case "$1 $2" in
"--version ") echo 'Python 3.12.1' ;;
"-m venv") mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
"-P -m") case $3 in
    conformance.rig.browsers) echo "$BROWSER" ;;
    conformance) echo "ran in $PWD:"; shift 3; for argument; do echo "[$argument]"; done; exit 7 ;;
    esac ;;
esac
"""


class Checkout:
    """A copy of what ./conform looks at, on a machine that has little else."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "a checkout"
        self.bin = directory / "bin"
        self.calls_log = directory / "calls.log"
        self.browser = directory / "chromium"
        self.bin.mkdir()
        self.root.mkdir()
        for name in TOOLS:
            found = shutil.which(name)
            assert found
            (self.bin / name).symlink_to(found)
        for name in ("conform", "pyproject.toml", "requirements.lock"):
            shutil.copy(ROOT / name, self.root)
        self.program(self.bin / "python3.12", STAND_IN)
        self.program(self.browser, "#!/bin/sh\n")

    @staticmethod
    def program(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def run(self, *arguments: str, script: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.bin), "CALLS": str(self.calls_log), "BROWSER": str(self.browser), **variables}
        environment["TMPDIR"] = str(self.root.parent)
        command = [str(self.bin / "sh"), str(script or self.root / "conform"), *arguments]
        return subprocess.run(  # noqa: S603 - our own script
            command, env=environment, cwd=self.root.parent, capture_output=True, text=True, timeout=60, check=False
        )

    def calls(self) -> list[str]:
        """What python was asked for since the last time."""
        lines = self.calls_log.read_text().splitlines() if self.calls_log.exists() else []
        self.calls_log.unlink(missing_ok=True)
        return lines

    def installs(self) -> bool:
        """Whether anything was installed since the last time."""
        return any("-m pip install" in call for call in self.calls())


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_first_run_installs_and_hands_over(checkout: Checkout) -> None:
    done = checkout.run("judge", "a run", "--level=must", "")
    assert done.returncode == 7
    assert done.stdout == f"ran in {checkout.root.parent}:\n[judge]\n[a run]\n[--level=must]\n[]\n"
    assert [line.rstrip(" .done") for line in done.stderr.splitlines()] == [
        f"conform: making {checkout.root}/.venv with Python 3.12.1",
        "conform: installing the locked dependencies",
        "conform: installing this checkout",
    ]
    pip = [call for call in checkout.calls() if "-m pip install" in call]
    assert f"--require-hashes -r {checkout.root}/requirements.lock" in pip[0]
    assert f"--no-deps --no-build-isolation --editable {checkout.root}" in pip[1]


def test_second_run_is_silent_and_asks_python_once(checkout: Checkout) -> None:
    checkout.run("doctor")
    checkout.calls()
    done = checkout.run("doctor")
    assert (done.stderr, checkout.calls()) == ("", ["-P -m conformance doctor"])


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_a_change_installs_again(checkout: Checkout, name: str) -> None:
    checkout.run("doctor")
    checkout.calls()
    with (checkout.root / name).open("a") as file:
        file.write("# changed\n")
    checkout.run("doctor")
    assert checkout.installs()
    checkout.run("doctor")
    assert not checkout.installs()


def test_a_moved_checkout_installs_again(checkout: Checkout) -> None:
    checkout.run("doctor")
    checkout.calls()
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    done = checkout.run("doctor")
    assert f"making {checkout.root}/.venv" in done.stderr
    assert checkout.installs()


def test_an_environment_without_its_python_is_made_again(checkout: Checkout) -> None:
    checkout.run("doctor")
    checkout.calls()
    (checkout.root / ".venv" / "bin" / "python").unlink()
    checkout.run("doctor")
    assert checkout.installs()


def test_a_failed_installation_shows_its_end_and_is_tried_again(checkout: Checkout) -> None:
    failed = checkout.run("doctor", FAIL="--require-hashes")
    assert failed.returncode == 3
    assert failed.stdout == ""
    assert failed.stderr.endswith("dependencies  failed\n    ERROR: no matching distribution\n")
    checkout.calls()
    assert checkout.run("doctor").returncode == 7
    assert checkout.installs()


@pytest.mark.parametrize("target", ["a checkout/conform", "{root}/conform"])
def test_called_through_a_symbolic_link(checkout: Checkout, target: str) -> None:
    link = checkout.root.parent / "semantest"
    link.symlink_to(target.format(root=checkout.root))
    assert checkout.run("doctor", script=link).returncode == 7
    assert (checkout.root / ".venv").is_dir()


@pytest.mark.parametrize("command", ["run", "test", "mutants", "calibrate", "sweep", "crosscheck"])
def test_a_browser_is_looked_for_once(checkout: Checkout, command: str) -> None:
    looked = "-P -m conformance.rig.browsers"
    checkout.run(command)
    assert checkout.calls().count(looked) == 1
    checkout.run(command)
    assert looked not in checkout.calls()
    checkout.browser.unlink()  # the next one is found
    checkout.run(command)
    assert looked in checkout.calls()


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (("doctor",), {}),
        ((), {}),
        (("--help",), {}),
        (("run", "--help"), {}),
        (("run", "--list"), {}),
        (("mutants", "--judge", "RUN"), {}),
        (("mutants", "--write=DIR"), {}),
        (("run", "--browser", "/opt/chrome"), {}),
        (("run", "--browser=/opt/chrome"), {}),
        (("run",), {"CONFORM_BROWSER": "/opt/chrome"}),
    ],
)
def test_no_browser_is_looked_for(checkout: Checkout, arguments: tuple[str, ...], variables: dict[str, str]) -> None:
    assert checkout.run(*arguments, script=None, **variables).returncode == 7
    assert "-P -m conformance.rig.browsers" not in checkout.calls()


def test_without_a_browser_nothing_is_run(checkout: Checkout) -> None:
    done = checkout.run("run", FAIL="conformance.rig.browsers")
    assert done.returncode == 1  # that command's own status
    assert "ran in" not in done.stdout


@pytest.mark.parametrize("has_old", [False, True])
def test_without_python_it_says_what_to_do(checkout: Checkout, has_old: bool) -> None:
    (checkout.bin / "python3.12").unlink()
    if has_old:  # answers, but not what is asked of it: too old, or without venv
        checkout.program(checkout.bin / "python3", "#!/bin/sh\nexit 1\n")
    done = checkout.run("doctor")
    assert done.returncode == 4
    assert "no Python 3.11 or newer" in done.stderr
    assert "CONFORM_PYTHON=PATH" in done.stderr


@pytest.mark.parametrize(("user", "is_installed"), [("0", True), ("1000", False)])
def test_python_is_installed_on_debian_as_root(checkout: Checkout, user: str, is_installed: bool) -> None:
    stand_in = (checkout.bin / "python3.12").rename(checkout.root.parent / "from the package")
    (checkout.bin / "id").unlink()
    checkout.program(checkout.bin / "id", f"#!/bin/sh\necho {user}\n")
    checkout.program(
        checkout.bin / "apt-get",
        f'#!/bin/sh\ncase "$*" in *"install -y"*python3-venv) cp "{stand_in}" "{checkout.bin}/python3" ;; esac\n',
    )
    done = checkout.run("doctor")
    assert (done.returncode == 7) is is_installed
    assert ("installing Python" in done.stderr) is is_installed


def test_a_named_python_comes_first(checkout: Checkout) -> None:
    mine = checkout.root.parent / "my python"
    checkout.program(mine, STAND_IN.replace("3.12.1", "3.14.0"))
    assert "with Python 3.14.0" in checkout.run("doctor", CONFORM_PYTHON=str(mine)).stderr


def test_it_is_a_program_and_nothing_but_sh() -> None:
    script = ROOT / "conform"
    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/bin/sh\n")
    dash = shutil.which("dash") or "/bin/sh"
    assert subprocess.run([dash, "-n", str(script)], check=False).returncode == 0  # noqa: S603 - our own script
