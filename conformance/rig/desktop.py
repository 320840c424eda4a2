"""The desktop's tools as a browser finds them: stand-ins that keep it waiting.

Whenever an extension is removed, Chromium runs ``xdg-desktop-menu`` once and ``xdg-icon-resource`` once for each of six
sizes, to remove shortcuts that nobody made (``chrome/browser/web_applications/os_integration/``,
``web_app_shortcut_linux.cc``). The browser's home has no desktop, so there is nothing to do; but even tools that do
nothing cost seven forks of a large process, a third of what a warm scenario costs. It runs them one after the other and
waits for each, on a thread of their own: the first one does not return, and no other is ever begun. Nor
does the browser quit before it is let go.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from conformance.rig.scratch import scratching

if TYPE_CHECKING:
    from pathlib import Path

TOOLS: Final = ("xdg-desktop-menu", "xdg-icon-resource")
_HOLD = "hold"
# A pipe whose end the harness holds. A line: go on. Its end: the harness has died, and the browser is about to, which
# should be before it can begin the next tool. No pipe: nobody is to wait any more.
_WAITS = f"""#!/bin/sh
hold="${{0%/*}}/{_HOLD}"
[ -p "$hold" ] || exit 0
read -r _ <"$hold" || sleep 1
"""


class Desktop:
    """Tools that wait in ``directory``. ``release``, then nobody waits."""

    def __init__(self, directory: Path) -> None:
        """Raises StorageFailed."""
        self.directory = directory
        self._hold = directory / _HOLD
        with scratching(directory):
            directory.mkdir(exist_ok=True)
            for name in TOOLS:
                tool = directory / name
                tool.write_text(_WAITS)
                tool.chmod(0o700)
            self._hold.unlink(missing_ok=True)  # of a harness that was killed
            os.mkfifo(self._hold, 0o600)
            self._held: int | None = os.open(self._hold, os.O_RDWR | os.O_NONBLOCK)  # this opens without a reader

    def release(self) -> None:
        """Let the tool go that is running, if one is, and all that would come."""
        if self._held is not None:
            self._hold.unlink(missing_ok=True)
            os.write(self._held, b"\n")
            os.close(self._held)
            self._held = None
