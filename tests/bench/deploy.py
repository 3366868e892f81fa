"""What the command adds to the update that it makes, and how soon it tells what runs."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.figures import Figure, ratio
from tests.bench.timing import paired, seconds
from tests.e2e.stack import Stack

_INSSA = str(Path(sys.executable).parent / "inssa")


def measure(stage: Stack, versions: Sequence[str], runs: int = 5) -> list[Figure]:
    """`inssa deploy` of one version in turn with plain `pulumi up` of another, both without a preview; then status."""
    plain_version, other = versions
    file = stage.folder / f"Pulumi.{stage.name}.yaml"

    def timed(*command: str) -> float:
        return seconds(command, cwd=stage.folder, env=stage.env)

    def plain() -> float:
        file.write_text(file.read_text().replace(other, plain_version))
        return timed("pulumi", "up", "--yes", "--skip-preview", "--stack", stage.name)

    def deploy() -> float:
        return timed(_INSSA, "deploy", stage.name, other, "--yes", "--skip-preview")

    deploys, updates = paired(deploy, plain, runs)
    looks = [timed(_INSSA, "status", stage.name) for _ in range(6)][1:]
    return [
        ratio("deploy_overhead_ratio", 1.1, deploys, updates),
        Figure(
            name="status_seconds",
            value=round(statistics.median(looks), 3),
            unit="s",
            goal=2.0,
            parts={"seconds": [round(look, 3) for look in looks]},
        ),
    ]
