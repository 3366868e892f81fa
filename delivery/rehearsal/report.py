"""The report of a rehearsal: one HTML file that needs nothing else, its pictures drawn as SVG."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from delivery.load.summary import Summary
from delivery.rehearsal.record import Record

_WIDTH, _HEIGHT, _LEFT, _TOP, _STEP_LANE = 1100, 260, 56, 12, 150
_BINS = 400
_COLORS = ("#3b6ea5", "#d9822b", "#4c9f70", "#a23b72", "#7d6b91", "#5f6b6d")
_FAILED = "#c00"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
svg { width: 100%; height: auto } svg text { fill: #444 }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .3rem .8rem; text-align: left }
td, th { border-bottom: 1px solid #ddd }
td.n { text-align: right; font-variant-numeric: tabular-nums } .bad { color: #c00; font-weight: 600 }
.key span { display: inline-block; margin-right: 1.2rem }
.key i { display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem }
"""


@dataclass(frozen=True)
class Axes:
    """From seconds since the load began, and values up to `most`, to the picture's coordinates."""

    seconds: float
    most: float

    def x(self, at: float) -> float:
        """Horizontal place of a moment."""
        return round(_LEFT + at / self.seconds * (_WIDTH - _LEFT), 1)

    def y(self, value: float) -> float:
        """Vertical place of a value."""
        return round(_TOP + (1 - value / self.most) * _HEIGHT, 1)


def html(record: Record, title: str) -> str:
    """The whole document."""
    versions = sorted({answer.version for answer in record.answers if answer.version})
    tracks = sorted({name for look in record.looks for name in look.ready})
    verdict = f"{len(record.failed)} of {len(record.answers)} requests failed"
    return "\n".join(
        (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>',
            f"<style>{_STYLE}</style><h1>{escape(title)}</h1>",
            f'<p class="{"bad" if record.failed else ""}">{verdict}, in {record.ended - record.began:.0f} s.</p>',
            "<h2>Requests per second, by the version that answered</h2>",
            _key(versions),
            requests_picture(record, versions),
            "<h2>Pods that are ready, by track</h2>",
            _key(tracks),
            _pods_picture(record, tracks),
            "<h2>Steps</h2>",
            _steps_table(record),
            "<h2>Figures</h2>",
            _figures_table(record, versions),
            "</html>",
        )
    )


def requests_picture(record: Record, versions: Sequence[str]) -> str:
    """Stacked areas of answers per second by version, failures as marks, and the steps below."""
    seconds = max(record.ended - record.began, 1)
    width = seconds / _BINS
    bins: dict[str, Counter[int]] = defaultdict(Counter)
    for answer in record.answers:
        if not answer.failed:
            bins[answer.version][int((answer.sent - record.began) / width)] += 1
    totals = [sum(bins[version][index] for version in versions) / width for index in range(_BINS)]
    axes = Axes(seconds, max(1.0, *totals) * 1.05)
    floor = [0.0] * _BINS
    parts = []
    for color, version in zip(_cycle(), versions, strict=False):
        top = [floor[index] + bins[version][index] / width for index in range(_BINS)]
        upper = [f"{axes.x(index * width)},{axes.y(value)}" for index, value in enumerate(top)]
        lower = [f"{axes.x(index * width)},{axes.y(value)}" for index, value in enumerate(floor)]
        parts.append(f'<polygon fill="{color}" points="{" ".join([*upper, *reversed(lower)])}"/>')
        floor = top
    for answer in record.failed:
        x = axes.x(answer.sent - record.began)
        parts.append(f'<path stroke="{_FAILED}" d="M{x} {_TOP}V{_TOP + _HEIGHT}"/>')
    return _picture(axes, [*parts, *_step_marks(record, axes)], _STEP_LANE)


