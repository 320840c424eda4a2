"""The debugging pipe: commands and answers over two real pipes, with a stand-in for the browser's end."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from conformance.errors import BrowserDied
from conformance.rig import cdp as cdp_module
from conformance.rig.cdp import Cdp, CdpError, open_pipe

PATIENCE_S = 5.0


class Browser:
    """The other end: what the browser reads and writes."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._write_fd = write_fd
        self._reader = asyncio.StreamReader()
        self._file = os.fdopen(read_fd, "rb", 0)

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(self._reader), self._file)

    async def command(self) -> dict[str, Any]:
        """The next whole command."""
        async with asyncio.timeout(PATIENCE_S):
            message = await self._reader.readuntil(b"\0")
        command: dict[str, Any] = json.loads(message[:-1])
        return command

    async def is_told_to_quit(self) -> bool:
        async with asyncio.timeout(PATIENCE_S):
            return await self._reader.read() == b""

    def write(self, data: bytes) -> None:
        os.write(self._write_fd, data)

    def say(self, **message: object) -> None:
        self.write(json.dumps(message).encode() + b"\0")

    def die(self) -> None:
        if self._write_fd >= 0:
            os.close(self._write_fd)
            self._write_fd = -1


@asynccontextmanager
async def piped() -> AsyncIterator[tuple[Cdp, Browser]]:
    commands_read, commands_write = os.pipe()
    events_read, events_write = os.pipe()
    browser = Browser(commands_read, events_write)
    await browser.open()
    cdp = await open_pipe(events_read, commands_write)
    try:
        yield cdp, browser
    finally:
        cdp.close()
        browser.die()
        await browser.is_told_to_quit()
        await cdp.closed


def ask(cdp: Cdp, method: str, **params: Any) -> asyncio.Task[dict[str, Any]]:  # noqa: ANN401 - JSON
    return asyncio.create_task(cdp.send(method, params))


def test_a_command_is_sent_and_its_result_comes_back() -> None:
    async def scene() -> tuple[dict[str, Any], dict[str, Any]]:
        async with piped() as (cdp, browser):
            asked = asyncio.create_task(cdp.send("Target.createTarget", {"url": "about:blank"}, "session-1"))
            command = await browser.command()
            browser.say(id=command["id"], result={"targetId": "T"})
            return command, await asked

    command, result = asyncio.run(scene())
    assert command == {
        "id": 1,
        "method": "Target.createTarget",
        "params": {"url": "about:blank"},
        "sessionId": "session-1",
    }
    assert result == {"targetId": "T"}


def test_a_command_without_a_session_names_none() -> None:
    async def scene() -> dict[str, Any]:
        async with piped() as (cdp, browser):
            asked = ask(cdp, "Browser.getVersion")
            command = await browser.command()
            browser.say(id=command["id"], result={})
            await asked
            return command

    assert asyncio.run(scene()) == {"id": 1, "method": "Browser.getVersion", "params": {}}


def test_answers_find_their_commands_in_any_order_and_in_any_pieces() -> None:
    async def scene() -> list[dict[str, Any]]:
        async with piped() as (cdp, browser):
            asked = [ask(cdp, "First"), ask(cdp, "Second")]
            ids = {command["method"]: command["id"] for command in [await browser.command(), await browser.command()]}
            answers = [{"id": ids[name], "result": {"of": name}} for name in ("Second", "First")]
            data = b"".join(json.dumps(answer).encode() + b"\0" for answer in answers)
            browser.write(data[:-7])  # one and a half, as a pipe may deliver it
            assert await asked[1] == {"of": "Second"}
            browser.write(data[-7:])
            return list(await asyncio.gather(*asked))

    assert asyncio.run(scene()) == [{"of": "First"}, {"of": "Second"}]


def test_an_error_names_the_command_and_says_what_the_browser_says() -> None:
    async def scene() -> None:
        async with piped() as (cdp, browser):
            asked = ask(cdp, "Extensions.loadUnpacked")
            browser.say(id=(await browser.command())["id"], error={"code": -32000, "message": "Manifest is missing"})
            await asked

    with pytest.raises(CdpError, match=r"refused Extensions\.loadUnpacked: Manifest is missing") as caught:
        asyncio.run(scene())
    assert caught.value.text == "Manifest is missing"


def test_events_go_to_every_listener_until_it_stops() -> None:
    heard: list[tuple[str, dict[str, Any], str | None]] = []
    all_heard: list[str] = []

    async def scene() -> None:
        async with piped() as (cdp, browser):
            stop = cdp.listen(lambda method, params, session: heard.append((method, params, session)))
            cdp.listen(lambda method, _params, _session: all_heard.append(method))
            for name in ("First", "Second"):
                asked = ask(cdp, "Ask")
                number = (await browser.command())["id"]
                browser.say(method=name, params={"a": 1}, sessionId="S")
                browser.say(id=number, result={})  # read after the event, so the event has been heard
                await asked
                if name == "First":
                    stop()

    asyncio.run(scene())
    assert heard == [("First", {"a": 1}, "S")]
    assert all_heard == ["First", "Second"]


def test_a_browser_that_goes_away_ends_every_wait() -> None:
    async def scene() -> list[dict[str, Any] | BaseException]:
        async with piped() as (cdp, browser):
            asked = [ask(cdp, "First"), ask(cdp, "Second")]
            await browser.command()
            browser.die()
            async with asyncio.timeout(PATIENCE_S):
                ended = await asyncio.gather(*asked, return_exceptions=True)
            assert cdp.is_closed
            return ended

    first, second = asyncio.run(scene())
    assert isinstance(first, BrowserDied)
    assert "asked for First" in str(first)
    assert isinstance(second, BrowserDied)
    assert "asked for Second" in str(second)


def test_a_browser_that_is_gone_is_asked_for_nothing() -> None:
    async def scene() -> None:
        async with piped() as (cdp, browser):
            browser.die()
            await cdp.closed
            await cdp.send("Browser.getVersion")

    with pytest.raises(BrowserDied, match=r"gone; it cannot be asked for Browser\.getVersion"):
        asyncio.run(scene())


def test_a_browser_that_does_not_answer_is_as_good_as_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> dict[str, Any]:
        async with piped() as (cdp, browser):
            monkeypatch.setattr(cdp_module, "_ANSWER_MS_MAX", 1)
            with pytest.raises(BrowserDied, match="did not answer Slow"):
                await cdp.send("Slow")
            monkeypatch.undo()
            late = (await browser.command())["id"]
            asked = ask(cdp, "Next")
            browser.say(id=late, result={"too": "late"})  # nobody waits for it any more
            browser.say(id=(await browser.command())["id"], result={"in": "time"})
            return await asked

    assert asyncio.run(scene()) == {"in": "time"}


def test_an_abandoned_pipe_ends_though_the_other_end_is_held() -> None:
    async def scene() -> None:
        async with piped() as (cdp, _):
            cdp.abandon()
            async with asyncio.timeout(PATIENCE_S):
                await cdp.closed
            await cdp.send("Browser.getVersion")

    with pytest.raises(BrowserDied, match="the browser is gone"):
        asyncio.run(scene())


def test_closing_tells_the_browser_to_quit() -> None:
    async def scene() -> bool:
        async with piped() as (cdp, browser):
            cdp.close()
            return await browser.is_told_to_quit()

    assert asyncio.run(scene())
