"""ministack, an emulator of AWS that runs WebSocket APIs and Python functions, on this machine's loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MESSAGE_BYTES_MAX = 128 * 1024  # API Gateway's; the emulator's own is 16 MiB


@contextmanager
def emulator(directory: Path) -> Iterator[int]:
    """Its port; nothing of it is left when the block ends.

    The socket is bound here and handed over, so that the port is its own from the first moment and needs no waiting
    for: what comes before it is up stands in the queue.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        port = listener.getsockname()[1]
        (directory / "hypercorn.toml").write_text(f"websocket_max_message_size = {_MESSAGE_BYTES_MAX}\n")
        own = ["--config", str(directory / "hypercorn.toml"), "--bind", f"fd://{listener.fileno()}"]
        with (directory / "ministack.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - ours
                [sys.executable, "-m", "hypercorn", *own, "ministack.app:app"],
                pass_fds=[listener.fileno()],
                env=_environment(directory, port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # its functions are processes of their own
            )
            try:
                yield port
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _environment(directory: Path, port: int) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return own | {
        "GATEWAY_PORT": str(port),  # what its functions find it by
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",  # or it listens on every interface for IoT
        "SFTP_ENABLED": "0",
        "TMPDIR": str(directory),
        "S3_DATA_DIR": str(directory / "s3"),
        "DOCKER_HOST": f"unix://{directory}/no-docker",
        "LOG_LEVEL": "WARNING",
    }
