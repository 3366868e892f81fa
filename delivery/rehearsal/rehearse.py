"""Perform the story and leave its report."""

from __future__ import annotations

from pathlib import Path

from delivery.console import Console
from delivery.errors import DeliveryError
from delivery.load.summary import Summary
from delivery.rehearsal.record import Record
from delivery.rehearsal.report import html, requests_picture
from delivery.rehearsal.story import Play, Script, Theatre
from delivery.reports import RehearsalReport, RehearsalStep

_TITLE = "InssaService: from 1.0 to 2.0 and on, with members on it"


def rehearse(script: Script, path: Path, *, keep: bool, console: Console) -> None:
    """Perform, write the report and its first picture. Raises DeliveryError if a step or a request failed."""
    with Theatre.opened(script, keep=keep) as theatre:
        record = Play(theatre, script, console).run()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html(record, _TITLE))
    versions = sorted({answer.version for answer in record.answers if answer.version})
    picture = requests_picture(record, versions).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    path.with_suffix(".svg").write_text(picture)
    console.result(_report(record, path), f"{Summary(record.answers)}", f"report: {path}")
    broken = [step.title for step in record.steps if not step.ok]
    if broken or record.failed:
        raise DeliveryError(
            f"the rehearsal failed: {len(record.failed)} requests; steps: {', '.join(broken) or 'none'}"
        )


def _report(record: Record, path: Path) -> RehearsalReport:
    return RehearsalReport(
        steps=[
            RehearsalStep(
                title=step.title,
                began=round(step.began - record.began, 1),
                ended=round(step.ended - record.began, 1),
                ok=step.ok,
                note=step.note,
            )
            for step in record.steps
        ],
        requests=len(record.answers),
        failed=len(record.failed),
        by_version=dict(Summary(record.answers).by_version),
        seconds=round(record.ended - record.began, 1),
        html=str(path),
    )
