"""What locust runs, in processes of its own: a user a session, and the counts of all workers put together.

Nothing else imports it, since locust patches sockets and threads of the whole process. The processes are told the
plan in ``--conform-plan``; workers have it from their master, so on another machine this is all there is to type:

    python -m locust -f .../conformance/rig/load/locustfile.py --worker --master-host HOST --master-port PORT

The master writes a line of JSON a second to its standard output, and the last one when every session is over.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from functools import partial
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import locust
from locust import User, task
from locust.exception import StopUser
from locust.runners import MasterRunner, Runner, WorkerRunner

from conformance.codec import decode, encode
from conformance.load import LoadPlan, shares
from conformance.rig.load.tally import Tally
from conformance.rig.load.work import Work

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Sequence

    from locust.env import Environment

_TELL_EVERY_S = 1.0
_BEGIN, _COUNTED = "conform-begin", "conform-counted"
_EVENTS: Any = locust.events  # whose methods have no types


class Session(User):
    """One session of the load. locust starts them all at once; each opens when the plan says."""

    @task
    def whole(self) -> None:
        """From the opening to the end."""
        part_of(self.environment).run_session()
        raise StopUser


def add_option(parser: ArgumentParser) -> None:
    """The plan, as the harness writes it."""
    parser.add_argument("--conform-plan", default="", help="what `conform load` asks for, as JSON")


_PARTS: dict[int, Work] = {}


def plan_of(environment: Environment) -> LoadPlan:
    """The plan; a worker has it when its first users come."""
    options: Any = environment.parsed_options
    return decode(LoadPlan, json.loads(options.conform_plan))


def part_of(environment: Environment) -> Work:
    """This process' part of the work."""
    key = id(environment)
    if key not in _PARTS:
        _PARTS[key] = Work(plan_of(environment))
    return _PARTS[key]


def get_ready(environment: Environment, runner: Runner, **_: object) -> None:
    """Whoever has sessions begins when all of them are there; whoever has none adds up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, hard), hard))
    its: Any = environment.events
    if isinstance(runner, WorkerRunner):
        tell_master = partial(runner.send_message, _COUNTED)
        runner.register_message(_BEGIN, lambda msg, **_: begin(environment, msg.data["numbers"], tell_master))
        return
    sum_ = Sum(runner)
    if isinstance(runner, MasterRunner):
        runner.register_message(_COUNTED, lambda msg, **_: sum_.add(msg.data))
        its.spawning_complete.add_listener(lambda **_: deal(runner))
    else:
        its.spawning_complete.add_listener(lambda user_count: begin(environment, range(user_count), sum_.add))
    its.test_start.add_listener(lambda **_: sum_.start(plan_of(environment).sessions))


def deal(runner: MasterRunner) -> None:
    """All users are there: tell each worker which sessions are its own. locust does not give all of them as many."""
    clients = runner.clients.all
    sizes = [sum(client.user_classes_count.values()) for client in clients]
    for client, numbers in zip(clients, shares(sizes), strict=True):
        runner.send_message(_BEGIN, {"numbers": list(numbers)}, client.id)


def begin(environment: Environment, numbers: Sequence[int], send: Callable[[dict[str, Any]], object]) -> None:
    """Begin, and tell every second what was counted."""
    work = part_of(environment)
    work.begin(numbers)

    def tell() -> None:
        while True:
            time.sleep(_TELL_EVERY_S)
            send(work.told().data())

    Thread(target=tell, daemon=True).start()


class Sum:
    """What all workers counted, told to the harness."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._tally = Tally()
        self._over = Event()
        self._sessions = 0

    def start(self, sessions: int) -> None:
        """Tell from now on, until every session is over."""
        self._sessions = sessions
        Thread(target=self._tell, daemon=True).start()

    def add(self, data: dict[str, Any]) -> None:
        """Take what a worker counted."""
        self._tally.add(data)
        if self._tally.counts.finished >= self._sessions:
            self._over.set()

    def _tell(self) -> None:
        is_over = False
        while not is_over:
            is_over = self._over.wait(_TELL_EVERY_S)
            measured = encode(self._tally.measured(max(1, getattr(self._runner, "worker_count", 1))))
            sys.stdout.write(json.dumps({"over": is_over, "measured": measured}) + "\n")
            sys.stdout.flush()
        self._runner.quit()


_EVENTS.init_command_line_parser.add_listener(add_option)
_EVENTS.init.add_listener(get_ready)
