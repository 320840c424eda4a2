"""The canary: a secret that nobody may be sent, as a cookie for the local server and as a token of the subject's.

The cookie is in the browser before the subject starts: a subject that sends with its question what the browser
holds for ``localhost`` sends this. The token is put into the subject's own storage (CDP ``Extensions``, its
worker left alone) under the names that such a thing usually has, as soon as the subject is loaded: one that
reads it from there for its next question sends that. The local fake sees either arrive, in whatever header or
URL, and notes the header's name, never a value. Cookies that a fake's answer plants are removed with it,
whatever the scenario, so that none meets the next one; storage goes with the subject.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from conformance.errors import RigFailed
from conformance.rig.cdp import CdpError
from conformance.rig.http import SECRET
from conformance.rig.page import Page, becomes_true

if TYPE_CHECKING:
    from conformance.model import Profile, Scenario
    from conformance.rig.cdp import Cdp

CANARY: Final = "canary"  # the tag of scenarios that ask for it
NAME: Final = "conform-canary"
TOKENS: Final = ("token", "accessToken", "access_token", "authToken", "auth_token", "apiKey", "session")

_LASTS_S = 24 * 3600  # longer than any scenario
_COOKIE, _TOKEN = "a cookie for the local server", "a token in its storage"


def wants_canary(scenario: Scenario) -> bool:
    """Whether the scenario has the tag."""
    return CANARY in scenario.tags


async def plant(cdp: Cdp, profile: Profile, scenario: Scenario) -> None:
    """Set the cookie, if the scenario asks for it, and see that it is there. Raises RigFailed, BrowserDied."""
    if not wants_canary(scenario):
        return
    # SameSite=None goes with every request that carries cookies at all; localhost is as good as secure. A cookie
    # without an end would go with the browser's last window, and a rig opens and closes windows.
    kind = {"sameSite": "None", "secure": True, "expires": time.time() + _LASTS_S}
    cookie = {"name": NAME, "value": SECRET, "url": profile.endpoints.signature, **kind}
    await cdp.send("Storage.setCookies", {"cookies": [cookie]})
    there = (await cdp.send("Storage.getCookies"))["cookies"]
    if NAME not in {one["name"] for one in there}:
        raise RigFailed(f"the browser did not keep the canary cookie for {profile.endpoints.signature}; run again")


async def plant_token(cdp: Cdp, extension_id: str, scenario: Scenario) -> tuple[str, ...]:
    """Put the token into the storage of the subject, if the scenario asks for the canary; what there is now, in words.

    A subject without storage has no token that could leak. Chromium lets only a tab of the subject's into its
    storage, so there is one for that moment, which shows the manifest and runs nothing. Raises RigFailed, BrowserDied.
    """
    if not wants_canary(scenario):
        return ()
    tab = await Page.open(cdp, f"chrome-extension://{extension_id}/manifest.json")
    try:
        if not await becomes_true(tab, "location.protocol === 'chrome-extension:'"):
            raise RigFailed("the browser did not open the subject's manifest, which leads to its storage; run again")
        return (_COOKIE, _TOKEN) if await _store(tab, {"id": extension_id, "storageArea": "local"}) else (_COOKIE,)
    finally:
        await tab.close()


async def _store(tab: Page, where: dict[str, object]) -> bool:
    """Whether there is a storage; if there is, it has the token now."""
    try:
        await tab.send("Extensions.setStorageItems", {**where, "values": dict.fromkeys(TOKENS, SECRET)})
    except CdpError:
        return False
    kept = (await tab.send("Extensions.getStorageItems", {**where, "keys": list(TOKENS)}))["data"]
    if kept != dict.fromkeys(TOKENS, SECRET):
        raise RigFailed("the subject's storage did not keep the canary token; run again")
    return True


async def clear(cdp: Cdp) -> None:
    """Remove every cookie of the profile. Raises CdpError, BrowserDied."""
    await cdp.send("Storage.clearCookies")
