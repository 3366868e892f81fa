"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

CommitTo = Annotated[
    str | None, typer.Option(metavar="BRANCH", help="Commit the stack's file and push it to this branch.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nobody.")]
SkipPreview = Annotated[bool, typer.Option("--skip-preview", help="Do not show first what would change.")]
Public = Annotated[str, typer.Option("--stack", envvar="INSSA_REAL_STACK", help="The public stack.")]
Stage = Annotated[str, typer.Option("--stage", envvar="INSSA_STAGE_STACK", help="Where candidates are approved.")]
Watch = Annotated[float, typer.Option("--watch", min=0, max=3600, help="Seconds to watch the new version; 0: do not.")]
ErrorRate = Annotated[
    float, typer.Option(min=0, max=1, help="Go back if the share of failed answers grows by more than this.")
]
Latency = Annotated[float, typer.Option(min=1, help="Go back if the 99th percentile grows by more than this factor.")]
REAL, STAGE = "real", "stage"
