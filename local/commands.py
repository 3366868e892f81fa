"""Running other programs to their end: bounded, ended with us, and with their last words in the error."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TypeVar

from local.errors import PlatformError
from local.progress import Step

LAST_LINES = 15
"""How many lines of a failed program's output an error shows."""

ATTEMPTS = 4
"""How often a download is tried."""

T = TypeVar("T")

_running: set[subprocess.Popen[str]] = set()
_interrupted = threading.Event()


def search_path() -> str:
    """Return PATH with the folders of administrators' programs, which some shells leave out."""
    return f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"


class CommandError(PlatformError):
    """A program ended with an error or took too long."""


def run(
    arguments: Sequence[str | os.PathLike[str]],
    *,
    seconds: float,
    silence: float | None = None,
    stdin: str | None = None,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> str:
    """Run a program and return its standard output.

    Args:
        arguments: the program and its arguments.
        seconds: when to give up on it.
        silence: when to give up on it if it writes nothing to standard error, in seconds.
        stdin: what it reads; nothing without it.
        cwd: where it runs.
        environment: variables set on top of ours.
        on_line: called with each line of its standard error, as it comes.

    Raises:
        CommandError: it is not there, failed or was given up on; with the last lines it wrote.

    """
    check_interrupted()
    words = [os.fspath(argument) for argument in arguments]
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env={**os.environ, "PATH": search_path(), **(environment or {})},
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise CommandError(f"cannot run {words[0]}: {error.strerror}") from None
    _running.add(process)
    gave_up: list[str] = []

    def give_up(reason: str) -> None:
        gave_up.append(reason)
        _end(process)

    last: deque[str] = deque(maxlen=LAST_LINES)
    overall = threading.Timer(seconds, give_up, [f"took more than {seconds:.0f} s"])
    quiet = _Watchdog(silence, lambda: give_up(f"wrote nothing for {silence:.0f} s"))
    reader = threading.Thread(target=_read, args=(process.stderr, last, on_line, quiet), daemon=True)
    try:
        overall.start()
        reader.start()
        if stdin is not None and process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(stdin)
                process.stdin.close()
        output = process.stdout.read() if process.stdout else ""
        status = process.wait()
        reader.join(timeout=5)
    finally:
        overall.cancel()
        quiet.cancel()
        _end(process)
        _running.discard(process)
    if gave_up or status:
        reason = gave_up[0] if gave_up else f"ended with status {status}"
        tail = "\n".join(last) or "\n".join(output.splitlines()[-LAST_LINES:])
        raise CommandError(f"{shlex.join(words[:4])} {'... ' if len(words) > 4 else ''}{reason}\n{tail}".rstrip())
    return output


def succeeds(arguments: Sequence[str | os.PathLike[str]], *, seconds: float = 10) -> bool:
    """Tell whether a program runs and ends well."""
    try:
        run(arguments, seconds=seconds)
    except CommandError:
        return False
    return True


def retried(action: Callable[[], T], step: Step, fix: str) -> T:
    """Try a download several times.

    Raises:
        PlatformError: the last attempt failed; with the fix.

    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return action()
        except CommandError as error:
            check_interrupted()
            if attempt == ATTEMPTS:
                raise PlatformError(f"{error}\n{ATTEMPTS} attempts failed: {fix}") from None
            step.note = f"attempt {attempt + 1} of {ATTEMPTS}"
    raise AssertionError


def end_all() -> None:
    """End every program that is still running and start no other: we are interrupted."""
    _interrupted.set()
    for process in list(_running):
        _end(process)


def check_interrupted() -> None:
    """Let a step that waits end early.

    Raises:
        CommandError: we are interrupted.

    """
    if _interrupted.is_set():
        raise CommandError("interrupted")


def _read(
    stream: IO[str] | None,
    last: deque[str],
    on_line: Callable[[str], None] | None,
    quiet: _Watchdog,
) -> None:
    for line in stream or ():
        quiet.reset()
        last.append(line.rstrip())
        if on_line:
            on_line(line.rstrip())


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


class _Watchdog:
    """Calls a function when it was not reset for some time."""

    def __init__(self, seconds: float | None, on_silence: Callable[[], None]) -> None:
        self._seconds, self._on_silence = seconds, on_silence
        self._timer: threading.Timer | None = None
        self.reset()

    def reset(self) -> None:
        self.cancel()
        if self._seconds is not None:
            self._timer = threading.Timer(self._seconds, self._on_silence)
            self._timer.daemon = True
            self._timer.start()

    def cancel(self) -> None:
        if self._timer:
            self._timer.cancel()
