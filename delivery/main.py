"""Commands of `inssa`; each is a thin face on one module."""

from __future__ import annotations

import json
import shlex
import sys
import time
from typing import Annotated

import typer

from delivery.errors import DeliveryError

app = typer.Typer(
    name="inssa",
    help="Deliver InssaService: what happens to a stack over time.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command()
def env() -> None:
    """Print the variables of the local platform: eval "$(inssa env)" makes plain pulumi, kubectl and docker work."""
    import local

    for name, value in local.environment().items():
        typer.echo(f"export {name}={shlex.quote(value)}")


@app.command()
def build(
    versions: Annotated[list[str] | None, typer.Argument(help="Versions to build, like v2.0.0-rc1.")] = None,
    stack: Annotated[str | None, typer.Option(help="Build what this stack's configuration names.")] = None,
    as_json: Json = False,
) -> None:
    """Build images of InssaService and push them to the local registry; a version that is there is left alone."""
    from delivery.build import build_and_push
    from delivery.errors import UsageError
    from delivery.project import declared_versions, stack_config

    wanted = [*(versions or []), *(declared_versions(stack_config(stack)) if stack else [])]
    if not wanted:
        raise UsageError("nothing to build: name versions, or a stack with --stack")
    built = []
    for version in dict.fromkeys(wanted):
        started = time.monotonic()
        image = build_and_push(version, lambda line: typer.echo(line, err=True))
        built.append({"version": version, "reference": image.reference, "digest": image.digest, "built": image.built})
        if not as_json:
            done = f"built and pushed in {time.monotonic() - started:.0f} s" if image.built else "in the registry"
            typer.echo(f"{image.reference} {done}, {image.digest}")
    if as_json:
        typer.echo(json.dumps(built, indent=2))


@app.command()
def status(
    stack: Annotated[str, typer.Argument(help="Name of a stack: dev, stage, real.")], as_json: Json = False
) -> None:
    """Show a stack's addresses and what answers there now."""
    from delivery.status import addresses

    found = addresses(stack)
    if as_json:
        typer.echo(json.dumps([address.as_json() for address in found], indent=2))
        return
    for address in found:
        answer = f"{address.version} on track {address.track}" if address.version else f"status {address.status}"
        typer.echo(f"  {address.name:<12} {address.url:<45} {answer}")


def main() -> None:
    """Run the command; an error of ours is one message and its exit code, never a traceback."""
    try:
        app(standalone_mode=True)
    except DeliveryError as error:
        typer.echo(f"inssa: {error}", err=True)
        sys.exit(error.exit_code)
