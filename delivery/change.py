"""One change of a stack: preview, ask, write the configuration, update, and go back if that fails.

The configuration file is written before the update begins, so that whatever
interrupts the command, the file says where the stack is going and the next run
goes on from there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from delivery import decisions, state
from delivery.console import Console
from delivery.errors import DeliveryError, InterruptedByPersonError, RefusedError, RolledBackError
from delivery.lock import held
from delivery.plan import Plan
from delivery.progress import Progress
from delivery.publish import publish
from delivery.reports import ChangeReport
from delivery.stackfile import StackFile

if TYPE_CHECKING:
    from delivery.workspace import Stack

Decide = Callable[["Situation"], Mapping[str, Any]]
"""The new values of some keys of a stack as it is found. Raises RefusedError or UsageError if it may not be."""
Judge = Callable[[state.State], str | None]
"""Looks at a stack after its update and says what is wrong with it, or None."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is to become of a stack, and how to carry it out.

    `title` is what people read, `judge` decides after the update whether it stays, `commit_to` is the branch that the
    file is pushed to in the end. What `mends` may begin from a file that was never deployed, and is not taken back
    if it fails: it was the way back itself.
    """

    stack: str
    title: str
    decide: Decide
    yes: bool = False
    skip_preview: bool = False
    mends: bool = False
    commit_to: str | None = None
    judge: Judge | None = None


@dataclass(frozen=True)
class Situation:
    """A stack as a command finds it: what its file says and what is deployed."""

    file: StackFile
    state: state.State

    @classmethod
    def of(cls, stack: str) -> Situation:
        """Read both. Raises UsageError for an unknown stack."""
        file = StackFile.read(stack)
        with ThreadPoolExecutor(max_workers=1) as pool:
            reading = pool.submit(state.read, stack)
            import delivery.workspace  # noqa: F401 - takes as long as the CLI does to read the state
        return cls(file, reading.result())

    @property
    def deployed(self) -> bool:
        """Whether anything is."""
        return bool(self.state.tracks)

    def refuse_stale(self) -> None:
        """Raise RefusedError if the file is older than what is deployed."""
        if self.file.generation < self.state.generation:
            raise RefusedError(
                f"{self.file.path.name}: generation {self.file.generation}, but generation {self.state.generation} is "
                f"deployed ({self.state.roles}): this checkout is old. Get what is deployed: git pull, "
                "or pulumi config refresh"
            )

    def refuse_dirty(self, keys: Iterable[str]) -> None:
        """Raise RefusedError if the file says something that was never deployed, other than by the keys to be set.

        A change that was interrupted is finished by the command that began it, and by no other one.
        """
        # A failed change that could not be taken back whole leaves a track that nobody declares; the next one ends it.
        leftovers = self.file.generation > self.state.generation
        differs = decisions.undeployed(self.file.roles, self.state.roles, keys, leftovers=leftovers)
        if self.deployed and differs:
            raise RefusedError(
                f"{self.file.path.name}: declares {self.file.roles}, but deployed is {self.state.roles} "
                f"({', '.join(differs)} differs). Finish that change first: run its command again, or pulumi up. "
                "Or take it back: inssa rollback, git checkout, or pulumi config refresh"
            )


def carry_out(change: Change, console: Console) -> ChangeReport:
    """Do it. Raises RefusedError with nothing changed, RolledBackError, or DeliveryError if it could not go back."""
    with held(change.stack, change.title):
        situation = Situation.of(change.stack)
        situation.refuse_stale()
        values = change.decide(situation)
        if not change.mends:
            situation.refuse_dirty(values)
        try:
            return _carry_out(change, situation, values, console)
        finally:
            # After a failure too: the file tells the next checkout where the stack is.
            if change.commit_to:
                publish(situation.file.path, f"{change.stack}: {change.title}", change.commit_to, console.say)


def _carry_out(change: Change, situation: Situation, values: Mapping[str, Any], console: Console) -> ChangeReport:
    stack = _engine(change.stack)
    if situation.state.updated is None:
        stack.init()
    before = StackFile.read(change.stack)  # Creating a stack writes to its file.
    again = situation.deployed and before.changed(values).text == before.text
    wanted = before if again else before.changed({**values, "generation": _next_generation(situation)})
    console.say(f"{change.title}: {situation.state.roles} -> {wanted.roles}")
    if not change.skip_preview:
        console.plan(_previewed(stack, wanted, console))
    console.confirm(f"{change.title} on {change.stack}?", yes=change.yes)
    wanted.write()
    try:
        with console.watching(f"updating {change.stack}") as watched:
            done = stack.up(change.title, watched)
        after = state.read(change.stack)
        problem = change.judge(after) if change.judge else None
    except InterruptedByPersonError as error:
        raise InterruptedByPersonError(f"{error}\n{_serving(change.stack)}") from error
    except KeyboardInterrupt as error:  # While the judge looked, no engine ran that would have taken the signal.
        raise InterruptedByPersonError(
            f"interrupted while looking at the outcome; run the command again to look on\n{_serving(change.stack)}"
        ) from error
    except RefusedError:  # Locked, or the program said no: nothing was changed.
        before.write()
        raise
    except DeliveryError as error:
        if change.mends:
            raise DeliveryError(f"{error}\n{_serving(change.stack)}") from error
        _go_back(change, situation, before, str(error), console)
    if problem and change.mends:
        raise DeliveryError(f"{problem}\n{_serving(change.stack)}")
    if problem:
        _go_back(change, situation, before, problem, console)
    return ChangeReport.of(
        stack=change.stack,
        outcome="done" if done.steps else "unchanged",
        before=situation.state.roles,
        after=after.roles,
        generation=wanted.generation,
        plan=done,
        seconds=console.seconds,
    )


def _previewed(stack: Stack, wanted: StackFile, console: Console) -> Plan:
    with tempfile.TemporaryDirectory(prefix="inssa-") as folder:
        config_file = Path(folder) / wanted.path.name
        config_file.write_text(wanted.text)
        with console.watching(f"previewing {stack.name}") as watched:
            return stack.preview(config_file, Progress(on_interrupt=watched.on_interrupt))


def _go_back(change: Change, situation: Situation, before: StackFile, why: str, console: Console) -> NoReturn:
    """Bring back what served, and say so by raising."""
    console.say(why)
    if not situation.deployed:
        raise DeliveryError(f"{why}\nNothing was deployed before; the next run goes on from here")
    now = state.read(change.stack)
    values = decisions.back(before.roles, situation.state.roles, now.roles)
    restored = before.changed({**values, "generation": StackFile.read(change.stack).generation + 1})
    restored.write()
    console.say(f"going back to {restored.roles}")
    try:
        with console.watching(f"updating {change.stack}") as watched:
            _engine(change.stack).up(f"going back: {change.title}", watched)
    except InterruptedByPersonError as error:
        raise InterruptedByPersonError(f"{error}\n{_serving(change.stack)}") from error
    except DeliveryError as error:
        raise DeliveryError(
            f"{change.title} failed, and going back failed too: {error}\n{_serving(change.stack)}. "
            f"Go on with: pulumi up --stack {change.stack}"
        ) from error
    raise RolledBackError(f"{change.title} failed and was rolled back: {why}\n{_serving(change.stack)}")


def _next_generation(situation: Situation) -> int:
    return max(situation.file.generation, situation.state.generation) + 1


def _serving(stack: str) -> str:
    now = state.read(stack)
    return f"now: {now.roles}" if now.tracks else "now: nothing is deployed"


def _engine(stack: str) -> Stack:
    from delivery.workspace import Stack

    return Stack(stack)
