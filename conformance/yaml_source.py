"""YAML with line numbers, read without surprises.

Pure: text in, nodes out. What a node may hold is JSON's: mappings with text keys, lists, text,
whole and decimal numbers, true, false, null. So ``on``, ``yes`` and ``2026-01-01`` are text, ``010``
is text, a key is text whatever it looks like, and a duplicate key, an alias or a ``!tag`` is an
error. What the data means is catalogue.py's business.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import yaml

from conformance.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.model import Json

Scalar: TypeAlias = "bool | int | float | str | None"

# JSON's own forms, at most 15 digits: what every reader of the file agrees on.
_FORMS: Final = (
    ("null", re.compile(r"(?:null|~|)$"), "n~\0"),
    ("bool", re.compile(r"(?:true|false)$"), "tf"),
    ("int", re.compile(r"-?(?:0|[1-9][0-9]{0,14})$"), "-0123456789"),
    ("float", re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?(?:[eE][-+]?[0-9]{1,3})?$"), "-0123456789"),
)
_ODD: Final = re.compile(
    "[^\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe]"
)  # where parsers may differ: tabs, marks, controls
_TAG: Final = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands. ``line`` counts from 1: its key's line, or its own in a list."""

    line: int
    value: Scalar | tuple[Node, ...] | Mapping[str, Node]

    @property
    def fields(self) -> Mapping[str, Node]:
        """A mapping's members; nothing for any other value."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def items(self) -> tuple[Node, ...]:
        """A list's members; nothing for any other value."""
        return self.value if isinstance(self.value, tuple) else ()

    @property
    def is_mapping(self) -> bool:
        """Whether the value is a mapping."""
        return isinstance(self.value, Mapping)

    def plain(self) -> Json:
        """The value as JSON-ready data, without its lines."""
        if isinstance(self.value, tuple):
            return [item.plain() for item in self.value]
        if isinstance(self.value, Mapping):
            return {key: node.plain() for key, node in self.value.items()}
        return self.value

    def line_of(self, path: Iterable[int | str]) -> int:
        """The line of the member at ``path``, or of the nearest one above it that exists."""
        node = self
        for step in path:
            if isinstance(step, int):
                if not 0 <= step < len(node.items):
                    break
                node = node.items[step]
            else:
                if step not in node.fields:
                    break
                node = node.fields[step]
        return node.line

    def texts(self) -> Iterator[tuple[str, int]]:
        """Every text value in here, with its line; keys are not among them."""
        if isinstance(self.value, str):
            yield self.value, self.line
        for child in (*self.items, *self.fields.values()):
            yield from child.texts()


# Of this module's own: add_implicit_resolver would copy PyYAML's table, with its `yes` and `on`.
_RESOLVERS: Final[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}
for _name, _pattern, _first in _FORMS:
    for _char in _first:
        # PyYAML looks a plain scalar up by its first character, and an empty one by "".
        _RESOLVERS.setdefault(_char.strip("\0"), []).append((_TAG + _name, _pattern))


class _Composer(yaml.composer.Composer):
    """Nothing that is not written out: a file says what it means where it means it."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node, refusing what stands for something else."""
        event = cast("Any", self).peek_event()  # PyYAML's stubs leave it untyped
        for what, name in (("anchor or alias", event.anchor), ("tag", getattr(event, "tag", None))):
            if name is not None:
                problem = f"a YAML {what} ({name}); write the value out"
                raise yaml.composer.ComposerError(None, None, problem, event.start_mark)
        return super().compose_node(parent, index)


class _Loader(_Composer, yaml.SafeLoader):
    """SafeLoader with JSON's scalars. Its messages are the ones that are told."""

    yaml_implicit_resolvers = _RESOLVERS


if yaml.__with_libyaml__:

    class _FastLoader(_Composer, yaml.CSafeLoader):
        """The same over libyaml's parser, which takes a sixth of the time."""

        yaml_implicit_resolvers = _RESOLVERS

        def __init__(self, stream: str) -> None:
            yaml.CSafeLoader.__init__(self, stream)
            yaml.composer.Composer.__init__(self)

else:  # a PyYAML that was built where there is no libyaml
    _FastLoader = _Loader  # type: ignore[assignment,misc]


def compose(text: str, source: str) -> Node:
    """The one document in ``text``. ``source`` names the file in the message of a ``DataError``."""
    try:
        root = _root(text)
        if root is None:
            raise DataError(f"{source}:1 the file is empty")
        return _convert(root, root.start_mark.line + 1, source)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = ord(text[error.position])
        raise DataError(f"{source}:{line} a character that YAML does not allow: U+{code:04X}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise DataError(f"{source}:{mark.line + 1 if mark else 1} cannot be read as YAML: {what}") from error
    except RecursionError as error:
        raise DataError(f"{source}:1 nested too deeply to be read") from error


def _root(text: str) -> yaml.Node | None:
    if not _ODD.search(text):
        try:
            return _FastLoader(text).get_single_node()
        except yaml.YAMLError:
            pass  # the other says what is wrong, and where, in words that can be understood
    return _Loader(text).get_single_node()


def _convert(node: yaml.Node, line: int, source: str) -> Node:
    if isinstance(node, yaml.MappingNode):
        return Node(line, _mapping(node, source))
    if isinstance(node, yaml.SequenceNode):
        return Node(line, tuple(_convert(item, item.start_mark.line + 1, source) for item in node.value))
    return Node(line, _scalar(node.tag.removeprefix(_TAG), str(node.value), f"{source}:{line}"))


def _mapping(node: yaml.MappingNode, source: str) -> Mapping[str, Node]:
    members: dict[str, Node] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise DataError(f"{source}:{line} a key must be text, not a list or a mapping")
        if key.value in members:
            raise DataError(f"{source}:{line} '{key.value}': twice; first in line {members[key.value].line}")
        members[key.value] = _convert(value, line, source)
    return members


def _scalar(kind: str, text: str, where: str) -> Scalar:
    match kind:
        case "null":
            return None
        case "bool":
            return text == "true"
        case "int":
            return int(text)
        case "float":
            if not math.isfinite(float(text)):
                raise DataError(f"{where} {text}: too large a number")
            return float(text)
        case _:
            return text
