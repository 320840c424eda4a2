"""Frozen dataclasses ↔ JSON-ready data, directed by their annotations and strict on the way in.

Pure. It knows the shapes that the model is made of: scalars, enums, dataclasses, ``tuple[X, ...]``,
``Mapping[str, X]``, free JSON and unions. A member of a union of dataclasses is written with its class
name as ``kind``, as events are. Nothing is converted while reading: a number stays the number it was,
so that what is read and written again is the same, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from conformance.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


class _FreeJson:
    """Stands in for ``model.Json``, which names itself and so cannot be resolved."""


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, localns={"Json": _FreeJson})


def _is_union(hint: object) -> bool:
    return get_origin(hint) in (Union, UnionType)


def _kinds(hint: object) -> dict[str, type]:
    """The dataclasses of a union by name, where there is more than one to choose from."""
    classes = [member for member in get_args(hint) if is_dataclass(member)] if _is_union(hint) else []
    return {str(getattr(member, "__name__", member)): cast("type", member) for member in classes if len(classes) > 1}


def encode(value: object, hint: object = None) -> Any:  # noqa: ANN401 - JSON-ready data of any shape
    """``value`` as JSON-ready data. ``hint``: its annotation, its own class when left out."""
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        data = {"kind": kind.__name__} if kind.__name__ in _kinds(hint) else {}
        return data | {
            field.name: encode(getattr(value, field.name), _hints(kind)[field.name]) for field in fields(value)
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        inner = get_args(hint)[0] if get_origin(hint) is tuple else None
        return [encode(item, inner) for item in value]
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    return value


def decode(kind: type[T], data: object, where: str = "") -> T:
    """The ``kind`` that ``encode`` gave ``data`` for; ``ValueError`` naming the place when it is not one."""
    return cast("T", _decode(kind, data, where))


def _decode(hint: Any, data: object, where: str) -> Any:  # noqa: ANN401, PLR0911 - any annotation; a return each
    if hint is _FreeJson or hint is Any:
        return data
    if _is_union(hint):
        return _decode_union(hint, data, where)
    origin = get_origin(hint)
    if origin is tuple:
        items = cast("Sequence[object]", _expect(list, data, where))
        return tuple(_decode(get_args(hint)[0], item, f"{where}[{index}]") for index, item in enumerate(items))
    if origin is Mapping:
        inner = get_args(hint)[1]
        return {key: _decode(inner, item, _join(where, key)) for key, item in _expect(dict, data, where).items()}
    if is_dataclass(hint):
        return _decode_dataclass(cast("type", hint), data, where)
    if isinstance(hint, type) and issubclass(hint, Enum):
        values = [str(member.value) for member in hint]
        if data not in values:
            raise _wrong(where, f"{data!r:.80} is not one of {', '.join(values)}")
        return hint(data)
    return _expect(hint, data, where)


def _decode_union(hint: object, data: object, where: str) -> object:
    if data is None and NoneType in get_args(hint):
        return None
    if kinds := _kinds(hint):
        rest = dict(_expect(dict, data, where))
        name = str(rest.pop("kind", ""))
        if name not in kinds:
            raise _wrong(where, f"no such kind: {name!r}{did_you_mean(name, kinds)}")
        return _decode_dataclass(kinds[name], rest, where)
    members = [member for member in get_args(hint) if member is not NoneType]
    return _decode(members[0], data, where)


def _decode_dataclass(kind: type, data: object, where: str) -> object:
    given = cast("Mapping[str, object]", _expect(dict, data, where))
    known = {field.name: field for field in fields(kind)}
    for name in given:
        if name not in known:
            raise _wrong(where, f"{kind.__name__} has no field {name!r}{did_you_mean(name, known)}")
    for name, field in known.items():
        if name not in given and field.default is MISSING and field.default_factory is MISSING:
            raise _wrong(where, f"{kind.__name__} needs the field {name!r}")
    hints = _hints(kind)
    return kind(**{name: _decode(hints[name], value, _join(where, name)) for name, value in given.items()})


def _expect(kind: Any, data: object, where: str) -> Any:  # noqa: ANN401 - any class, one of its values
    # A float may be written without its point, and JSON has no other number for it; a bool is no number.
    wanted = (int, float) if kind is float else kind
    if not isinstance(data, wanted) or (isinstance(data, bool) and kind is not bool):
        raise _wrong(where, f"{data!r:.80} is no {kind.__name__}")
    return data


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _wrong(where: str, message: str) -> ValueError:
    return ValueError(f"{where}: {message}" if where else message)
