"""NET: what the browser itself does to the subject's requests.

Pure. NET-1 (which address of localhost answers) needs rigs that own their network; it has no oracle yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.events import AccessChecked, FetchStarted, SocketStarted
from conformance.oracles.findings import evidence_of
from conformance.oracles.registry import oracle
from conformance.verdict import Finding, Verdict

if TYPE_CHECKING:
    from conformance.oracles.case import Case


@oracle("NET-2", everywhere=True)
def local_network_access(case: Case) -> Finding | None:
    """It is not stopped by the browser's local-network-access rules."""
    ours = {
        event.request
        for event in case.timeline
        if isinstance(event, FetchStarted | SocketStarted) and case.role(event.url).side is not None
    }
    checks = case.timeline.all(AccessChecked, lambda event: event.request in ours)
    if not checks:
        return case.absent("NET-2", "the browser checked no request of the subject's")
    blocked = next((check for check in checks if check.result.startswith("block")), None)
    if blocked is not None:
        reason = f"the browser stopped a request of the subject's at {blocked.at_ms:.0f} ms: {blocked.result}"
        return Finding("NET-2", Verdict.FAIL, reason, evidence_of(blocked))
    unclear = next((check for check in checks if not check.result.startswith("allow")), None)
    if unclear is not None:
        reason = f"the browser's check came to {unclear.result!r}, which this harness does not know"
        return Finding("NET-2", Verdict.INCONCLUSIVE, reason, evidence_of(unclear))
    results = ", ".join(sorted({check.result for check in checks}))
    count = "1 request" if len(checks) == 1 else f"{len(checks)} requests"
    return Finding("NET-2", Verdict.PASS, f"the browser let {count} through: {results}", evidence_of(*checks))
