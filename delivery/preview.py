"""Preview a stack, and let a pull request or a file say so."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from delivery.comment import Preview, marker, render
from delivery.console import Console
from delivery.errors import DeliveryError, InterruptedByPersonError, UsageError
from delivery.failures import UpdateFailedError
from delivery.github import Account, Outcome, Posted, PullRequests
from delivery.plan import Plan
from delivery.progress import Progress
from delivery.project import ROOT, project_folder
from delivery.reports import PreviewReport, PreviewsReport, StepReport


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Who is to know: a pull request, a file, or only whoever runs the command."""

    pr: int | None = None
    output: Path | None = None
    repository: str | None = None
    skip_unchanged: bool = False


def previews(stacks: Sequence[str], where: Destination, console: Console) -> None:
    """Preview each stack and tell; a failed preview is told as well, and raised after all of them.

    Raises UsageError for what a person must mend before the engine is even asked.
    """
    if where.pr is not None and where.output is not None:
        raise UsageError("--pr and --output: choose one of them")
    account = Account.of_environment(where.repository, project_folder()) if where.pr is not None else None
    bodies: list[str] = []
    reports: list[PreviewReport] = []
    failures: list[DeliveryError] = []
    for stack in stacks:
        found, failure = _previewed(stack, console)
        bodies.append(render(found))
        reports.append(_told(found, bodies[-1], where, account, console))
        failures += [failure] if failure else []
    if where.output is not None:
        where.output.write_text("\n".join(bodies))
    console.result(PreviewsReport(previews=reports))
    if failures:
        raise failures[0]


def _told(found: Preview, body: str, where: Destination, account: Account | None, console: Console) -> PreviewReport:
    posted = Posted(outcome=Outcome.SKIPPED, url="")
    if account and where.pr is not None:
        with PullRequests(account, say=console.say) as pulls:
            create = not (where.skip_unchanged and found.unchanged)
            posted = pulls.comment(where.pr, marker(found.stack), body, create=create)
    elif where.output is not None:
        posted = Posted(outcome=Outcome.WRITTEN, url=str(where.output))
    if not console.as_json:
        console.plan(found.plan)
        for error in found.plan.errors:
            console.say(error)
        if posted.url:
            console.say(f"{posted.outcome}: {posted.url}")
    return PreviewReport(
        stack=found.stack,
        failed=found.failed,
        errors=list(found.plan.errors),
        steps=StepReport.all_of(found.plan),
        comment=posted.outcome.value,
        url=posted.url,
    )


def _previewed(stack: str, console: Console) -> tuple[Preview, DeliveryError | None]:
    from delivery.workspace import Stack

    try:
        with console.watching(f"previewing {stack}") as watched:
            plan = Stack(stack).preview(progress=Progress(on_interrupt=watched.on_interrupt))
    except InterruptedByPersonError:
        raise
    except DeliveryError as error:
        steps = error.plan.steps if isinstance(error, UpdateFailedError) else ()
        failed = Plan(steps=steps, errors=tuple(str(error).splitlines()))
        return Preview(stack=stack, plan=failed, commit=_commit()), error
    return Preview(stack=stack, plan=plan, commit=_commit()), None


def _commit() -> str:
    result = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout.strip()
