"""Mutation testing of the judge: every small fault in the pure core should make one of its own tests fail.

Cosmic Ray's operators make the mutants; the tests run in a fork of a process that has pytest and
everything heavy loaded already, so that a mutant costs a second and not four, and nothing is written
over the sources. A mutant first meets its module's own tests and, when it survives them, the tests of the
whole core. What survives both is printed, and must be listed with its reason in docs/judge-mutation.md.

    tox -e mutation                              everything: an hour or so of one core
    tox -e mutation -- judge gate oracles/timing some modules
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import CodeType, ModuleType

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "judge-mutation.md"
KILLED_SHARE_MIN = 0.9
_CPU_SECONDS_MAX = 90  # for the tests of one mutant: an endless loop is as good as a failure

# Module → the tests that are its own. oracles/x.py has tests/oracles/test_x.py.
ORACLES = ("case", "falling_back", "findings", "living", "network", "privacy", "proof", "public", "registry")
ORACLES += ("retrying", "selecting", "signature", "timing", "waits", "world")
OWN_TESTS = {f"oracles/{name}": (f"tests/oracles/test_{name}.py",) for name in ORACLES}
OWN_TESTS |= {name: (f"tests/test_{name}.py",) for name in ("judge", "gate", "verdict", "timeline", "attempts")}
OWN_TESTS |= {name: (f"tests/test_{name}.py",) for name in ("crosscheck", "repeats", "intervals")}
ALL_TESTS = ("tests/test_judge.py", "tests/oracles", "tests/test_judge_properties.py")

# One boundary and one negation of every comparison, one opposite of every arithmetic operator; the others
# that Cosmic Ray knows (``<`` to ``is``, ``-`` to ``>>``) fail in any test at all, or in annotations only.
_COMPARISONS = ("Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt")
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
    """One small fault. ``before`` and ``after``: the lines that differ, without their indentation."""

    module: str
    operator: str
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
    import parso.python.tree  # type: ignore[import-untyped]  # noqa: PLC0415 - before Cosmic Ray, which needs it loaded
    from cosmic_ray.ast import ast_nodes  # type: ignore[import-untyped]  # noqa: PLC0415 - only tox has it
    from cosmic_ray.mutating import mutate_code  # type: ignore[import-untyped]  # noqa: PLC0415
    from cosmic_ray.plugins import get_operator  # type: ignore[import-untyped]  # noqa: PLC0415

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
    told = [mutant for mutant in found if "TYPE_CHECKING" not in mutant.before]  # of no meaning when it runs
    return sorted(told, key=lambda mutant: mutant.line)


def _mutant(module: str, operator: str, source: str, mutated: str) -> Mutant:
    old, new = source.splitlines(), mutated.splitlines()
    line = next(place for place, (one, other) in enumerate(zip(old, new, strict=False)) if one != other)
    return Mutant(module, operator, line + 1, old[line].strip(), new[line].strip(), mutated)


# --- trying them ---------------------------------------------------------------------------------


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Imports one module from the mutant's source, whoever asks for it."""

    def __init__(self, mutant: Mutant) -> None:
        self._name = f"conformance.{mutant.module.replace('/', '.')}"
        self._path = str(ROOT / "conformance" / f"{mutant.module}.py")
        self._source = mutant.source

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Its own module, and no other."""
        return (
            importlib.util.spec_from_file_location(fullname, self._path, loader=self)
            if fullname == self._name
            else None
        )

    def get_filename(self, _fullname: str) -> str:
        """Where the module stands that it replaces."""
        return self._path

    def get_data(self, _path: str) -> bytes:
        """The mutant."""
        return self._source.encode()

    def get_code(self, _fullname: str) -> CodeType:
        """Compiled anew: no cached file is read or written."""
        return compile(self._source, self._path, "exec", dont_inherit=True)


def survives(mutant: Mutant | None, tests: Sequence[str]) -> bool:
    """Whether every test passes. ``None``: the sources as they are."""
    pid = os.fork()
    if pid == 0:
        os._exit(_try(mutant, tests))
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) == 0


def _try(mutant: Mutant | None, tests: Sequence[str]) -> int:
    """In the fork: 0 when every test passes."""
    import pytest  # noqa: PLC0415 - loaded in the parent

    signal.setitimer(signal.ITIMER_PROF, _CPU_SECONDS_MAX)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    if mutant is not None:
        sys.meta_path.insert(0, _Mutated(mutant))
    plain = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:conformance"]
    return int(pytest.main([*plain, "-m", "not browser", "--hypothesis-profile=quick", *tests]))


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


def judged(modules: Sequence[str]) -> Iterator[Outcome]:
    """Module by module; progress on stderr."""
    for module in modules:
        mutants, survivors = mutants_of(module), []
        for number, mutant in enumerate(mutants, 1):
            if survives(mutant, OWN_TESTS[module]) and survives(mutant, ALL_TESTS):
                survivors.append(mutant)
                print(f"survived: {module}:{mutant.line} {mutant.told}", file=sys.stderr, flush=True)
            if number % 20 == 0:
                print(f"{module}: {number} of {len(mutants)}", file=sys.stderr, flush=True)
        outcome = Outcome(module, len(mutants), tuple(survivors))
        print(f"{module}: {outcome.killed} of {outcome.made} killed", file=sys.stderr, flush=True)
        yield outcome


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
    head = ["| module | mutants | killed | share |", "|---|--:|--:|--:|"]
    return "\n".join([*head, *rows, "", "| module | survivor | reason |", "|---|---|---|", *survivors])


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(OWN_TESTS)}; default: all")
    return parser.parse_args()


def main(options: Any) -> int:  # noqa: ANN401 - argparse's namespace
    """0: enough are killed, and every survivor is listed."""
    modules = options.modules or list(OWN_TESTS)
    if unknown := [module for module in modules if module not in OWN_TESTS]:
        print(f"mutation: {unknown[0]}: no such module; there are {', '.join(OWN_TESTS)}", file=sys.stderr)
        return 4
    os.chdir(ROOT)
    load_heavy_things()
    if not survives(None, ALL_TESTS):
        print("mutation: the tests fail without any mutant; mend them first", file=sys.stderr)
        return 3
    outcomes = list(judged(modules))
    print(report(outcomes))
    left = unlisted(outcomes, DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.is_file() else "")
    for mutant in left:
        print(f"not in {DOCUMENT.relative_to(ROOT)}: {mutant.module}:{mutant.line} {mutant.told}", file=sys.stderr)
    made, killed = sum(each.made for each in outcomes), sum(each.killed for each in outcomes)
    return 1 if left or killed < KILLED_SHARE_MIN * made else 0


if __name__ == "__main__":
    sys.exit(main(parse()))
