"""The benchmarks' arithmetic and tables; what they measure is nothing for a test."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import catalogue, delay, detail, load, memory, mutation, throughput
from benchmarks.measure import (
    Block,
    counted,
    cpu_each_ms,
    differing,
    median_ms,
    met,
    pace_ratio,
    per_minute,
    plot,
    slope,
    spread,
    table,
)
from benchmarks.mutating import Mutant
from benchmarks.shell import Process, below, parse_stat, scenario_called, without_waits
from conformance.calibration import Answered
from conformance.errors import InputError
from conformance.load import Counts, Latencies, LoadPlan, Measured, Place
from conformance.model import Level, Outcome, Side
from conformance.record import Environment
from conformance.results import RunResult, ScenarioResult, SubjectResult
from conformance.verdict import Finding, Verdict

ROOT = Path(__file__).resolve().parent.parent


def block(*each_ms: float, wall_ms: float | None = None) -> Block:
    return Block(each_ms, sum(each_ms) if wall_ms is None else wall_ms)


# --- figures -------------------------------------------------------------------------------------


def test_one_outlier_in_a_few_is_their_p99() -> None:
    found = spread([1.0] * 9 + [50.0])
    assert (found.count, found.p50, found.p95, found.p99, found.worst) == (10, 1.0, 50.0, 50.0, 50.0)


def test_slope_is_that_of_the_line_whatever_one_outlier_says() -> None:
    line = [(x, 10.0 + 0.5 * x) for x in range(9)]
    assert slope([(float(x), y) for x, y in line]) == pytest.approx(0.5)
    assert slope([*line, (9.0, 1000.0)]) == pytest.approx(0.5)
    assert slope([(1.0, 5.0)]) == 0.0


# --- contenders ----------------------------------------------------------------------------------


def test_median_is_of_scenarios_and_pace_is_of_wall_time() -> None:
    two_jobs = [block(100, 110, 90, 100, wall_ms=200), block(300, 100, 100, 100, wall_ms=400)]
    assert median_ms(two_jobs) == 100
    assert per_minute(two_jobs) == pytest.approx(8 / 600 * 60_000)


def test_core_time_is_a_scenarios_share() -> None:
    assert cpu_each_ms([Block((10, 10), 20, cpu_ms=60), Block((10, 10, 10), 30, cpu_ms=40)]) == pytest.approx(20.0)


def test_ratio_compares_each_round_with_itself() -> None:
    # The machine was ten times slower in the second round, for both alike.
    harness = [block(12, 12), block(120, 120), block(12, 12)]
    limit = [block(10, 10), block(100, 100), block(10, 10)]
    ratio = pace_ratio(harness, limit)
    assert (ratio.middle, ratio.low, ratio.high) == pytest.approx((1.2, 1.2, 1.2))
    assert str(ratio) == "1.20 (1.20 to 1.20)"


def test_ratio_takes_blocks_of_different_sizes() -> None:
    assert pace_ratio([block(500, 500)], [block(*[100] * 10)]).middle == pytest.approx(5.0)


def test_ratio_needs_the_same_rounds_of_both() -> None:
    with pytest.raises(ValueError, match="zip"):
        pace_ratio([block(1), block(1)], [block(1)])


# --- the same thing, several times ---------------------------------------------------------------


def test_only_what_differs_is_told() -> None:
    runs = [{("a", "SIG-1"): "pass", ("b", "SIG-1"): "pass"}, {("a", "SIG-1"): "pass", ("b", "SIG-1"): "fail"}]
    assert differing(runs) == {("b", "SIG-1"): ("pass", "fail")}
    assert differing(runs[:1] * 3) == {}


def test_a_verdict_that_one_run_lacks_differs() -> None:
    assert differing([{("a", "RETRY-2"): "pass"}, {}]) == {("a", "RETRY-2"): ("pass", None)}


def test_the_odd_runs_are_named() -> None:
    assert counted(["pass", "fail", "pass", "pass", None]) == "pass in 3; fail in run 2; nothing said in run 5"


def result(*findings: Finding, verdict: Verdict = Verdict.PASS) -> RunResult:
    scenario = ScenarioResult("local-up", 0, verdict, findings, Outcome.LOCAL, 12.0, "the reason", 100.0)
    subject = SubjectResult("one", "1", verdict, {Level.MUST: verdict}, (), (scenario,))
    environment = Environment("Chromium", (), "1", "3.11", "Linux", 2, "warm", 1, 0, "2026-01-01T00:00:00Z", 5.0)
    return RunResult("run", verdict, (subject,), environment)


def test_catalogue_report_names_the_verdict_that_differs_and_why() -> None:
    fine = result(Finding("SIG-1", Verdict.PASS, "as it should"))
    odd = result(Finding("SIG-1", Verdict.FAIL, "took what it should not"), verdict=Verdict.FAIL)
    told = catalogue.report([60.0, 130.0], [fine, odd], is_whole=True)
    assert "local-up SIG-1: pass in 1; fail in run 2" in told
    assert "fail: took what it should not" in told
    assert "differ between 2 runs: 2, MISSED (at most 0)" in told  # the scenario's own and SIG-1's
    assert "slowest run: 130.0 s, MISSED (at most 120)" in told


def test_catalogue_report_counts_apart_what_only_some_runs_judged() -> None:
    told = catalogue.report(
        [60.0, 61.0], [result(Finding("RETRY-2", Verdict.PASS, "waited")), result()], is_whole=False
    )
    assert "differ between 2 runs: 0, met (at most 0); judged in some runs only: 1" in told
    assert "local-up RETRY-2: pass in 1; nothing said in run 2" in told
    assert "slowest run: 61.0 s\n" in told  # no target for a part of the catalogue


# --- delays --------------------------------------------------------------------------------------


def test_delay_report_holds_the_target_against_the_worst_of_a_hundred() -> None:
    seen = [Answered(0.0, 0.5, 4.0, 0.0, 0.0)] * 99 + [Answered(200.0, 209.0, 204.0, 200.0, 8.0)]
    assert "met (at most 5)" in delay.report(seen, 0).splitlines()[2]
    told = delay.report([*seen, seen[-1]], 3)
    assert "MISSED (at most 5)" in told.splitlines()[2]
    assert "209.0 for 200 (loop late 8.0)" in told
    assert "not seen whole: 3 of 104" in told


def test_every_eighth_answer_is_the_baseline() -> None:
    planned = delay.with_baseline([5.0 * number for number in range(1, 18)])
    assert planned[:3] == [0.0, 5.0, 10.0]
    assert [place for place, one in enumerate(planned) if one == 0] == [0, 9, 18]
    assert len(planned) == 17 + 3


def test_a_scenario_without_waits_is_otherwise_the_same() -> None:
    scenario = scenario_called("local-up")
    assert without_waits(scenario).stated_wait_ms == 0 < scenario.stated_wait_ms
    assert without_waits(scenario).given == scenario.given


def test_unknown_scenario_is_named() -> None:
    with pytest.raises(InputError, match="'local-upp'"):
        scenario_called("local-upp")


# --- memory --------------------------------------------------------------------------------------

ROLLUP = """55d0-7ffd ---p 00000000 00:00 0    [rollup]
Rss:               90000 kB
Pss:               61440 kB
Pss_Dirty:         30000 kB
Pss_Anon:          30720 kB
Pss_File:          20480 kB
Pss_Shmem:         10240 kB
"""
STATUS = """Name:	chromium
VmRSS:	   40960 kB
RssAnon:	   20480 kB
RssFile:	   19456 kB
RssShmem:	    1024 kB
Threads:	12
"""


def test_memory_is_read_from_either_file() -> None:
    assert memory.parse_rollup(ROLLUP) == memory.Memory(60.0, 40.0)
    assert memory.parse_rollup(STATUS) == memory.Memory(40.0, 21.0)
    assert memory.parse_rollup("") == memory.Memory(0.0, 0.0)
    assert memory.total([memory.Memory(1.0, 0.5), memory.Memory(2.0, 1.0)]) == memory.Memory(3.0, 1.5)


def grown(scenarios: int, browser_mib: float) -> memory.Sample:
    return memory.Sample(scenarios, memory.Memory(50.0, 30.0), memory.Memory(browser_mib, browser_mib / 2), 9)


def test_memory_report_compares_the_end_with_the_mark() -> None:
    warming = grown(100, 100.0)  # before the mark: no part of the ratio
    flat = memory.report([warming, grown(200, 300.0), grown(300, 330.0)], 200)
    assert re.search(r"browser +\| +300\.0 \| +330\.0 \| +330\.0 \| +\+307\.20 \| +1\.100 \| +met", flat)
    leaking = memory.report([warming, grown(200, 300.0), grown(300, 331.0)], 200)
    assert re.search(r"browser +\|.* 1\.103 \| +MISSED", leaking)
    assert re.search(r"harness +\|.* 1\.000 \| +met", leaking)
    more = replace(grown(300, 331.0), processes=10)
    assert "browser processes: 9 at 200, 10 at 300, 10 most" in memory.report([grown(200, 300.0), more, more], 200)


# --- processes -----------------------------------------------------------------------------------


def test_stat_is_read_whatever_the_name() -> None:
    line = "77 (a (bad) name) S 5 70 70 0 -1 4194560 1 2 3 4 150 50 20 30 20 0 9 0 100 1000 200"
    assert parse_stat(line, 100) == Process(parent=5, group=70, cpu_ms=2500.0)


def test_only_what_is_below_counts() -> None:
    every = {pid: Process(parent, 0, 1.0) for pid, parent in ((1, 0), (2, 1), (3, 2), (4, 2), (5, 1))}
    assert set(below(2, every)) == {2, 3, 4}
    assert below(9, every) == {}


# --- throughput ----------------------------------------------------------------------------------


def lane(name: str, ms: float, *, unanswered: int = 0) -> throughput.Lane:
    return throughput.Lane(name, 2, [], [Block((ms, ms), 2 * ms, cpu_ms=ms)] * 2, [ms / 2], unanswered)


def test_throughput_report_holds_every_ratio_against_its_target() -> None:
    told = throughput.report(
        [
            lane(throughput.HARNESS, 100.0, unanswered=1),
            lane(throughput.PIPE, 80.0),
            lane(throughput.PLAYWRIGHT, 50.0),
            lane(throughput.RECIPE, 600.0),
        ],
        jobs=1,
    )
    assert re.search(r"harness, warm +\| +4 \| +100\.0 \| +600 \| +50 \| +50\.0 \| +1 \|", told)
    assert re.search(r"time of .* / bare loop, pipe +\| 1\.25 \(.*\) \| +met", told)
    assert re.search(r"time of .* / bare loop, Playwright +\| 2\.00 \(.*\) \| MISSED", told)
    assert re.search(r"a minute of .* / recipe +\| 6\.00 \(.*\) \| +met", told)


def test_throughput_report_does_without_the_recipe() -> None:
    lanes = [lane(throughput.HARNESS, 1.0), lane(throughput.PIPE, 1.0), lane(throughput.PLAYWRIGHT, 1.0)]
    assert "recipe" not in throughput.report(lanes, jobs=2)


def test_detail_knows_the_rigs_parts() -> None:
    assert [f"{owner}.{name}" for owner, name, _ in detail.PARTS if not hasattr(owner, name)] == []


def test_stopwatches_are_taken_off_again() -> None:
    before = [getattr(owner, name) for owner, name, _ in detail.PARTS]
    with detail.watching() as stopwatch:
        during = [getattr(owner, name) for owner, name, _ in detail.PARTS]
        stopwatch.note("judge", 0.0)
    assert [getattr(owner, name) for owner, name, _ in detail.PARTS] == before
    assert not any(one is other for one, other in zip(before, during, strict=True))
    assert [row[:2] for row in stopwatch.rows()] == [("judge", "1")]


# --- load ----------------------------------------------------------------------------------------


def turn(rate: float, *, answered: int, lost: int = 0, rss_mb: float = 100.0) -> load.Seen:
    plan = LoadPlan(place=Place(url="", host="", name="", port=0, address=""), sessions=50, rate=rate, hold_s=10)
    times = Latencies(count=1, p50_ms=2.0, p99_ms=7.5)
    counts = Counts(
        opened=50, lost=lost, answered=answered + 7, late=7, errors={"closed with 1011": lost} if lost else {}
    )
    measured = Measured(counts=counts, connect=times, answer=times, connect_lag=times, send_lag=times)
    return load.Seen(Side.PUBLIC, plan, measured, rss_mb=rss_mb, cpu_s=6.0, wall_s=12.0)


def test_load_report_holds_every_turn_against_its_targets() -> None:
    told = load.report([turn(0, answered=0), turn(100, answered=989, lost=1, rss_mb=501)])
    assert re.search(r"public fake, messages +\| +49 \| +99 \| +2\.0 \| +7\.5 \| .*\| +501 \| +0\.50 \|", told)
    assert re.search(r"idle: sessions kept +\| +50 \| +met", told)
    assert re.search(r"idle: RSS, MB +\| +100 \| +met", told)
    assert "idle: answers" not in told
    assert re.search(r"messages: sessions kept +\| +49 \| MISSED", told)
    assert re.search(r"messages: answers a second +\| +99 \| MISSED \(at least 99\)", told)
    assert re.search(r"messages: RSS, MB +\| +501 \| MISSED", told)
    assert told.endswith("public fake: closed with 1011: 1")


def test_peak_is_read_in_megabytes() -> None:
    assert load.peak_mb("Name:\tx\nVmHWM:\t  500000 kB\nVmRSS:\t 1 kB\n") == 512.0
    assert load.peak_mb("") == 0.0


# --- paper ---------------------------------------------------------------------------------------


def test_table_lines_up_in_its_source() -> None:
    assert table(("what", "ms"), [("a", "1.0"), ("longer", "100.0")]).splitlines() == [
        "| what   |    ms |",
        "| ------ | ----: |",
        "| a      |   1.0 |",
        "| longer | 100.0 |",
    ]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (met(1.25, at_most=1.25), "met (at most 1.25)"),
        (met(1.251, at_most=1.25), "MISSED (at most 1.25)"),
        (met(5.0, at_least=5), "met (at least 5)"),
        (met(4.99, at_least=5), "MISSED (at least 5)"),
    ],
)
def test_target_is_met_at_its_bound(told: str, expected: str) -> None:
    assert told == expected


def test_plot_shows_flat_as_flat_and_starts_at_zero() -> None:
    lines = plot([(0.0, 100.0), (50.0, 99.0), (100.0, 100.0)], height=4, width=11).splitlines()
    assert lines[0] == "   100.0 |*    *    *"
    assert lines[3].strip() == "0.0 |"
    assert lines[-1].split() == ["0", "100"]
    assert plot([]) == ""


# --- mutation ------------------------------------------------------------------------------------


def mutant(after: str, module: str = "judge") -> Mutant:
    return Mutant(module, "AddNot", "judge_run", 7, "if a | b:", after, "")


def test_a_survivor_is_listed_with_its_reason_or_told() -> None:
    known, new = mutant("if not a | b:"), mutant("if a & b:")
    outcomes = [mutation.Outcome("judge", 11, (known, new)), mutation.Outcome("gate", 0, ())]
    assert mutation.unlisted(outcomes, "| `judge` | `if a \\| b:` → `if not a \\| b:` | why |") == [new]
    told = mutation.report(outcomes).splitlines()
    assert told[2:5] == ["| `judge` | 11 | 9 | 81.8 % |", "| `gate` | 0 | 0 | 100 % |", "| all | 11 | 9 | 81.8 % |"]
    assert told[-1] == "| `judge` | `if a \\| b:` → `if a & b:` | |"
    assert mutation.share(1999, 2000) == "99.9 %"


@pytest.mark.parametrize(
    ("act", "survives"),
    [("lambda: 0", True), ("lambda: 1", False), ("lambda: 1 / 0", False), ("lambda: any(iter(int, 1)), 0.1", False)],
    ids=["passes", "fails", "breaks", "never ends"],
)
def test_a_mutant_that_breaks_or_never_ends_is_as_good_as_a_failure(act: str, survives: bool) -> None:
    """In a process of its own, which has no threads; whatever breaks, it goes on once and not twice."""
    code = f"from benchmarks.mutation import _in_a_fork; print(_in_a_fork({act}), flush=True)"
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    assert ran.stdout.splitlines() == [str(survives)]


SCRIPTS: list[Callable[[], object]] = [
    catalogue.parse,
    delay.parse,
    load.parse,
    memory.parse,
    mutation.parse,
    throughput.parse,
]
NOT_OF_A_SUBJECT: dict[Callable[[], object], str] = {mutation.parse: "MODULE", load.parse: "--sessions"}


@pytest.mark.parametrize("parse", SCRIPTS, ids=lambda parse: parse.__module__)
def test_script_explains_itself(
    parse: Callable[[], object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["benchmark", "--help"])
    with pytest.raises(SystemExit) as ended:
        parse()
    assert ended.value.code == 0
    assert NOT_OF_A_SUBJECT.get(parse, "--extension") in capsys.readouterr().out


def test_counts_begin_at_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["benchmark", "--count", "0"])
    with pytest.raises(SystemExit):
        memory.parse()
    assert "give a whole number from 1 on" in capsys.readouterr().err


def test_every_script_is_documented() -> None:
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    scripts = [path for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text(encoding="utf-8")]
    assert len(scripts) == len(SCRIPTS)
    assert [path.name for path in scripts if f"benchmarks/{path.name}" not in text] == []
