"""What a command tells: a person sees progress, a pipe sees plain lines, a program reads JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.console import Console as RichConsole
from rich.markup import escape

from delivery.errors import InterruptedByPersonError, UsageError
from delivery.progress import Progress

if TYPE_CHECKING:
    from pydantic import BaseModel

    from delivery.plan import Plan, Step

_SIGNS = {"create": "[green]+[/]", "update": "[yellow]~[/]", "replace": "[red]±[/]", "delete": "[red]-[/]"}
_PLAIN_SIGNS = {"create": "+", "update": "~", "replace": "+-", "delete": "-"}


@dataclass
class Console:
    """Where a command's lines go. With `as_json`, standard output holds one JSON document and nothing else."""

    as_json: bool = False
    _rich: RichConsole = field(init=False)
    _started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._rich = RichConsole(stderr=self.as_json, highlight=False, soft_wrap=True)

    @property
    def person(self) -> bool:
        """Whether somebody looks at a terminal."""
        return self._rich.is_terminal

    @property
    def seconds(self) -> float:
        """Since the command began."""
        return time.monotonic() - self._started

    def say(self, line: str) -> None:
        """One line, as it is."""
        self._rich.print(escape(line))

    def show(self, renderable: Any) -> None:
        """A picture of rich's."""
        self._rich.print(renderable)

    def result(self, report: BaseModel, *lines: str) -> None:
        """The outcome: a JSON document for programs, or these lines."""
        if self.as_json:
            sys.stdout.write(report.model_dump_json(indent=2) + "\n")
            return
        for line in lines:
            self.say(line)

    def plan(self, plan: Plan) -> None:
        """Every step of a plan, the grave ones marked."""
        for step in plan.steps:
            grave = " (serves or keeps data)" if step.risky else ""
            self._line(step.operation, f"{step.operation} {step}{grave}")
        self.say(f"{plan}")

    @contextmanager
    def watching(self, title: str) -> Iterator[Progress]:
        """Show the steps of an update as they begin and end."""
        began: dict[str, float] = {}
        status = self._rich.status(escape(title)) if self.person else None
        if status is None:
            self.say(title)

        def on_step(step: Step, done: bool) -> None:
            if not done:
                began[step.urn] = time.monotonic()
            elif step.urn in began:
                seconds = time.monotonic() - began.pop(step.urn)
                self._line(step.operation, f"{step.operation} {step} ({seconds:.1f} s)")
            if status:
                names = [urn.rpartition("::")[2] for urn in dict(began)]
                status.update(escape(f"{title}: {', '.join(names[:4])}" if names else title))

        def on_interrupt() -> None:
            self.say("stopping after the steps that are under way; the next run goes on from there")

        shown: AbstractContextManager[Any] = status or nullcontext()
        with shown:
            yield Progress(on_step=on_step, on_interrupt=on_interrupt)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something changes.

        Raises UsageError if nobody can answer, InterruptedByPersonError if he declines.
        """
        if yes:
            return
        if not sys.stdin.isatty():
            raise UsageError("nobody is there to confirm: add --yes")
        answer = self._rich.input(f"{escape(question)} [bold]\\[y/N][/] ")
        if answer.strip().lower() not in ("y", "yes"):
            raise InterruptedByPersonError("declined; nothing was changed")

    def _line(self, operation: str, text: str) -> None:
        if self.person:
            self._rich.print(f"  {_SIGNS[operation]} {escape(text)}")
        else:
            self.say(f"  {_PLAIN_SIGNS[operation]} {text}")
