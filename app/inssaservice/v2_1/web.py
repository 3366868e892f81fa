"""2.x with the moment of the day: what got most reactions within 24 hours."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa

from inssaservice import tables
from inssaservice.members import Viewer
from inssaservice.pages import Pages
from inssaservice.service import Service
from inssaservice.v2 import queries
from inssaservice.v2 import web as v2
from inssaservice.v2.web import GLOBALS, api

__all__ = ["GLOBALS", "TEXTS", "api", "pages"]

_OWN: Final = {"en": {"moment_of_the_day": "Moment of the day"}, "ko": {"moment_of_the_day": "오늘의 순간"}}
TEXTS: Final = {language: {**texts, **_OWN[language]} for language, texts in v2.TEXTS.items()}


def _query() -> sa.Select[Any]:
    reaction, moment = queries.reaction.c, tables.moment.c
    reactions = sa.select(sa.func.count()).where(reaction.moment_id == moment.id).scalar_subquery()
    best = (
        queries.moments(queries.ME)
        .where(moment.created_at > sa.func.now() - timedelta(hours=24), reactions > 0)
        .order_by(reactions.desc(), moment.id.desc())
        .limit(1)
    )
    return queries.feed_of(best.subquery("best"), queries.ME)


_BEST: Final = _query()


class FeedPages(v2.FeedPages):
    """The feed with one more card."""

    template: ClassVar = "feed-with-best.html"

    def extras(self, connection: sa.Connection, viewer: Viewer) -> dict[str, Any]:
        """The moment of the day, if anything got a reaction."""
        return {"best": next(iter(queries.read(connection, _BEST, viewer)), None)}


def pages(service: Service) -> Pages:
    """The pages of the experiment."""
    return FeedPages(service)
