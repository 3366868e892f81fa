"""A preview as one GitHub comment: what matters most first, nothing that is not meant to be seen, always valid.

Everything that comes from a program, a provider or a person is HTML-escaped and
stands in a <code> or <pre> element, so that it can neither end a Markdown
construct nor mention or link anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from delivery.plan import REST, Operation, Plan, PropertyChange, Step

LIMIT = 65_536
"""GitHub's limit of a comment's body, counted here in UTF-16 units, of which no other count is larger."""

_LONGEST_VALUE = 400
_LONGEST_NAME = 120
_NAMES_PER_ROW = 12
_RESERVED = 400
"""Room for the last line, which says what was left out, and the closing tags."""
_ERRORS_SHARE = 20_000
_MARKED = str.maketrans({character: f"&#{ord(character)};" for character in "\\`*_[]|@#~:"})


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The preview of one stack. `plan.errors` are what made it fail."""

    stack: str
    plan: Plan
    commit: str = ""

    @property
    def failed(self) -> bool:
        """Whether the engine could not finish the preview."""
        return bool(self.plan.errors)

    @property
    def unchanged(self) -> bool:
        """Whether an update would change nothing."""
        return not self.failed and not self.plan.steps


def marker(stack: str) -> str:
    """The hidden line by which the comment of a stack is found again."""
    return f"<!-- inssa-preview: {stack} -->"


def render(preview: Preview, limit: int = LIMIT) -> str:
    """The comment's body, of at most `limit` UTF-16 units.

    Errors come first, then the summary, then the changes of resources: those
    whose loss would be felt, then replaced, deleted, updated and created ones.
    What has no room is counted in the last line.
    """
    head = [marker(preview.stack), _headline(preview)]
    if preview.failed:
        head += ["", _errors(preview.plan.errors)]
    if preview.plan.steps:
        head += ["", _table(preview.plan)]
    foot = f"\n\n<sub>{_code(preview.commit[:12])}</sub>" if preview.commit else ""
    body = "\n".join(head)
    room = limit - _RESERVED - _length(foot)
    if _length(body) > room:
        body = "\n".join([*head[:2], "", "The summary alone is too long for a comment."])
    return f"{body}{_details(preview, room - _length(body))}{foot}\n"


def _headline(preview: Preview) -> str:
    stack = _code(preview.stack)
    if preview.failed:
        return f"### Preview of {stack} failed"
    if preview.unchanged:
        return f"Preview of {stack}: no changes."
    return f"### Preview of {stack}: {preview.plan}"


def _errors(errors: Sequence[str]) -> str:
    return f"<pre>{_cut(_escaped(chr(10).join(errors)), _ERRORS_SHARE)}</pre>"


def _table(plan: Plan) -> str:
    rows = ["| | resources |", "|---|---|"]
    for operation in Operation:
        steps = sorted(plan.of(operation), key=lambda step: not step.risky)
        if not steps:
            continue
        names = [f"**{_code(str(step))}**" if step.risky else _code(str(step)) for step in steps]
        bold = any(step.risky for step in steps)
        count = f"{operation} {len(steps)}"
        rows.append(f"| {f'**{count}**' if bold else count} | {_enumeration(names)} |")
    return "\n".join(rows)


def _enumeration(names: Sequence[str]) -> str:
    shown = names[:_NAMES_PER_ROW]
    left = len(names) - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")


def _details(preview: Preview, room: int) -> str:
    by_weight = sorted(preview.plan.steps, key=lambda step: (not step.risky, list(Operation).index(step.operation)))
    parts: list[str] = []
    shown = 0
    opening, closing = '\n\n<details><summary>Properties</summary>\n\n<pre lang="diff">\n', "</pre>\n\n</details>"
    room -= _length(opening) + _length(closing)
    for step in by_weight:
        block = _block(step)
        if _length(block) > room and not parts:
            block = _whole_lines(block, room)
        if not block or _length(block) > room:
            continue
        parts.append(block)
        room -= _length(block)
        shown += 1
    left = len(by_weight) - shown
    rest = f"\n\n{left} more have no room here: <code>inssa preview {_escaped(preview.stack)}</code>" if left else ""
    return (f"{opening}{''.join(parts)}{closing}" if parts else "") + rest


def _block(step: Step) -> str:
    lines = [f"@@ {step.operation} {_escaped(str(step))} @@"]
    for change in step.changes:
        lines += _lines(change)
    return "\n".join(lines) + "\n"


def _lines(change: PropertyChange) -> Iterable[str]:
    path = _escaped(_cut(change.path, _LONGEST_NAME))
    because = "  (forces the replacement)" if change.replaces else ""
    if change.before is not None:
        yield f"- {path}: {_value(change.before)}"
    if change.after is not None:
        yield f"+ {path}: {_value(change.after)}{because}"
    elif because:
        yield f"! {path}{because}"


def _value(text: str) -> str:
    return _escaped(_cut(text.replace("\n", " "), _LONGEST_VALUE))


def _whole_lines(text: str, room: int) -> str:
    kept: list[str] = []
    room -= 2 * len(REST)
    for line in text.splitlines(keepends=True):
        room -= _length(line)
        if room < 0:
            return "".join([*kept, f"{REST}\n"]) if kept else ""
        kept.append(line)
    return "".join(kept)


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    whole = text[:longest]
    # An entity must not be cut in two.
    ampersand = whole.rfind("&", longest - 8)
    return (whole[:ampersand] if ampersand >= 0 and ";" not in whole[ampersand:] else whole) + REST


def _code(text: str) -> str:
    return f"<code>{_escaped(_cut(' '.join(text.split()), _LONGEST_NAME)).translate(_MARKED)}</code>"


def _escaped(text: str) -> str:
    # Control characters mean nothing in HTML; some are refused by GitHub.
    clean = "".join(character for character in text if character in "\n\t" or character.isprintable())
    return clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _length(text: str) -> int:
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)
