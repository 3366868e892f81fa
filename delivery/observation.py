"""Whether the new version serves its members as well as the old one did.

Every pod of InssaService counts its answers by status and times them
(`/metrics`). Those counters are read from each pod through the cluster's API,
because an address of the gateway would show one pod of many. What members get
when no pod answers them does not show there, so the public address is asked as
well.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from delivery.cluster import Cluster
from delivery.errors import DeliveryError

_Key = TypeVar("_Key", int, float)
_PORT = 8000
_COUNTER = re.compile(r'^inssa_requests_total\{[^}]*status="(?P<status>\d+)"[^}]*\} (?P<value>\S+)$', re.MULTILINE)
_BUCKET = re.compile(r'^inssa_request_seconds_bucket\{le="(?P<le>[^"]+)"[^}]*\} (?P<value>\S+)$', re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Answers by status, and answers that took at most so many seconds (cumulative, as Prometheus counts)."""

    by_status: Mapping[int, float] = field(default_factory=dict)
    within: Mapping[float, float] = field(default_factory=dict)

    def __add__(self, other: Counts) -> Counts:
        return Counts(by_status=_sum(self.by_status, other.by_status), within=_sum(self.within, other.within))

    def since(self, before: Counts) -> Counts:
        """What was counted after `before`; all of it if the process began anew since."""
        if any(self.by_status.get(status, 0) < value for status, value in before.by_status.items()):
            return self
        return Counts(
            by_status={status: value - before.by_status.get(status, 0) for status, value in self.by_status.items()},
            within={bound: value - before.within.get(bound, 0) for bound, value in self.within.items()},
        )

    @property
    def requests(self) -> int:
        """All answers."""
        return round(sum(self.by_status.values()))

    @property
    def errors(self) -> int:
        """Answers that are the server's fault."""
        return round(sum(value for status, value in self.by_status.items() if status >= 500))

    @property
    def error_rate(self) -> float:
        """Share of errors, 0 without answers."""
        return self.errors / self.requests if self.requests else 0.0

    def percentile(self, percent: float) -> float:
        """Seconds within which `percent` of the answers came: the upper bound of their bucket."""
        total = max(self.within.values(), default=0)
        for bound, value in sorted(self.within.items()):
            if total and value >= total * percent / 100:
                return bound
        return 0.0


Pods = Mapping[str, Counts]
"""Counts of each pod of a track, by the pod's name."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When the new version is worse: rates are shares, `latency` is a factor on the old version's.

    A verdict needs `errors` failed answers, so that one unlucky request moves nobody.
    """

    errors: int = 5
    error_rate: float = 0.01
    latency: float = 2.0
    latency_floor: float = 0.1
    least: int = 50


def read(cluster: Cluster, namespace: str, track: str) -> Pods:
    """Counts of every pod of a track that answers now."""
    selector = f"app.kubernetes.io/instance={track},app.kubernetes.io/component=web"
    found = {}
    for pod in cluster.objects(f"/api/v1/namespaces/{namespace}/pods", selector):
        name = pod["metadata"]["name"]
        try:
            text = cluster.text(f"/api/v1/namespaces/{namespace}/pods/{name}:{_PORT}/proxy/metrics")
        except DeliveryError:
            continue  # It starts or ends just now.
        found[name] = parse(text)
    return found


def parse(text: str) -> Counts:
    """Counts of Prometheus' text format."""
    by_status: dict[int, float] = {}
    for status, value in _COUNTER.findall(text):
        by_status[int(status)] = by_status.get(int(status), 0) + float(value)
    within = {math.inf if le == "+Inf" else float(le): float(value) for le, value in _BUCKET.findall(text)}
    return Counts(by_status=by_status, within=within)


def between(before: Pods, after: Pods) -> Counts:
    """What all pods counted between two readings; pods that came meanwhile count whole."""
    return total(after[name].since(before.get(name, Counts())) for name in after)


def total(counts: Iterable[Counts]) -> Counts:
    """The sum."""
    return sum(counts, Counts())


def verdict(old: Counts, new: Counts, limits: Limits) -> str | None:
    """Why the new version is worse than the old one; None if it is not, or if there is too little to tell."""
    if new.errors >= limits.errors and new.error_rate > old.error_rate + limits.error_rate:
        return (
            f"{new.errors} of {new.requests} answers failed ({new.error_rate:.1%}); "
            f"the version before failed {old.error_rate:.1%}"
        )
    if min(old.requests, new.requests) < limits.least:
        return None
    before, now = old.percentile(99), new.percentile(99)
    if now > max(limits.latency * before, limits.latency_floor):
        return f"99 % of the answers take up to {now * 1000:g} ms; with the version before it was {before * 1000:g} ms"
    return None


def _sum(one: Mapping[_Key, float], other: Mapping[_Key, float]) -> dict[_Key, float]:
    summed = dict(one)
    for key, value in other.items():
        summed[key] = summed.get(key, 0) + value
    return summed
