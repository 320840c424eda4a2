"""The bundled extensions: complete, small, and saying the same thing in every file. No browser here."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest

from conformance.bundle import bundled
from conformance.model import Budgets, Endpoints, Heartbeat, Profile, Trigger
from conformance.subjects import load_subject

REFERENCE = bundled("fixtures", "extensions", "reference")
SEED_LITERAL = bundled("fixtures", "extensions", "seed-literal")

SCRIPTS = ("background.js", "connection.js", "signature.js", "popup.js")
STATES = ("LOCAL", "PUBLIC", "OFFLINE")

# The decision's snippet, as it was given.
SNIPPET = """\
async function connectWebSocket() {
  // Step 1: Try local server
  if (await checkLocalServer()) {
    ws = new WebSocket('ws://localhost:3003');
    console.log('Connected to local server');
    return;
  }
  \n\
  // Step 2: Fallback to public server
  ws = new WebSocket('wss://api.extension.semantest.com');
  console.log('Connected to public server');
}

async function checkLocalServer() {
  try {
    const response = await fetch('http://localhost:3003/semantest-signature');
    const data = await response.json();
    return data.service === 'semantest';
  } catch {
    return false;
  }
}
"""


def text(name: str, directory: Path = REFERENCE) -> str:
    return (directory / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reference() -> Profile:
    return load_subject(REFERENCE, None)


@pytest.fixture(scope="module")
def ms() -> dict[str, float]:
    """Every constant of the reference that ends in a number."""
    found = re.findall(r"^(?:export )?const (\w+) = ([\d_.]+);", "".join(map(text, SCRIPTS)), re.MULTILINE)
    return {name: float(value) for name, value in found}


# --- reference -----------------------------------------------------------------------------------


def test_the_reference_declares_nothing_absent_and_asks_for_no_other_budget(reference: Profile) -> None:
    assert reference.name == "reference"
    assert reference.absent == ()
    assert (reference.budgets, reference.endpoints) == (Budgets(), Endpoints())
    assert reference.trigger == Trigger()


def test_the_reference_is_granted_what_it_needs_and_no_more() -> None:
    manifest = json.loads(text("manifest.json"))
    assert manifest["host_permissions"] == ["http://localhost:3003/*"]
    used = set(re.findall(r"chrome\.(\w+)\.", "".join(map(text, SCRIPTS)))) - {"runtime", "action"}
    assert used == set(manifest["permissions"])
    assert int(manifest["minimum_chrome_version"]) >= 116  # messages keep a worker alive from there on


def test_the_reference_names_its_endpoints_and_no_other_address(reference: Profile) -> None:
    urls = re.findall(r"\b(?:https?|wss?)://[^'\"\s*]*", "".join(map(text, (*SCRIPTS, "popup.html", "popup.css"))))
    stated = reference.endpoints
    assert len(urls) == 3
    assert set(urls) == {stated.signature, stated.local, stated.public}


def test_the_references_times_fit_the_budgets(ms: dict[str, float]) -> None:
    budgets = Budgets()
    shortest_wait_ms = ms["WAIT_MS_BASE"] * (1 - ms["WAIT_JITTER"])
    longest_wait_ms = ms["WAIT_MS_CAP"] * (1 + ms["WAIT_JITTER"])
    assert ms["PROBE_TIMEOUT_MS"] < budgets.probe_timeout_ms
    assert ms["PROBE_TIMEOUT_MS"] + ms["LOCAL_OPEN_TIMEOUT_MS"] + ms["REFUSAL_MS"] < budgets.seamless_ms
    assert shortest_wait_ms > budgets.retry_wait_ms_min
    assert longest_wait_ms + ms["PROBE_TIMEOUT_MS"] < budgets.reconnect_ms
    assert ms["PUBLIC_OPEN_TIMEOUT_MS"] < budgets.reconnect_ms  # an attempt that hangs while the local server returns
    assert ms["PING_EVERY_MS"] + ms["PONG_TIMEOUT_MS"] < budgets.half_open_ms
    assert ms["PING_EVERY_MS"] < 30_000  # the browser ends an idle worker then
    assert ms["PING_EVERY_MS"] > ms["PONG_TIMEOUT_MS"]


def test_the_heartbeat_is_what_the_profile_says(reference: Profile) -> None:
    connection = text("connection.js")
    ping = re.search(r"PING = '(.*)'", connection)
    pong = re.search(r"PONG = /(.*)/", connection)
    assert ping is not None
    assert pong is not None
    assert reference.heartbeat == Heartbeat('"type":"ping"', '{"type":"pong"}')
    assert reference.heartbeat.request in ping[1]
    assert re.search(pong[1], reference.heartbeat.reply)
    assert not re.search(pong[1], ping[1])  # an echo is no answer


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *((str(size), size) for size in (16, 32, 48, 128)),
        *((f"{state}-{size}", size) for state in STATES for size in (16, 32)),
    ],
)
def test_an_icon_is_a_png_of_its_size(name: str, size: int) -> None:
    data = (REFERENCE / "icons" / f"{name}.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", data[16:24]) == (size, size)


def test_no_two_states_have_one_picture() -> None:
    assert len({(REFERENCE / "icons" / f"{state}-16.png").read_bytes() for state in STATES}) == len(STATES)


def test_every_state_is_shown_in_icon_tooltip_popup_and_style() -> None:
    assert "icons/${state}-16.png" in text("background.js")
    assert "icons/${state}-32.png" in text("background.js")
    assert "setTitle({ title: `Semantest: ${state}` })" in text("background.js")
    for state in STATES:
        assert re.search(rf"{state}: '[A-Z][^']+\.'", text("popup.js"))
    assert [state for state in STATES if f'[data-state="{state}"]' in text("popup.css")] == ["LOCAL", "PUBLIC"]
    assert '<body data-state="OFFLINE">' in text("popup.html")


def test_the_icon_before_the_worker_says_anything_is_that_of_its_first_state() -> None:
    action = json.loads(text("manifest.json"))["action"]
    assert action["default_icon"] == {"16": "icons/OFFLINE-16.png", "32": "icons/OFFLINE-32.png"}
    assert action["default_title"] == "Semantest: OFFLINE"


def test_the_popup_loads_what_is_there() -> None:
    files = re.findall(r'(?:href|src)="([^"]+)"', text("popup.html"))
    assert files == ["popup.css", "popup.js"]
    assert all((REFERENCE / name).is_file() for name in files)


def test_the_user_sees_no_error() -> None:
    assert not re.search(r"console\.|\balert\(|\bthrow new Error", "".join(map(text, SCRIPTS)))


def test_the_reference_stays_small() -> None:
    assert sum(len(text(name).splitlines()) for name in SCRIPTS) < 300


# --- seed-literal --------------------------------------------------------------------------------


def test_seed_literal_is_the_snippet_word_for_word() -> None:
    code = text("background.js", SEED_LITERAL)
    assert SNIPPET in code
    rest = [line for line in code.replace(SNIPPET, "").splitlines() if line and not line.startswith("//")]
    assert rest == ["let ws;", "connectWebSocket();"]


def test_seed_literal_has_the_smallest_manifest_that_lets_it_run() -> None:
    manifest = json.loads(text("manifest.json", SEED_LITERAL))
    assert set(manifest) == {"manifest_version", "name", "version", "background", "host_permissions"}
    assert manifest["host_permissions"] == ["http://localhost:3003/*"]


def test_seed_literal_declares_nothing_absent() -> None:
    profile = load_subject(SEED_LITERAL, None)
    assert (profile.name, profile.absent, profile.heartbeat) == ("seed-literal", (), None)
