"""Commands that change a stack: deploy, release, rollback, canary, scale, nightly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from delivery.commands.options import (
    REAL,
    STAGE,
    CommitTo,
    ErrorRate,
    Json,
    Latency,
    Public,
    SkipPreview,
    Stage,
    Watch,
    Yes,
)

if TYPE_CHECKING:
    from delivery.console import Console
    from delivery.reports import ChangeReport

canary = typer.Typer(help="Try a version on some of the members.", no_args_is_help=True, rich_markup_mode=None)


def deploy(
    stack: Annotated[str, typer.Argument(help="A stack with audiences: dev, stage. A public one only the first time.")],
    version: Annotated[str, typer.Argument(help="A version that was built, like v2.0.0-rc1.")],
    audience: Annotated[str | None, typer.Option(help="Only this audience.")] = None,
    yes: Yes = False,
    skip_preview: SkipPreview = False,
    commit_to: CommitTo = None,
    as_json: Json = False,
) -> None:
    """Run a version in a stack, or for one of its audiences; if it fails, what ran before runs again."""
    from delivery import release as module
    from delivery.console import Console
    from delivery.decisions import parsed

    console = Console(as_json)
    how = module.How(stack=stack, yes=yes, skip_preview=skip_preview, commit_to=commit_to)
    _tell(console, module.deploy(parsed(version), audience, how, console))


def release(
    version: Annotated[str | None, typer.Argument(help="A final version. The project's if it is left out.")] = None,
    stack: Public = REAL,
    stage: Stage = STAGE,
    watch: Watch = 60,
    max_error_rate: ErrorRate = 0.01,
    max_latency: Latency = 2.0,
    yes: Yes = False,
    skip_preview: SkipPreview = False,
    commit_to: CommitTo = None,
    as_json: Json = False,
) -> None:
    """Give all members the version that stage has run, watch it, and go back if they fare worse with it."""
    from delivery import release as module
    from delivery.candidates import project_version
    from delivery.console import Console
    from delivery.decisions import parsed
    from delivery.observation import Limits

    console = Console(as_json)
    how = module.How(
        stack=stack,
        yes=yes,
        skip_preview=skip_preview,
        commit_to=commit_to,
        watch_seconds=watch,
        limits=Limits(error_rate=max_error_rate, latency=max_latency),
    )
    wanted = parsed(version) if version else project_version()
    _tell(console, module.release(wanted, stage, how, console))


def rollback(
    stack: Public = REAL,
    yes: Yes = False,
    skip_preview: SkipPreview = False,
    commit_to: CommitTo = None,
    as_json: Json = False,
) -> None:
    """Give all members the standby again, in one update that starts no pod; or call off a release that got stuck."""
    from delivery import release as module
    from delivery.console import Console

    console = Console(as_json)
    _tell(
        console,
        module.rollback(module.How(stack=stack, yes=yes, skip_preview=skip_preview, commit_to=commit_to), console),
    )


def scale(
    stack: Annotated[str, typer.Argument(envvar="INSSA_REAL_STACK", help="The public stack.")] = REAL,
    largest: Annotated[int | None, typer.Option("--max", help="Most pods.")] = None,
    smallest: Annotated[int | None, typer.Option("--min", help="Fewest pods.")] = None,
    yes: Yes = False,
    skip_preview: SkipPreview = False,
    commit_to: CommitTo = None,
    as_json: Json = False,
) -> None:
    """Let the autoscaler use more pods, or fewer."""
    from delivery import release as module
    from delivery.console import Console
    from delivery.errors import UsageError

    if largest is None and smallest is None:
        raise UsageError("scale: give --max, --min or both")
    console = Console(as_json)
    how = module.How(stack=stack, yes=yes, skip_preview=skip_preview, commit_to=commit_to)
    _tell(console, module.scale(smallest, largest, how, console))


@canary.command("start")
def canary_start(
    version: Annotated[str, typer.Argument(help="A version that was built, like v2.1.0.")],
    weight: Annotated[int, typer.Option(help="Percent of the members.")] = 10,
    replicas: Annotated[int, typer.Option(help="Pods.")] = 2,
    stack: Public = REAL,
    yes: Yes = False,
    skip_preview: SkipPreview = False,
    commit_to: CommitTo = None,
    as_json: Json = False,
) -> None:
    """Give some members another version; again with another --weight to change their share."""
    from delivery import release as module
    from delivery.console import Console
    from delivery.decisions import parsed

    console = Console(as_json)
    how = module.How(stack=stack, yes=yes, skip_preview=skip_preview, commit_to=commit_to)
    _tell(console, module.start_canary(parsed(version), weight, replicas, how, console))


@canary.command("promote")
def canary_promote(
    stack: Public = REAL,
    watch: Watch = 60,
    yes: Yes = False,
    skip_preview: SkipPreview = False,
    commit_to: CommitTo = None,
    as_json: Json = False,
) -> None:
    """Give all members the canary's version, watch it, and go back if they fare worse with it."""
    from delivery import release as module
    from delivery.console import Console

    console = Console(as_json)
    how = module.How(stack=stack, yes=yes, skip_preview=skip_preview, commit_to=commit_to, watch_seconds=watch)
    _tell(console, module.promote_canary(how, console))


@canary.command("abort")
def canary_abort(
    stack: Public = REAL,
    yes: Yes = False,
    skip_preview: SkipPreview = False,
    commit_to: CommitTo = None,
    as_json: Json = False,
) -> None:
    """Give all members the live version again and end the canary's pods."""
    from delivery import release as module
    from delivery.console import Console

    console = Console(as_json)
    _tell(
        console,
        module.abort_canary(module.How(stack=stack, yes=yes, skip_preview=skip_preview, commit_to=commit_to), console),
    )


def nightly(
    stack: Annotated[str, typer.Argument(envvar="INSSA_STAGE_STACK", help="The stack for candidates.")] = STAGE,
    commit_to: CommitTo = None,
    as_json: Json = False,
) -> None:
    """Build the next candidate, deploy it to stage and test each audience's address; nobody is asked."""
    from delivery.build import Builder
    from delivery.console import Console
    from delivery.final import nightly as run
    from delivery.release import How

    console = Console(as_json)
    _, report = run(
        Builder.of(console.say, stack), How(stack=stack, yes=True, skip_preview=True, commit_to=commit_to), console
    )
    _tell(console, report)


def _tell(console: Console, report: ChangeReport) -> None:
    after = report.after
    roles = ", ".join(
        [
            *(f"{name} {version}" for name, version in after.audiences.items()),
            *(f"{role} {version}" for role, version in (("live", after.live), ("standby", after.standby)) if version),
            *([f"canary {after.canary.version} with {after.canary.weight} %"] if after.canary else []),
            *([f"{after.scale.min} to {after.scale.max} pods"] if after.scale else []),
        ]
    )
    console.result(report, f"{report.outcome} in {report.seconds:.1f} s: {report.stack} has {roles}")
