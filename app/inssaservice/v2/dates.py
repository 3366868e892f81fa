"""How long ago something was, in the reader's language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from babel.dates import format_date, format_timedelta

_DAY: Final = 24 * 3600
# Beyond this a date says more than a number of days.
_LONGEST: Final = 7 * _DAY


def ago(moment: datetime, language: str, now: datetime | None = None) -> str:
    """As in "3 hours ago" or "3시간 전"; a date when it was a week ago or more. Both times are aware."""
    seconds = int(((now or datetime.now(UTC)) - moment).total_seconds())
    if seconds >= _LONGEST:
        return format_date(moment, "medium", language)
    # Less than that is now, or a clock that differs from the database's.
    seconds = max(seconds, 1)
    unit = 1 if seconds < 60 else 60 if seconds < 3600 else 3600 if seconds < _DAY else _DAY
    return _phrase(seconds // unit * unit, language)


@lru_cache(maxsize=1024)
def _phrase(seconds: int, language: str) -> str:
    # 59 + 59 + 23 + 6 phrases a language; a page of fifty moments asks for a few of them again and again.
    return format_timedelta(timedelta(seconds=-seconds), threshold=1, add_direction=True, locale=language)
