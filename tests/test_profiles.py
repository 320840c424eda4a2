"""What a ``subject.toml`` may say, and what is said of one that is wrong."""

from __future__ import annotations

import re
import string
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.bundle import checkout
from conformance.errors import DataError
from conformance.files import load_requirements
from conformance.model import Budgets, Endpoints, Heartbeat, Profile, SignatureRule, Trigger, TriggerKind, Web
from conformance.profiles import GRAMMAR, parse_profile, stated_extension

MANIFEST: dict[str, Any] = {"manifest_version": 3, "name": "A subject", "version": "1.2"}
WITH_POPUP = {**MANIFEST, "action": {"default_popup": "popup.html"}}


def parse(text: str, manifest: dict[str, Any] = MANIFEST, features: set[str] | None = None) -> Profile:
    return parse_profile(text, "subject.toml", directory="/somewhere/my-subject", manifest=manifest, features=features)


def refused(text: str, manifest: dict[str, Any] = MANIFEST, features: set[str] | None = None) -> str:
    with pytest.raises(DataError) as caught:
        parse(text, manifest, features)
    return str(caught.value)


# --- what is taken -------------------------------------------------------------------------------


def test_no_words_at_all_give_the_defaults_and_the_manifests_name() -> None:
    assert parse("") == Profile(name="A subject", version="1.2", extension="/somewhere/my-subject")


def test_every_key_is_taken() -> None:
    profile = parse(
        """
        name = "other (beta)"
        extension = "build"
        absent = ["reconnect", "public", "reconnect"]

        [endpoints]
        signature = "http://127.0.0.1:8080/who?x=1"
        local = "ws://[::1]:8081/session"
        public = "wss://example.org:8443/ws"

        [signature]
        field = "about.service"
        equals = { is = ["semantest", 1, true, 1.5] }

        [trigger]
        kind = "message"
        page = "/options.html"
        message = { type = "connect" }

        [budgets]
        probe_timeout_ms = 1500
        connect_local_ms = 0.5

        [heartbeat]
        request = "ping"
        reply = "pong"
        """
    )
    assert profile.name == "other (beta)"
    assert profile.absent == ("reconnect", "public")
    assert profile.endpoints == Endpoints(
        "http://127.0.0.1:8080/who?x=1", "ws://[::1]:8081/session", "wss://example.org:8443/ws"
    )
    assert profile.signature == SignatureRule("about.service", {"is": ["semantest", 1, True, 1.5]})
    assert profile.trigger == Trigger(TriggerKind.MESSAGE, "options.html", message={"type": "connect"})
    assert profile.budgets == Budgets(probe_timeout_ms=1500, connect_local_ms=0.5)
    assert profile.heartbeat == Heartbeat("ping", "pong")


def test_public_false_is_no_public_server() -> None:
    assert parse("[endpoints]\npublic = false").endpoints.public is None


@pytest.mark.parametrize("budget", [field.name for field in fields(Budgets)])
def test_every_budget_can_be_stated(budget: str) -> None:
    assert getattr(parse(f"[budgets]\n{budget} = 12.5").budgets, budget) == 12.5


