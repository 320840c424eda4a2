"""CloudFront on this machine: HAProxy, set up from the distribution that the program registered, and from nothing else.

TLS ends here, on one port for both APIs. Paths go to the origin that their behaviour names, with that origin's path
and headers, and with those of the viewer's headers that the request policy lets through. It caches nothing, as the
distribution says. What the distribution leaves out is missing here, too: that is the point of it.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.deploy.double import Deployed

HAPROXY = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")  # Debian's place, not on every PATH
NO_HAPROXY = "there is no haproxy, which ends TLS before the deployed server; Debian: apt-get install haproxy"
# What HTTP itself needs between viewer and origin; CloudFront passes it on, or makes it anew.
_ALWAYS = ("connection", "upgrade", "content-length", "transfer-encoding", "host")
_GLOBAL = """
global
    log stderr format raw daemon emerg
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 600s
frontend viewers
"""


def configuration(deployed: Deployed, origin_port: int, pem: Path, listener: int) -> str:
    """HAProxy's, for that deployment; both origins are the one emulator at ``origin_port``."""
    its = deployed.one("Distribution", "one-host").inputs
    policy = deployed.one("OriginRequestPolicy", "what-is-passed-on").inputs
    passed = [*policy["headersConfig"]["headers"]["items"], *_ALWAYS]
    lines = [
        f"    bind fd@{listener} ssl crt {pem} ssl-min-ver TLSv1.2",
        "    http-request deny deny_status 400 unless { req.hdr_cnt(Host) eq 1 }",  # whose distribution would it be?
        f"    http-request del-header '^(?!(?i:{'|'.join(passed)})$)' -m reg",
    ]
    if "CloudFront-Viewer-Address" in passed:
        lines.append("    http-request set-header CloudFront-Viewer-Address %[src]:%[src_port]")
    lines += [
        f"    use_backend {behaviour['targetOriginId']} if {{ path {behaviour['pathPattern']} }}"
        for behaviour in its["orderedCacheBehaviors"]
    ]
    lines.append(f"    default_backend {its['defaultCacheBehavior']['targetOriginId']}")
    for origin in its["origins"]:
        lines += _backend(origin, origin_port, deployed)
    return _GLOBAL + "\n".join(lines) + "\n"


def _backend(origin: Mapping[str, Any], port: int, deployed: Deployed) -> list[str]:
    """An API by its path at the emulator: by its host name the emulator's own /health would answer.

    A WebSocket API refuses a request that is no handshake; the emulator would call $default with it.
    """
    api = origin["domainName"].partition(".")[0]
    (its,) = [one for one in deployed.of("Api") if one.made.id == api]
    stage = origin["originPath"] or "/$default"
    lines = [
        f"backend {origin['originId']}",
        f"    http-request set-header Host 127.0.0.1:{port}",
        f"    http-request set-path /_aws/execute-api/{api}{stage}%[path]",
    ]
    if stage.strip("/") not in {one.made.id for one in deployed.of("Stage") if one.inputs["apiId"] == api}:
        lines.append("    http-request deny deny_status 403")  # as API Gateway does; the emulator forgives it
    if its.inputs["protocolType"] == "WEBSOCKET":
        lines.append("    http-request deny deny_status 403 unless { req.hdr(Upgrade) -i websocket }")
    lines += [f"    http-request set-header {one['name']} {one['value']}" for one in origin["customHeaders"]]
    return [*lines, f"    server emulator 127.0.0.1:{port}"]


@contextmanager
def edge(deployed: Deployed, origin_port: int, directory: Path) -> Iterator[tuple[str, Path]]:
    """The public URL, and the CA that signs for it, for as long as the block lasts."""
    if HAPROXY is None:
        pytest.fail(NO_HAPROXY)
    directory.mkdir()
    authority, pem, ca = trustme.CA(), directory / "both.pem", directory / "ca.pem"
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    authority.cert_pem.write_to_path(str(ca))
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        port = listener.getsockname()[1]
        file = directory / "haproxy.cfg"
        file.write_text(configuration(deployed, origin_port, pem, listener.fileno()))
        process = subprocess.Popen(  # noqa: S603 - ours
            [HAPROXY, "-db", "-f", str(file)], pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL
        )
        try:
            yield f"https://localhost:{port}", ca
        finally:
            process.kill()
            process.wait()
