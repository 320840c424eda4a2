"""Which Chromium to run: finding one on this machine, and installing one where there is none.

Nothing in here starts a browser for a scenario (chromium.py does). Search order: what the user
named, ``CONFORM_BROWSER``, Playwright's own builds, the system's. Firefox, Chromium's headless
shell (it loads no extensions) and a Chromium that does not run are passed over, or refused where
the user named them. Installing tries Playwright's download, then Debian's package as root (and with it
Xvfb, the screen that one scenario needs), and has a time limit on everything: a machine without a
network must hear so soon.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from conformance.errors import BrowserNotFound
from conformance.rig.quiet import last_error, run_quietly

ENVIRONMENT_VARIABLE = "CONFORM_BROWSER"

# CDP's Extensions.loadUnpacked and Extensions.uninstall are in every Chromium from here on, branded ones too.
VERSION_MIN = 137

ANSWER_S_MAX = 20.0  # `--version` on a cold disk; 0.1 s on a warm one
DOWNLOAD_S_MAX = 900.0  # 170 MB over a slow line
DOWNLOAD_IDLE_S_MAX = 45.0  # without a byte of output: no line at all
APT_S_MAX = 600.0
CONNECT_MS_MAX = "10000"

_SYSTEM_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "google-chrome-beta",
    "google-chrome-unstable",
)
_MAC_APPS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
_PLAYWRIGHT_BUILDS = (
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)
_BANNER = re.compile(r"(?m)^\s*(?P<product>\D*?)\s*(?P<version>\d+(?:\.\d+){1,3})\b")
_OTHERS = ("firefox", "safari", "webkit")
_WHAT_TO_DO = (
    "install one (Debian: apt-get install chromium; anywhere: python -m playwright install --with-deps chromium) "
    f"or name one with --browser PATH or {ENVIRONMENT_VARIABLE}=PATH"
)

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Browser:
    """A Chromium that runs. ``product``: its own name for itself, e.g. ``Google Chrome for Testing``."""

    path: str
    product: str
    version: str
    found_by: str

    def __str__(self) -> str:
        return f"{self.product} {self.version}"


class _Unusable(Exception):
    """Why a candidate cannot be used."""


# --- finding -------------------------------------------------------------------------------------


def find_browser(explicit: str | None = None) -> Browser:
    """The browser that the user named, else the first that runs. Raises BrowserNotFound with what to do."""
    named = ((explicit, "--browser"), (os.environ.get(ENVIRONMENT_VARIABLE), ENVIRONMENT_VARIABLE))
    for name, how in named:
        if name:
            return _named(name, how)
    passed_over = []
    for path, how in _candidates():
        try:
            return _identify(path, how)
        except _Unusable as why:
            passed_over.append(f"{path} {why}")
    seen = f" (passed over: {'; '.join(passed_over)})" if passed_over else ""
    raise BrowserNotFound(f"no Chromium found{seen}: {_WHAT_TO_DO}")


def _named(name: str, how: str) -> Browser:
    path = shutil.which(os.path.expanduser(name))  # noqa: PTH111 - a bare name must stay bare to be looked up in PATH
    if path is None:
        exists = Path(name).expanduser().exists()
        raise BrowserNotFound(f"{how} {name}: {'is no executable file' if exists else 'no such file'}; {_WHAT_TO_DO}")
    try:
        return _identify(path, how)
    except _Unusable as why:
        raise BrowserNotFound(f"{how} {name}: {why}; {_WHAT_TO_DO}") from None


def _candidates() -> Iterator[tuple[str, str]]:
    yield from ((str(path), "Playwright") for path in playwright_builds())
    for name in _SYSTEM_NAMES:
        if path := shutil.which(name):
            yield path, "system"
    yield from ((path, "system") for path in _MAC_APPS if Path(path).exists())


def playwright_builds() -> list[Path]:
    """Playwright's full Chromium builds, the newest first.

    Read from its directory: asking Playwright itself starts its Node driver, half a second.
    """
    root = _playwright_root()
    found = [path for pattern in _PLAYWRIGHT_BUILDS for path in root.glob(pattern) if os.access(path, os.X_OK)]
    return sorted(found, key=lambda path: _revision(path.relative_to(root)), reverse=True)


def _playwright_root() -> Path:
    chosen = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "")
    if chosen == "0":  # Playwright's word for "inside the package"
        spec = find_spec("playwright")
        package = Path(spec.origin).parent if spec and spec.origin else Path("playwright")
        return package / "driver" / "package" / ".local-browsers"
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ms-playwright"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ms-playwright"


def _revision(path: Path) -> int:
    digits = path.parts[0].rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0


def _identify(path: str, how: str) -> Browser:
    if re.search("headless[-_]shell", path):
        raise _Unusable("is the headless shell, which loads no extensions")
    said = _banner(path)
    match = _BANNER.search(said)
    if match is None:
        raise _Unusable(f"does not say its version (--version printed {said.strip()[:80]!r})")
    product, version = match["product"] or "Chromium", match["version"]
    if any(other in product.lower() for other in _OTHERS):
        raise _Unusable(f"is {product}, not a Chromium")
    if int(version.partition(".")[0]) < VERSION_MIN:
        raise _Unusable(f"is {product} {version}, too old: {VERSION_MIN} or newer is needed")
    return Browser(path, product, version, how)


def _banner(path: str) -> str:
    """What ``--version`` prints. Launchers complain on stderr without being broken: that is left aside."""
    try:
        done = subprocess.run(  # noqa: S603 - the user's own browser
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER_S_MAX, check=False
        )
    except OSError as error:
        raise _Unusable(f"does not run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise _Unusable(f"did not answer --version within {ANSWER_S_MAX:.0f} s") from None
    if done.returncode != 0:
        why = last_error(done.stderr.decode(errors="replace")) or f"exit status {done.returncode}"
        raise _Unusable(f"does not run: {why}")
    return done.stdout.decode(errors="replace")


# --- installing ----------------------------------------------------------------------------------


def ensure_browser(explicit: str | None, log: Log) -> Browser:
    """``find_browser``, installing one where the user named none and none is there."""
    try:
        return find_browser(explicit)
    except BrowserNotFound:
        if explicit or os.environ.get(ENVIRONMENT_VARIABLE):
            raise
    install_browser(log)
    return find_browser(None)


def install_browser(log: Log) -> None:
    """Make ``find_browser`` find one, or raise BrowserNotFound with what was tried and what to do."""
    tried = []
    for means in (_download, _package):
        why = means(log)
        if why is None:
            return
        tried.append(why)
    raise BrowserNotFound(f"no Chromium found, and none could be installed ({'; '.join(tried)}): {_WHAT_TO_DO}")


def _download(log: Log) -> str | None:
    """Playwright's build; None when it is there and runs, else why not."""
    if find_spec("playwright") is None:
        return "Playwright is not installed"
    log("downloading Chromium (Playwright's build, about 170 MB)")
    why = run_quietly(
        [sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"],
        log,
        limit_s=DOWNLOAD_S_MAX,
        idle_s=DOWNLOAD_IDLE_S_MAX,
        environment={"PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": CONNECT_MS_MAX},
    )
    if why is not None:
        return f"Playwright's download: {why}"
    if _found() is None:
        return None
    if _may_use_apt():
        log("installing the system libraries that Playwright's Chromium needs")
        run_quietly([sys.executable, "-m", "playwright", "install-deps", "chromium"], log, limit_s=APT_S_MAX)
    return _found()


def _package(log: Log) -> str | None:
    """Debian's package; None when it is there and runs, else why not."""
    distribution = _distribution()
    if distribution != "debian":  # Ubuntu's package of that name is a stub that wants snapd
        return f"the system's package: only known on Debian, this is {distribution or 'another system'}"
    if not _may_use_apt():
        return "Debian's package: needs root"
    log("installing Chromium and Xvfb (Debian's packages, about 110 MB)")
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=2"]
    steps: tuple[Sequence[str], ...] = (
        [*apt, "update"],
        [*apt, "install", "-y", "--no-install-recommends", "chromium", "xvfb"],
    )
    for step in steps:
        why = run_quietly(step, log, limit_s=APT_S_MAX, environment={"DEBIAN_FRONTEND": "noninteractive"})
        if why is not None:
            return f"apt-get: {why}"
    return _found()


def _found() -> str | None:
    """None when there is a browser now, else why there is none."""
    try:
        find_browser(None)
    except BrowserNotFound as error:
        return str(error).partition(f": {_WHAT_TO_DO}")[0]
    return None


def _may_use_apt() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _distribution(release: Path = Path("/etc/os-release")) -> str:
    try:
        text = release.read_text()
    except OSError:
        return ""
    match = re.search(r'(?m)^ID="?([\w.-]+)', text)
    return match[1] if match else ""


def main() -> int:
    """``python -m conformance.rig.browsers``, for ./conform: print the browser's path, installing one if need be."""

    def tell(line: str) -> None:
        sys.stderr.write(f"conform: {line}\n")

    try:
        browser = ensure_browser(None, tell)
    except BrowserNotFound as error:
        tell(str(error))
        return error.exit_status
    sys.stdout.write(f"{browser.path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
