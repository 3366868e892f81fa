"""What is written down while the story goes on: steps, pods, and every answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from delivery.cluster import Cluster
from delivery.errors import DeliveryError
from delivery.load import Answer

_WEB = "app.kubernetes.io/component=web"
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of the story. Times are seconds of `time.monotonic()`."""

    title: str
    began: float
    ended: float
    ok: bool
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Look:
    """Ready pods by track at one moment."""

    at: float
    ready: Mapping[str, int]


@dataclass(kw_only=True)
class Record:
    """Everything about one rehearsal. `began` and `ended` are those of the load."""

    began: float = 0.0
    ended: float = 0.0
    steps: list[Step] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    answers: Sequence[Answer] = ()

    @property
    def failed(self) -> list[Answer]:
        """Requests without a good answer."""
        return [answer for answer in self.answers if answer.failed]

    @contextmanager
    def looking(self, cluster: Cluster, namespace: str) -> Iterator[None]:
        """Write down the ready pods of a namespace every second."""
        over = threading.Event()

        def look() -> None:
            path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
            while not over.wait(_LOOK_SECONDS):
                try:
                    found = cluster.objects(path, _WEB)
                except DeliveryError:
                    continue
                ready = {one["metadata"]["name"]: int(one["status"].get("readyReplicas") or 0) for one in found}
                self.looks.append(Look(at=time.monotonic(), ready=ready))

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