def _pods_picture(record: Record, tracks: Sequence[str]) -> str:
    seconds = max(record.ended - record.began, 1)
    looks = [look for look in record.looks if record.began <= look.at <= record.ended]
    most = max((value for look in looks for value in look.ready.values()), default=1)
    axes = Axes(seconds, max(most, 1) * 1.05)
    parts = []
    for color, track in zip(_cycle(), tracks, strict=False):
        line = " ".join(f"{axes.x(look.at - record.began)},{axes.y(look.ready.get(track, 0))}" for look in looks)
        parts.append(f'<polyline fill="none" stroke="{color}" stroke-width="2" points="{line}"/>')
    return _picture(axes, parts, 20)


def _picture(axes: Axes, parts: Sequence[str], below: int) -> str:
    grid = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        value = axes.most / 1.05 * share
        y = axes.y(value)
        grid.append(f'<path stroke="#ddd" d="M{_LEFT} {y}H{_WIDTH}"/><text x="0" y="{y + 4}">{value:.0f}</text>')
    minute = 60 if axes.seconds > 180 else 20
    for at in range(0, int(axes.seconds), minute):
        grid.append(f'<text x="{axes.x(at)}" y="{_TOP + _HEIGHT + 14}">{at} s</text>')
    look = 'role="img" font-family="system-ui, sans-serif" font-size="11"'
    return f'<svg viewBox="0 0 {_WIDTH} {_TOP + _HEIGHT + below}" {look}>{"".join([*grid, *parts])}</svg>'


def _step_marks(record: Record, axes: Axes) -> Iterator[str]:
    for number, step in enumerate(record.steps):
        x, end = axes.x(step.began - record.began), axes.x(step.ended - record.began)
        y = _TOP + _HEIGHT + 28 + 12 * (number % 10)
        color = "#888" if step.ok else _FAILED
        yield f'<path stroke="#0003" d="M{x} {_TOP}V{y}"/><path stroke="{color}" stroke-width="5" d="M{x} {y}H{end}"/>'
        anchor, place = ("end", x - 4) if x > _WIDTH * 0.6 else ("start", end + 4)
        yield f'<text x="{place}" y="{y + 4}" text-anchor="{anchor}">{escape(step.title)}</text>'


def _steps_table(record: Record) -> str:
    rows = [
        f'<tr><td class="n">{step.began - record.began:.1f}</td><td class="n">{step.ended - step.began:.1f}</td>'
        f"<td>{escape(step.title)}</td><td>{'done' if step.ok else '<span class=bad>failed</span>'}</td></tr>"
        for step in record.steps
    ]
    return f"<table><tr><th>at, s</th><th>took, s</th><th>step</th><th></th></tr>{''.join(rows)}</table>"


def _figures_table(record: Record, versions: Sequence[str]) -> str:
    figures: dict[str, str] = {
        "requests": f"{len(record.answers)}",
        "failed": f"{len(record.failed)}",
        **{f"answered by {version}": f"{count}" for version, count in _counts(record, versions).items()},
    }
    if len(record.failed) < len(record.answers):
        summary = Summary(record.answers)
        for percent in (50, 99):
            figures[f"{percent} % of the requests within, ms"] = f"{summary.percentile(percent, 'fresh') * 1000:.1f}"
    figures["most pods ready at once"] = f"{max((sum(look.ready.values()) for look in record.looks), default=0)}"
    rows = [f'<tr><td>{escape(name)}</td><td class="n">{value}</td></tr>' for name, value in figures.items()]
    return f"<table>{''.join(rows)}</table>"


def _counts(record: Record, versions: Sequence[str]) -> Mapping[str, int]:
    counts = Counter(answer.version for answer in record.answers if not answer.failed)
    return {version: counts[version] for version in versions}


def _key(names: Sequence[str]) -> str:
    items = (
        f'<span><i style="background:{color}"></i>{escape(name)}</span>'
        for color, name in zip(_cycle(), names, strict=False)
    )
    return f'<p class="key">{"".join(items)}</p>'


def _cycle() -> Iterator[str]:
    while True:
        yield from _COLORS
