"""The picture of a storm."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np

from conformance.backoff import Backoff
from conformance.crowd import Outage, simulate
from conformance.forecast import Forecast
from conformance.report.storm import picture

OUTAGE = Outage(away_s=60, limit=200)
STEADY = Backoff(2000, 1, 2000)


def drawn(*clients: int) -> ET.Element:
    storms = tuple(simulate(count, STEADY, OUTAGE, np.random.default_rng(0)) for count in clients)
    return ET.fromstring(picture("mine <1>", Forecast((), STEADY, OUTAGE, storms)))  # noqa: S314 - our own


def test_every_crowd_has_its_curve_and_its_name() -> None:
    root = drawn(1000, 3000)
    assert sum(one.tag.endswith("}polyline") for one in root.iter()) == 2
    texts = {"".join(one.itertext()) for one in root.iter() if one.tag.endswith("}text")}
    assert {"1,000 extensions", "3,000 extensions", "limit: 200 new connections a second"} <= texts
    assert "mine <1>: connects a second after an outage of 60 s" in texts
