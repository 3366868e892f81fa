"""The command that makes images: build."""

from __future__ import annotations

from typing import Annotated

import typer

from delivery.commands.options import STAGE, CommitTo, Json, Stage


def build(
    versions: Annotated[list[str] | None, typer.Argument(help="Build these instead of the next candidate.")] = None,
    push: Annotated[bool, typer.Option("--push", help="Push; a candidate takes its number then.")] = False,
    final: Annotated[
        bool, typer.Option("--final", help="Give the approved candidate of these sources its final tag.")
    ] = False,
    stack: Annotated[str | None, typer.Option(help="Build and push what this stack's configuration names.")] = None,
    stage: Stage = STAGE,
    commit_to: CommitTo = None,
    as_json: Json = False,
) -> None:
    """Build the next candidate of the project's version: v2.0.0-rc1, rc2, ..., each number once."""
    from delivery.build import Builder
    from delivery.console import Console
    from delivery.errors import UsageError
    from delivery.final import finalize
    from delivery.project import declared_versions, stack_config
    from delivery.reports import BuildReport

    if final and (versions or push or stack):
        raise UsageError("--final: takes no version, no --push and no --stack: it builds nothing that was approved")
    console = Console(as_json)
    builder = Builder.of(console.say, stack or stage)
    if final:
        images = [finalize(builder, stage, commit_to, console)]
    elif versions or stack:
        wanted = [*(versions or []), *(declared_versions(stack_config(stack)) if stack else [])]
        images = [builder.version(one, push=push or stack is not None) for one in dict.fromkeys(wanted)]
    elif push:
        images = [builder.candidate()]
    else:
        images = [builder.try_out()]
    console.result(
        BuildReport(images=images),
        *(f"{one.reference} {'built' if one.built else 'was there'} {one.digest}".rstrip() for one in images),
    )
