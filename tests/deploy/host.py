"""Runs a Pulumi program as Pulumi's own language host does, told where its engine is; the program is not changed.

    python host.py DIRECTORY ADDRESS CONFIG

``ADDRESS``: the monitor's and the engine's, here those of ``double.py``. ``CONFIG``: the stack's settings as JSON.
"""

from __future__ import annotations

import asyncio
import json
import runpy
import sys

import pulumi

PROJECT, STACK = "semantest-public", "test"


async def run(directory: str, address: str, config: str) -> None:
    """Everything that the program registers goes to ``address``."""
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=PROJECT, stack=STACK, monitor=address, engine=address, dry_run=False, root_directory=directory
        )
    )
    pulumi.runtime.set_all_config(json.loads(config), [f"{PROJECT}:originSecret"])

    def program() -> None:
        runpy.run_path(directory, run_name="__main__")

    await pulumi.runtime.run_in_stack(program)


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
