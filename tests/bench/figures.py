"""A figure with its goal, and the table and file that `make bench` leaves."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured value. `goal` is the most that is allowed; None is a value without a goal."""

    name: str
    value: float
    unit: str
    goal: float | None
    parts: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the goal is met."""
        return self.goal is None or self.value <= self.goal


def ratio(name: str, goal: float, over: Sequence[float], under: Sequence[float], **parts: Any) -> Figure:
    """Median of the ratios of paired measurements, in seconds each."""
    ratios = [a / b for a, b in zip(over, under, strict=True)]
    return Figure(
        name=name,
        value=round(statistics.median(ratios), 3),
        unit="ratio",
        goal=goal,
        parts={
            "over_seconds": [round(s, 2) for s in over],
            "under_seconds": [round(s, 2) for s in under],
            **parts,
        },
    )


def report(figures: Sequence[Figure], path: Path) -> bool:
    """Print the table and write the file; True if every goal is met."""
    table = Table("figure", "value", "unit", "goal", "")
    for figure in figures:
        goal = "" if figure.goal is None else f"<= {figure.goal:g}"
        table.add_row(figure.name, f"{figure.value:g}", figure.unit, goal, "ok" if figure.ok else "MISSED")
    Console().print(table)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([{**asdict(figure), "ok": figure.ok} for figure in figures], indent=2) + "\n")
    return all(figure.ok for figure in figures)


Measure = Callable[[], list[Figure]]
