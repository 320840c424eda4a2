"""Mutation testing of the judge: every small fault in the pure core should make one of its own tests fail.

Cosmic Ray's operators make the mutants (mutating.py); nothing is written over the sources. Every test is run
once to see which functions it comes to, and a mutant meets those tests alone that come to its function (its
own module's first, and the quickest of those), in a fork of the process that has collected them: a test that
never comes there cannot tell. A mutant outside of any function (a constant, a decorator) is imported anew,
and meets its own module's tests, then every test. What survives is printed, and must be listed with its
reason in docs/judge-mutation.md.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import json
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.mutating import ROOT, Mutant, mutants_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import CodeType, ModuleType

DOCUMENT = ROOT / "docs" / "judge-mutation.md"
KILLED_SHARE_MIN = 0.9
# In seconds of a processor: an endless loop is as good as a failure, and slow tests are none.
_CPU_SECONDS_MAX = 600.0  # all tests of one mutant
_CPU_SECONDS_MIN = 5.0  # one test, and
_CPU_FACTOR = 10  # times what it takes without a mutant

ORACLES: tuple[str, ...] = (
    "case",
    "falling_back",
    "findings",
    "living",
    "network",
    "privacy",
    "proof",
    "public",
    "registry",
)
ORACLES += ("retrying", "selecting", "serving", "signature", "timing", "waits", "world")
CORE: tuple[str, ...] = ("judge", "gate", "verdict", "timeline", "attempts", "access", "throttle", "crosscheck")
CORE += ("repeats", "intervals", "agreement")
MODULES = (*CORE, *(f"oracles/{name}" for name in ORACLES))
TESTS: tuple[str, ...] = ("tests/oracles", *(f"tests/test_{name}.py" for name in CORE))
TESTS += ("tests/test_judge_edges.py", "tests/test_judge_properties.py")


# --- trying them ---------------------------------------------------------------------------------


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from the mutant's source, whoever asks for it."""

    def __init__(self, mutant: Mutant) -> None:
        self._name = f"conformance.{mutant.module.replace('/', '.')}"
        self._path = str(ROOT / "conformance" / f"{mutant.module}.py")
        self._source = mutant.source

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Its own module, and no other."""
        if fullname != self._name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        """Compiled anew: no cached file is read or written."""
        exec(compile(self._source, self._path, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - its purpose


def survives_anew(mutant: Mutant) -> bool:
    """Whether every test passes with the mutant imported in its module's place."""
    room, _, name = mutant.module.rpartition("/")
    own = sorted(str(path) for path in Path("tests", room).glob(f"test_{name}*.py"))
    return all(
        _in_a_fork(lambda tests=tests: _main(lambda: sys.meta_path.insert(0, _Mutated(mutant)), [], tests))  # type: ignore[misc]
        for tests in (own, TESTS)
    )


def _in_a_fork(act: Callable[[], int], cpu_seconds_max: float = _CPU_SECONDS_MAX) -> bool:
    """Whether ``act`` comes to 0, and in time."""
    pid = os.fork()
    if pid == 0:
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds_max)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        status = 1
        try:
            status = act()
        finally:
            os._exit(status)  # whatever the mutant breaks, the fork never goes on as its parent would
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) == 0


def _main(before: Callable[[], object], plugins: list[object], tests: Sequence[str] = TESTS) -> int:
    """Pytest's exit status for these tests."""
    import pytest  # noqa: PLC0415 - loaded in the parent

    before()
    plain = [
        "-x",
        "-q",
        "--tb=native",
        "--assert=plain",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        "-p",
        "no:conformance",
    ]
    return int(pytest.main([*plain, "-m", "not browser", "--hypothesis-profile=quick", *tests], plugins=plugins))


