"""``pytest --subject`` in a project of its own: what is collected, how verdicts come out, what xdist and reports get.

The rig and the judge are stand-ins (the last test has the real ones), so that any verdict can be had at will.
"""

from __future__ import annotations

import json
import os
import socket
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

import conformance.pytest_session  # noqa: F401 - loaded once for all that run in this process

ROOT = Path(__file__).resolve().parent.parent


class Project:
    """A project that has the package installed and, to begin with, no test of its own."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        # Without a file of its own the project would be whatever lies above the temporary directory.
        (self.path / "pytest.ini").write_text("[pytest]\n")
        self.verdicts({})

    def verdicts(self, table: dict[str, str]) -> None:
        (self.path / "verdicts.json").write_text(json.dumps(table))

    def pytest(self, *arguments: str, stand_ins: bool = True, apart: bool = False) -> pytest.RunResult:
        """Run it: in this process, which has loaded everything, unless it has workers or is to be ``apart``."""
        plugins = ["-p", "conformance.plugin", *(["-p", "plugin_stand_ins"] if stand_ins else [])]
        if apart or "xdist.plugin" in arguments:
            return self.pytester.runpytest_subprocess(*plugins, *arguments, timeout=120)
        return self.pytester.runpytest_inprocess(*plugins, *arguments)

    def calls(self) -> list[list[str]]:
        """What the rigs were asked for, a list a process."""
        by_process: dict[str, list[str]] = {}
        log = self.path / "calls.log"
        for line in log.read_text().splitlines() if log.exists() else ():
            process, _, call = line.partition(" ")
            by_process.setdefault(process, []).append(call)
        return list(by_process.values())


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{ROOT / 'tests'}")
    monkeypatch.syspath_prepend(str(ROOT / "tests"))
    for name in [name for name in os.environ if name.startswith(("PYTEST_XDIST", "PYTEST_ADDOPTS"))]:
        monkeypatch.delenv(name)
    return Project(pytester)


def allure_results(project: Project, directory: str = "allure") -> dict[str, dict[str, Any]]:
    """The results in an ``--alluredir`` of the project's, by name: no two have the same."""
    found = [json.loads(path.read_text()) for path in (project.path / directory).glob("*-result.json")]
    by_name = {one["name"]: one for one in found}
    assert len(by_name) == len(found)
    return by_name


# --- without --subject ---------------------------------------------------------------------------


def test_without_subject_nothing_is_imported(project: Project) -> None:
    project.pytester.makepyfile(
        """
        import sys

        def test_it():
            ours = {name for name in sys.modules if name.startswith("conformance")}
            assert ours == {"conformance", "conformance.plugin"}
            assert not {"pydantic", "yaml", "rich", "websockets"} & set(sys.modules)
        """
    )
    project.pytest("--conform-level=should", stand_ins=False, apart=True).assert_outcomes(passed=1)


OWN_OPTIONS = """
def pytest_addoption(parser):
    parser.addoption("--extension", default="none")
    parser.addoption("--browser", default="none")
"""
OWN_TEST = """
def test_it(pytestconfig):
    assert pytestconfig.getoption("--extension") == "mine"
"""


@pytest.mark.parametrize("ours", [(), ("--subject=reference", "--conform-scenario=local-up")])
def test_a_projects_own_options_stay_its_own(project: Project, ours: tuple[str, ...]) -> None:
    project.pytester.makeconftest(OWN_OPTIONS)
    project.pytester.makepyfile(OWN_TEST)
    project.pytest("--extension=mine", *ours).assert_outcomes(passed=1 + bool(ours))


# --- collecting ----------------------------------------------------------------------------------


def test_scenarios_are_items_in_a_project_without_tests(project: Project) -> None:
    done = project.pytest("--subject=reference", "--scenario=local-up", "--scenario=wrong-signature*", "-v")
    done.stdout.fnmatch_lines(["conformance::reference::wrong-signature[[]other-name] PASSED*"])
    done.stdout.fnmatch_lines(["conformance::reference::local-up PASSED*"])
    assert done.ret == 0


