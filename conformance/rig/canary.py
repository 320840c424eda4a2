"""The canary: a secret that nobody may be sent, as a cookie for the local server and as a token of the subject's.

The cookie is in the browser before the subject starts: a subject that sends with its question what the browser
holds for ``localhost`` sends this. The token is put into the subject's own storage (CDP ``Extensions``, nothing
attached) under the names that such a thing usually has, as soon as the subject is loaded: one that reads it from
there for its next question sends that. The local fake sees either arrive, in whatever header or URL, and notes
the header's name, never a value. Cookies that a fake's answer plants are removed with it, whatever the scenario,
so that none meets the next one; storage goes with the subject.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.errors import RigFailed
from conformance.rig.cdp import CdpError
from conformance.rig.http import SECRET

if TYPE_CHECKING:
    from conformance.model import Profile, Scenario
    from conformance.rig.cdp import Cdp

CANARY: Final = "canary"  # the tag of scenarios that ask for it
NAME: Final = "conform-canary"
TOKENS: Final = ("token", "accessToken", "access_token", "authToken", "auth_token", "apiKey", "session")


def wants_canary(scenario: Scenario) -> bool:
    """Whether the scenario has the tag."""
    return CANARY in scenario.tags


async def plant(cdp: Cdp, profile: Profile, scenario: Scenario) -> None:
    """Set the cookie, if the scenario asks for it, and see that it is there. Raises RigFailed, BrowserDied."""
    if not wants_canary(scenario):
        return
    # SameSite=None goes with every request that carries cookies at all; localhost is as good as secure.
    cookie = {"name": NAME, "value": SECRET, "url": profile.endpoints.signature, "sameSite": "None", "secure": True}
    await cdp.send("Storage.setCookies", {"cookies": [cookie]})
    there = (await cdp.send("Storage.getCookies"))["cookies"]
    if NAME not in {one["name"] for one in there}:
        raise RigFailed(f"the browser did not keep the canary cookie for {profile.endpoints.signature}; run again")


async def plant_token(cdp: Cdp, extension_id: str, scenario: Scenario) -> tuple[str, ...]:
    """Put the token into the storage of the subject, if the scenario asks for the canary; what there is now, in words.

    A subject without storage has no token that could leak. Raises RigFailed, BrowserDied.
    """
    if not wants_canary(scenario):
        return ()
    where = {"id": extension_id, "storageArea": "local"}
    try:
        await cdp.send("Extensions.setStorageItems", {**where, "values": dict.fromkeys(TOKENS, SECRET)})
    except CdpError:
        return ("a cookie for the local server",)
    kept = (await cdp.send("Extensions.getStorageItems", {**where, "keys": list(TOKENS)}))["data"]
    if not set(kept.values()) >= {SECRET}:
        raise RigFailed("the subject's storage did not keep the canary token; run again")
    return "a cookie for the local server", "a token in its storage"


async def clear(cdp: Cdp) -> None:
    """Remove every cookie of the profile. Raises CdpError, BrowserDied."""
    await cdp.send("Storage.clearCookies")
