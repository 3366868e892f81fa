"""How fast the `inssa` command starts."""

from __future__ import annotations

import os
import statistics
import sys
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.timing import seconds
from tests.e2e.stack import ROOT


def measure(runs: int = 7) -> list[Figure]:
    """Median of `inssa --help`, after one warm-up."""
    inssa = str(Path(sys.executable).parent / "inssa")
    times = [seconds([inssa, "--help"], cwd=ROOT, env=os.environ) for _ in range(runs + 1)][1:]
    return [
        Figure(
            name="cli_start_seconds",
            value=round(statistics.median(times), 3),
            unit="s",
            goal=0.3,
            parts={"seconds": [round(t, 3) for t in times]},
        )
    ]