@pytest.mark.parametrize("host", ["localhost", "app.localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_every_loopback_name_is_a_local_server(host: str) -> None:
    assert parse(f'[endpoints]\nlocal = "ws://{host}:1/"').endpoints.local == f"ws://{host}:1/"


def test_a_click_goes_to_the_manifests_popup() -> None:
    profile = parse('[trigger]\nkind = "click"\nselector = "#go"', WITH_POPUP)
    assert profile.trigger == Trigger(TriggerKind.CLICK, "popup.html", "#go")


def test_a_stated_page_wins_over_the_popup() -> None:
    profile = parse('[trigger]\nkind = "click"\nselector = "#go"\npage = "side.html"', WITH_POPUP)
    assert profile.trigger.page == "side.html"


@pytest.mark.parametrize("message", ['"connect"', "false", "0", "[]"])
def test_any_json_value_is_a_message(message: str) -> None:
    assert parse(f'[trigger]\nkind = "message"\nmessage = {message}', WITH_POPUP).trigger.kind is TriggerKind.MESSAGE


@pytest.mark.parametrize(
    ("manifest_name", "name"),
    [
        ("__MSG_appName__", "my-subject"),
        ("", "my-subject"),
        ("A/B: tester", "A-B- tester"),
        ("../../etc", "etc"),
        ("Überprüfung", "Überprüfung"),
        ("x" * 200, "x" * 80),
        ("…", "subject"),
    ],
)
def test_a_name_from_the_manifest_can_name_a_directory(manifest_name: str, name: str) -> None:
    assert parse("", {**MANIFEST, "name": manifest_name}).name == name


@given(st.text())
def test_no_manifests_name_leads_out_of_the_run(manifest_name: str) -> None:
    name = parse("", {**MANIFEST, "name": manifest_name}).name
    assert 0 < len(name) <= 80
    assert not set(name) & set("/\\\0\n:*?\"<>|'")
    assert not name.startswith((".", " "))


def test_the_extensions_place_is_where_the_profile_is_unless_stated() -> None:
    assert stated_extension("", "subject.toml") == "."
    assert stated_extension('extension = "../build"', "subject.toml") == "../build"


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nme = 'x'", "subject.toml:1 'nme': no such key; did you mean 'name'?"),
        ("\n[budget]\n", "subject.toml:2 'budget': no such key; did you mean 'budgets'?"),
        (
            "[budgets]\n\nprobe_timeout = 5",
            "subject.toml:3 'budgets.probe_timeout': no such key; did you mean 'probe_timeout_ms'?",
        ),
        ("[endpoints]\npubic = false", "subject.toml:2 'endpoints.pubic': no such key; did you mean 'public'?"),
        ("[heartbeat]\nrequest = 'x'", "subject.toml:1 'heartbeat.reply': missing; add it to [heartbeat]"),
        ("[trigger]\nkind = 'clik'", "subject.toml:2 'trigger.kind': no such trigger as 'clik'; did you mean 'click'?"),
    ],
)
def test_a_wrong_name_gets_its_line_and_the_nearest_right_one(text: str, message: str) -> None:
    assert refused(text) == message


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("[budgets]\nfallback_ms = -5", "subject.toml:2 'budgets.fallback_ms': should be greater than 0, not -5"),
        ("[budgets]\nfallback_ms = 0", "subject.toml:2 'budgets.fallback_ms': should be greater than 0, not 0"),
        ("[budgets]\nfallback_ms = inf", "subject.toml:2 'budgets.fallback_ms': should be a finite number, not inf"),
        ("[budgets]\nfallback_ms = nan", "subject.toml:2 'budgets.fallback_ms': should be "),
        ("[budgets]\nfallback_ms = true", "subject.toml:2 'budgets.fallback_ms': should be a valid number, not True"),
        ("[budgets]\nfallback_ms = '5'", "subject.toml:2 'budgets.fallback_ms': should be a valid number, not '5'"),
        ("name = 5", "subject.toml:1 'name': should be a valid string, not 5"),
        ("name = '../x'", "subject.toml:1 'name': '../x' cannot name a directory of results"),
        ("name = ''", "subject.toml:1 'name': '' cannot name a directory of results"),
        ("absent = 'reconnect'", "subject.toml:1 'absent': should be a valid list, not 'reconnect'"),
        ("absent = [1]", "subject.toml:1 'absent.0': should be a valid string, not 1"),
        ("\nendpoints = 'x'", "subject.toml:2 'endpoints': should be a table; write [endpoints] on a line of its own"),
        ("[signature]\nfield = 'a..b'", "subject.toml:2 'signature.field': 'a..b' has an empty part"),
        ("[signature]\nequals = 2020-01-01", "subject.toml:2 'signature.equals': 2020-01-01 has no form in JSON"),
        ("[signature]\nequals = [nan]", "subject.toml:2 'signature.equals': nan has no form in JSON"),
        ("[heartbeat]\nrequest = ''\nreply = 'x'", "subject.toml:2 'heartbeat.request': String should have at least 1"),
    ],
)
def test_a_wrong_value_gets_its_line_and_what_is_right(text: str, start: str) -> None:
    assert refused(text).startswith(start)


@pytest.mark.parametrize(
    ("key", "url", "problem"),
    [
        ("signature", "ws://localhost:1/", "does not start with http://; it is asked with a GET"),
        ("local", "http://localhost:1/", "does not start with ws://; it is a WebSocket"),
        ("signature", "https://localhost:1/", "the harness's local server speaks no TLS"),
        ("local", "wss://localhost:1/", "the harness's local server speaks no TLS"),
        ("local", "localhost:3003", "does not start with ws://; it is a WebSocket"),
        ("local", "ws://example.org/", "example.org is not this machine, and the local server is"),
        ("local", "ws://localhost.example.org/", "is not this machine"),
        ("local", "ws://192.168.1.1/", "is not this machine"),
        ("signature", "http://0.0.0.0:1/", "is not this machine"),
        ("signature", "http://localhost:99999/", "is no URL: Port out of range"),
        ("signature", "http://localhost:0/", "is no URL"),
        ("signature", "http:///path", "is no URL"),
        ("signature", "http://[::1/", "is no URL"),
        ("signature", "http://localhost:1/a b", "is no URL"),
        ("signature", "http://me:secret@localhost:1/", "has a user name, password or fragment"),
        ("local", "ws://localhost:1/#x", "has a user name, password or fragment"),
        ("public", "ws://example.org/", "a public server is reached over TLS only (PUB-1)"),
        ("public", "https://example.org/", "does not start with wss://"),
        ("public", "wss://localhost:8443/", "localhost is this machine"),
    ],
)
def test_a_url_must_be_one_of_its_kind(key: str, url: str, problem: str) -> None:
    message = refused(f'\n[endpoints]\n{key} = "{url}"')
    assert message.startswith(f"subject.toml:3 'endpoints.{key}': ")
    assert problem in message


