"""What nobody expected: one message for the user, the traceback in a file for whoever mends it."""

from __future__ import annotations

import tempfile
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.errors import ConformError, HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator

CRASH_LOG = "crash.log"


def explained(error: Exception, directory: Path | None = None) -> HarnessError:
    """``error`` as one message; its traceback goes to ``directory``, or to a file of its own in the temporary one."""
    try:
        log = (directory if directory is not None else Path(tempfile.mkdtemp(prefix="conform-"))) / CRASH_LOG
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        told = f"its traceback is in {log}"
    except OSError as refused:
        where = f" to {refused.filename}" if refused.filename else ""
        told = f"its traceback could not be written{where} ({refused.strerror})"
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return HarnessError(f"unexpected error: {what:.300}; this is a bug of the harness, not of a subject; {told}")


@contextmanager
def logged_in(directory: Path) -> Iterator[None]:
    """What goes wrong in the block, unless it was raised on purpose, leaves its traceback in ``directory``."""
    try:
        yield
    except ConformError:
        raise
    except Exception as error:
        raise explained(error, directory) from error
