"""Who is told what the engine does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from delivery.plan import Step

OnStep = Callable[[Step, bool], None]
"""Told of each step when it begins (False) and when it is done (True), from a thread of the engine's events."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Told of each step, and of a request to stop that was passed on."""

    on_step: OnStep = lambda _step, _done: None
    on_interrupt: Callable[[], None] = lambda: None


SILENT = Progress()
