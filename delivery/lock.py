"""One command at a time per stack or build on this machine; the lock ends with its process, however that ends.

Between machines the engine's own lock protects an update, and the pipeline's
`disableConcurrentBuilds` what lies between two updates.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from delivery.environment import environment
from delivery.errors import RefusedError


@contextmanager
def held(name: str, doing: str, wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the lock `name` while `doing` something.

    If somebody else holds it, raise RefusedError that says what he is doing, or
    with `wait`, tell it that and wait for him.
    """
    folder = Path(environment()["INSSA_HOME"]) / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "another command"
            if wait is None:
                raise RefusedError(f"{name}: {holder} is under way on this machine; wait until it has ended") from None
            wait(f"waiting for {holder}")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate()
        file.write(f"{doing} (process {os.getpid()})")
        file.flush()
        yield
        file.seek(0)
        file.truncate()
