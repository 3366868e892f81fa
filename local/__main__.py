"""The command `python -m local`: up, start, stop, down, status, env.

Exit codes: 0 done; 1 `status` found something down; 2 wrong usage; 3 this machine is unfit and its
owner must change something; 4 a step failed; 130 interrupted.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from local.environment import variables
from local.errors import PlatformError
from local.settings import Settings, read


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m local", description="The local platform of this project.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="compile what is missing and start the cluster")
    commands.add_parser("start", help="start the cluster with what is compiled")
    commands.add_parser("stop", help="stop everything; data survives")
    commands.add_parser("down", help="stop everything and delete all data; what was compiled stays")
    for name, text in (("status", "what runs"), ("env", 'variables for a shell: eval "$(python -m local env)"')):
        commands.add_parser(name, help=text).add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job ignores the first otherwise
        signal.signal(number, signal.default_int_handler)
    try:
        return _run(options.command, read(), as_json=getattr(options, "json", False))
    except PlatformError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the same command goes on from here\n")
        return 130


def _run(command: str, settings: Settings, *, as_json: bool) -> int:
    if command == "env":
        return _env(settings, as_json=as_json)
    if command == "status":
        return _status(settings, as_json=as_json)

    from local import platform
    from local.progress import Reporter

    with _alone(settings), Reporter() as reporter:
        if command == "stop":
            platform.stop(settings, reporter)
        elif command == "down":
            platform.down(settings, reporter)
        else:
            platform.up(settings, reporter, build=command == "up")
    return 0


def _env(settings: Settings, *, as_json: bool) -> int:
    found = variables(settings, os.environ)
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        sys.stdout.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in found.items())
    return 0


def _status(settings: Settings, *, as_json: bool) -> int:
    from local import status

    states = status.read(settings)
    if as_json:
        sys.stdout.write(json.dumps(status.as_data(settings, states), indent=2) + "\n")
    else:
        status.show(settings, states)
    return 0 if all(state.pid for state in states) else 1


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Let one command at a time change the platform; a second one waits for the first."""
    settings.cache.mkdir(parents=True, exist_ok=True)
    with (settings.cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.stderr.write("another command changes the platform: waiting for it\n")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
