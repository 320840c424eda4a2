"""The JUnit report: what CI servers read. One test case a scenario and subject.

``render`` is pure. JUnit knows only passed and failed, so the gate's level decides: a failure below it is
told in ``system-out`` and passes. ``INCONCLUSIVE`` fails with that type, since silence never passes.
Properties stand on suites only, where every reader's schema has them. A flaky scenario is named in one, and in
the output of each of its runs; ``flakyFailure``, which some readers know, would count its failures as passed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from conformance.model import Level
from conformance.repeats import FLAKY
from conformance.report import view
from conformance.report.output import put
from conformance.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.record import RunRecord
    from conformance.results import RunResult, ScenarioResult, SubjectResult

# XML 1.0 section 2.2: what may stand in a document; anything else makes readers refuse all of it.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COUNTED = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def write(result: RunResult, record: RunRecord, path: Path, *, level: Level = Level.MUST) -> None:
    """Write ``path``."""
    del record
    put(path, render(result, level))


def render(result: RunResult, level: Level) -> bytes:
    """The document."""
    root = ET.Element("testsuites", name="semantest-conformance")
    for subject in result.subjects:
        root.append(_suite(result, subject, level))
    for name in ("tests", *_COUNTED.values()):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in root):.3f}")
    ET.indent(root)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _suite(result: RunResult, subject: SubjectResult, level: Level) -> ET.Element:
    # The reader's schema wants local time without a zone; the record has UTC.
    started = result.environment.started_at.removesuffix("Z").split("+")[0].split(".")[0]
    suite = ET.Element("testsuite", name=_clean(view.name_of(subject)), timestamp=started, hostname="localhost")
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(result, subject, level):
        ET.SubElement(properties, "property", name=name, value=_clean(value))
    cases = [_case(subject, scenario, level) for scenario in subject.scenarios]
    suite.extend(cases)
    suite.set("tests", str(len(cases)))
    for tag, name in _COUNTED.items():
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("time", f"{sum(scenario.wall_ms for scenario in subject.scenarios) / 1000:.3f}")
    return suite


def _properties(result: RunResult, subject: SubjectResult, level: Level) -> list[tuple[str, str]]:
    made = result.environment
    return [
        ("run", result.run_id),
        ("gate level", level.value),
        *([("targets", targets)] if (targets := view.targets_of(result)) else []),
        *(
            (total.level.value, f"{view.word(total.verdict)} ({total.held}/{total.judged})")
            for total in view.totals(subject)
        ),
        *(
            (f"{row.id} ({row.level})", f"{view.word(row.verdict)}: {row.says}")
            for row in view.requirement_rows(subject)
        ),
        *((f"{FLAKY} {scenario}", how) for scenario, how in view.flaky(subject).items()),
        ("browser", made.browser),
        ("rig", made.rig),
        ("seed", str(made.seed)),
    ]


def _case(subject: SubjectResult, scenario: ScenarioResult, level: Level) -> ET.Element:
    case = ET.Element(
        "testcase",
        # A dot in a subject's name would read as one more package.
        classname=f"{_clean(subject.name).replace('.', '_')}.{_clean(scenario.family)}",
        name=_clean(view.scenario_name(scenario)),
        time=f"{scenario.wall_ms / 1000:.3f}",
    )
    verdict = view.verdict_at(view.level_of(subject), scenario, level)
    details = "\n".join(view.finding_lines(subject, scenario)) or scenario.reason
    if verdict is Verdict.ERROR:
        ET.SubElement(case, "error", type="error", message=_clean(scenario.reason)).text = _clean(details)
    elif verdict is Verdict.UNSUPPORTED:
        ET.SubElement(case, "skipped", message=_clean(scenario.reason))
    elif verdict is not Verdict.PASS:
        ET.SubElement(case, "failure", type=verdict.value, message=_clean(scenario.reason)).text = _clean(details)
    out = [f"verdict: {view.word(scenario.verdict)}", f"went to: {view.went_to(scenario) or 'nowhere'}"]
    if how := view.flaky(subject).get(scenario.scenario):
        out.append(f"{FLAKY.upper()}: {how}")
    out += view.finding_lines(subject, scenario)
    if scenario.timeline is not None:
        out.append(f"timeline: {scenario.timeline}")
    ET.SubElement(case, "system-out").text = _clean("\n".join(out))
    return case


def _clean(text: str) -> str:
    return _NO_XML.sub("�", text)
