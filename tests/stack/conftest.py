from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stack import harness

Run = Callable[..., harness.Program]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a stack's program against mocks: `run("stage")`, or with changed keys `run("stage", version="v3.0.0")`."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("{}")

    def call(
        stack: str, deployed: dict[str, Any] | None = None, live_replicas: int = 0, **changes: Any
    ) -> harness.Program:
        config = {**harness.committed_config(stack), **changes}
        config = {key: value for key, value in config.items() if value is not None}
        return harness.run(stack, config, kubeconfig=kubeconfig, deployed=deployed, live_replicas=live_replicas)

    return call