def test_beside_the_projects_own_tests(project: Project) -> None:
    project.pytester.makepyfile("def test_it(): pass")
    done = project.pytest("--subject", "reference", "--scenario", "local-up")
    done.stdout.fnmatch_lines(["collected 2 items", "conformance .*", "test_beside*.py .*"])


def test_k_selects(project: Project) -> None:
    done = project.pytest("--subject=reference", "-k", "local-down or wrong-signature[other-name]")
    done.assert_outcomes(passed=2, deselected=done.parseoutcomes()["deselected"])


def test_k_selects_by_requirement(project: Project) -> None:
    done = project.pytest("--subject=reference", "--tag=quick", "-k", "TIME-3", "--collect-only", "-q")
    done.stdout.fnmatch_lines(["conformance::reference::local-up"])
    done.stdout.no_fnmatch_line("*local-down")


def test_subjects_side_by_side(project: Project) -> None:
    done = project.pytest("--subject=reference", "--subject=seed-literal", "--scenario=local-up", "-v")
    done.stdout.fnmatch_lines(["conformance::reference::local-up*", "conformance::seed-literal::local-up*"])
    assert [call for call in project.calls()[0] if call.startswith("open")] == [
        "open jobs=1 rig=warm reference,seed-literal"
    ]


@pytest.mark.parametrize(
    "how",
    [
        ["--subject={reference}"],
        ["--subject={reference}/subject.toml"],
        ["--subject={reference}/subject.toml", "--extension={reference}"],
        ["--subject={reference}/subject.toml", "--conform-extension={reference}"],
    ],
)
def test_ways_to_name_a_subject(project: Project, how: list[str]) -> None:
    reference = ROOT / "fixtures" / "extensions" / "reference"
    done = project.pytest(*(each.format(reference=reference) for each in how), "--scenario=local-up", "-v")
    done.stdout.fnmatch_lines(["conformance::reference::local-up PASSED*"])


def test_collecting_needs_no_browser(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFORM_BROWSER", "/nowhere/chrome")
    done = project.pytest("--subject=reference", "--scenario=local-up", "--collect-only", "-q", stand_ins=False)
    done.stdout.fnmatch_lines(["conformance::reference::local-up"])
    assert done.ret == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--subject=refrence"], "*--subject refrence: neither a file*; did you mean 'reference'?"),
        (["--subject=gone.toml"], "*gone.toml*"),
        (["--subject=reference", "--scenario=locl-up"], "*'locl-up'; did you mean 'local-up'?"),
        (["--subject=reference", "--requirement=SIG-99"], "*'SIG-99'; did you mean 'SIG-*"),
        (["--subject=reference", "--browser=/nowhere/chrome"], "*--browser /nowhere/chrome: no such file; *"),
        (["--subject=reference", "--local-target=ftp://x"], "*--local-target 'ftp://x': no such kind of URL; *"),
        (["--subject=reference", "--i-own-this-target"], "*is for a --local-target or --public-target, and *"),
    ],
)
def test_bad_input_is_one_message(project: Project, arguments: list[str], message: str) -> None:
    done = project.pytest(*arguments, stand_ins=False)
    assert done.ret == 4
    done.stderr.fnmatch_lines([f"ERROR: {message}"])
    assert "Traceback" not in done.stderr.str()


# --- targets -------------------------------------------------------------------------------------


def test_a_target_that_does_not_answer_is_one_message(project: Project) -> None:
    with socket.socket() as nobody:  # bound and not listening
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        arguments = ("--subject=reference", "--scenario=local-up", f"--local-target={url}")
        done = project.pytest(*arguments)
        collected = project.pytest(*arguments, "--collect-only")
    assert done.ret == 4
    done.stderr.fnmatch_lines([f"ERROR: --local-target '{url}': nobody answers there (connection refused); *"])
    assert project.calls() == []
    assert collected.ret == 0  # nobody is asked where nothing is run


