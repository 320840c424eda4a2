"""Events: what is recorded comes back as it was, and nothing else is taken for an event."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields
from inspect import getmembers, isclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import events
from conformance.events import Event, SessionOpened, Source, TcpStarted, decode, encode
from conformance.model import Side

KINDS = [kind for _, kind in getmembers(events, isclass) if issubclass(kind, Event) and kind is not Event]
OPENED = SessionOpened(at_ms=12.5, source=Source.LOCAL, connection=3)


@settings(max_examples=20)  # of each kind
@given(st.data())
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_survives_the_record(kind: type[Event], data: st.DataObject) -> None:
    finite = st.floats(allow_nan=False, allow_infinity=False)
    floats = {field.name: finite for field in fields(kind) if field.type == "float"}
    event = data.draw(st.builds(kind, **floats, seq=st.integers(0)))
    read = decode(json.loads(json.dumps(encode(event), allow_nan=False)))
    assert read == event
    assert repr(read) == repr(event)  # a side that came back as text would be equal to one


def test_the_format_is_stable() -> None:
    """Stored records are read again by later versions."""
    event = TcpStarted(at_ms=1.0, source=Source.BROWSER, seq=4, socket=7, side=Side.LOCAL)
    written = '{"kind": "TcpStarted", "at_ms": 1.0, "source": "browser", "seq": 4, "socket": 7, "side": "local"'
    assert json.dumps(encode(event)) == f'{written}, "address": ""}}'
    assert decode(json.loads(f"{written}}}")) == event  # as it was written before an address was noted


@pytest.mark.parametrize("kind", [None, "", "Event", "SessionOpend", 7])
def test_an_unknown_kind_is_refused(kind: object) -> None:
    with pytest.raises(ValueError, match="no event of kind"):
        decode({**encode(OPENED), "kind": kind})


@pytest.mark.parametrize(
    ("change", "message"),
    [({"colour": "red"}, r"SessionOpened has no field \['colour'\]"), ({"source": "moon"}, "moon")],
)
def test_a_field_or_value_that_is_none_of_its_own_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode({**encode(OPENED), **change})


def test_decoding_leaves_the_data_alone() -> None:
    data = encode(OPENED)
    decode(data)
    assert data == encode(OPENED)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_is_explained_and_small(kind: type[Event]) -> None:
    assert kind.__doc__
    assert "__slots__" in vars(kind)


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        OPENED.at_ms = 0  # type: ignore[misc]
