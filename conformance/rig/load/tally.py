"""Counting a load while it goes on: HdrHistograms and counts, put together over workers.

locust's own statistics round a response time to two digits and know nothing of when a request was due.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from hdrh.histogram import HdrHistogram

from conformance.codec import decode, encode
from conformance.load import Counts, Latencies, Measured

_NAMES: Final = ("connect", "answer", "connect_lag", "send_lag")
_US_MAX: Final = 3_600_000_000  # an hour: longer than any load may last
_DIGITS: Final = 3
_US_A_SECOND: Final = 1_000_000
_US_A_MS: Final = 1000.0


class Tally:
    """What one worker has counted since it last told, or the sum of what all of them told."""

    def __init__(self) -> None:
        self._others = Counts()
        self._numbers: Counter[str] = Counter()  # fields of Counts; a sum a message has to be cheap
        self._errors: Counter[str] = Counter()
        self._broken: Counter[str] = Counter()
        self._storm_s = 0.0
        self._histograms = {name: HdrHistogram(1, _US_MAX, _DIGITS) for name in _NAMES}

    @property
    def counts(self) -> Counts:
        """The counts so far."""
        numbers: dict[str, Any] = dict(self._numbers)
        own = Counts(**numbers, storm_s=self._storm_s, errors=dict(self._errors), broken=dict(self._broken))
        return self._others.plus(own)

    def took(self, name: str, seconds: float) -> None:
        """Note a time. Less than a microsecond is one: a clock may even go back by as much between two cores."""
        self._histograms[name].record_value(min(_US_MAX, max(1, round(seconds * _US_A_SECOND))))

    def count(self, what: str, number: int = 1) -> None:
        """Add to one of the counts."""
        self._numbers[what] += number

    def error(self, kind: str) -> None:
        """Count what a server did to a session."""
        self._errors[kind] += 1

    def broke(self, what: str) -> None:
        """Count a bug of the generator's."""
        self._broken[what] += 1

    def storm_took(self, seconds: float) -> None:
        """Note when a session was open, or was not."""
        self._storm_s = max(self._storm_s, seconds)

    def data(self) -> dict[str, Any]:
        """Everything as another process reads it with ``add``."""
        histograms = {name: its.encode().decode("ascii") for name, its in self._histograms.items()}
        return {"counts": encode(self.counts), "histograms": histograms}

    def add(self, data: dict[str, Any]) -> None:
        """Take what another one's ``data`` gave."""
        self._others = self._others.plus(decode(Counts, data["counts"]))
        for name, text in data["histograms"].items():
            self._histograms[name].decode_and_add(text)

    def measured(self, workers: int = 1) -> Measured:
        """The figures."""
        every = {name: _latencies(its) for name, its in self._histograms.items()}
        return Measured(
            counts=self.counts,
            workers=workers,
            connect=every["connect"],
            answer=every["answer"],
            connect_lag=every["connect_lag"],
            send_lag=every["send_lag"],
        )


def _latencies(histogram: HdrHistogram) -> Latencies:
    if not histogram.get_total_count():
        return Latencies()
    p50, p95, p99, p999 = (histogram.get_value_at_percentile(share) / _US_A_MS for share in (50, 95, 99, 99.9))
    worst = histogram.get_max_value() / _US_A_MS
    return Latencies(count=histogram.get_total_count(), p50_ms=p50, p95_ms=p95, p99_ms=p99, p999_ms=p999, max_ms=worst)
