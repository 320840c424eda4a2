"""The tables on a terminal."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from conformance.report import console as tables
from conformance.results import RunResult, SubjectResult
from conformance.verdict import Finding, Verdict

CODES = ((401, 40.0), (404, 90.0), (503, 62.0))


def printed(result: RunResult, *, verbose: bool = False, terminal: bool = False) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=terminal, highlight=False)
    tables.show(console, result, verbose=verbose)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def words(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_it_fits_a_hundred_columns(result: RunResult) -> None:
    assert max(len(line) for line in printed(result, verbose=True).splitlines()) <= 100


def test_it_reads_without_colour(result: RunResult) -> None:
    text = printed(result)
    assert "\x1b" not in text
    assert "SIG-4 SHOULD FAIL 1 of 1 status[500]: took status 500" in words(text)
    assert "\x1b[" in printed(result, terminal=True)


def test_it_says_what_it_was_made_with(result: RunResult) -> None:
    assert words(printed(result))[0] == "Chromium 156.0 · warm rig, 4 jobs, 2 CPUs · seed 7 · times ± 2.5 ms"


def test_scenarios_to_look_at_say_where_they_went_and_what_was_found(result: RunResult) -> None:
    lines = words(printed(result))
    place = lines.index("FAIL status[500] → local, 31 ms")
    assert lines[place + 1] == "SIG-4 SHOULD took status <500>"
    assert "ERROR reset" in lines


def test_what_does_not_count_is_one_line(result: RunResult) -> None:
    assert "Not judged, because other failures kept them from coming up: LIFE-1." in words(printed(result))


def test_subjects_stand_side_by_side(result: RunResult) -> None:
    lines = words(printed(result))
    assert "id level mine & yours 1.0 reference 2.0" in lines
    assert "SIG-4 SHOULD FAIL not judged" in lines


def test_one_subject_has_nobody_beside_it(result: RunResult) -> None:
    alone = RunResult(result.run_id, result.verdict, result.subjects[1:], result.environment)
    assert "id level reference 2.0" not in words(printed(alone))


def test_every_subject_ends_in_its_summary(result: RunResult) -> None:
    assert words(printed(result))[-1] == "reference 2.0 MUST PASS (1/1) SHOULD PASS (1/1) 1 PASS of 1"


def test_verbose_lists_every_scenario(result: RunResult) -> None:
    line = "local-up PASS local 31 ms SEL-2, SIG-4"
    assert line not in words(printed(result))
    assert line in words(printed(result, verbose=True))
    assert "local-good FAIL none SEL-2, SIG-4" in words(printed(result, verbose=True))


def test_a_finding_says_its_verdict_where_it_is_not_the_scenarios(result: RunResult, subject: SubjectResult) -> None:
    doubtful = Finding("TIME-1", Verdict.INCONCLUSIVE, "within its error")
    failed = replace(subject.scenarios[1], findings=(*subject.scenarios[1].findings, doubtful))
    lines = words(printed(replace(result, subjects=(replace(subject, scenarios=(failed,)),))))
    assert "SIG-4 SHOULD took status <500>" in lines
    assert "TIME-1 SHOULD INCONCLUSIVE within its error" in lines


def test_families_say_where_their_cases_went_and_how_soon(result: RunResult) -> None:
    lines = words(printed(result))
    assert "Choosing" in lines
    assert "local-up 1 local 31 ms PASS" in lines
    assert "local-good 1 none FAIL" in lines


def test_cases_that_went_wrong_alike_are_told_together(result: RunResult, subject: SubjectResult) -> None:
    more = tuple(replace(subject.scenarios[1], scenario=f"status[{code}]", connect_ms=ms) for code, ms in CODES)
    many = replace(result, subjects=(replace(subject, scenarios=more),))
    lines = words(printed(many))
    assert "status 3 local 40 to 90 ms 3 FAIL" in lines
    place = lines.index("FAIL status [401] [404] [503] → local, 40 to 90 ms")
    assert lines[place + 1] == "SIG-4 SHOULD [401] took status <500>"
    assert "FAIL status[404] → local, 90 ms" in words(printed(many, verbose=True))


# --- repeats -------------------------------------------------------------------------------------


def test_repeats_are_told_with_their_intervals(repeated: RunResult) -> None:
    text = printed(repeated)
    assert "some|times[<case>] FLAKY 60 of 80 (0.64-0.84)" in words(text)
    assert "FLAKY: some|times[<case>] (60 of 80 passed; SIG-4)" in words(text)
    assert max(len(line) for line in text.splitlines()) <= 100


def test_a_run_without_repeats_says_nothing_of_them(result: RunResult) -> None:
    assert "Repeats" not in printed(result)


def test_of_many_repeats_the_flaky_are_shown(repeated: RunResult) -> None:
    subject = repeated.subjects[0]
    flaky, steady, _ = sorted(subject.repeats, key=lambda one: one.scenario)
    many = replace(subject, repeats=(flaky, *(replace(steady, scenario=f"steady-{number}") for number in range(25))))
    result = replace(repeated, subjects=(many,))
    assert "25 scenarios came to the same each time; --verbose lists them." in words(printed(result))
    assert "steady-7" not in printed(result)
    assert "some|times[<case>] FLAKY 60 of 80 (0.64-0.84)" in words(printed(result))
    assert "steady-7" in printed(result, verbose=True)
