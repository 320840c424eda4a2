"""The gate: one exit status for a run and a level."""

from __future__ import annotations

import pytest

from conformance.errors import ExitStatus
from conformance.gate import gate
from conformance.model import Level
from conformance.results import RunResult, SubjectResult
from conformance.verdict import Verdict, worst
from tests.timelines import ENVIRONMENT

P, F, I, E, U = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.UNSUPPORTED  # noqa: E741


def subject(**levels: Verdict) -> SubjectResult:
    by_level = {Level(level): verdict for level, verdict in levels.items()}
    return SubjectResult("subject", "1.0", worst(by_level.values()), by_level, (), ())


def run(*subjects: SubjectResult) -> RunResult:
    return RunResult("run", worst(each.verdict for each in subjects), subjects, ENVIRONMENT)


@pytest.mark.parametrize(
    ("must", "should", "at_must", "at_should"),
    [
        (P, P, ExitStatus.CONFORMS, ExitStatus.CONFORMS),
        (P, F, ExitStatus.CONFORMS, ExitStatus.FAILS),
        (F, P, ExitStatus.FAILS, ExitStatus.FAILS),
        (P, I, ExitStatus.CONFORMS, ExitStatus.INCONCLUSIVE),
        (I, P, ExitStatus.INCONCLUSIVE, ExitStatus.INCONCLUSIVE),
        (I, F, ExitStatus.INCONCLUSIVE, ExitStatus.FAILS),
        (P, E, ExitStatus.HARNESS_FAILED, ExitStatus.HARNESS_FAILED),
        (E, P, ExitStatus.HARNESS_FAILED, ExitStatus.HARNESS_FAILED),
        (F, E, ExitStatus.HARNESS_FAILED, ExitStatus.HARNESS_FAILED),
        (P, U, ExitStatus.CONFORMS, ExitStatus.CONFORMS),
        (U, U, ExitStatus.INCONCLUSIVE, ExitStatus.INCONCLUSIVE),
    ],
)
def test_the_worst_verdict_that_counts_decides(
    must: Verdict, should: Verdict, at_must: ExitStatus, at_should: ExitStatus
) -> None:
    result = run(subject(MUST=must, SHOULD=should))
    assert (gate(result, Level.MUST), gate(result, Level.SHOULD)) == (at_must, at_should)


def test_the_worst_subject_decides() -> None:
    assert gate(run(subject(MUST=P), subject(MUST=F)), Level.MUST) is ExitStatus.FAILS
    assert gate(run(subject(MUST=I), subject(MUST=F)), Level.MUST) is ExitStatus.FAILS
    assert gate(run(subject(MUST=P), subject(MUST=P, SHOULD=F)), Level.MUST) is ExitStatus.CONFORMS


def test_a_level_of_which_nothing_was_said_has_not_passed() -> None:
    assert gate(run(subject(SHOULD=P)), Level.MUST) is ExitStatus.INCONCLUSIVE
    assert gate(run(subject(SHOULD=P)), Level.SHOULD) is ExitStatus.CONFORMS


def test_a_run_of_nothing_has_not_passed() -> None:
    assert gate(run(), Level.MUST) is ExitStatus.INCONCLUSIVE
    assert gate(run(subject()), Level.MUST) is ExitStatus.INCONCLUSIVE
