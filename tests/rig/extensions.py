"""Small extensions for tests of the rig: one way of connecting, many triggers and endpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CONNECT = """
let ws;
async function connect() {
  try {
    const answer = await fetch('%(signature)s');
    const data = await answer.json();
    if (%(good)s) { ws = new WebSocket('%(local)s'); return; }
  } catch {}
  %(fall_back)s
}
"""
DEFAULTS = {
    "signature": "http://localhost:3003/semantest-signature",
    "local": "ws://localhost:3003",
    "good": "data.service === 'semantest'",
    "fall_back": "ws = new WebSocket('wss://api.extension.semantest.com');",
}

BY_CLICK: dict[str, Any] = {
    "start": "chrome.runtime.onMessage.addListener(() => { connect(); });",
    "pages": {
        "popup.html": "<!doctype html><button id='go'>Connect</button><script src='popup.js'></script>",
        "popup.js": "document.getElementById('go').onclick = () => chrome.runtime.sendMessage('go');",
    },
    "manifest": {"action": {"default_popup": "popup.html"}},
}
CLICK = "[trigger]\nkind = 'click'\npage = 'popup.html'\nselector = '#go'\n"
ELSEWHERE: dict[str, Any] = {
    "signature": "http://localhost:4100/who",
    "local": "ws://localhost:4200/session",
    "good": "data.app && data.app.id === 7",
}
LOCAL_ELSEWHERE = "[endpoints]\nsignature = 'http://localhost:4100/who'\nlocal = 'ws://localhost:4200/session'\n"
RULE_ELSEWHERE = "[signature]\nfield = 'app.id'\nequals = 7\n"
PUBLIC_ELSEWHERE = "wss://sessions.example.net:8443/v2/connect"


def write(
    directory: Path,
    *,
    start: str = "connect();",
    pages: dict[str, str] | None = None,
    profile: str = "",
    manifest: dict[str, object] | None = None,
    **parts: str,
) -> Path:
    """An unpacked extension that connects when ``start`` says so."""
    directory.mkdir(parents=True, exist_ok=True)
    whole: dict[str, object] = {
        "manifest_version": 3,
        "name": directory.name,
        "version": "1",
        "background": {"service_worker": "worker.js"},
        "host_permissions": ["http://localhost/*"],
        **(manifest or {}),
    }
    (directory / "manifest.json").write_text(json.dumps(whole))
    (directory / "worker.js").write_text(CONNECT % {**DEFAULTS, **parts} + start)
    for name, text in (pages or {}).items():
        (directory / name).write_text(text)
    (directory / "subject.toml").write_text(profile)
    return directory


def clicked(directory: Path) -> Path:
    """Connects when a button in its popup is clicked."""
    return write(directory, **BY_CLICK, profile=CLICK)


def messaged(directory: Path) -> Path:
    """Connects when it is sent a runtime message."""
    return write(
        directory,
        start="chrome.runtime.onMessage.addListener((message) => { if (message.go) connect(); });",
        pages={"page.html": "<!doctype html><title>page</title>"},
        profile="[trigger]\nkind = 'message'\npage = 'page.html'\nmessage = { go = true }\n",
    )


def elsewhere(directory: Path) -> Path:
    """Probes one port, opens a path on another, by another rule, and has no public server."""
    profile = f"{LOCAL_ELSEWHERE}public = false\n{RULE_ELSEWHERE}"
    return write(directory, **ELSEWHERE, fall_back="", profile=profile)


def otherwise(directory: Path) -> Path:
    """Differs in everything that a profile can say: ports, paths, rule, the public server's URL, and a click."""
    return write(
        directory,
        **BY_CLICK,
        **ELSEWHERE,
        fall_back=f"ws = new WebSocket('{PUBLIC_ELSEWHERE}');",
        profile=f"{LOCAL_ELSEWHERE}public = '{PUBLIC_ELSEWHERE}'\n{RULE_ELSEWHERE}{CLICK}",
    )
