"""The command line: one subcommand per task of a pod.

Exit codes: 0 done, 1 the task failed, 2 a setting is missing or bad (also argparse's own code for a wrong
command line), 3 the task was refused to protect what still serves. Every failure is one line on stderr.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence

from inssaservice.errors import Failure
from inssaservice.releases import Release
from inssaservice.releases import load as load_release
from inssaservice.settings import Settings
from inssaservice.settings import load as load_settings

Task = Callable[[Settings, Release], None]


# Each task imports its own module: a pod that serves never pays for Alembic, a Job never for the web server.
def _serve(settings: Settings, release: Release) -> None:
    from inssaservice.server import serve

    serve(settings, release)


def _provision(settings: Settings, release: Release) -> None:
    from inssaservice.provision import provision

    del release
    provision(settings)


def _migrate(settings: Settings, release: Release) -> None:
    from inssaservice.migrate import migrate

    migrate(settings, release)


def _contract(settings: Settings, release: Release) -> None:
    from inssaservice.migrate import contract

    contract(settings, release)


def _verify(settings: Settings, release: Release) -> None:
    from inssaservice.verify import verify

    del release
    verify(settings)


TASKS: Mapping[str, tuple[Task, str]] = {
    "serve": (_serve, "run the web service (the default)"),
    "provision": (_provision, "as database admin: create the database, its roles and their grants"),
    "migrate": (_migrate, "as database owner: bring the schema to what this release needs, seed members"),
    "contract": (_contract, "as database owner: drop what only older releases need"),
    "verify": (_verify, "check this track through the gateway"),
}


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> int:
    """Run one subcommand and return its exit code; `environment` defaults to the process's own."""
    environment = os.environ if environment is None else environment
    parser = argparse.ArgumentParser(prog="inssaservice", description="InssaService, a members-only feed")
    commands = parser.add_subparsers(dest="task", metavar="TASK")
    for name, (_, summary) in TASKS.items():
        commands.add_parser(name, help=summary, description=summary)
    task, _ = TASKS[parser.parse_args(arguments).task or "serve"]
    try:
        task(load_settings(environment), load_release(environment))
    except Failure as failure:
        print(f"inssaservice: {failure}", file=sys.stderr)
        return failure.exit_code
    return 0
