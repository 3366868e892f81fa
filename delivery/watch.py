"""Watching a release: whether members fare worse with it than before."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from delivery import observation, smoke, state
from delivery.change import Situation
from delivery.cluster import Cluster, connected
from delivery.errors import DeliveryError

_LOOK_SECONDS = 2.0


class Watch:
    """Compares what members get from a new version with what they got from the one before."""

    def __init__(self, seconds: float, limits: observation.Limits, say: Callable[[str], None]) -> None:
        self._seconds = seconds
        self._limits = limits
        self._say = say
        self._config: Mapping[str, Any] = {}
        self._old: state.Track | None = None
        self._before: observation.Pods = {}

    def begin(self, found: Situation) -> None:
        """Read the counters of the version that serves now."""
        self._config, self._old = found.file.config, found.state.live
        if self._old and self._seconds:
            with connected(self._config) as cluster:
                self._before = observation.read(cluster, self._old.namespace, self._old.name)

    def judge(self, now: state.State) -> str | None:
        """Watch the version that serves now; why it is worse than the one before, or None."""
        if problem := smoke.problem(now):
            return problem
        new, old, seconds = now.live, self._old, self._seconds
        if not seconds or new is None or old is None:
            return None
        if new.version == old.version:
            # Run again after an interruption: the version before is the standby now.
            old = next((track for track in now.tracks if track.version == now.roles.standby), None)
            self._before = {}
            if old is None:
                return None
        try:
            with connected(self._config) as cluster:
                return self._compare(cluster, old, new, now, seconds)
        except DeliveryError as error:
            self._say(f"the counters of {new.version} cannot be read, its addresses answer rightly: {error}")
            return None

    def _compare(
        self, cluster: Cluster, old: state.Track, new: state.Track, now: state.State, seconds: float
    ) -> str | None:
        before = observation.between(self._before, observation.read(cluster, old.namespace, old.name))
        start = observation.read(cluster, new.namespace, new.name)
        began = time.monotonic()
        counts = observation.Counts()
        self._say(f"watching {new.version} for {seconds:g} s")
        while True:
            time.sleep(min(_LOOK_SECONDS, seconds))
            counts = observation.between(start, observation.read(cluster, new.namespace, new.name))
            problem = smoke.problem(now, patience=0) or observation.verdict(before, counts, self._limits)
            if problem:
                return problem
            if time.monotonic() - began >= seconds:
                break
        self._say(
            f"{new.version}: {counts.requests} answers, {counts.error_rate:.2%} failed, 99 % within "
            f"{counts.percentile(99) * 1000:g} ms; {old.version}: {before.requests} answers, {before.error_rate:.2%} "
            f"failed, 99 % within {before.percentile(99) * 1000:g} ms"
        )
        return None
