"""Mutation testing of the judge: every small fault in the pure core should make one of its own tests fail.

Cosmic Ray's operators make the mutants; nothing is written over the sources. Every test is run once to see
which functions it comes to, and a mutant meets those tests alone that come to its function, in a fork of
the process that has collected them: a test that never comes there cannot tell. A mutant outside of any
function (a constant, a decorator) is imported anew, and meets every test. What survives is printed,
and must be listed with its reason in docs/judge-mutation.md.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import json
import os
import signal
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import CodeType, ModuleType

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "judge-mutation.md"
KILLED_SHARE_MIN = 0.9
_CPU_SECONDS_MAX = 60  # for the tests of one mutant: an endless loop is as good as a failure

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
ORACLES += ("retrying", "selecting", "signature", "timing", "waits", "world")
CORE = ("judge", "gate", "verdict", "timeline", "attempts", "crosscheck", "repeats", "intervals", "agreement")
MODULES = (*CORE, *(f"oracles/{name}" for name in ORACLES))
TESTS: tuple[str, ...] = ("tests/oracles", *(f"tests/test_{name}.py" for name in CORE))
TESTS += ("tests/test_judge_edges.py", "tests/test_judge_properties.py")

# One boundary and one negation of every comparison, one opposite of every arithmetic operator; the others
# that Cosmic Ray knows (``<`` to ``is``, ``-`` to ``>>``) fail in any test at all, or in annotations only.
_COMPARISONS: tuple[str, ...] = ("Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt")
_COMPARISONS += ("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is")
_BINARIES = ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Mod_Mul", "Pow_Mul", "BitAnd_Sub")
OPERATORS = (
    *(f"ReplaceComparisonOperator_{each}" for each in _COMPARISONS),
    *(f"ReplaceBinaryOperator_{each}" for each in _BINARIES),
    *("AddNot", "ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_Delete_USub"),
    *("ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "NumberReplacer", "ZeroIterationForLoop"),
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One small fault. ``before`` and ``after``: the lines that differ, without their indentation.

    ``function``: the one that it is in, with its class; "" for a constant, a decorator, a default.
    """

    module: str
    operator: str
    function: str
    line: int
    before: str
    after: str
    source: str

    @property
    def told(self) -> str:
        """As the document lists it: no line number, so that it lives longer."""
        return f"`{self.before}` → `{self.after}`".replace("|", "\\|")


# --- making them ---------------------------------------------------------------------------------


def mutants_of(module: str) -> list[Mutant]:
    """Every mutant of one module, in the order of its lines."""
    import parso.python.tree  # noqa: PLC0415 - before Cosmic Ray, which needs it loaded
    from cosmic_ray.ast import ast_nodes  # noqa: PLC0415 - only tox has it
    from cosmic_ray.mutating import mutate_code  # noqa: PLC0415
    from cosmic_ray.plugins import get_operator  # noqa: PLC0415

    path = ROOT / "conformance" / f"{module}.py"
    source = path.read_text(encoding="utf-8")
    found = []
    for name in OPERATORS:
        operator = get_operator(f"core/{name}")()
        count = sum(len(list(operator.mutation_positions(node))) for node in ast_nodes(parso.parse(source)))
        for occurrence in range(count):
            mutated = mutate_code(source.encode(), operator, occurrence)
            if mutated is not None and mutated != source:
                found.append(_mutant(module, name, source, mutated))
    # What type checkers read, and that nobody can assign to a frozen dataclass, are no behaviour of the judge's.
    told = [mutant for mutant in found if "TYPE_CHECKING" not in mutant.before and "@dataclass(" not in mutant.before]
    return sorted(told, key=lambda mutant: mutant.line)


def _mutant(module: str, operator: str, source: str, mutated: str) -> Mutant:
    old, new = source.splitlines(), mutated.splitlines()
    line = next(place for place, (one, other) in enumerate(zip(old, new, strict=False)) if one != other)
    function = _function_at(source, line + 1)
    return Mutant(module, operator, function, line + 1, old[line].strip(), new[line].strip(), mutated)


@cache
def _bodies(source: str) -> tuple[tuple[int, int, str], ...]:
    """First line of the body, last line, qualified name of every function that is in no other."""
    found = []
    for node in ast.parse(source).body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        found += [
            (each.body[0].lineno, each.end_lineno or each.lineno, f"{prefix}{each.name}")
            for each in members
            if isinstance(each, ast.FunctionDef)
        ]
    return tuple(found)


def _function_at(source: str, line: int) -> str:
    return next((name for first, last, name in _bodies(source) if first <= line <= last), "")


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
    return _in_a_fork(lambda: _main(lambda: sys.meta_path.insert(0, _Mutated(mutant)), []))


def _in_a_fork(act: Callable[[], int]) -> bool:
    """Whether ``act`` comes to 0, and in time."""
    pid = os.fork()
    if pid == 0:
        signal.setitimer(signal.ITIMER_PROF, _CPU_SECONDS_MAX)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        os._exit(act())
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) == 0


def _main(before: Callable[[], object], plugins: list[object]) -> int:
    """Pytest's exit status for all the tests."""
    import pytest  # noqa: PLC0415 - loaded in the parent

    before()
    plain = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:conformance"]
    return int(pytest.main([*plain, "-m", "not browser", "--hypothesis-profile=quick", *TESTS], plugins=plugins))


class Trials:
    """A pytest plugin: instead of one pass over the tests, one to see where each comes, and a fork a mutant."""

    def __init__(self, mutants: Sequence[Mutant]) -> None:
        self._mutants = mutants
        self._failed = False
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
        for number, mutant in enumerate(self._mutants, 1):
            items = come_to.get((mutant.module, mutant.function), [])
            if not items or _in_a_fork(lambda mutant=mutant, items=items: self._try(mutant, items)):  # type: ignore[misc]
                self.survivors.append(mutant)
                print(f"survived: {mutant.module}:{mutant.line} {mutant.told}", file=sys.stderr, flush=True)
            if number % 20 == 0:
                print(f"{number} of {len(self._mutants)}", file=sys.stderr, flush=True)
        return True

    def _places(self, item: Any) -> set[tuple[str, str]]:  # noqa: ANN401 - pytest's own
        """The functions of the core that a test comes to: module and name."""
        codes: set[CodeType] = set()
        sys.setprofile(lambda frame, event, _: codes.add(frame.f_code) if event == "call" else None)
        try:
            self._run(item)
        finally:
            sys.setprofile(None)
        base = f"{ROOT / 'conformance'}/"
        return {
            (code.co_filename.removeprefix(base).removesuffix(".py"), code.co_qualname.partition(".<locals>")[0])
            for code in codes
            if code.co_filename.startswith(base)
        }

    def _run(self, item: Any) -> None:  # noqa: ANN401 - pytest's own
        item._initrequest()  # noqa: SLF001 - what pytest-rerunfailures does, too: pytest has no public way
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)

    def _try(self, mutant: Mutant, items: Sequence[Any]) -> int:
        """In the fork: 1 as soon as one fails."""
        _replace(mutant)
        for item in items:
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
