"""The tree of errors: as its docstring draws it, with the exit status of each branch."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import errors
from conformance.errors import ConformError, ExitStatus, HarnessError, InputError, Unsupported, did_you_mean


def tree(kind: type[ConformError] = ConformError) -> dict[str, str]:
    """Class → base, for every error that the module defines."""
    return {kind.__name__: kind.__bases__[0].__name__} | {
        name: base
        for below in kind.__subclasses__()
        if below.__module__ == errors.__name__
        for name, base in tree(below).items()
    }


def drawn() -> dict[str, str]:
    """The same, as the docstring draws it."""
    found: dict[str, str] = {"ConformError": "Exception"}
    path = ["ConformError"]
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r" {4}([ │]*)[├└]── (\w+)", line):
            depth = len(match[1]) // 4 + 1
            path[depth:] = [match[2]]
            found[match[2]] = path[depth - 1]
    return found


def test_the_tree_is_the_one_that_is_drawn() -> None:
    assert drawn() == tree()


@pytest.mark.parametrize(
    ("base", "status"), [(InputError, ExitStatus.BAD_INPUT), (HarnessError, ExitStatus.HARNESS_FAILED)]
)
def test_a_branch_shares_its_exit_status(base: type[ConformError], status: ExitStatus) -> None:
    assert base.__subclasses__()
    assert {kind.exit_status for kind in [base, *base.__subclasses__()]} == {status}


def test_what_cannot_be_had_is_neither_the_users_fault_nor_a_failure() -> None:
    assert not issubclass(Unsupported, InputError | HarnessError)


def test_exit_statuses_are_those_of_the_command_line() -> None:
    assert {status.name: int(status) for status in ExitStatus} == {
        "CONFORMS": 0,
        "FAILS": 1,
        "INCONCLUSIVE": 2,
        "HARNESS_FAILED": 3,
        "BAD_INPUT": 4,
    }


def test_the_nearest_name_is_asked_for() -> None:
    assert did_you_mean("rst_afer_open", ["refused", "rst_after_open"]) == "; did you mean 'rst_after_open'?"


def test_without_a_near_name_all_are_listed() -> None:
    assert did_you_mean("zzz", ["silent", "banner"]) == "; known: banner, silent"


def test_more_names_than_anybody_reads_are_not_listed() -> None:
    assert did_you_mean("zzz", [f"name-{number}" for number in range(100)]) == "; `conform list` names them"


@settings(max_examples=20)
@given(st.lists(st.from_regex(r"[a-z]{4,12}", fullmatch=True), min_size=1, unique=True), st.data())
def test_a_name_that_is_known_is_its_own_nearest(names: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(names))
    assert did_you_mean(name, names) == f"; did you mean '{name}'?"
