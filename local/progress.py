"""Telling what happens: live rows on a terminal, plain lines elsewhere.

Plain output gets a line when a step starts and ends and one every 15 seconds while it runs, so
that a log never looks as if it hung.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn

HEARTBEAT_SECONDS = 15.0


def duration(seconds: float) -> str:
    """Write a time span as a person says it: `8s`, `4m15s`."""
    whole = round(seconds)
    return f"{whole}s" if whole < 60 else f"{whole // 60}m{whole % 60:02}s"


@dataclass
class Step:
    """A step that runs. `note` is what it does right now."""

    title: str
    estimate: float | None
    """Expected time in seconds."""
    started: float = field(default_factory=time.monotonic)
    note: str = ""

    def describe(self) -> str:
        """Title, note and time, on one line."""
        took = duration(time.monotonic() - self.started)
        about = f" of about {duration(self.estimate)}" if self.estimate else ""
        return f"{self.title}{f': {self.note}' if self.note else ''} ({took}{about})"


class Reporter:
    """Shows steps on standard error. Safe to use from several threads; a context manager."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._live = (
            Progress(SpinnerColumn(), TextColumn("{task.description}"), console=self._console, transient=True)
            if self._console.is_terminal
            else None
        )
        self._running: dict[int, tuple[Step, TaskID | None]] = {}
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._beat = threading.Thread(target=self._heartbeat, daemon=True)

    def __enter__(self) -> Reporter:
        if self._live:
            self._live.start()
        self._beat.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._beat.join()
        if self._live:
            self._live.stop()

    def say(self, text: str) -> None:
        """Print one line."""
        self._console.print(text, markup=False)

    @contextmanager
    def step(self, title: str, estimate: float | None = None) -> Iterator[Step]:
        """Show a step while the block runs, then how long it took."""
        step = Step(title, estimate)
        row = self._live.add_task(step.describe(), total=None) if self._live else None
        with self._lock:
            self._running[id(step)] = (step, row)
        if not self._live and estimate and estimate > HEARTBEAT_SECONDS:
            self.say(f"  .. {title}, takes about {duration(estimate)}")
        try:
            yield step
        except BaseException as error:
            # Why, at once: steps beside this one may take long before the error ends the command.
            first = str(error).partition("\n")[0]
            self._finish(step, row, "failed", f": {first}" if first else "")
            raise
        self._finish(step, row, "ok")

    def _finish(self, step: Step, row: TaskID | None, outcome: str, why: str = "") -> None:
        with self._lock:
            self._running.pop(id(step))
        if self._live and row is not None:
            self._live.remove_task(row)
        self.say(f"  {outcome:<6} {step.title} ({duration(time.monotonic() - step.started)}){why}")

    def _heartbeat(self) -> None:
        interval = 0.5 if self._live else HEARTBEAT_SECONDS
        while not self._ended.wait(interval):
            with self._lock:
                running = list(self._running.values())
            for step, row in running:
                if self._live and row is not None:
                    self._live.update(row, description=step.describe())
                elif time.monotonic() - step.started >= HEARTBEAT_SECONDS:
                    self.say(f"  .. {step.describe()}")
