"""What members of 2.x write beside moments and names."""

from __future__ import annotations

import re
from typing import Final

from inssaservice.content import InvalidContent
from inssaservice.v2.queries import KINDS, THUMBS_UP

# The schema has the same rule. No dash: that marks a handle which the database derived.
_HANDLE: Final = re.compile(r"[a-z0-9_]{2,20}")


def handle(raw: str) -> str:
    """A chosen handle: 2 to 20 of a-z, 0-9 and `_`; capitals and a leading `@` are taken as meant."""
    value = raw.strip().removeprefix("@").lower()
    if not _HANDLE.fullmatch(value):
        raise InvalidContent("handle_form")
    return value


def kind(raw: str | None) -> str:
    """The kind of a reaction; a form of 1.x gives none and means a thumbs-up."""
    if raw is None:
        return THUMBS_UP
    if raw not in KINDS:
        raise InvalidContent("not_valid")
    return raw
