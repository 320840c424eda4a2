"""A mutant's text and its making: strict in every word, and the fault visible in what it changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.errors import DataError
from conformance.model import Level
from conformance.mutants import Edit, Mutant, mutated, parse_mutant
from tests.timelines import REQUIREMENTS

BASE = {
    "manifest.json": '{\n  "manifest_version": 3,\n  "name": "The base",\n  "version": "1"\n}\n',
    "subject.toml": 'name = "base"\n',
    "worker.js": "one();\ntwo();\none();\n",
}
TEXT = """\
says = "does two things at once"
shows_in = ["local-up"]

[breaks]
SEL-6 = "SHOULD"

[implied]
RETRY-2 = "they knock in turn"

[[change]]
file = "worker.js"
find = "two();"
replace = "both();"
"""


def parsed(text: str = TEXT) -> Mutant:
    known = frozenset({"local-up", "local-down"})
    return parse_mutant(text, "two-at-once", "mutants/two-at-once.toml", requirements=REQUIREMENTS, scenarios=known)


def test_a_mutant_is_what_its_file_says() -> None:
    mutant = parsed()
    assert (mutant.name, mutant.says) == ("two-at-once", "does two things at once")
    assert mutant.breaks == {"SEL-6": Level.SHOULD}
    assert mutant.implied == {"RETRY-2": "they knock in turn"}
    assert mutant.shows_in == ("local-up",)
    assert mutant.awaits == ""
    assert mutant.edits == (Edit("worker.js", "two();", "both();", 10),)


@pytest.mark.parametrize(
    ("find", "instead", "message"),
    [
        ("says", "say", "mutants/two-at-once.toml:1 'say': no such key; did you mean 'says'?"),
        ("replace =", "replase =", ":10 'replase': no such key; did you mean 'replace'?"),
        ('find = "two();"\n', "", ":10 'find': missing; add it"),
        ('find = "two();"', "find = 2", ":10 'find': should be a valid string"),
        ("SEL-6", "SEL-66", ":5 'breaks.SEL-66': no such requirement; did you mean 'SEL-6'?"),
        ("RETRY-2", "RETRY-9", ":8 'implied.RETRY-9': no such requirement; did you mean"),
        ("SHOULD", "MUST", ":5 'breaks.SEL-6': SEL-6 is a SHOULD, not a MUST"),
        ("RETRY-2", "SEL-6", ":8 'implied.SEL-6': is in [breaks] already"),
        ("local-up", "local-upp", ":2 'shows_in': no scenario is called 'local-upp'; did you mean 'local-up'?"),
        ('SEL-6 = "SHOULD"\n', "", "a mutant breaks something"),
        ("[breaks]", "[breaks", "is not TOML"),
    ],
)
def test_what_is_wrong_in_it_is_said_with_its_line(find: str, instead: str, message: str) -> None:
    with pytest.raises(DataError) as error:
        parsed(TEXT.replace(find, instead, 1))
    assert message in str(error.value)
    assert str(error.value).startswith("mutants/two-at-once.toml:")


def test_it_is_the_base_with_its_change_under_its_own_name() -> None:
    files = mutated(parsed(), BASE)
    assert files["worker.js"] == "one();\nboth();\none();\n"
    assert files["subject.toml"] == 'name = "two-at-once"\n'
    assert files["manifest.json"] == BASE["manifest.json"].replace("The base", "Mutant: two-at-once")
    assert BASE["worker.js"] == "one();\ntwo();\none();\n"


def test_changes_follow_each_other_and_files_may_be_new() -> None:
    edits = (
        Edit("worker.js", "two();", "three();", 1),
        Edit("worker.js", "three();", "four();", 2),
        Edit("more.js", None, "five();\n", 3),
    )
    files = mutated(replace(parsed(), edits=edits), BASE)
    assert files["worker.js"] == "one();\nfour();\none();\n"
    assert files["more.js"] == "five();\n"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            Edit("worker.js", "one();", "x", 7),
            "mutants/two-at-once.toml:7 'one();': is in worker.js 2 times; add a line",
        ),
        (Edit("worker.js", "\nthree();\n", "x", 7), ":7 'three();': is not in worker.js; copy the lines"),
        (Edit("worker.js", "two();", "two();", 7), ":7 'two();': is replaced by itself"),
        (Edit("workr.js", "two();", "x", 7), ":7 'workr.js': the base has no such file; did you mean 'worker.js'?"),
        (Edit("worker.js", None, "x", 7), ":7 'worker.js': is a file of the base already"),
    ],
)
def test_a_change_that_does_not_fit_the_base_is_an_error(edit: Edit, message: str) -> None:
    with pytest.raises(DataError) as error:
        mutated(replace(parsed(), edits=(edit,)), BASE)
    assert message in str(error.value)


@pytest.mark.parametrize("file", ["manifest.json", "subject.toml"])
def test_a_base_without_a_name_cannot_be_told_from_its_mutants(file: str) -> None:
    with pytest.raises(DataError, match=f"the base's {file} has no name"):
        mutated(parsed(), {**BASE, file: "{}"})
