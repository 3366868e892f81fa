"""Wall-clock time of whole commands."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def seconds(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> float:
    """How long a command takes. Raises CalledProcessError if it fails."""
    started = time.monotonic()
    subprocess.run(command, cwd=cwd, env=dict(env), check=True, capture_output=True)
    return time.monotonic() - started


def paired(first: Callable[[], float], second: Callable[[], float], runs: int = 5) -> tuple[list[float], list[float]]:
    """Measure two things in turn, so that a drift of the machine's speed meets both; one warm-up of each."""
    first(), second()
    pairs = [(first(), second()) for _ in range(runs)]
    return [a for a, _ in pairs], [b for _, b in pairs]
