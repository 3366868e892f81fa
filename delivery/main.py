"""The `inssa` command."""

from __future__ import annotations

import sys

import typer

from delivery.commands import changes, images, look, story
from delivery.errors import DeliveryError, ExitCode

app = typer.Typer(
    name="inssa",
    help="Deliver InssaService: what happens to a stack over time. docs/inssa.md has the exit codes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # Drawing the help with rich would take as long as all the rest of it.
)
for command in (
    look.status,
    look.preview,
    images.build,
    changes.deploy,
    changes.release,
    changes.rollback,
    changes.scale,
    changes.nightly,
    story.rehearse,
    look.env,
):
    app.command()(command)
app.add_typer(changes.canary, name="canary")


def main() -> None:
    """Run the command; an error of ours is one message and its exit code, never a traceback."""
    try:
        app(standalone_mode=True)
    except DeliveryError as error:
        typer.echo(f"inssa: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("inssa: interrupted; the next run goes on from there", err=True)
        sys.exit(ExitCode.INTERRUPTED)
