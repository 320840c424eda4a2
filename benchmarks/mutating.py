"""The mutants of the judge: every small fault that Cosmic Ray's operators can make in a module of the core.

What is tried on them, and told of them, is mutation.py's.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

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
            if mutated is None or mutated == source or not _is_program(mutated) or _is_marker(name, source, mutated):
                continue
            found.append(_mutant(module, name, source, mutated))
    # What type checkers read, and that nobody can assign to a frozen dataclass, are no behaviour of the judge's.
    told = [mutant for mutant in found if "TYPE_CHECKING" not in mutant.before and "@dataclass(" not in mutant.before]
    return sorted(told, key=lambda mutant: mutant.line)


def _is_program(source: str) -> bool:
    """Not where a ``not`` came before an assignment expression: what nobody can run, nobody has to notice."""
    try:
        compile(source, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def _is_marker(operator: str, source: str, mutated: str) -> bool:
    """Whether the ``*`` that became a ``/`` stood among the parameters of a function, where neither calculates."""
    products = [ast.dump(ast.parse(each)).count("op=Mult()") for each in (source, mutated)]
    return operator.endswith("Mul_Div") and products[0] == products[1]


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
