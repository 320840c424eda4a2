"""Finding a Chromium among stand-ins, and what is tried where there is none. Nothing is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conformance.errors import BrowserNotFound
from conformance.rig import browsers
from conformance.rig.browsers import Browser, ensure_browser, find_browser, install_browser, playwright_builds

CHROMIUM = "Chromium 156.0.8078.79 built on Debian GNU/Linux 12 (bookworm)"
TESTING = "Google Chrome for Testing 159.0.8154.6"


@pytest.fixture
def bin_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty machine: this directory is its whole PATH, and it has no browser anywhere else."""
    directory = tmp_path / "bin with space"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.delenv(browsers.ENVIRONMENT_VARIABLE, raising=False)
    monkeypatch.setattr(browsers, "_MAC_APPS", ())
    return directory


def stand_in(path: Path, banner: str = CHROMIUM, *, noise: str = "", status: int = 0) -> str:
    """An executable that answers --version as a browser does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"#!/bin/sh\n[ \"$1\" = --version ] || exit 9\necho '{noise}' >&2\necho '{banner}'\nexit {status}\n"
    )
    path.chmod(0o755)
    return str(path)


# --- finding -------------------------------------------------------------------------------------


def test_the_systems_chromium(bin_dir: Path) -> None:
    path = stand_in(bin_dir / "chromium", noise="/usr/bin/chromium: 9: [: unexpected operator")
    assert find_browser() == Browser(path, "Chromium", "156.0.8078.79", "system")


def test_a_browser_names_itself(bin_dir: Path) -> None:
    stand_in(bin_dir / "chromium")
    assert str(find_browser()) == "Chromium 156.0.8078.79"


def test_order(bin_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--browser, environment, Playwright's own, the system's chromium, the system's Chrome."""
    chrome = stand_in(bin_dir / "google-chrome", "Google Chrome 150.0.1.2 ")
    assert find_browser().path == chrome
    chromium = stand_in(bin_dir / "chromium")
    assert find_browser().path == chromium
    build = stand_in(tmp_path / "playwright" / "chromium-1255" / "chrome-linux64" / "chrome", TESTING)
    assert find_browser() == Browser(build, "Google Chrome for Testing", "159.0.8154.6", "Playwright")
    from_environment = stand_in(tmp_path / "mine")
    monkeypatch.setenv(browsers.ENVIRONMENT_VARIABLE, from_environment)
    assert find_browser() == Browser(from_environment, "Chromium", "156.0.8078.79", "CONFORM_BROWSER")
    named = stand_in(tmp_path / "named")
    assert find_browser(named) == Browser(named, "Chromium", "156.0.8078.79", "--browser")


def test_a_bare_name_is_looked_up_in_path(bin_dir: Path) -> None:
    path = stand_in(bin_dir / "my-chromium")
    assert find_browser("my-chromium").path == path