class Trials:
    """A pytest plugin: instead of one pass over the tests, one to see where each comes, and a fork a mutant."""

    def __init__(self, mutants: Sequence[Mutant]) -> None:
        self._mutants = mutants
        self._failed = False
        self._seconds: dict[str, float] = {}
        self.survivors: list[Mutant] = []

    def pytest_runtest_logreport(self, report: Any) -> None:  # noqa: ANN401 - pytest's own
        """Note a failure."""
        self._failed |= report.failed

    def pytest_runtestloop(self, session: Any) -> bool:  # noqa: ANN401 - pytest's own
        """In the place of pytest's own loop."""
        come_to: dict[tuple[str, str], list[Any]] = {}
        for item in session.items:
            for place in self._places(item):
                come_to.setdefault(place, []).append(item)
            if self._failed:
                session.testsfailed = 1
                return True
        if again := self._fails_again(session.items):
            print(f"these do not pass a second time: {', '.join(again)}", file=sys.stderr)
            session.testsfailed = len(again)
            return True
        for number, mutant in enumerate(self._mutants, 1):
            if self._survives(mutant, come_to.get((mutant.module, mutant.function), [])):
                self.survivors.append(mutant)
                print(f"survived: {mutant.module}:{mutant.line} {mutant.told}", file=sys.stderr, flush=True)
            if number % 20 == 0:
                print(f"{number} of {len(self._mutants)}", file=sys.stderr, flush=True)
        return True

    def _survives(self, mutant: Mutant, items: list[Any]) -> bool:
        """Whether all of these tests pass with it; none do where there are none."""
        own = f"test_{mutant.module.rpartition('/')[2]}"
        likeliest = sorted(items, key=lambda item: (own not in item.nodeid, self._seconds[item.nodeid]))
        return _in_a_fork(lambda: self._try(mutant, likeliest))

    def _places(self, item: Any) -> set[tuple[str, str]]:  # noqa: ANN401 - pytest's own
        """The functions of the core that a test comes to: module and name."""
        codes: set[CodeType] = set()
        _forget()
        begun = time.process_time()
        sys.setprofile(lambda frame, event, _: codes.add(frame.f_code) if event == "call" else None)
        try:
            self._run(item)
        finally:
            sys.setprofile(None)
        self._seconds[item.nodeid] = time.process_time() - begun
        base = f"{ROOT / 'conformance'}/"
        return {
            (code.co_filename.removeprefix(base).removesuffix(".py"), code.co_qualname.partition(".<locals>")[0])
            for code in codes
            if code.co_filename.startswith(base)
        }

    def _run(self, item: Any) -> None:  # noqa: ANN401 - pytest's own
        item._initrequest()  # noqa: SLF001 - what pytest-rerunfailures does, too: pytest has no public way
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)

    def _fails_again(self, items: Sequence[Any]) -> list[str]:
        """Tests that do not pass a second time, without any mutant: they would kill whatever they come to."""
        return [item.nodeid for item in items if not _in_a_fork(lambda item=item: self._try(None, [item]))]  # type: ignore[misc]

    def _try(self, mutant: Mutant | None, items: Sequence[Any]) -> int:
        """In the fork: 1 as soon as one fails."""
        if mutant is not None:
            _replace(mutant)
        _forget()
        for item in items:
            signal.setitimer(signal.ITIMER_PROF, _CPU_SECONDS_MIN + _CPU_FACTOR * self._seconds[item.nodeid])
            self._run(item)
            if self._failed:
                return 1
        return 0


def _replace(mutant: Mutant) -> None:
    """Give the live function the mutant's code, under whatever name it was imported."""
    module = importlib.import_module(f"conformance.{mutant.module.replace('/', '.')}")
    whole = compile(mutant.source, str(ROOT / "conformance" / f"{mutant.module}.py"), "exec", dont_inherit=True)
    code = next(each for each in _codes(whole) if each.co_qualname == mutant.function)
    target: Any = module
    for name in mutant.function.split("."):
        target = inspect.getattr_static(target, name)
    target = getattr(target, "fget", None) or getattr(target, "__func__", None) or target
    inspect.unwrap(target).__code__ = code


def _forget() -> None:
    """What the core's cached functions remember: a test must come to the function itself."""
    for module in [module for name, module in sys.modules.items() if name.startswith("conformance.")]:
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            yield from _codes(constant)


