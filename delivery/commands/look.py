"""Commands that change no stack: env, status, preview."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Annotated

import typer

from delivery.commands.options import Json

_FASTEST, _SLOWEST = 0.5, 3600


def env() -> None:
    """Print the variables of the local platform: eval "$(inssa env)" makes plain pulumi, kubectl and docker work."""
    import local

    for name, value in local.environment().items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def status(
    stack: Annotated[str | None, typer.Argument(help="A stack: dev, stage, real. All if it is left out.")] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look again until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(min=_FASTEST, max=_SLOWEST, help="Seconds between two looks.")] = 2,
    as_json: Json = False,
) -> None:
    """Show what is live, standby and canary in each stack, its pods, its share of the members, and any drift."""
    from delivery import picture
    from delivery.console import Console
    from delivery.project import stack_file, stacks
    from delivery.reports import StatusReport
    from delivery.status import statuses

    console = Console(as_json)
    if stack:
        stack_file(stack)
    wanted = [stack] if stack else stacks()
    if watch and console.person and not as_json:
        from rich.live import Live

        with Live(picture.picture(statuses(wanted)), screen=True) as live:
            while True:
                time.sleep(every)
                live.update(picture.picture(statuses(wanted)))
    while True:
        found = statuses(wanted)
        if console.person and not as_json:
            console.show(picture.picture(found))
        else:
            console.result(StatusReport(stacks=found), *picture.lines(found))
        if not watch:
            return
        time.sleep(every)


def preview(
    stack: Annotated[str | None, typer.Argument(help="A stack: dev, stage, real. All if it is left out.")] = None,
    pr: Annotated[int | None, typer.Option(min=1, help="Number of the pull request to comment on.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write the comment to this file instead.")] = None,
    repo: Annotated[str | None, typer.Option(help="OWNER/NAME; else GITHUB_REPOSITORY, or the remote origin.")] = None,
    skip_unchanged: Annotated[bool, typer.Option("--skip-unchanged", help="No new comment for no changes.")] = False,
    as_json: Json = False,
) -> None:
    """Show what an update of a stack would change now; with --pr as one comment, found again and edited in place."""
    from delivery.console import Console
    from delivery.preview import Destination, previews
    from delivery.project import stack_file, stacks

    if stack:
        stack_file(stack)
    where = Destination(pr=pr, output=output, repository=repo, skip_unchanged=skip_unchanged)
    previews([stack] if stack else stacks(), where, Console(as_json))