@pytest.mark.parametrize("value", ["true", "5", '["wss://example.org"]'])
def test_public_is_a_url_or_false(value: str) -> None:
    assert "should be a wss:// URL, or false" in refused(f"[endpoints]\npublic = {value}")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("kind = 'click'", "'trigger.selector': missing; kind = 'click' needs it"),
        ("kind = 'message'", "'trigger.message': missing; kind = 'message' needs it"),
        ("kind = 'click'\nselector = '#go'", "'trigger.page': missing"),
        ("selector = '#go'", "'trigger.selector': has no use with kind = 'start', only with 'click'"),
        ("page = 'x.html'", "'trigger.page': has no use with kind = 'start', only with 'click' or 'message'"),
        ("kind = 'click'\nselector = 'a'\nmessage = 1", "'trigger.message': has no use with kind = 'click'"),
    ],
)
def test_a_trigger_takes_what_its_kind_needs_and_no_more(text: str, problem: str) -> None:
    assert problem in refused(f"[trigger]\n{text}")


def test_an_absent_feature_must_be_one_that_a_requirement_has() -> None:
    message = refused("name = 'x'\nabsent = ['recconect']", features={"reconnect", "public"})
    assert message == "subject.toml:2 'absent': no requirement has a feature 'recconect'; did you mean 'reconnect'?"


def test_text_that_is_no_toml_gets_its_line_and_column() -> None:
    assert refused("name = 'x'\nabsent = [").startswith("subject.toml:2 is not TOML: ")
    assert refused("name = 'x'\n[endpoints\n").startswith("subject.toml:2:11 is not TOML: ")
    assert refused("name = 'x'\nname = 'y'\n").startswith("subject.toml:2:11 is not TOML: ")


def test_the_topmost_of_several_mistakes_is_told() -> None:
    assert refused("[budgets]\nnope = 1\n[endpoints]\nwrong = 1").startswith("subject.toml:2 'budgets.nope'")


@given(st.text(alphabet=string.printable))
def test_no_text_at_all_gives_anything_but_a_profile_or_a_data_error(text: str) -> None:
    try:
        profile = parse(text, WITH_POPUP)
    except DataError as error:
        assert str(error).startswith("subject.toml:")  # noqa: PT017 - one of two outcomes, both right
    else:
        assert profile.extension == "/somewhere/my-subject"


# --- a web page ----------------------------------------------------------------------------------

VISITED = """
[trigger]
kind = "visit"

[web]
page = "https://www.example.org/start"
"""


def test_a_subject_may_probe_from_a_web_page() -> None:
    profile = parse(VISITED)
    assert (profile.trigger, profile.web) == (Trigger(TriggerKind.VISIT), Web("https://www.example.org/start"))
    assert parse("").web is None


def test_a_frame_needs_no_visit() -> None:
    assert parse('[web]\npage = "https://www.example.org/"').trigger == Trigger()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[trigger]\nkind = "visit"',
            "subject.toml:2 'trigger.kind': kind = 'visit' opens the page of [web]",
        ),
        (
            '[web]\npage = "http://www.example.org/"',
            "subject.toml:2 'web.page': 'http://www.example.org/' does",
        ),
        ('[web]\npage = "https://localhost/"', "subject.toml:2 'web.page': localhost is this machine; a web page"),
        (
            '[web]\npage = "https://api.extension.semantest.com/"',
            "com is the public server; a web page",
        ),
        ("[web]", "subject.toml:1 'web.page': missing; add it to [web]"),
        (f"{VISITED}\n[trigger.x]", "no such key"),
    ],
)
def test_a_web_page_is_public_and_of_its_own(text: str, problem: str) -> None:
    assert problem in refused(text)


# --- its documentation ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page() -> str:
    root = checkout()
    assert root is not None
    return (root / "docs" / "profiles.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", sorted(GRAMMAR))
def test_every_key_is_in_the_docs_with_its_default(page: str, table: tuple[str, ...]) -> None:
    section = page.split(f"### {f'`[{table[0]}]`' if table else 'Top level'}\n")[1].split("\n##", maxsplit=1)[0]
    documented = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", section, re.MULTILINE))
    keys = {key: field.default for key, field in GRAMMAR[table].model_fields.items() if (*table, key) not in GRAMMAR}
    assert documented.keys() == keys.keys()
    for key, default in keys.items():
        if isinstance(default, str | int | float):
            assert documented[key].strip('`"') == str(default)


def test_every_feature_is_in_the_docs_with_its_requirements(page: str) -> None:
    section = page.split("### What `absent` may list\n")[1].split("\n##", maxsplit=1)[0]
    for requirement in load_requirements():
        if requirement.feature and not requirement.id.startswith("LIFE-"):  # named as a range
            row = re.search(rf"^\| `{requirement.feature}` \|.*$", section, re.MULTILINE)
            assert row is not None, requirement.feature
            assert requirement.id in row.group()


def test_the_docs_examples_are_right(page: str) -> None:
    features = {requirement.feature for requirement in load_requirements()}
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert [parse(text, features=features).name for text in examples] == ["my-extension", "recorder"]
