"""What the deployment costs: the reckoning by hand, and docs/deploying.md held to it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from servers.public.deploy import costs
from servers.public.deploy.costs import Item

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
REFERENCE = ROOT / "fixtures" / "extensions" / "reference" / "connection.js"


def usd(items: list[Item], what: str) -> float:
    (found,) = [item.usd for item in items if item.what == what]
    return found


def test_a_million_answered_messages_are_two_million_to_api_gateway() -> None:
    items = costs.messages(1e6)
    assert usd(items, "API Gateway: messages") == pytest.approx(2.00)
    assert usd(items, "functions: messages") == pytest.approx(0.20)
    assert usd(items, "functions: time") == pytest.approx(1e6 * 0.005 * 0.25 * 0.0000133334)
    assert usd(items, "logs") == pytest.approx(0.25)
    assert costs.total(items) == pytest.approx(sum(item.usd for item in items))


def test_more_than_a_thousand_million_messages_are_cheaper() -> None:
    assert costs.tiered(1e9, costs.MESSAGE) == pytest.approx(1_000)
    assert costs.tiered(3e9, costs.MESSAGE) == pytest.approx(1_000 + 2_000 * 0.80)
    assert costs.tiered(0, costs.MESSAGE) == 0


def test_a_connect_writes_three_times_and_reads_once() -> None:
    """As servers/public/tables.py does: ADD, put, delete; the minute before, not consistently."""
    assert usd(costs.connects(1e6), "table") == pytest.approx(3 * 0.625 + 0.125 / 2)


def test_idle_sessions_pay_by_the_minute() -> None:
    items = costs.idle(1e6)
    assert usd(items, "API Gateway: connection minutes") == pytest.approx(1e6 * 43_800 * 0.25 / 1e6)
    assert usd(items, "CloudFront: handshakes") == pytest.approx(1e6 * 365 * 0.01 / 10_000)  # twelve a day


def test_pings_cost_more_than_minutes_and_without_them_api_gateway_hangs_up() -> None:
    pings = costs.total(costs.idle(1e6)) - costs.total(costs.idle(1e6, ping_every_s=590)) > 0
    assert pings
    silent = costs.idle(1e6, ping_every_s=None)
    assert usd(silent, "CloudFront: handshakes") == pytest.approx(1e6 * 4_380 * 0.01 / 10_000)  # every ten minutes
    assert usd(costs.idle(1e6, ping_every_s=601), "CloudFront: handshakes") == usd(silent, "CloudFront: handshakes")


def test_the_first_quota_that_is_met_is_that_of_requests() -> None:
    reached = {one.what: one.sessions for one in costs.reach()}
    assert reached == {"new connections": 3_600_000, "requests": 200_000, "concurrent functions": 4_000_000}


def test_the_ping_is_the_reference_extension_s() -> None:
    (found,) = re.findall(r"PING_EVERY_MS = ([\d_]+);", REFERENCE.read_text(encoding="utf-8"))
    assert int(found) == costs.PING_EVERY_S * 1000


@pytest.mark.parametrize("name", sorted(costs.tables()))
def test_the_document_has_these_figures(name: str) -> None:
    found = re.search(rf"<!-- costs: {name} -->\n(.*?)\n<!-- end -->", DOCUMENT, re.DOTALL)
    assert found is not None
    assert found.group(1) == costs.tables()[name]


def test_the_document_has_no_other_tables_of_costs() -> None:
    assert set(re.findall(r"<!-- costs: (\w+) -->", DOCUMENT)) == set(costs.tables())


def test_every_price_stands_in_the_document_with_its_source() -> None:
    prices: tuple[float, ...] = (
        costs.TABLE_WRITE * 1e6,
        costs.TABLE_READ * 1e6,
        costs.CONNECTION_MINUTE * 1e6,
        costs.FUNCTION_CALL * 1e6,
    )
    prices += (costs.FUNCTION_GB_SECOND, costs.FRONT_OUT_GB, costs.FRONT_ORIGIN_GB, costs.ALARM_MONTH, costs.LOG_GB)
    (table,) = re.findall(r"(?s)\| price \|.*?\n\n", DOCUMENT)
    shown = {float(one) for one in re.findall(r"\$([\d.]+\d)", table)}
    assert {round(price, 12) for price in prices} <= shown
    head, _, *rows = table.strip().splitlines()
    assert re.search(r"seen, on \d+ \w+ 20\d\d", head)
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert all(len(row) == 4 and all(row) for row in cells)


def test_it_prints_the_tables() -> None:
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, costs.__file__], capture_output=True, check=True, text=True
    )
    assert done.stdout == "\n\n".join(costs.tables().values()) + "\n"
