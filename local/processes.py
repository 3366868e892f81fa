"""Processes as the kernel tells of them in /proc."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")

LISTENING = "0A"
"""State of a listening TCP socket in /proc/net/tcp."""


@dataclass(frozen=True)
class Process:
    """One process. Its number alone is given out again; number, start and boot are unique."""

    pid: int
    start_ticks: int
    """When it started, in clock ticks since boot (field 22 of proc(5) stat)."""

    @property
    def started(self) -> float:
        """When it started, in seconds since the epoch."""
        return _boot_time() + self.start_ticks / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self) -> int:
        """Resident memory in bytes; 0 when it has ended."""
        try:
            fields = (PROC / str(self.pid) / "statm").read_text().split()
        except OSError:
            return 0
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def alive(self) -> bool:
        """Tell whether this very process still runs."""
        return find(self.pid) == self

    def send(self, number: signal.Signals) -> None:
        """Signal it, unless it has ended."""
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended; tell whether it has."""
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def parse_stat(line: str) -> tuple[Process, str]:
    """Read a line of /proc/PID/stat: the process and its state letter.

    The command in it stands in brackets and may hold spaces and brackets itself.
    """
    head, _, tail = line.rpartition(")")
    fields = tail.split()
    return Process(int(head.split(maxsplit=1)[0]), int(fields[19])), fields[0]


def find(pid: int) -> Process | None:
    """Look up a process by its number; None when there is none or it waits to be reaped."""
    try:
        process, state = parse_stat((PROC / str(pid) / "stat").read_text())
    except (OSError, ValueError, IndexError):
        return None
    return None if state in "ZX" else process


def boot_id() -> str:
    """Name this boot of the machine."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def command_line(pid: int) -> str:
    """Return the command of a process, for people; empty when it has ended."""
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
        name = (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""
    return b" ".join(words).decode(errors="replace").strip() or name


def pids() -> Iterator[int]:
    """List the numbers of all processes."""
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal())


def listener(host: str, port: int) -> int | None:
    """Find who holds a TCP port that we want on an IPv4 address.

    Returns:
        The number of the process, 0 when it cannot be told, None when the port is free.

    """
    inodes = _listening_inodes(host, port)
    if not inodes:
        return None
    for pid in pids():
        try:
            for link in (PROC / str(pid) / "fd").iterdir():
                if str(link.readlink()) in inodes:
                    return pid
        except OSError:
            continue
    return 0


def _listening_inodes(host: str, port: int) -> set[str]:
    everywhere = {"00000000", "0" * 32}
    wanted = everywhere | {socket.inet_aton(host)[::-1].hex().upper()}
    found = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = (PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            address, _, number = fields[1].rpartition(":")
            if fields[3] == LISTENING and int(number, 16) == port and address in wanted:
                found.add(f"socket:[{fields[9]}]")
    return found


def _boot_time() -> float:
    for line in (PROC / "stat").read_text().splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    raise OSError("/proc/stat has no btime")
