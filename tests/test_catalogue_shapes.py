"""Shapes: every wrong key and value is named in the catalogue's words, with its line."""

from __future__ import annotations

import pytest

from conformance.catalogue_shapes import (
    EntryShape,
    RequirementShape,
    Shape,
    ThenShape,
    UntilAttemptsShape,
    UntilShape,
    all_wrong,
    read,
    wrong,
)
from conformance.errors import DataError
from conformance.model import Outcome, Shown
from conformance.yaml_source import compose


def test_reads_with_defaults() -> None:
    shape = read(ThenShape, compose("{session: none, shown: bad}", "x.yaml"), "x.yaml")
    assert (shape.session, shape.shown, shape.within_ms, shape.hold_ms) == (Outcome.NONE, Shown.BAD, 6000, 150)


@pytest.mark.parametrize(
    ("shape", "text", "message"),
    [
        (ThenShape, "5", "must be a mapping with the keys session, shown, within_ms, hold_ms"),
        (ThenShape, "{session: none, shown: bad, holdms: 1}", "'holdms': no such key; did you mean 'hold_ms'?"),
        (ThenShape, "{session: none}", "'shown': missing"),
        (ThenShape, "{session: lokal, shown: bad}", "'lokal': no such session; did you mean 'local'?"),
        (ThenShape, "{session: none, shown: god}", "'god': no such shown; did you mean 'good'?"),
        (ThenShape, "{session: none, shown: bad, hold_ms: soon}", "'hold_ms': should be a valid number, not \"soon\""),
        (ThenShape, "{session: none, shown: bad, hold_ms: '5'}", "'hold_ms': should be a valid number, not \"5\""),
        (ThenShape, "{session: none, shown: bad, within_ms: 0}", "'within_ms': should be greater than 0, not 0"),
        (ThenShape, "{session: none, shown: bad, within_ms: 9e5}", "'within_ms': should be less than or equal to"),
        (UntilShape, "{session: none}", "'none': no such session; known: either, local, public"),
        (UntilAttemptsShape, "{count: 0}", "'count': should be greater than or equal to 1, not 0"),
        (UntilAttemptsShape, "{count: 1.5}", "'count': should be a valid integer"),
        (RequirementShape, "{id: sel-1}", "'sel-1': not an id of a requirement, e.g. SEL-1"),
        (EntryShape, "{id: Two Words}", "'Two Words': not a name here: lower-case letters, digits and single dashes"),
        (EntryShape, "{covers: []}", "'covers': must not be empty"),
        (EntryShape, "{says: ''}", "'says': must not be empty"),
        (EntryShape, "{family: choosing}", "'choosing': no such family; did you mean 'Choosing'?"),
    ],
)
def test_says_what_is_wrong(shape: type[Shape], text: str, message: str) -> None:
    with pytest.raises(DataError) as raised:
        read(shape, compose(text, "x.yaml"), "x.yaml")
    assert any(line.startswith(f"x.yaml:1 {message}") for line in str(raised.value).splitlines()), str(raised.value)


def test_names_everything_that_is_wrong_each_in_its_line() -> None:
    with pytest.raises(DataError) as raised:
        read(ThenShape, compose("session: up\nshown: bad\nwithin: 3\nhold_ms: -1\n", "x.yaml"), "x.yaml")
    assert [line.split()[0] for line in str(raised.value).splitlines()] == ["x.yaml:1", "x.yaml:4", "x.yaml:3"]


def test_all_wrong_says_nothing_twice() -> None:
    problems = [wrong("x.yaml", 1, "a"), DataError("x.yaml:2 b\nx.yaml:1 a"), wrong("x.yaml", 3, "c")]
    assert str(all_wrong(problems)) == "x.yaml:1 a\nx.yaml:2 b\nx.yaml:3 c"
