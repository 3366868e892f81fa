"""Programs that must be asked to stop only once.

The Pulumi engine takes the first SIGINT as a request to stop after the steps
that are under way, and the second as an order to drop them. A terminal sends
Ctrl-C to every process of the foreground group, so the engine is started in a
session of its own and gets one SIGINT from here, however often a person presses
Ctrl-C. It gets the same signal if this process is killed.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How a program ended. `interrupted` is set if it was asked to stop."""

    code: int
    stdout: str
    stderr: str
    interrupted: bool


def run(
    command: Sequence[str],
    *,
    cwd: Path | str,
    env: Mapping[str, str],
    on_interrupt: Callable[[], None] | None = None,
) -> Finished:
    """Run a program to its end, with one SIGINT for all signals that arrive meanwhile.

    Output goes through files rather than pipes: a program whose reader was killed
    would end by SIGPIPE at its next line. Raises OSError if it cannot be started.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err, _one_signal(on_interrupt) as relay:
        process = subprocess.Popen(
            [*_ended_with_us(), *command],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        relay.to(process)
        code = process.wait()
        out.seek(0)
        err.seek(0)
        return Finished(code=code, stdout=out.read(), stderr=err.read(), interrupted=relay.interrupted)


def _ended_with_us() -> list[str]:
    # From util-linux: the kernel sends the child this signal when its parent ends, whatever ended it.
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "INT", "--"] if setpriv else []


class _Relay:
    """Passes the first signal on as SIGINT, even if it came before there was a process."""

    def __init__(self, on_interrupt: Callable[[], None] | None) -> None:
        self.interrupted = False
        self._process: subprocess.Popen[bytes] | None = None
        self._on_interrupt = on_interrupt

    def to(self, process: subprocess.Popen[bytes]) -> None:
        """Name the process."""
        self._process = process
        if self.interrupted:
            process.send_signal(signal.SIGINT)

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Handle a signal."""
        if not self.interrupted:
            self.interrupted = True
            if self._process:
                self._process.send_signal(signal.SIGINT)
        if self._on_interrupt:
            self._on_interrupt()


@contextmanager
def _one_signal(on_interrupt: Callable[[], None] | None) -> Iterator[_Relay]:
    # Set before the program starts: a handled signal is the default again after exec, while an ignored one, as
    # in a shell's background job, would stay ignored and the program could not be asked to stop.
    relay = _Relay(on_interrupt)
    if threading.current_thread() is not threading.main_thread():
        yield relay
        return
    before = {number: signal.signal(number, relay) for number in _STOPPING}
    try:
        yield relay
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
