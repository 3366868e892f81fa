"""Measure everything that has a figure, as ratios in one run: make bench.

Prints a table, writes build/bench.json, and exits with 1 if a goal is missed.
`--only NAME` measures one group; `--requests N` shortens the long run.
"""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import local
from tests.bench import command, deploy, page, platform, release, updates
from tests.bench.figures import Figure, report
from tests.e2e import images
from tests.e2e.stack import ROOT, Stack

GROUPS = ("command", "updates", "page", "release", "canary", "platform")


@contextmanager
def stack(config: dict[str, Any]) -> Iterator[Stack]:
    """A stack of its own name, namespace and state, deployed, and destroyed at the end."""
    with tempfile.TemporaryDirectory() as folder:
        made = Stack(f"bench-{secrets.token_hex(3)}", config, Path(folder), local.environment())
        made.init()
        try:
            made.up()
            yield made
        finally:
            made.destroy()


def command_group() -> list[Figure]:
    """Start of the command."""
    return command.measure()


def updates_group() -> list[Figure]:
    """The stage of the story against an empty program."""
    audiences = {"qa": {"replicas": 1}, "dogfooding": {"replicas": 1}}
    for version in ("v1.0.0-rc1", "v1.0.0-rc2"):
        images.build(version)
    with (
        stack({"phase": "stage", "version": "v1.0.0-rc1", "audiences": audiences}) as stage,
        tempfile.TemporaryDirectory() as folder,
    ):
        return [
            *updates.measure(stage, Path(folder)),
            *deploy.measure(stage, ("v1.0.0-rc1", "v1.0.0-rc2")),
        ]


def page_group() -> list[Figure]:
    """One pod at 150 requests per second."""
    images.build("v1.0.0")
    with stack({"phase": "dev", "version": "v1.0.0", "audiences": {"web": {}}}) as dev:
        return page.measure(dev, "web")


def release_group(requests: int) -> list[Figure]:
    """The night of the story, again and again, until enough requests were sent."""
    for version in (release.V1, release.V2, release.AB):
        images.build(version)
    with stack({"phase": "real", "scale": release.SCALE, **release.LIVE_1}) as real:
        return release.measure(real, requests)


def canary_group() -> list[Figure]:
    """The canary's share at four weights."""
    for version in (release.V2, release.AB):
        images.build(version)
    with stack({"phase": "real", "scale": release.SCALE, **release.RETIRED}) as real:
        return [release.measure_canary(real)]


def main() -> int:
    """Measure what was asked for; the exit code says whether every goal is met."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=GROUPS, help="measure this group; may be repeated")
    parser.add_argument("--requests", type=int, default=250_000, help="requests of the long run")
    arguments = parser.parse_args()
    # Ignored in a shell's background job, and then by the engine's plugins, which it waits five seconds for.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    groups: dict[str, Callable[[], list[Figure]]] = {
        "command": command_group,
        "updates": updates_group,
        "page": page_group,
        "release": lambda: release_group(arguments.requests),
        "canary": canary_group,
        "platform": platform.measure,
    }
    figures: list[Figure] = []
    for name in arguments.only or GROUPS:
        print(f"measuring: {name}", flush=True)
        figures += groups[name]()
    return 0 if report(figures, ROOT / "build/bench.json") else 1


if __name__ == "__main__":
    sys.exit(main())