def test_newest_of_playwrights_builds_first(tmp_path: Path, bin_dir: Path) -> None:
    assert bin_dir.is_dir()
    root = tmp_path / "playwright"
    for revision in ("999", "1255", "1200", "tip"):
        stand_in(root / f"chromium-{revision}" / "chrome-linux" / "chrome", TESTING)
    stand_in(root / "chromium_headless_shell-1300" / "chrome-linux" / "headless_shell", TESTING)
    (root / "chromium-1400").mkdir()  # a download that was interrupted
    found = [path.relative_to(root).parts[0] for path in playwright_builds()]
    assert found == ["chromium-1255", "chromium-1200", "chromium-999", "chromium-tip"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"PLAYWRIGHT_BROWSERS_PATH": "/elsewhere"}, "/elsewhere"),
        ({"PLAYWRIGHT_BROWSERS_PATH": "", "XDG_CACHE_HOME": "/cache"}, "/cache/ms-playwright"),
        ({"PLAYWRIGHT_BROWSERS_PATH": "", "XDG_CACHE_HOME": "", "HOME": "/people/u"}, "/people/u/.cache/ms-playwright"),
    ],
)
def test_playwrights_directory(variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(browsers._playwright_root()) == expected


def test_playwrights_directory_inside_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", "0")
    root = browsers._playwright_root()
    assert root.name == ".local-browsers"
    assert root.parent.is_dir()


def test_what_does_not_run_is_passed_over(bin_dir: Path) -> None:
    stand_in(bin_dir / "chromium", "", noise="Command requires the snap to be installed", status=1)
    chrome = stand_in(bin_dir / "google-chrome", "Google Chrome 150.0.1.2 ")
    assert find_browser().path == chrome


def test_nothing_found_says_what_was_passed_over_and_what_to_do(bin_dir: Path) -> None:
    stand_in(bin_dir / "chromium", "", noise="error: libnss3.so missing", status=127)
    with pytest.raises(BrowserNotFound) as caught:
        find_browser()
    message = str(caught.value)
    assert message.startswith("no Chromium found (passed over: ")
    assert "chromium does not run: error: libnss3.so missing" in message
    assert "apt-get install chromium" in message
    assert "--browser PATH or CONFORM_BROWSER=PATH" in message


@pytest.mark.parametrize(
    ("banner", "status", "why"),
    [
        ("Mozilla Firefox 130.0", 0, "is Mozilla Firefox, not a Chromium"),
        ("Chromium 120.0.6099.224", 0, "is Chromium 120.0.6099.224, too old: 137 or newer is needed"),
        ("hello", 0, "does not say its version (--version printed 'hello')"),
        ("", 3, "does not run: exit status 3"),
    ],
)
def test_a_named_browser_that_cannot_be_used(bin_dir: Path, tmp_path: Path, banner: str, status: int, why: str) -> None:
    stand_in(bin_dir / "chromium")  # never taken in its place
    named = stand_in(tmp_path / "named", banner, status=status)
    with pytest.raises(BrowserNotFound) as caught:
        find_browser(named)
    assert str(caught.value).startswith(f"--browser {named}: {why}; ")


@pytest.mark.parametrize(("makes_file", "why"), [(False, "no such file"), (True, "is no executable file")])
def test_a_named_browser_that_is_no_program(bin_dir: Path, tmp_path: Path, makes_file: bool, why: str) -> None:
    stand_in(bin_dir / "chromium")
    named = tmp_path / "named"
    if makes_file:
        named.write_text("not a program")
    with pytest.raises(BrowserNotFound, match=f"^--browser {named}: {why}; "):
        find_browser(str(named))


def test_the_environments_browser_is_named_in_its_error(bin_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(bin_dir / "chromium")
    monkeypatch.setenv(browsers.ENVIRONMENT_VARIABLE, "/nowhere/chrome")
    with pytest.raises(BrowserNotFound, match=r"^CONFORM_BROWSER /nowhere/chrome: no such file; "):
        find_browser()


def test_the_headless_shell_is_refused(tmp_path: Path) -> None:
    named = stand_in(tmp_path / "chrome-headless-shell", TESTING)
    with pytest.raises(BrowserNotFound, match="is the headless shell, which loads no extensions"):
        find_browser(named)


def test_a_script_without_interpreter_does_not_run(tmp_path: Path) -> None:
    named = tmp_path / "chromium"
    named.write_text("#!/nowhere/sh\n")
    named.chmod(0o755)
    with pytest.raises(BrowserNotFound, match="does not run: No such file or directory"):
        find_browser(str(named))


def test_a_browser_that_never_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = tmp_path / "chromium"
    named.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    named.chmod(0o755)
    monkeypatch.setattr(browsers, "ANSWER_S_MAX", 0.2)
    with pytest.raises(BrowserNotFound, match="did not answer --version within 0 s"):
        find_browser(str(named))


# --- installing ----------------------------------------------------------------------------------


class Machine:
    """A machine on which commands are written down instead of run; ``effects`` says what one would do."""

    def __init__(self, bin_dir: Path) -> None:
        self.bin_dir = bin_dir
        self.ran: list[str] = []
        self.fails: dict[str, str] = {}
        self.brings: dict[str, Path] = {}

    def run(self, command: list[str], _log: object, **_limits: object) -> str | None:
        line = " ".join(command).replace(sys.executable, "python")
        self.ran.append(line)
        for part, path in self.brings.items():
            if part in line:
                stand_in(path)
        return next((why for part, why in self.fails.items() if part in line), None)


@pytest.fixture
def machine(bin_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Root on an empty Debian without a network to Playwright's builds."""
    made = Machine(bin_dir)
    made.fails["playwright install --no-shell chromium"] = "Error: Download failure"
    made.brings["install -y"] = bin_dir / "chromium"
    monkeypatch.setattr(browsers, "run_quietly", made.run)
    monkeypatch.setattr(browsers, "_may_use_apt", lambda: True)
    monkeypatch.setattr(browsers, "_distribution", lambda: "debian")
    return made


def test_debians_package_where_the_download_fails(machine: Machine) -> None:
    said: list[str] = []
    browser = ensure_browser(None, said.append)
    assert browser.path == str(machine.bin_dir / "chromium")
    assert machine.ran[0] == "python -m playwright install --no-shell chromium"
    assert machine.ran[1].endswith(" update")
    assert machine.ran[2].endswith(" install -y --no-install-recommends chromium xvfb")
    assert said == [
        "downloading Chromium (Playwright's build, about 170 MB)",
        "installing Chromium and Xvfb (Debian's packages, about 110 MB)",
    ]


def test_playwrights_download_is_enough(machine: Machine, tmp_path: Path) -> None:
    machine.fails.clear()
    machine.brings = {"playwright install": tmp_path / "playwright" / "chromium-1" / "chrome-linux" / "chrome"}
    assert ensure_browser(None, print).found_by == "Playwright"
    assert machine.ran == ["python -m playwright install --no-shell chromium"]


def test_a_download_that_lacks_libraries_gets_them(machine: Machine, tmp_path: Path) -> None:
    chrome = tmp_path / "playwright" / "chromium-1" / "chrome-linux" / "chrome"
    stand_in(chrome, "", noise="error while loading shared libraries: libnss3.so", status=127)
    machine.fails.clear()
    machine.brings = {"install-deps": chrome}
    assert ensure_browser(None, print).path == str(chrome)
    assert machine.ran[-1] == "python -m playwright install-deps chromium"


def test_nothing_is_installed_where_there_is_one(machine: Machine) -> None:
    path = stand_in(machine.bin_dir / "chromium")
    assert ensure_browser(None, print).path == path
    assert machine.ran == []


def test_nothing_is_installed_for_a_wrong_name(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BrowserNotFound, match="--browser /nowhere"):
        ensure_browser("/nowhere", print)
    monkeypatch.setenv(browsers.ENVIRONMENT_VARIABLE, "/nowhere")
    with pytest.raises(BrowserNotFound, match="CONFORM_BROWSER /nowhere"):
        ensure_browser(None, print)
    assert machine.ran == []


def test_every_means_failing_is_told(machine: Machine) -> None:
    machine.fails["apt-get"] = "E: Unable to locate package"
    with pytest.raises(BrowserNotFound) as caught:
        install_browser(print)
    assert "Playwright's download: Error: Download failure; apt-get: E: Unable to locate package" in str(caught.value)
    assert "name one with --browser PATH" in str(caught.value)
    assert machine.ran[-1].endswith(" update")


def test_a_package_that_brings_nothing_is_no_success(machine: Machine) -> None:
    machine.brings.clear()
    with pytest.raises(BrowserNotFound, match="none could be installed"):
        install_browser(print)


@pytest.mark.parametrize(
    ("distribution", "is_root", "why"),
    [
        ("debian", False, "Debian's package: needs root"),
        ("ubuntu", True, "only known on Debian, this is ubuntu"),
        ("", True, "only known on Debian, this is another system"),
    ],
)
def test_apt_is_left_alone(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    distribution: str,
    is_root: bool,
    why: str,
) -> None:
    monkeypatch.setattr(browsers, "_may_use_apt", lambda: is_root)
    monkeypatch.setattr(browsers, "_distribution", lambda: distribution)
    with pytest.raises(BrowserNotFound, match=why):
        install_browser(print)
    assert machine.ran == ["python -m playwright install --no-shell chromium"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 12"\nVERSION_ID="12"\nID=debian\n', "debian"),
        ('ID="opensuse-leap"\n', "opensuse-leap"),
        ("NAME=Strange\n", ""),
    ],
)
def test_distribution(tmp_path: Path, text: str, name: str) -> None:
    release = tmp_path / "os-release"
    release.write_text(text)
    assert browsers._distribution(release) == name


def test_distribution_of_a_system_without_release_file(tmp_path: Path) -> None:
    assert browsers._distribution(tmp_path / "none") == ""


def test_main_prints_the_path(bin_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = stand_in(bin_dir / "chromium")
    assert browsers.main() == 0
    assert capsys.readouterr() == (f"{path}\n", "")


def test_main_says_what_to_do(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.fails["apt-get"] = "E: no network"
    assert browsers.main() == 4
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[-1].startswith("conform: no Chromium found, and none could be installed")
