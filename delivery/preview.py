"""Preview a stack, and let a pull request or a file say so."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Literal

from delivery.comment import Preview, marker, render
from delivery.console import Console
from delivery.errors import DeliveryError, UsageError
from delivery.failures import ProgramRefusedError, UpdateFailedError
from delivery.github import Account, PullRequests
from delivery.plan import Plan
from delivery.progress import Progress
from delivery.project import ROOT, project_folder, stack_file
from delivery.reports import PreviewReport, StepReport


def preview(
    stack: str,
    *,
    pr: int | None,
    output: Path | None,
    repository: str | None,
    skip_unchanged: bool,
    console: Console,
) -> None:
    """Preview and tell. A failed preview is told as well, and raised afterwards.

    Raises UsageError for what a person must mend before the engine is even asked.
    """
    if pr is not None and output is not None:
        raise UsageError("--pr and --output: choose one of them")
    stack_file(stack)
    account = Account.of_environment(repository, project_folder()) if pr is not None else None
    found, failure = _previewed(stack, console)
    body = render(found)
    outcome: Literal["created", "edited", "unchanged", "skipped", "file"] = "skipped"
    url = ""
    if output is not None:
        output.write_text(body)
        outcome, url = "file", str(output)
    elif account and pr is not None:
        with PullRequests(account, say=console.say) as pulls:
            posted = pulls.comment(pr, marker(stack), body, create=not (skip_unchanged and found.unchanged))
        outcome, url = posted.outcome.value, posted.url
    report = PreviewReport(
        stack=stack,
        failed=found.failed,
        errors=list(found.plan.errors),
        steps=StepReport.all_of(found.plan),
        comment=outcome,
        url=url,
    )
    if console.as_json:
        console.result(report)
    else:
        console.plan(found.plan)
        if url:
            console.say(f"{outcome}: {url}")
    if failure:
        raise failure


def _previewed(stack: str, console: Console) -> tuple[Preview, DeliveryError | None]:
    from delivery.workspace import Stack

    try:
        with console.watching(f"previewing {stack}") as watched:
            plan = Stack(stack).preview(progress=Progress(on_interrupt=watched.on_interrupt))
    except (UpdateFailedError, ProgramRefusedError) as error:
        steps = error.plan.steps if isinstance(error, UpdateFailedError) else ()
        failed = Plan(steps=steps, errors=tuple(str(error).splitlines()))
        return Preview(stack=stack, plan=failed, commit=_commit()), error
    return Preview(stack=stack, plan=plan, commit=_commit()), None


def _commit() -> str:
    result = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout.strip()
