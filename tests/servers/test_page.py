"""A web page in a real browser beside the reference local server: it gets no session, and reads nothing."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from playwright.async_api import async_playwright
from servers.listening import loopback_sockets, runner_of, start
from servers.local.app import LocalServer

from conformance.rig.browsers import Browser
from tests.servers.mutants import _local
from tests.servers.running import local, local_server

pytestmark = pytest.mark.browser

PAGE = "page.example"
TRY = """async (port) => {
  const session = await new Promise((done) => {
    const socket = new WebSocket(`ws://localhost:${port}/`);
    socket.onopen = () => done('open');
    socket.onerror = () => done('refused');
  });
  const read = async (url) => fetch(url).then((answer) => answer.text()).catch(() => 'unreadable');
  return {
    session,
    signature: await read(`http://localhost:${port}/semantest-signature`),
    rebound: await read(`http://page.example:${port}/semantest-signature`),
  };
}"""


async def what_a_page_gets(browser: Browser, server: LocalServer) -> dict[str, str]:
    """A page of another origin, at a name that points to this machine as a rebound one does."""

    async def page(request: web.Request) -> web.Response:
        del request
        return web.Response(text="<title>a page</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    sockets = loopback_sockets(0)
    runner = runner_of(app)
    await start(runner, sockets)
    try:
        async with local(server) as target, async_playwright() as playwright:
            rules = f"--host-resolver-rules=MAP {PAGE} 127.0.0.1"
            started = await playwright.chromium.launch(executable_path=browser.path, args=[rules, "--no-sandbox"])
            try:
                tab = await started.new_page()
                await tab.goto(f"http://{PAGE}:{sockets[0].getsockname()[1]}/")
                found: dict[str, str] = await tab.evaluate(TRY, target.port)
                return found
            finally:
                await started.close()
    finally:
        await runner.cleanup()


def test_a_page_gets_no_session_and_reads_nothing(browser: Browser) -> None:
    found = asyncio.run(what_a_page_gets(browser, local_server()))
    assert found["session"] == "refused"
    assert found["signature"] == "unreadable"
    assert "semantest" not in found["rebound"]


def test_of_a_server_that_lets_everybody_in_it_gets_both(browser: Browser) -> None:
    """What the test above must not see; without it a page that gets nothing could be the browser's doing."""
    lax = _local(
        may_connect=lambda self, request: True,
        is_for_me=lambda self, request: True,
        cors=lambda self, origin: {"Access-Control-Allow-Origin": "*"},
    )
    found = asyncio.run(what_a_page_gets(browser, lax()))
    assert found["session"] == "open"
    assert '"service": "semantest"' in found["signature"]