@pytest.mark.parametrize(("owned", "outcome"), [((), "skipped"), (("--i-own-this-target",), "passed")])
def test_what_a_strange_target_must_not_get_is_skipped(project: Project, owned: tuple[str, ...], outcome: str) -> None:
    (project.path / "elsewhere").touch()
    arguments = ("--subject=reference", "--scenario=local-down", "--local-target=http://192.0.2.1", *owned)
    done = project.pytest(*arguments, "-rs")
    assert done.parseoutcomes() == {outcome: 1}
    if owned:
        assert project.calls()[0][1] == "target local: http://192.0.2.1 ca= owned=True"
    else:
        done.stdout.fnmatch_lines(["SKIPPED *it puts a fault before the local target, which is not on this machine*"])


# --- verdicts ------------------------------------------------------------------------------------


def test_a_failure_is_told_in_its_own_words(project: Project) -> None:
    project.verdicts({"local-up": "fail:MUST"})
    done = project.pytest("--subject=reference", "--scenario=local-up", "--scenario=local-down")
    done.assert_outcomes(failed=1, passed=1)
    assert done.ret == 1
    done.stdout.fnmatch_lines(
        [
            "*_ reference: local-up _*",
            "SEL-1 (MUST) FAIL: as stated",
            "local-up: *",
            "went to: local, 12 ms",
            "> 0.0 ms  subject: started (its worker was started)",
        ]
    )
    done.stdout.fnmatch_lines(["FAILED conformance::reference::local-up - Failed: SEL-1 (MUST) FAIL: *"])
    done.stdout.no_fnmatch_line("*.py:*")


@pytest.mark.parametrize(("level", "outcome"), [("must", "passed"), ("should", "failed")])
def test_a_should_counts_at_its_level(project: Project, level: str, outcome: str) -> None:
    project.verdicts({"local-up": "fail:SHOULD"})
    done = project.pytest("--subject=reference", "--scenario=local-up", f"--level={level}")
    assert done.parseoutcomes() == {outcome: 1}
    done.stdout.fnmatch_lines(["*= conformance =*", "*TIME-3 * SHOULD * FAIL *"])


def test_last_failed_runs_what_failed(project: Project) -> None:
    project.verdicts({"local-up": "fail:MUST"})
    project.pytester.makepyfile("def test_it(): pass")
    arguments = ("--subject=reference", "--scenario=local-up", "--scenario=local-down")
    project.pytest(*arguments).assert_outcomes(failed=1, passed=2)
    project.pytest(*arguments, "--lf").assert_outcomes(failed=1, deselected=2)


def test_inconclusive_is_no_pass(project: Project) -> None:
    project.verdicts({"local-up": "inconclusive:MUST"})
    done = project.pytest("--subject=reference", "--scenario=local-up")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["INCONCLUSIVE, which is no pass: SEL-1 (MUST) INCONCLUSIVE: as stated"])


def test_an_error_is_no_failure(project: Project) -> None:
    project.verdicts({"local-up": "error:MUST"})
    done = project.pytest("--subject=reference", "--scenario=local-up", "--scenario=local-down")
    done.assert_outcomes(errors=1, passed=1)
    done.stdout.fnmatch_lines(["*_ ERROR at setup of reference: local-up _*", "as stated"])
    done.stdout.fnmatch_lines(["ERROR conformance::reference::local-up - *"])
    done.stdout.no_fnmatch_line("*.py:*")


def test_a_harness_that_cannot_begin_says_so_without_a_traceback(project: Project) -> None:
    (project.path / "broken").touch()
    done = project.pytest("--subject=reference", "--scenario=local-up")
    assert done.ret == 3
    done.stderr.fnmatch_lines(["Exit: scenarios is missing from this installation; install the package again"])
    assert "Traceback" not in done.stdout.str() + done.stderr.str()


def test_unsupported_is_skipped_with_its_reason(project: Project) -> None:
    extension = project.path / "no-public"
    extension.mkdir()
    (extension / "manifest.json").write_text(
        json.dumps(
            {"manifest_version": 3, "name": "x", "version": "1", "background": {"service_worker": "background.js"}}
        )
    )
    (extension / "background.js").write_text("")
    (extension / "subject.toml").write_text('name = "no-public"\n[endpoints]\npublic = false\n')
    done = project.pytest(f"--subject={extension}", "--scenario=local-down", "-rs")
    done.assert_outcomes(skipped=1)
    done.stdout.fnmatch_lines(["SKIPPED *needs a public server, and the profile has none"])
    assert project.calls() == []


