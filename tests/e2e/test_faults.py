"""Whatever breaks during a release: traffic stays on one known version, and the next update finishes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e import images
from tests.e2e.interruption import Moment, converge, moments, orphans, up_until
from tests.e2e.stack import ROOT, Stack
from tests.e2e.test_release import LIVE_1, RELEASED, ROLLED_BACK, V1, V2, weights
from tests.load import Load, Profile

REPRESENTATIVE = [
    (Moment("ConfigMap", "v2-0-0", "created"), signal.SIGINT),
    (Moment("Deployment", "v2-0-0", "creating"), signal.SIGKILL),
    (Moment("HTTPRoute", "public", "updating"), signal.SIGKILL),
]


@pytest.fixture(scope="module")
def real(make_stack: Callable[[dict[str, Any]], Stack], platform: dict[str, str]) -> Stack:
    for version in (V1, V2):
        images.build(version)
    assert platform
    stack = make_stack({"phase": "real", "scale": {"min": 3, "max": 3}, **LIVE_1})
    stack.up()
    return stack


def back_to_1(real: Stack) -> None:
    if weights(real).get("v2-0-0"):
        real.change(**ROLLED_BACK)
        converge(real)
    real.change(**LIVE_1)
    converge(real)


def interrupted_release(real: Stack, moment: Moment, how: signal.Signals) -> None:
    """Kill a release at a moment, look at what serves, finish it, and go back; no request may fail."""
    back_to_1(real)
    with Load(real.target(), Profile(rate=100)) as load:
        real.change(**RELEASED)
        reached = up_until(real, moment, how)
        serving = {track for track, weight in weights(real).items() if weight}
        converge(real)
        assert weights(real) == {"v2-0-0": 100, "v1-0-0": 0}
    assert reached, f"the update never came to: {moment}"
    assert serving in ({"v1-0-0"}, {"v2-0-0"}), f"{moment}: {serving}"
    assert load.summary.failed == [], f"{moment}: {load.summary}"
    assert orphans(real) == set(), str(moment)
    assert real.preview() == {}


@pytest.mark.parametrize(("moment", "how"), REPRESENTATIVE, ids=str)
def test_a_release_that_is_interrupted_is_finished_by_the_next_update(
    real: Stack, moment: Moment, how: signal.Signals
) -> None:
    interrupted_release(real, moment, how)


@pytest.mark.faults
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["SIGINT", "SIGKILL"])
def test_a_release_may_be_interrupted_at_every_step(real: Stack, how: signal.Signals) -> None:
    back_to_1(real)
    real.change(**RELEASED)
    every = moments(real.up())
    assert len(every) > 20
    for moment in dict.fromkeys(every):
        interrupted_release(real, moment, how)


def test_of_two_updates_at_once_one_is_refused(real: Stack) -> None:
    back_to_1(real)
    real.change(**RELEASED)
    with Load(real.target(), Profile(rate=100)) as load:
        processes = [real.start("up", "--yes", "--skip-preview", "--stack", real.name) for _ in range(2)]
        printed = [process.communicate(timeout=600)[0] for process in processes]
    codes = sorted(process.returncode for process in processes)
    assert codes[0] == 0
    refused = [text for process, text in zip(processes, printed, strict=True) if process.returncode]
    assert len(refused) == 1
    assert "currently locked" in refused[0]
    assert load.summary.failed == []
    assert weights(real) == {"v2-0-0": 100, "v1-0-0": 0}


def test_a_pod_may_be_deleted_and_the_database_may_restart(real: Stack) -> None:
    back_to_1(real)
    with Load(real.target(), Profile(rate=100)) as load:
        victim, *_ = real.ready_pods("v1-0-0")
        real.kubectl("delete", "pod", victim, "--wait=false")
        time.sleep(3)
        real.kubectl("rollout", "restart", "statefulset/database")
        real.kubectl("rollout", "status", "statefulset/database", "--timeout=120s")
        time.sleep(3)
    assert load.summary.failed == [], str(load.summary)


KUBELET = pytest.param(
    "kubelet",
    marks=[
        pytest.mark.faults,
        pytest.mark.xfail(reason="up to 1.34 a starting kubelet calls its pods unready: kubernetes/kubernetes#100277"),
    ],
)


@pytest.mark.parametrize("service", ["contour", KUBELET])
def test_a_service_of_the_node_may_die_during_the_move(real: Stack, service: str) -> None:
    back_to_1(real)
    with Load(real.target(), Profile(rate=100)) as load:
        real.change(**RELEASED)
        update = real.start("up", "--yes", "--skip-preview", "--stack", real.name)
        time.sleep(4)
        kill_and_restart(real, service)
        printed, _ = update.communicate(timeout=600)
    assert update.returncode == 0, printed
    assert weights(real) == {"v2-0-0": 100, "v1-0-0": 0}
    assert load.summary.failed == [], str(load.summary)


def kill_and_restart(real: Stack, service: str) -> None:
    """End a process of the platform by its id, and let the platform start what is missing."""
    platform = [sys.executable, "-m", "local"]
    status = subprocess.run([*platform, "status", "--json"], cwd=ROOT, env=real.env, capture_output=True, check=True)
    (pid,) = [entry["pid"] for entry in json.loads(status.stdout)["services"] if entry["name"] == service]
    os.kill(pid, signal.SIGKILL)
    subprocess.run([*platform, "up"], cwd=ROOT, env=real.env, capture_output=True, check=True)
