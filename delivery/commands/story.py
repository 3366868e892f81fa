"""The command that performs the whole story: rehearse."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from delivery.commands.options import Json

_REPORT = Path("build/rehearsal.html")


def rehearse(
    report: Annotated[Path, typer.Option(help="Where the report goes.")] = _REPORT,
    rate: Annotated[float, typer.Option(min=1, max=1000, help="Requests per second.")] = 150,
    pods: Annotated[int, typer.Option(min=1, max=20, help="Pods of the public service.")] = 10,
    keep: Annotated[bool, typer.Option("--keep", help="Leave its stacks in place.")] = False,
    as_json: Json = False,
) -> None:
    """Perform the whole story on the local platform with load on, and leave a report of it."""
    from delivery.console import Console
    from delivery.rehearsal.rehearse import rehearse as run
    from delivery.rehearsal.story import Script

    run(Script(rate=rate, pods=pods), report.absolute(), keep=keep, console=Console(as_json))