def test_the_rig_is_closed_when_interrupted(project: Project) -> None:
    (project.path / "interrupt").touch()
    done = project.pytest("--subject=reference", "--scenario=local-up", "--scenario=local-down", apart=True)
    assert done.ret == pytest.ExitCode.INTERRUPTED
    assert [call.split()[0] for call in project.calls()[0]] == ["open", "run", "close"]


# --- other plugins -------------------------------------------------------------------------------


def test_workers_have_a_rig_each_for_the_session(project: Project) -> None:
    done = project.pytest("-p", "xdist.plugin", "--subject=reference", "--scenario=wrong-signature*", "-n2", "-v")
    assert done.ret == 0
    calls = project.calls()
    assert [each[0] for each in calls] == ["open jobs=2 rig=warm reference"] * 2
    assert [each[-1] for each in calls] == ["close"] * 2
    ran = [call for each in calls for call in each if call.startswith("run")]
    assert len(ran) == len(set(ran)) == done.parseoutcomes()["passed"]
    done.stdout.fnmatch_lines(["*= conformance =*", "*MUST*PASS*"])


def test_a_worker_that_is_killed_leaves_an_error_everywhere(project: Project) -> None:
    """In the table, in both report files and in the exit status; whatever else was planned is carried out."""
    killed = "wrong-signature[null]"
    (project.path / "kill").write_text(killed)
    reports = ("--junitxml=junit.xml", "--alluredir=allure")
    plugins = ("-p", "xdist.plugin", "-p", "allure_pytest.plugin")
    done = project.pytest(*plugins, "--subject=reference", "--scenario=wrong-signature*", "-n2", *reports)
    outcomes = done.parseoutcomes()
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert (outcomes.pop("errors"), set(outcomes)) == (1, {"passed"})
    done.stdout.fnmatch_lines(
        [
            f"*_ ERROR at setup of reference: {killed.replace('[', '[[]')} _*",
            "the worker gw* died in it, killed or crashed; it says nothing of the subject, run it again",
            "*= conformance =*",
            f"*1 ERROR, {outcomes['passed']} PASS *",
            "*ERROR *wrong-signature[[]null]*",
            f"reference * MUST ERROR *1 ERROR, {outcomes['passed']} PASS of {outcomes['passed'] + 1}",
        ]
    )
    done.stdout.no_fnmatch_line("*MUST PASS*")
    errors = [case for case in ET.parse(project.path / "junit.xml").iter("testcase") if case.find("error") is not None]  # noqa: S314
    assert [(case.get("classname"), case.get("name")) for case in errors] == [("conformance.reference", killed)]
    found = allure_results(project)
    assert {name: one["status"] for name, one in found.items() if one["status"] != "passed"} == {killed: "broken"}
    assert len(found) == outcomes["passed"] + 1
    assert "died in it" in found[killed]["statusDetails"]["message"]


def test_a_worker_that_is_killed_in_the_projects_own_test_is_xdists_matter(project: Project) -> None:
    project.pytester.makepyfile("import os, signal\ndef test_it(): os.kill(os.getpid(), signal.SIGKILL)")
    done = project.pytest("-p", "xdist.plugin", "--subject=reference", "--scenario=local-up", "-n1")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["worker 'gw0' crashed while running *test_it'", "reference * MUST PASS *1 PASS of 1"])


@pytest.mark.parametrize(("given", "used"), [((), "WorkStealing"), (("--dist=load",), "Load")])
def test_workers_steal_unless_told_otherwise(project: Project, given: tuple[str, ...], used: str) -> None:
    arguments = ("-p", "xdist.plugin", "--subject=reference", "--scenario=local-up", "-n1", "-v", *given)
    project.pytest(*arguments).stdout.fnmatch_lines([f"scheduling tests via {used}Scheduling"])


def test_without_subject_workers_are_left_alone(project: Project) -> None:
    project.pytester.makepyfile("def test_it(): pass")
    project.pytest("-p", "xdist.plugin", "-n1", "-v").stdout.fnmatch_lines(["scheduling tests via LoadScheduling"])


