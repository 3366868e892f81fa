"""Long-lived processes: started detached, told apart from recycled numbers, stopped, and their logs bounded.

A running service has a record in `run/NAME.pid`. Its three lines are the boot it was started in, the
kernel's own line about it, and a fingerprint of its command and configuration: a record is believed
only when all of it still holds.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local import commands, processes
from local.errors import PlatformError, UnfitMachineError
from local.processes import Process

LOG_LIMIT = 32 << 20
"""A log longer than this many bytes is cut when a command looks at it."""
LOG_KEPT = 4 << 20
"""How many of its last bytes are kept then."""
LOG_SHOWN = 15
"""How many last lines an error shows."""

PORT_VARIABLES = {"envoy": "INSSA_GATEWAY_PORT", "registry": "INSSA_REGISTRY_PORT"}
"""Services whose port a person may choose."""

RECORD_SECONDS = 0.5
"""How long a process that was just started may take to write its record."""

_LAUNCHER = """
umask 022
{ cat /proc/sys/kernel/random/boot_id; IFS= read -r stat < /proc/$$/stat; printf '%s\\n%s\\n' "$stat" "$2"; } > "$1.new"
mv "$1.new" "$1"
shift 2
exec "$@"
"""
"""Writes the record and then becomes the service, so that none can run without its record."""


@dataclass(frozen=True)
class Service:
    """One program that runs for as long as the platform does."""

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool]
    """Tells whether it serves; called every 50 ms until it does. May raise OSError for no."""
    ports: tuple[tuple[str, int], ...] = ()
    """Addresses and TCP ports that it listens on."""
    files: Mapping[Path, str] = field(default_factory=dict)
    """Configuration, written before it starts."""
    ready_seconds: float = 60
    stop_seconds: float = 10

    def fingerprint(self) -> str:
        """Change whenever its command or its configuration does."""
        parts = [*self.command, *(f"{path}\n{text}" for path, text in sorted(self.files.items()))]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Supervisor:
    """Starts, finds and stops services; keeps their records and logs in two folders."""

    records: Path
    logs: Path

    def log(self, name: str) -> Path:
        """Where a service's output goes."""
        return self.logs / f"{name}.log"

    def find(self, name: str) -> tuple[Process, str] | None:
        """Find a running service: its process and the fingerprint that it was started with."""
        try:
            boot, stat, fingerprint = (self.records / f"{name}.pid").read_text().splitlines()[:3]
            process, _ = processes.parse_stat(stat)
        except (OSError, ValueError, IndexError):
            return None
        if boot != processes.boot_id() or not process.alive():
            return None
        return process, fingerprint

    def up_to_date(self, service: Service) -> bool:
        """Tell whether a service runs with the command and configuration that it should have."""
        found = self.find(service.name)
        return found is not None and found[1] == service.fingerprint()

    def start(self, service: Service) -> bool:
        """Bring a service up and wait until it serves; tell whether it had to be started.

        One that runs with another command or configuration is restarted.

        Raises:
            UnfitMachineError: another program has one of its ports.
            PlatformError: it ended or did not serve in time; with the end of its log.

        """
        bound_log(self.log(service.name))
        fresh = not self.up_to_date(service)
        if fresh:
            self.stop(service.name, service.stop_seconds)
            check_ports(service)
            self._launch(service)
        self._await(service)
        return fresh

    def stop(self, name: str, seconds: float = 10) -> bool:
        """Stop a service, by force after some seconds, and drop its record; tell whether it ran."""
        found = self.find(name)
        if found:
            process = found[0]
            process.send(signal.SIGTERM)
            if not process.wait(seconds):
                process.send(signal.SIGKILL)
                process.wait(5)
        (self.records / f"{name}.pid").unlink(missing_ok=True)
        return found is not None

    def _launch(self, service: Service) -> None:
        for path, text in service.files.items():
            write_if_changed(path, text)
        self.records.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        record = self.records / f"{service.name}.pid"
        environment = {"PATH": commands.search_path(), "HOME": str(self.records.parent), "LANG": "C.UTF-8"}
        with self.log(service.name).open("ab") as log:
            log.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')} start\n".encode())
            log.flush()
            subprocess.Popen(
                ["/bin/sh", "-c", _LAUNCHER, "sh", str(record), service.fingerprint(), *service.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.records.parent,
                env=environment,
                start_new_session=True,
            )

    def _await(self, service: Service) -> None:
        began = time.monotonic()
        while True:
            commands.check_interrupted()
            with contextlib.suppress(OSError):
                if service.ready() and self.find(service.name):
                    return
            waited = time.monotonic() - began
            if waited > RECORD_SECONDS and self.find(service.name) is None:
                raise PlatformError(f"{service.name} ended at its start\n{self._last_words(service)}")
            if waited > service.ready_seconds:
                raise PlatformError(
                    f"{service.name} runs but does not serve after {service.ready_seconds:.0f} s\n"
                    f"{self._last_words(service)}"
                )
            time.sleep(0.05)

    def _last_words(self, service: Service) -> str:
        path = self.log(service.name)
        try:
            with path.open("rb") as log:
                log.seek(max(0, path.stat().st_size - 16384))
                lines = log.read().decode(errors="replace").splitlines()
        except OSError:
            lines = []
        return "\n".join([*lines[-LOG_SHOWN:], f"(all of it: {path})"])


def check_ports(service: Service) -> None:
    """Refuse to start a service whose ports are taken.

    Raises:
        UnfitMachineError: naming the port, its holder and the fix.

    """
    for host, port in service.ports:
        holder = processes.listener(host, port)
        if holder is not None:
            raise UnfitMachineError(port_message(service.name, host, port, holder))


def port_message(name: str, host: str, port: int, holder: int) -> str:
    """Say who holds a port and what to do about it."""
    who = "another process"
    if holder:
        who = f"process {holder} ({processes.command_line(holder)[:120] or 'name unknown'})"
    variable = PORT_VARIABLES.get(name)
    fix = f"end it, or choose another port with {variable}" if variable else "end it"
    return f"{name} needs port {port} on {host}, which {who} holds: {fix}"


def write_if_changed(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file whole or not at all, and leave it alone when it is right already."""
    with contextlib.suppress(OSError):
        if path.read_text() == text:
            return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    fresh.replace(path)


def bound_log(path: Path) -> None:
    """Cut a long log to its end, in place: whoever writes to it appends and goes on."""
    with contextlib.suppress(OSError):
        size = path.stat().st_size
        if size > LOG_LIMIT:
            with path.open("r+b") as log:
                log.seek(size - LOG_KEPT)
                kept = log.read()
                log.seek(0)
                log.write(kept)
                log.truncate()
