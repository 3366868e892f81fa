"""A status as a picture for people, and as plain lines for pipes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from delivery.reports import StackStatus, TrackStatus

_BAR = 20
_COLORS = {"live": "green", "standby": "blue", "canary": "yellow", "audience": "green", "left over": "red"}


def picture(stacks: Sequence[StackStatus]) -> RenderableType:
    """One panel per stack: its tracks, how members are shared among them, and what is wrong."""
    return Group(*(_panel(stack) for stack in stacks))


def lines(stacks: Sequence[StackStatus]) -> Iterator[str]:
    """The same as lines of words, one per track."""
    for stack in stacks:
        if not stack.deployed:
            yield f"{stack.stack}: not deployed; make up STACK={stack.stack}"
        for track in stack.tracks:
            share = f" {track.weight} %" if track.weight is not None else ""
            yield (
                f"{stack.stack} {track.role} {track.name} {track.version}{share} {_pods(track)} "
                f"{track.url} answers {track.answers}"
            )
        if stack.deployed:
            where = f" {stack.url}" if stack.url else ""
            yield f"{stack.stack}: generation {stack.generation}, updated {_ago(stack.updated)}{where}"
        for kind, found in (("drift", stack.drift), ("problem", stack.problems)):
            yield from (f"{stack.stack} {kind}: {one}" for one in found)


def _panel(stack: StackStatus) -> Panel:
    title = Text(stack.stack, style="bold")
    if not stack.deployed:
        return Panel(Text(f"not deployed; make up STACK={stack.stack}", style="dim"), title=title, title_align="left")
    table = Table(box=None, pad_edge=False, expand=True, header_style="dim")
    public = any(track.weight is not None for track in stack.tracks)
    for column in ("", "version", "members" if public else "", "pods", "address", "answers"):
        table.add_column(column, no_wrap=column in ("version", "pods"))
    for track in stack.tracks:
        color = _COLORS[track.role]
        name = track.name if track.role == "audience" else track.role
        table.add_row(
            Text(name, style=color),
            Text(track.version, style="bold" if track.role == "live" else ""),
            _bar(track, color) if track.weight is not None else Text(""),
            Text(_pods(track), style="" if track.ready >= track.wanted > 0 else "red"),
            Text(track.url, style="dim"),
            Text(track.answers, style="" if track.answers.startswith(track.version) else "red"),
        )
    notes = [Text(f"drift: {one}", style="yellow") for one in stack.drift]
    notes += [Text(one, style="red") for one in stack.problems]
    where = f"{stack.url}  " if stack.url else ""
    subtitle = Text(f"{where}generation {stack.generation}, updated {_ago(stack.updated)}", style="dim")
    return Panel(Group(table, *notes), title=title, title_align="left", subtitle=subtitle, subtitle_align="right")


def _bar(track: TrackStatus, color: str) -> Text:
    weight = track.weight or 0
    full = round(weight * _BAR / 100)
    return Text.assemble(("█" * full, color), ("░" * (_BAR - full), "dim"), f" {weight:3} %")


def _pods(track: TrackStatus) -> str:
    bounds = f" [{track.scale.min}..{track.scale.max}]" if track.scale else ""
    return f"{track.ready}/{track.wanted}{bounds}"


def _ago(moment: datetime | None) -> str:
    if moment is None:
        return "never"
    seconds = int((datetime.now(UTC) - moment).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{max(seconds, 0)} s ago"
