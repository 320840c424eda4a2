"""What the reference shows its user, in a real browser: popup, tooltip and pictures, in each state, and no error."""

from __future__ import annotations

import asyncio
import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from conformance.bundle import bundled
from conformance.events import RequestReceived
from conformance.model import FaultSpec, Side, World
from conformance.rig.browsers import Browser
from conformance.rig.certificates import Certificates
from conformance.rig.faults import build, build_at
from conformance.rig.faults.base import SessionFault
from conformance.rig.lag import LagMonitor
from conformance.rig.mapping import hosts_of
from conformance.rig.page import Page, becomes_true
from conformance.rig.recorder import Recorder, now_ms
from conformance.rig.rig import Rig
from conformance.rig.servers import RigParts
from conformance.subjects import load_subject

pytestmark = pytest.mark.browser

PATIENCE_MS = 20_000.0  # two waits of the reference, on a busy machine

# State → all that its user reads, and the colour of the edge and of the word.
SHOWN = {
    "LOCAL": ("Using the server on this computer.", "rgb(26, 127, 55)"),
    "PUBLIC": ("Using the public server.", "rgb(11, 92, 173)"),
    "OFFLINE": ("Looking for a server.", "rgb(110, 119, 129)"),
}
# Whether the popup comes to say so.
UNTIL = """
new Promise((seen) => {
  const look = () => { if (document.getElementById('state').textContent === %s) seen(true); };
  setTimeout(() => seen(false), %d);
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
  look();
})
"""
# The whole text, and what the browser has for the toolbar. It tells nobody which picture it shows there, but it
# refuses one that it cannot. Colours are the light scheme's: a headless browser's.
LOOK = """
(async (state) => ({
  text: document.body.innerText.split(/\\n+/),
  colours: [getComputedStyle(document.body).borderLeftColor, getComputedStyle(document.getElementById('state')).color],
  tooltip: await chrome.action.getTitle({}),
  badge: await chrome.action.getBadgeText({}),
  picture: await chrome.action.setIcon({ path: { 16: `icons/${state}-16.png`, 32: `icons/${state}-32.png` } })
    .then(() => 'taken', String),
}))(%s)
"""
FOLLOW = """
globalThis.told = [document.getElementById('state').textContent];
new MutationObserver(() => told.push(document.getElementById('state').textContent))
  .observe(document.getElementById('state'), { childList: true, characterData: true, subtree: true });
"""
COMPLETE = "location.protocol === 'chrome-extension:' && document.readyState === 'complete'"


class User:
    """Who opens the popup, and would see an error. ``errors``: exceptions, rejections, complaints and dialogs."""

    def __init__(self, rig: Rig, origin: str) -> None:
        self._rig = rig
        self._origin = origin
        self.errors: list[str] = []
        rig.cdp.listen(self._on_event)

    def _on_event(self, method: str, params: dict[str, Any], _session: str | None) -> None:
        is_complaint = method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert")
        if is_complaint or method in ("Runtime.exceptionThrown", "Page.javascriptDialogOpening"):
            self.errors.append(json.dumps(params))

    async def opens_popup(self) -> Page:
        page = await Page.open(self._rig.cdp, f"{self._origin}/popup.html")
        await page.send("Page.enable", {})
        await page.send("Runtime.enable", {})  # tells of what was before, too
        assert await becomes_true(page, COMPLETE)
        return page

    async def sees(self, state: str) -> dict[str, Any]:
        """A popup that is opened now, once it shows this state."""
        page = await self.opens_popup()
        assert await shows(page, state), f"the popup never showed {state}"
        seen: dict[str, Any] = await page.evaluate(LOOK % json.dumps(state))
        await page.close()
        return seen

    async def looks_at_the_worker(self) -> None:
        """What the browser's page of extensions would list as its errors; all that was is told at once."""
        targets = (await self._rig.cdp.send("Target.getTargets"))["targetInfos"]
        (worker,) = (one for one in targets if one["type"] == "service_worker" and one["url"].startswith(self._origin))
        attached = await self._rig.cdp.send("Target.attachToTarget", {"targetId": worker["targetId"], "flatten": True})
        await self._rig.cdp.send("Runtime.enable", {}, attached["sessionId"])


async def shows(page: Page, state: str) -> bool:
    return bool(await page.evaluate(UNTIL % (json.dumps(state), PATIENCE_MS)))


async def end(rig: Rig, side: Side, *faults: FaultSpec) -> None:
    """The server of this side ends its session, and is like this from now on."""
    await rig.servers.of(side).set_faults(build_at(faults))
    (reset,) = build([FaultSpec("reset_session")])
    assert isinstance(reset, SessionFault)
    await rig.servers.of(side).drop_sessions(reset)


async def scene(browser: Browser, directory: Path) -> tuple[dict[str, dict[str, Any]], list[str], list[str]]:
    subject = load_subject(bundled("fixtures", "extensions", "reference"), None)
    hosts = hosts_of([subject.endpoints])
    rig = await Rig.open(RigParts(browser, hosts, Certificates(hosts.public_names), LagMonitor()), directory)
    try:
        recorder = Recorder()
        await rig.servers.prepare(subject, recorder, World())
        loaded = await rig.cdp.send("Extensions.loadUnpacked", {"path": subject.extension})
        user = User(rig, f"chrome-extension://{loaded['id']}")
        follower = await user.opens_popup()
        assert await shows(follower, "LOCAL")
        await follower.evaluate(FOLLOW)
        seen = {"LOCAL": await user.sees("LOCAL")}
        await end(rig, Side.LOCAL, FaultSpec("answer", {"signature": "other-name"}))
        seen["PUBLIC"] = await user.sees("PUBLIC")
        await end(rig, Side.PUBLIC, FaultSpec("refused"))
        asked = requests(recorder)
        # The second question follows an attempt that has failed on both sides.
        assert await recorder.wait_until(lambda: requests(recorder) >= asked + 2, now_ms() + PATIENCE_MS)
        seen["OFFLINE"] = await user.sees("OFFLINE")
        told = await follower.evaluate("told")
        await user.looks_at_the_worker()
        return seen, told, user.errors
    finally:
        await rig.close()


def requests(recorder: Recorder) -> int:
    return sum(isinstance(event, RequestReceived) for event in recorder.events)


def test_its_user_sees_the_state_and_no_error(browser: Browser, tmp_path: Path) -> None:
    """A popup is opened in each state, and one that stays open follows from one to the next."""
    seen, told, errors = asyncio.run(scene(browser, tmp_path / "rig"))
    assert seen == {
        state: {
            "text": ["Semantest", state, meaning],
            "colours": [colour, colour],
            "tooltip": f"Semantest: {state}",
            "badge": "",
            "picture": "taken",
        }
        for state, (meaning, colour) in SHOWN.items()
    }
    assert [state for state, _ in groupby(told)] == ["LOCAL", "OFFLINE", "PUBLIC", "OFFLINE"]
    assert errors == []
