"""A mark in the browser's network log, and enough after it that Chromium writes it out.

A mark is a cookie being set: the log names that event and its time at every capture mode, and setting
one takes no page, no request and no renderer (2 ms; a page's request took 7 to 24 ms, and the page a tenth
of every scenario's core time). Chromium keeps up to 15 events back before it writes
(``net/log/file_net_log_observer.cc``), so a mark is followed by more of its kind. The cookies belong to a
host that does not exist, live in memory only, and go with all others when the scenario ends (canary.py).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from conformance.rig.cdp import Cdp

MARK_URL: Final = "http://mark.invalid/"
COOKIES: Final = 20  # the mark and the 15 that push it out; setting one again may also count as removing it
_numbers = itertools.count(1)


async def set_mark(cdp: Cdp) -> None:
    """Mark the log. Raises CdpError, BrowserDied."""
    value = str(next(_numbers))  # a cookie that is already there as it is need not be set
    cookies = [{"name": f"mark-{number}", "value": value, "url": MARK_URL} for number in range(COOKIES)]
    await cdp.send("Storage.setCookies", {"cookies": cookies})
