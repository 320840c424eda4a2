"""The JSON report."""

from __future__ import annotations

import json
from pathlib import Path

from conformance.record import RunRecord
from conformance.report import json_report
from conformance.results import RunResult, to_json
from conformance.store import results_bytes


def test_it_is_results_json(result: RunResult, record: RunRecord, tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    json_report.write(result, record, path)
    assert path.read_bytes() == results_bytes(result)
    assert json.loads(path.read_text(encoding="utf-8")) == to_json(result)
