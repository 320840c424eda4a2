"""The catalogue, reference extension, on the deployed public server: ``conform run`` with targets, as a user has it.

The local target is the bundled server, a process for each rig; the public one is the unmodified program in ministack,
behind HAProxy in CloudFront's place, each setting at its default. CI has the quick set; ``-m whole``: all of it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pulumi", reason="pulumi is not installed; .ci/deploy makes an environment that has it")

from conformance.bundle import bundled
from conformance.commands.options import load_subjects
from conformance.events import SessionOpened, Source
from conformance.rig.answering import origin_of
from conformance.store import read_run
from tests.deploy.edge import edge
from tests.deploy.emulator import emulator
from tests.deploy.making import Aws
from tests.deploy.stack import REGION, deployed_into

pytestmark = pytest.mark.browser

LOCAL = "conform serve local --port {port}"
# Why a scenario may be INCONCLUSIVE: for want of time, since all of it runs on one machine.
SHORT_OF_TIME = re.compile(r"machine too busy|the targets took up to|within the error of|its time may have been over")
# Why it may be UNSUPPORTED: this machine cannot stage it. What the deployed server lacked would be another reason.
NOT_HERE = re.compile(r"Xvfb|no network namespace of its own")


@dataclass(frozen=True)
class Ran:
    """One run. ``opened``: its public sessions; ``connects``: what the server counted, by client and minute."""

    status: int
    targets: list[str]
    scenarios: list[dict[str, Any]]
    opened: int
    connects: dict[tuple[str, int], int]
    url: str
    ca: Path

    def reasons(self, *verdicts: str) -> dict[str, str]:
        """Why, of every scenario that has one of these verdicts."""
        return {one["id"]: f"{one['verdict']}: {one['reason']}" for one in self.scenarios if one["verdict"] in verdicts}


@pytest.fixture(
    scope="module",
    params=[pytest.param(("--tag", "quick"), id="quick"), pytest.param((), id="whole", marks=pytest.mark.whole)],
)
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    directory = tmp_path_factory.mktemp("catalogue")
    (reference,) = load_subjects((), ())
    with emulator(directory) as port:
        aws = Aws(endpoint=f"http://127.0.0.1:{port}")
        deployed = deployed_into(aws, origins=origin_of(reference))
        here = aws.within(REGION, {})
        forever = {"Enabled": False, "AttributeName": "expires"}  # a minute's counts would go after three
        here("dynamodb").update_time_to_live(TableName=deployed.outputs["table"], TimeToLiveSpecification=forever)
        with edge(deployed, port, directory / "edge") as (url, ca):
            status, results = conform_run(
                directory, "--public-target", url, "--public-target-ca", str(ca), *request.param
            )
            (record,) = (directory / "runs").iterdir()
            connects = connects_of(here, deployed.outputs["table"])
            sys.stdout.write(f"{sum(connects.values())} connects, at most {most_in_a_minute(connects)} in a minute\n")
            yield Ran(
                status=status,
                targets=results["environment"]["targets"],
                scenarios=results["subjects"][0]["scenarios"],
                opened=public_sessions(record),
                connects=connects,
                url=url,
                ca=ca,
            )


def conform_run(directory: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit status and the results of one ``conform run``; what it says is shown with ``-rP``."""
    report = directory / "results.json"
    own = ("--local-target", LOCAL, "--output", str(directory / "runs"), "--report", f"json:{report}")
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-m", "conformance", "run", *own, *options], capture_output=True, check=False, text=True
    )
    sys.stdout.write(done.stdout)
    assert report.is_file(), done.stderr
    results = json.loads(report.read_text())
    assert isinstance(results, dict)
    return done.returncode, results


def public_sessions(record: Path) -> int:
    """How many the subjects opened in a run."""
    timelines = [one.timeline for one in read_run(record).records if one.timeline is not None]
    return sum(len(each.all(SessionOpened, lambda event: event.source is Source.PUBLIC)) for each in timelines)


def connects_of(aws: Aws, table: str) -> dict[tuple[str, int], int]:
    """How many connects of each client, in each minute, the deployed function wrote into the deployed table."""
    pages = aws("dynamodb").get_paginator("scan").paginate(TableName=table)
    found = {}
    for item in (item for page in pages for item in page["Items"]):
        kind, _, whose = item["pk"]["S"].partition("#")
        if kind == "client":
            client, _, minute = whose.partition("#")
            found[client, int(minute)] = int(item["connects"]["N"])
    return found


def most_in_a_minute(connects: dict[tuple[str, int], int]) -> int:
    """What a server elsewhere would count at the most: to that, all of them come from one address."""
    minutes: Counter[int] = Counter()
    for (_, minute), count in connects.items():
        minutes[minute] += count
    return max(minutes.values(), default=0)


def test_nothing_fails(ran: Ran) -> None:
    assert ran.reasons("fail", "error") == {}
    assert ran.status in (0, 2)


def test_what_is_unsupported_is_so_on_this_machine_for_anybody(ran: Ran) -> None:
    found = ran.reasons("unsupported")
    assert {id_: reason for id_, reason in found.items() if not NOT_HERE.search(reason)} == {}


def test_what_is_inconclusive_had_too_little_time(ran: Ran) -> None:
    found = ran.reasons("inconclusive")
    assert {id_: reason for id_, reason in found.items() if not SHORT_OF_TIME.search(reason)} == {}
    assert 2 * len(ran.reasons("pass")) > len(ran.scenarios)  # or nothing was shown


def test_the_sessions_were_the_deployed_servers(ran: Ran) -> None:
    assert 0 < ran.opened <= sum(ran.connects.values())


def test_no_client_came_near_the_limit_of_connects(ran: Ran) -> None:
    """Every connection to a target on this machine comes from an address of its own."""
    assert set(ran.connects.values()) == {1}


def test_the_results_say_what_it_ran_on(ran: Ran) -> None:
    assert ran.targets == [f"local: {LOCAL}", f"public: {ran.url}"]


def test_another_extensions_origin_is_told_before_anything_is_run(ran: Ran) -> None:
    """Whose id the deployment does not name: one message with that origin, for ``pulumi config set origins``."""
    (seed,) = load_subjects([bundled("fixtures", "extensions", "seed-literal")], ())
    options = ("--extension", seed.extension, "--public-target", ran.url, "--public-target-ca", str(ran.ca))
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-m", "conformance", "run", *options], capture_output=True, check=False, text=True
    )
    assert done.returncode == 4
    (told,) = done.stderr.splitlines()
    asked = f"asked for a session at / by {origin_of(seed)} ('seed-literal'), it answered with status 403"
    assert told.endswith(f"{asked}, not 101; let that origin in")
