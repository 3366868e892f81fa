"""What a release costs in time and in requests: everything that the story promises for `real`."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.bench.figures import Figure, ratio
from tests.bench.timing import seconds
from tests.e2e.stack import Stack
from tests.load import Load, Profile, Summary, run

V1, V2, AB = "v1.0.0", "v2.0.0", "v2.1.0"
LIVE_1 = {"live": V1, "standby": None, "canary": None}
RELEASED = {"live": V2, "standby": V1, "canary": None}
ROLLED_BACK = {"live": V1, "standby": V2, "canary": None}
RETIRED = {"live": V2, "standby": None, "canary": None}
SCALE = {"min": 10, "max": 10}
WEIGHTS = (1, 5, 10, 50)
_PODS = 10


@dataclass(frozen=True)
class Move:
    """One update, by when it was started and when the last request was answered by the version before it."""

    started: float
    ended: float
    old: str
    new: str

    def until_all_traffic_moved(self, answers: Summary) -> float:
        """Seconds from the start of the update to the last request that the old version answered."""
        during = self._during(answers)
        return during.last_sent(self.old) - self.started

    def mixed_milliseconds(self, answers: Summary) -> float:
        """How long both versions answered."""
        return self._during(answers).mixed_seconds(self.old, self.new) * 1000

    def _during(self, answers: Summary) -> Summary:
        return Summary([a for a in answers.answers if self.started <= a.sent < self.ended and a.kind != "slow"])


def measure(real: Stack, requests: int, rounds: int = 3) -> list[Figure]:
    """Move traffic there and back, and go on until `requests` have been sent; all of it under the same load."""
    moves: list[Move] = []
    started = time.monotonic()
    with Load(real.target(), Profile(rate=150, longest_seconds=7200)) as load:
        time.sleep(2)
        no_ops = [_no_op(real) for _ in range(rounds)]
        ready = [_ten_pods_ready(real) for _ in range(rounds)]
        while len(moves) < 2 * rounds or (time.monotonic() - started) * 150 < requests:
            moves.append(_move(real, RELEASED, V1, V2))
            moves.append(_move(real, ROLLED_BACK, V2, V1))
            _move(real, LIVE_1, V2, V1)
            _story(real)
    answers = load.summary
    releases = [m.until_all_traffic_moved(answers) for m in moves if m.new == V2][:rounds]
    ways_back = [m.until_all_traffic_moved(answers) for m in moves if m.new == V1][:rounds]
    return [
        ratio(
            "release_ratio",
            1.5,
            releases,
            [a + b for a, b in zip(no_ops, ready, strict=True)],
            no_op_seconds=no_ops,
            ten_pods_ready_seconds=ready,
        ),
        ratio("rollback_ratio", 1.5, ways_back, no_ops),
        Figure(
            name="release_failed_requests",
            value=len(answers.failed),
            unit="requests",
            goal=0,
            parts={
                "requests": len(answers.answers),
                "errors": sorted({a.error or str(a.status) for a in answers.failed}),
            },
        ),
        Figure(
            name="release_mixed_ms",
            value=round(max(m.mixed_milliseconds(answers) for m in moves), 1),
            unit="ms",
            goal=100,
            parts={"moves": len(moves)},
        ),
    ]


def measure_canary(real: Stack, requests: int = 20_000, rate: float = 300) -> Figure:
    """Share of the canary among requests without a side, against the 99.9 % binomial interval."""
    shares: dict[str, Any] = {}
    outside = 0
    for weight in WEIGHTS:
        real.change(**RETIRED, scale=SCALE) if weight == WEIGHTS[0] else None
        real.change(canary={"version": AB, "weight": weight, "replicas": 2})
        real.up()
        answers = Summary(run(real.target(), Profile(rate=rate, slow_every_seconds=0), requests / rate))
        count, total = answers.by_version[AB], len(answers.answers)
        spread = 3.29 * (total * weight / 100 * (1 - weight / 100)) ** 0.5
        fits = abs(count - total * weight / 100) <= spread and not answers.failed
        outside += not fits
        shares[f"{weight} %"] = {"canary": count, "of": total, "interval": round(spread, 1), "fits": fits}
    return Figure(name="canary_share_ok", value=outside, unit="weights outside", goal=0, parts=shares)


def _move(real: Stack, roles: Mapping[str, Any], old: str, new: str) -> Move:
    started = time.monotonic()
    real.change(**roles)
    real.up()
    time.sleep(1)
    return Move(started, time.monotonic(), old, new)


def _story(real: Stack) -> None:
    """The rest of the night: a canary comes and goes, the maximum is raised and lowered again."""
    real.change(canary={"version": AB, "weight": 10, "replicas": 2})
    real.up()
    real.change(canary=None, scale={"min": 10, "max": 20})
    real.up()
    real.change(scale=SCALE)
    real.up()


def _no_op(real: Stack) -> float:
    command = ["pulumi", "up", "--yes", "--skip-preview", "--stack", real.name]
    return seconds(command, cwd=real.folder, env=real.env)


def _ten_pods_ready(real: Stack) -> float:
    """How long ten more pods of the live image take under plain kubectl."""
    live = json.loads(real.kubectl("get", "deployment", "v1-0-0", "-o", "json"))
    labels = {"app.kubernetes.io/instance": "bench", "app.kubernetes.io/component": "web"}
    template = live["spec"]["template"]
    template["metadata"] = {"labels": labels}
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "bench", "namespace": real.namespace},
        "spec": {"replicas": _PODS, "selector": {"matchLabels": labels}, "template": template},
    }
    started = time.monotonic()
    kubectl = ["kubectl", "--namespace", real.namespace]
    subprocess.run([*kubectl, "apply", "-f", "-"], input=json.dumps(manifest), text=True, env=real.env, check=True)
    subprocess.run([*kubectl, "rollout", "status", "deployment/bench"], env=real.env, check=True, capture_output=True)
    took = time.monotonic() - started
    real.kubectl("delete", "deployment", "bench", "--wait=true", "--cascade=foreground")
    return took
