"""The picture of a forecast: connects a second over time since the server's return.

Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.report.plot import Axis, Curve, Plot, Rule, draw

if TYPE_CHECKING:
    from conformance.forecast import Forecast

_HEADROOM = 1000  # for the legend, on a logarithmic axis


def picture(name: str, forecast: Forecast) -> str:
    """The SVG document; both axes are logarithmic."""
    outage, storms = forecast.outage, forecast.storms
    curves = []
    for storm in storms:
        counts = storm.a_second().tolist()
        points = [(float(second), float(count)) for second, count in enumerate(counts, 1)]
        curves.append(Curve(f"{storm.clients:,} extensions", points))
    last_s = max((len(curve.points) for curve in curves), default=1)
    most = max((storm.peak for storm in storms), default=1)
    plot = Plot(
        f"{name}: connects a second after an outage of {outage.away_s:g} s",
        Axis("seconds since the public server returned", 1, max(10.0, last_s), log=True),
        Axis("connects a second", 1, _HEADROOM * max(10.0, most, outage.limit), log=True),
        curves,
        [Rule(f"limit: {outage.limit:,} new connections a second", outage.limit)],
    )
    return draw(plot)
