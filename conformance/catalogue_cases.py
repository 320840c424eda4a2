"""Families with cases: ``$name`` in a scenario replaced by what each case says it is.

Pure. ``$name`` as a whole value is replaced with its type kept; inside text, text and numbers are
put in; ``$$`` is a dollar. Strict both ways: every variable that is used must be defined by every
case, and every one that is defined must be used.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from conformance.catalogue_shapes import NAME, VARIABLE, all_wrong, wrong
from conformance.errors import did_you_mean
from conformance.yaml_source import Node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.errors import DataError

FIXED: Final = ("id", "family", "cases")  # the same in every case, and never substituted
_USE: Final = re.compile(r"\$(?P<name>[a-z][a-z0-9_]*|\$|)")


def expand(entry: Node, source: str) -> dict[str, Node]:
    """The entry once a case, by the case's name; one with the name ``""`` when it has no cases."""
    template = Node(entry.line, {key: node for key, node in entry.fields.items() if key not in FIXED})
    used = {name: line for text, line in template.texts() for name in _uses(text, line, source)}
    cases = _cases(entry, source)
    problems = [problem for name, node in cases.items() for problem in _misuses(name, node.fields, used, source)]
    if problems:
        raise all_wrong(problems)
    fixed = {key: node for key, node in entry.fields.items() if key in FIXED}
    return {
        name: Node(node.line, {**fixed, **_fill(template, node.fields, source).fields}) for name, node in cases.items()
    }


def _cases(entry: Node, source: str) -> Mapping[str, Node]:
    stated = entry.fields.get("cases")
    if stated is None:
        return {"": Node(entry.line, {})}
    if not stated.is_mapping or not stated.fields:
        raise wrong(source, stated.line, "'cases': must be a mapping of names to variables, one or more")
    for name, node in stated.fields.items():
        if not re.match(NAME, name):
            raise wrong(source, node.line, f"'{name}': a case's name is lower-case letters, digits and single dashes")
        if not node.is_mapping or not node.fields:
            raise wrong(source, node.line, f"'{name}': a case is a mapping of variables, one or more")
        for variable, value in node.fields.items():
            if not re.match(VARIABLE, variable):
                message = "a variable's name is lower-case letters, digits and _, a letter first"
                raise wrong(source, value.line, f"'{variable}': {message}")
    return stated.fields


def _uses(text: str, line: int, source: str) -> list[str]:
    names = [use["name"] for use in _USE.finditer(text)]
    if "" in names:
        raise wrong(source, line, f"'{text}': a $ that no variable's name follows; write $$ for a dollar")
    return [name for name in names if name != "$"]


def _misuses(case: str, variables: Mapping[str, Node], used: Mapping[str, int], source: str) -> list[DataError]:
    what = f"case '{case}' has no such variable" if case else "a scenario without cases has no variables"
    return [
        wrong(source, line, f"'${name}': {what}{did_you_mean(name, variables)}")
        for name, line in used.items()
        if name not in variables
    ] + [
        wrong(source, node.line, f"'{name}': the scenario uses no ${name}{did_you_mean(name, used)}")
        for name, node in variables.items()
        if name not in used
    ]


def _fill(node: Node, variables: Mapping[str, Node], source: str) -> Node:
    if isinstance(node.value, str):
        return _fill_text(node, node.value, variables, source)
    if isinstance(node.value, tuple):
        return replace(node, value=tuple(_fill(item, variables, source) for item in node.value))
    if node.is_mapping:
        return replace(node, value={key: _fill(value, variables, source) for key, value in node.fields.items()})
    return node


def _fill_text(node: Node, text: str, variables: Mapping[str, Node], source: str) -> Node:
    whole = _USE.fullmatch(text)
    if whole is not None and whole["name"] != "$":
        return variables[whole["name"]]

    def put(use: re.Match[str]) -> str:
        if use["name"] == "$":
            return "$"
        value = variables[use["name"]].value
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            line = variables[use["name"]].line
            raise wrong(source, line, f"'{use['name']}': stands inside text, so it must be text or a number")
        return str(value)

    return replace(node, value=_USE.sub(put, text))
