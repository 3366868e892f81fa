"""A program is asked to stop once, whatever happens to who started it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import signal, sys, time
times = []
signal.signal(signal.SIGINT, lambda *_: times.append("asked"))
open(sys.argv[1], "w").write("ready")
while len(times) < 1:
    time.sleep(0.02)
time.sleep(0.6)
open(sys.argv[1], "w").write(" ".join(times))
"""
PARENT = """
import os, sys
from delivery.process import run
done = run([sys.executable, "-c", sys.argv[1], sys.argv[2]], cwd="/", env=os.environ)
print(done.code, done.interrupted)
"""


@pytest.fixture
def note(tmp_path: Path) -> Path:
    return tmp_path / "note"


def start(note: Path) -> subprocess.Popen[str]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, PROGRAM, str(note)], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    await_text(note, "ready")
    return parent


def await_text(note: Path, text: str) -> None:
    deadline = time.monotonic() + 20
    while not note.exists() or note.read_text() != text:
        assert time.monotonic() < deadline, note.read_text() if note.exists() else "nothing"
        time.sleep(0.02)


def test_many_signals_are_passed_on_as_one(note: Path) -> None:
    parent = start(note)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        parent.send_signal(number)
        time.sleep(0.1)
    printed, _ = parent.communicate(timeout=20)
    assert printed.strip() == "0 True"
    assert note.read_text() == "asked"


def test_a_program_is_asked_to_stop_when_its_parent_was_killed(note: Path) -> None:
    parent = start(note)
    parent.kill()
    parent.wait(timeout=20)
    await_text(note, "asked")
