"""What runs, since when, where its log is, and on which ports."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from local import processes
from local.cluster import supervisor
from local.components import all_of
from local.progress import duration
from local.settings import Settings

PIPE_WIDTH = 200
"""Columns of the table where no terminal tells; enough for its longest line."""


@dataclass(frozen=True)
class State:
    """One service. `pid` is None when it does not run; memory is in bytes, times in seconds since the epoch."""

    name: str
    pid: int | None
    since: float | None
    memory: int
    ports: tuple[str, ...]
    log: str


def read(settings: Settings) -> list[State]:
    """Look at every service of the platform; starts and changes nothing."""
    keeper = supervisor(settings)
    parts = all_of(settings, lambda name: name, own_docker=(settings.bin / "docker").is_symlink())
    states = []
    for part in parts:
        service, found = part.service, keeper.find(part.service.name)
        process: processes.Process | None = found[0] if found else None
        states.append(
            State(
                name=service.name,
                pid=process.pid if process else None,
                since=process.started if process else None,
                memory=process.memory if process else 0,
                ports=tuple(f"{host}:{port}" for host, port in service.ports),
                log=str(keeper.log(service.name)),
            )
        )
    return states


def as_data(settings: Settings, states: list[State]) -> dict[str, object]:
    """Return the shape of `status --json`: `running` (all of them), `home`, and `services`."""
    return {
        "running": all(state.pid for state in states),
        "home": str(settings.home),
        "services": [asdict(state) for state in states],
    }


def show(settings: Settings, states: list[State]) -> None:
    """Print a table for a person."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPE_WIDTH)
    table = Table(box=None, pad_edge=False)
    for heading in ("service", "state", "memory", "ports", "log"):
        table.add_column(heading, no_wrap=True)
    now = time.time()
    for state in states:
        running = f"up {duration(now - state.since)}" if state.since else "down"
        memory = f"{state.memory / 2**20:.0f} MiB" if state.pid else ""
        table.add_row(state.name, running, memory, " ".join(state.ports), state.log)
    console.print(table)
    up = sum(1 for state in states if state.pid)
    total = sum(state.memory for state in states) / 2**20
    console.print(f"{up} of {len(states)} services run, {total:.0f} MiB; data in {settings.home}", highlight=False)
