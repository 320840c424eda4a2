"""What is seen of a server: recorded and read back as it was."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import codec
from conformance.events import Event, decode, encode
from conformance.server_events import Fuzzed, Limited, ListensOn, Measured, Tried


@settings(max_examples=20)
@given(st.data())
@pytest.mark.parametrize("kind", [Tried, Measured, Fuzzed, ListensOn, Limited], ids=lambda kind: kind.__name__)
def test_every_kind_survives_the_record(kind: type[Event], data: st.DataObject) -> None:
    finite = st.floats(allow_nan=False, allow_infinity=False)
    floats = {field.name: finite for field in fields(kind) if field.type == "float"}
    event = data.draw(st.builds(kind, **floats, seq=st.integers(0)))
    written = json.loads(json.dumps(encode(event), allow_nan=False))
    assert decode(written) == event
    del written["kind"]
    assert codec.decode(kind, written) == event  # as the store reads it, types and all
