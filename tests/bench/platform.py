"""How long the platform takes: from nothing, from everything built, and with nothing to do."""

from __future__ import annotations

import os

from tests.bench.figures import Figure
from tests.bench.timing import seconds
from tests.e2e.stack import ROOT

_MAKE_UP = ["make", "up"]


def measure() -> list[Figure]:
    """`make up` after `make stop`, and again with nothing to change. The cold figure is what the last build took."""
    seconds(_MAKE_UP, cwd=ROOT, env=os.environ)
    unchanged = seconds(_MAKE_UP, cwd=ROOT, env=os.environ)
    seconds(["make", "stop"], cwd=ROOT, env=os.environ)
    warm = seconds(_MAKE_UP, cwd=ROOT, env=os.environ)
    return [
        Figure(name="setup_warm_seconds", value=round(warm, 1), unit="s", goal=60),
        Figure(name="setup_unchanged_seconds", value=round(unchanged, 1), unit="s", goal=20),
    ]
