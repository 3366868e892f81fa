"""Prometheus metrics of one process."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.process_collector import ProcessCollector

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
# Seconds; fine around the goal of 50 ms at the 99th percentile.
BUCKETS: Final = (0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """Counts answers by status and times them; probes and scrapes are left out, they would hide the members."""

    def __init__(self, *, version: str, track: str) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        requests = Counter(
            "inssa_requests", "Answered requests", ("status", "version", "track"), registry=self._registry
        )
        seconds = Histogram(
            "inssa_request_seconds",
            "Time from the first byte of a request to the end of its answer",
            ("version", "track"),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._labels = {"version": version, "track": track}
        self._requests = requests
        self._seconds = seconds.labels(**self._labels)

    def observe(self, status: int, seconds: float) -> None:
        """Count one answer."""
        self._requests.labels(status=str(status), **self._labels).inc()
        self._seconds.observe(seconds)

    def render(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self._registry)
