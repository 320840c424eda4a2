"""Whether a target answers well: every way in which it does not, told in one line with what to do."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.errors import InputError
from conformance.model import Profile, Side, SignatureRule, Web
from conformance.rig.answering import origin_of
from conformance.rig.targets import Target, free_port, look_at
from conformance.targets import parse_target
from tests.rig.real import raw, real
from tests.rig.servers import PROFILE
from tests.rig.test_targets import REFERENCE, public


def test_nobody_there() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    why = re.escape(f"--local-target '{url}': nobody answers there (connection refused); start the server or mend")
    with pytest.raises(InputError, match=why):
        asyncio.run(look_at([parse_target(Side.LOCAL, url)], [PROFILE]))


def looked(profile: Profile) -> None:
    async def scene() -> None:
        async with real() as (_, url):
            await look_at([parse_target(Side.LOCAL, url)], [profile])

    asyncio.run(scene())


def test_a_good_one() -> None:
    looked(PROFILE)


@pytest.mark.parametrize(
    ("profile", "why"),
    [
        (
            replace(PROFILE, signature=SignatureRule("service", "other")),
            r"asked for /semantest-signature, it gave no good signature for 'tested' \(service = \"other\" is wanted\)",
        ),
        (
            replace(PROFILE, endpoints=replace(PROFILE.endpoints, signature="http://localhost:3003/who")),
            "asked for /who, it answered with status 404, not 200",
        ),
        (
            replace(PROFILE, web=Web("https://www.example.org/")),
            "lets no page of https://www.example.org read it, from which 'tested' asks; allow it",
        ),
    ],
    ids=["rule", "path", "page"],
)
def test_one_that_does_not_answer_well(profile: Profile, why: str) -> None:
    with pytest.raises(InputError, match=why):
        looked(profile)


def test_one_that_is_no_web_server() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await reader.read(1)

    async def scene() -> None:
        async with raw(handle) as url:
            await look_at([parse_target(Side.LOCAL, url)], [PROFILE])

    with pytest.raises(InputError, match=r"it gave no answer \("):
        asyncio.run(scene())


@pytest.mark.parametrize(
    ("status", "step"),
    [(403, "let that origin in"), (429, "start the server or mend the URL")],
)
def test_one_that_lets_the_subject_in_nowhere(status: int, step: str) -> None:
    async def scene() -> None:
        async with real() as (its, url):
            its.refuse = status
            await look_at([parse_target(Side.LOCAL, url)], [PROFILE])

    asked = re.escape(f"asked for a session at / by {origin_of(PROFILE)} ('tested'), it answered with status {status}")
    with pytest.raises(InputError, match=rf"^--local-target 'http://.*': {asked}, not 101; {step}$"):
        asyncio.run(scene())


def test_how_a_page_would_be_let_in_is_not_asked() -> None:
    async def scene() -> None:
        async with real() as (its, url):
            its.refuse, its.readable_by = 403, "https://www.example.org"
            await look_at([parse_target(Side.LOCAL, url)], [replace(PROFILE, web=Web("https://www.example.org/"))])

    asyncio.run(scene())


def test_a_public_one_is_not_asked_for_a_subject_that_has_none() -> None:
    none = replace(PROFILE, endpoints=replace(PROFILE.endpoints, public=None), signature=SignatureRule("x", "y"))

    async def scene() -> int:
        async with real() as (its, url):
            await look_at([parse_target(Side.PUBLIC, url)], [none])
            return len(its.asked)

    assert asyncio.run(scene()) == 0


def test_a_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    async def scene() -> None:
        target = Target(public(), [REFERENCE], tmp_path)
        try:
            await target.ensure()
            await look_at([parse_target(Side.PUBLIC, target.place.url)], [REFERENCE])
        finally:
            await target.kill()

    with pytest.raises(InputError, match=r"nobody answers there \(tls: .*certificate"):
        asyncio.run(scene())


# --- who asks


def test_an_origin_by_key_and_by_directory(tmp_path: Path) -> None:
    """Chromium's documents: the first 128 bits of a SHA-256, each half byte as a letter from a to p."""
    (tmp_path / "manifest.json").write_text('{"key": "AAEC"}')
    keyed = origin_of(replace(PROFILE, extension=str(tmp_path)))
    (tmp_path / "manifest.json").write_text("{}")
    plain = origin_of(replace(PROFILE, extension=str(tmp_path)))
    assert keyed == "chrome-extension://koeldciaofgocpkpidpebekgodnklojn"
    assert re.fullmatch("chrome-extension://[a-p]{32}", plain)
    assert plain != keyed
