"""Running steps side by side, each after those it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from local import commands


@dataclass(frozen=True)
class Task:
    """One step. `after` names steps that must have ended well before."""

    name: str
    action: Callable[[], None]
    after: tuple[str, ...] = ()


class _SkippedError(Exception):
    """A step that this one needs has failed."""


def run(tasks: Sequence[Task]) -> None:
    """Run all tasks; a task's needs must stand before it in the sequence.

    Raises:
        PlatformError: whatever the first failing task raised. What did not start yet is left out,
            what runs is waited for.

    """
    known: set[str] = set()
    for task in tasks:
        if not known.issuperset(task.after):
            raise ValueError(f"task {task.name} needs {task.after}, not all of which stand before it")
        known.add(task.name)
    futures: dict[str, Future[None]] = {}

    def step(task: Task) -> None:
        for need in task.after:
            if futures[need].exception() is not None:
                raise _SkippedError
        task.action()

    with ThreadPoolExecutor(max_workers=max(1, len(tasks)), thread_name_prefix="step") as pool:
        try:
            for task in tasks:
                futures[task.name] = pool.submit(step, task)
            wait(futures.values(), return_when=FIRST_EXCEPTION)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            commands.end_all()
            raise
    for future in futures.values():
        error = future.exception()
        if error is not None and not isinstance(error, _SkippedError):
            raise error
