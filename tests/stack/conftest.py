from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stack import harness

Run = Callable[..., harness.Program]


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cluster that can be connected to, and no more."""
    with harness.reachable_kubeconfig(tmp_path_factory.mktemp("cluster")) as path:
        yield path


@pytest.fixture(scope="session")
def run(kubeconfig: Path) -> Run:
    """Run a stack's program against mocks: `run("stage")`, or with changed keys `run("stage", version="v3.0.0")`.

    The same question is answered once; nobody may change an answer.
    """
    answers: dict[str, harness.Program] = {}

    def call(
        stack: str,
        deployed: dict[str, Any] | None = None,
        live_replicas: int = 0,
        target: str = "local",
        preview: bool = False,
        **changes: Any,
    ) -> harness.Program:
        base = "gke" if target == "gke" else "local"
        config = {**harness.committed_config(stack, base), **changes}
        if target != base:
            config["target"] = target
        config = {key: value for key, value in config.items() if value is not None}
        question = json.dumps([stack, config, deployed, live_replicas, preview], sort_keys=True, default=str)
        if question not in answers:
            answers[question] = harness.run(
                stack, config, kubeconfig=kubeconfig, deployed=deployed, live_replicas=live_replicas, preview=preview
            )
        return answers[question]

    return call