def test_longest_first_whoever_shuffles(project: Project) -> None:
    ran = []
    for seed in ("1", "2"):
        (project.path / "calls.log").unlink(missing_ok=True)
        project.pytest("-p", "pytest_randomly", f"--randomly-seed={seed}", "--subject=reference")
        ran.append(project.calls()[0])
    assert ran[0] == ran[1]
    assert ran[0][1] != "run reference local-up"  # the first in the catalogue, and one of the shortest


def test_junit(project: Project) -> None:
    project.verdicts({"local-up": "fail:MUST", "local-down": "error:MUST"})
    project.pytest("--subject=reference", "--tag=quick", "--junitxml=junit.xml")
    cases = {case.get("name"): case for case in ET.parse(project.path / "junit.xml").getroot().iter("testcase")}  # noqa: S314
    assert cases["local-up"].get("classname") == "conformance.reference"
    failure = cases["local-up"].find("failure")
    assert failure is not None
    assert (failure.get("message") or "").startswith("Failed: SEL-1 (MUST) FAIL: as stated")
    assert cases["local-down"].find("error") is not None
    assert list(cases["both-up"].iter("failure")) == []
    properties = {one.get("name"): one.get("value") for one in cases["local-up"].iter("property")}
    assert properties == {"verdict": "fail", "went_to": "local, 12 ms"}


def test_allure(project: Project) -> None:
    project.verdicts({"local-up": "fail:MUST", "local-down": "error:MUST"})
    project.pytest("-p", "allure_pytest.plugin", "--subject=reference", "--tag=quick", "--alluredir=allure")
    by_name = allure_results(project)
    assert {name: by_name[name]["status"] for name in ("local-up", "local-down", "both-up")} == {
        "local-up": "failed",
        "local-down": "broken",
        "both-up": "passed",
    }
    labels = {(one["name"], one["value"]) for one in by_name["local-up"]["labels"]}
    assert {("feature", "Choosing"), ("severity", "critical"), ("tag", "SEL-1"), ("framework", "pytest")} <= labels
    assert by_name["local-up"]["description"]
    assert [one["name"] for one in by_name["local-up"]["attachments"]] == ["timeline"]


def test_allure_knows_the_cases_of_a_family_apart_and_again(project: Project) -> None:
    """What has one historyId is one test to Allure, of which it shows the last result; also where a worker died."""
    arguments = ("-p", "xdist.plugin", "-p", "allure_pytest.plugin", "--subject=reference", "-n2")
    identities = []
    for directory, killed in (("lived", ""), ("died", "wrong-signature[null]\nlocal-up")):
        (project.path / "kill").write_text(killed)
        project.pytest(*arguments, "--scenario=wrong-s*", "--scenario=local-up", f"--alluredir={directory}")
        found = allure_results(project, directory)
        identities.append(
            {name: tuple(one[key] for key in ("fullName", "testCaseId", "historyId")) for name, one in found.items()}
        )
        assert {name for name, one in found.items() if one["status"] == "broken"} == {*killed.splitlines()}
    assert identities[0] == identities[1]
    assert len({history for *_, history in identities[0].values()}) == len(identities[0])


# --- in earnest ----------------------------------------------------------------------------------


@pytest.mark.browser
def test_in_a_real_browser(project: Project) -> None:
    arguments = ("-p", "xdist.plugin", "--subject=reference", "--scenario=local-up", "--scenario=local-down", "-n2")
    done = project.pytest(*arguments, stand_ins=False)
    done.assert_outcomes(passed=2)
    done.stdout.fnmatch_lines(["*= conformance =*", "*SEL-1 * MUST * PASS *"])


@pytest.mark.browser
def test_with_a_real_server(project: Project) -> None:
    target = "conform serve local --port {port}"
    arguments = ("-p", "xdist.plugin", "--subject=reference", "--scenario=local-up", "--scenario=local-killed", "-n2")
    done = project.pytest(*arguments, f"--local-target={target}", stand_ins=False)
    done.assert_outcomes(passed=2)
    done.stdout.fnmatch_lines(["*= conformance =*", f"local target {target}", "*SEL-1 * MUST * PASS *"])
