"""What the harness is measured against: the least that a program can do, and what a user would do instead.

Both are asked what the harness is asked (which server, how fast) and do nothing else: no network log,
no proof, no clean-up between scenarios, no verdict. Their server is the shortest that answers.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from playwright.async_api import Error as PlaywrightError
from websockets.asyncio.server import serve

from conformance.errors import InputError, RigFailed
from conformance.model import Side, TriggerKind
from conformance.rig.chromium import launch
from conformance.rig.mapping import hosts_of
from conformance.signatures import signature_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Playwright
    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

    from conformance.model import Profile
    from conformance.rig.browsers import Browser

_OPEN_S_MAX = 30.0
# What the warm rig's browser is told as well, where Playwright does not: without these its background
# traffic and its checks would be in the figures.
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)


class Contender(Protocol):
    """One way to find out which server a subject goes to."""

    async def once(self) -> float | None:
        """Load, wait for the open, remove. Milliseconds from the load to the open local session; None: not known."""


def now_ms() -> float:
    """The machine's monotonic clock."""
    return time.monotonic() * 1000


class Server:
    """A good local server in the fewest lines: the signature, and a WebSocket that opens."""

    def __init__(self, profile: Profile) -> None:
        if profile.trigger.kind is not TriggerKind.START:
            message = f"{profile.name} waits for a {profile.trigger.kind}; give one that connects as its worker starts"
            raise InputError(message)
        self._path = urlsplit(profile.endpoints.signature).path
        self._body = signature_body("good", profile.signature, Side.LOCAL).decode()
        self._hosts = hosts_of([profile.endpoints]).local
        self._opened = asyncio.Event()
        self.rules = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        """Serve on a free port; ``rules`` leads the subject there and nowhere else."""
        async with serve(self._session, "127.0.0.1", 0, process_request=self._answer, compression=None) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            mapped = ",".join(f"MAP {host} 127.0.0.1:{port}" for host in self._hosts)
            self.rules = f"--host-resolver-rules={mapped},MAP * ~NOTFOUND"
            yield self

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        if "Upgrade" in request.headers or request.path != self._path:
            return None
        response = connection.respond(HTTPStatus.OK, self._body)
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    async def _session(self, connection: ServerConnection) -> None:
        self._opened.set()
        await connection.wait_closed()

    def forget(self) -> None:
        """Whatever opened belongs to an earlier scenario."""
        self._opened.clear()

    async def opened(self) -> None:
        """Return when a session has opened since ``forget``."""
        try:
            await asyncio.wait_for(self._opened.wait(), _OPEN_S_MAX)
        except TimeoutError:
            message = f"the subject opened no session at {', '.join(self._hosts)} within {_OPEN_S_MAX:.0f} s"
            raise RigFailed(message) from None


class CdpSession(Protocol):
    """A way to send the browser a command."""

    async def send(self, method: str, params: dict[str, str]) -> dict[str, str]:
        """The command's result."""


class Loop:
    """Load by CDP, wait for the open, unload: as fast as it can be had."""

    def __init__(self, cdp: CdpSession, server: Server, extension: str) -> None:
        self._cdp = cdp
        self._server = server
        self._extension = extension

    async def once(self) -> float:
        """Load, wait, unload."""
        self._server.forget()
        begun_ms = now_ms()
        loaded = await self._cdp.send("Extensions.loadUnpacked", {"path": self._extension})
        await self._server.opened()
        opened_ms = now_ms()
        await self._cdp.send("Extensions.uninstall", {"id": loaded["id"]})
        return opened_ms - begun_ms


class Recipe:
    """A persistent context a test with ``--load-extension``: https://playwright.dev/python/docs/chrome-extensions."""

    def __init__(self, playwright: Playwright, browser: Browser, server: Server, extension: str) -> None:
        self._playwright = playwright
        self._browser = browser
        self._server = server
        self._extension = extension

    async def once(self) -> float:
        """Launch with the extension, wait, close."""
        self._server.forget()
        begun_ms = now_ms()
        try:
            context = await self._playwright.chromium.launch_persistent_context(
                "",  # a temporary directory, as the recipe's pytest fixture has it
                executable_path=self._browser.path,
                headless=True,
                args=[
                    f"--disable-extensions-except={self._extension}",
                    f"--load-extension={self._extension}",
                    self._server.rules,
                ],
            )
        except PlaywrightError as error:
            raise RigFailed(f"Playwright could not launch {self._browser.path}: {error.message}") from error
        try:
            await self._server.opened()
            return now_ms() - begun_ms
        finally:
            await context.close()


@asynccontextmanager
async def pipe_loop(profile: Profile, browser: Browser, directory: Path) -> AsyncIterator[Loop]:
    """The loop over the debugging pipe, in a browser with the warm rig's own flags but for its network log."""
    async with Server(profile).running() as server:
        chromium = await launch(browser, directory, [server.rules])
        try:
            yield Loop(chromium.cdp, server, profile.extension)
        finally:
            await chromium.close()


@asynccontextmanager
async def playwright_loop(playwright: Playwright, profile: Profile, browser: Browser) -> AsyncIterator[Loop]:
    """The loop over Playwright's browser session, which attaches to the subject's worker."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Server(profile).running())
        try:
            launched = await playwright.chromium.launch(
                executable_path=browser.path,
                ignore_default_args=["--disable-extensions"],
                args=["--enable-unsafe-extension-debugging", *_QUIET, server.rules],
            )
        except PlaywrightError as error:
            raise RigFailed(f"Playwright could not launch {browser.path}: {error.message}") from error
        stack.push_async_callback(launched.close)
        yield Loop(await launched.new_browser_cdp_session(), server, profile.extension)


@asynccontextmanager
async def recipe(playwright: Playwright, profile: Profile, browser: Browser) -> AsyncIterator[Recipe]:
    """The recipe, its server running."""
    async with Server(profile).running() as server:
        yield Recipe(playwright, browser, server, profile.extension)