def load_heavy_things() -> None:
    """What every fork needs and no mutant touches."""
    for name in ("pytest", "hypothesis", "numpy", "pydantic", "yaml", "rich.console", "h11", "websockets", "trustme"):
        importlib.import_module(name)


# --- telling -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one module's mutants."""

    module: str
    made: int
    survivors: tuple[Mutant, ...]

    @property
    def killed(self) -> int:
        """How many made a test fail."""
        return self.made - len(self.survivors)


def judged(modules: Sequence[str]) -> list[Outcome]:
    """What became of each module's mutants; progress on stderr. Raises RuntimeError where the tests fail anyhow."""
    mutants = [mutant for module in modules for mutant in mutants_of(module)]
    survivors = set(_tried([mutant for mutant in mutants if mutant.function]))
    anew = [mutant for mutant in mutants if not mutant.function]
    for number, mutant in enumerate(anew, 1):
        if survives_anew(mutant):
            survivors.add(mutant)
            print(f"survived: {mutant.module}:{mutant.line} {mutant.told}", file=sys.stderr, flush=True)
        print(f"outside of functions: {number} of {len(anew)}", file=sys.stderr, flush=True)
    made = {module: [mutant for mutant in mutants if mutant.module == module] for module in modules}
    return [
        Outcome(module, len(own), tuple(mutant for mutant in own if mutant in survivors))
        for module, own in made.items()
    ]


def _tried(mutants: Sequence[Mutant]) -> list[Mutant]:
    """The survivors of those inside of functions, found in a fork, so that this process never loads the core."""
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        trials = Trials(mutants)
        status = _main(lambda: None, [trials])
        os.write(writing, json.dumps([mutants.index(each) for each in trials.survivors]).encode())
        os._exit(status)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        told = pipe.read()
    _, status = os.waitpid(pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError("the tests fail without any mutant; mend them first")
    return [mutants[index] for index in json.loads(told)]


def share(killed: int, made: int) -> str:
    """In percent, never rounded up to all."""
    return f"{int(1000 * killed / made) / 10 if made else 100:g} %"


def unlisted(outcomes: Sequence[Outcome], document: str) -> list[Mutant]:
    """Survivors that the document does not list."""
    return [mutant for outcome in outcomes for mutant in outcome.survivors if mutant.told not in document]


def report(outcomes: Sequence[Outcome]) -> str:
    """The document's two tables."""
    rows = [f"| `{each.module}` | {each.made} | {each.killed} | {share(each.killed, each.made)} |" for each in outcomes]
    made, killed = sum(each.made for each in outcomes), sum(each.killed for each in outcomes)
    rows.append(f"| all | {made} | {killed} | {share(killed, made)} |")
    survivors = [f"| `{each.module}` | {mutant.told} | |" for each in outcomes for mutant in each.survivors]
    heads = (
        "| module | mutants | killed | share |\n|---|--:|--:|--:|",
        "\n| module | survivor | reason |\n|---|---|---|",
    )
    return "\n".join([heads[0], *rows, heads[1], *survivors])


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(MODULES)}; default: all")
    return parser.parse_args()


def main(options: Any) -> int:  # noqa: ANN401 - argparse's namespace
    """0: enough are killed, and every survivor is listed."""
    modules = options.modules or MODULES
    if unknown := [module for module in modules if module not in MODULES]:
        print(f"mutation: {unknown[0]}: no such module; there are {', '.join(MODULES)}", file=sys.stderr)
        return 4
    os.chdir(ROOT)
    load_heavy_things()
    outcomes = judged(modules)
    print(report(outcomes))
    left = unlisted(outcomes, DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.is_file() else "")
    for mutant in left:
        print(f"not in {DOCUMENT.relative_to(ROOT)}: {mutant.module}:{mutant.line} {mutant.told}", file=sys.stderr)
    made, killed = sum(each.made for each in outcomes), sum(each.killed for each in outcomes)
    return 1 if left or killed < KILLED_SHARE_MIN * made else 0


if __name__ == "__main__":
    sys.exit(main(parse()))
