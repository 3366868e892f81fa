"""What members write, checked before it is stored."""

from __future__ import annotations

import unicodedata
from typing import Final

from inssaservice.problems import Problem

TEXT_LENGTH: Final = 280
NAME_LENGTH: Final = 40
LARGEST_ID: Final = 2**63 - 1


class InvalidContent(Problem):
    """Content that cannot be stored."""

    def __init__(self, key: str) -> None:
        super().__init__(422, key)


def text(raw: str) -> str:
    """A moment's text: 1 to 280 characters (code points after NFC), line breaks kept, no other controls."""
    return _clean(raw.replace("\r\n", "\n").replace("\r", "\n"), "text", TEXT_LENGTH, allowed="\n")


def name(raw: str) -> str:
    """A visible name: one line of 1 to 40 characters."""
    return _clean(raw, "name", NAME_LENGTH, allowed="")


def _clean(raw: str, kind: str, longest: int, *, allowed: str) -> str:
    # NFC first: a Hangul syllable typed on a Mac may arrive as three code points and counts as one.
    value = unicodedata.normalize("NFC", raw).strip()
    if not value:
        raise InvalidContent(f"{kind}_empty")
    if len(value) > longest:
        raise InvalidContent(f"{kind}_too_long")
    if any(_unshowable(character) for character in value if character not in allowed):
        raise InvalidContent(f"{kind}_control")
    return value


def _unshowable(character: str) -> bool:
    # Controls (PostgreSQL refuses NUL), lone surrogates, and marks that turn the direction of what follows.
    return unicodedata.category(character) in {"Cc", "Cs"} or character in "\u202a\u202b\u202c\u202d\u202e"
