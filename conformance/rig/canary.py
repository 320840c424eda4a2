"""The canary: a cookie for the local server, in the browser before the subject starts.

A subject that sends with its question what the browser holds for ``localhost`` sends this, and the local
fake sees it arrive (it notes the names of headers that carry credentials, never their values). Cookies
that a fake's answer plants are removed with it, whatever the scenario, so that none meets the next one.

A token of the subject's own, in its own storage, is not the rig's to plant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.errors import RigFailed

if TYPE_CHECKING:
    from conformance.model import Profile, Scenario
    from conformance.rig.cdp import Cdp

CANARY: Final = "canary"  # the tag of scenarios that ask for it
NAME = "conform-canary"


def wants_canary(scenario: Scenario) -> bool:
    """Whether the scenario has the tag."""
    return CANARY in scenario.tags


async def plant(cdp: Cdp, profile: Profile, scenario: Scenario) -> None:
    """Set the cookie, if the scenario asks for it, and see that it is there. Raises RigFailed, BrowserDied."""
    if not wants_canary(scenario):
        return
    # SameSite=None goes with every request that carries cookies at all; localhost is as good as secure.
    cookie = {"name": NAME, "value": "planted", "url": profile.endpoints.signature, "sameSite": "None", "secure": True}
    await cdp.send("Storage.setCookies", {"cookies": [cookie]})
    there = (await cdp.send("Storage.getCookies"))["cookies"]
    if NAME not in {one["name"] for one in there}:
        raise RigFailed(f"the browser did not keep the canary cookie for {profile.endpoints.signature}; run again")


async def clear(cdp: Cdp) -> None:
    """Remove every cookie of the profile. Raises CdpError, BrowserDied."""
    await cdp.send("Storage.clearCookies")
