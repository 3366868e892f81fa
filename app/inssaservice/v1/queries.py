"""The feed and thumbs-ups of 1.x."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import column, table
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from inssaservice import tables
from inssaservice.members import Viewer
from inssaservice.problems import Problem

FEED_LENGTH: Final = 50

member = table("member", column("id"), column("name"), column("hidden"))
thumbs_up = table("thumbs_up", column("moment_id", sa.BigInteger), column("member_id", sa.BigInteger))


@dataclass(frozen=True, slots=True)
class FeedMoment:
    """One moment of the feed; `given` and `own` are as the viewer sees it."""

    id: int
    text: str
    created_at: datetime
    author_id: int
    author: str
    thumbs_up: int
    given: bool
    own: bool


def _feed() -> sa.Select[int, str, datetime, int, str, int, bool, bool]:
    me = sa.bindparam("me", type_=sa.BigInteger)
    moment, author = tables.moment.c, member.c
    newest = (
        sa.select(moment.id, moment.text, moment.created_at, moment.member_id, author.name)
        .join_from(tables.moment, member, moment.member_id == author.id)
        .where(sa.or_(sa.not_(author.hidden), moment.member_id == me))
        .order_by(moment.id.desc())
        .limit(FEED_LENGTH)
        .subquery("newest")
    )
    given = (
        sa.select(
            sa.func.count().label("total"),
            sa.func.coalesce(sa.func.bool_or(thumbs_up.c.member_id == me), False).label("mine"),
        )
        .where(thumbs_up.c.moment_id == newest.c.id)
        .lateral("given")
    )
    return (
        sa.select(
            newest.c.id,
            newest.c.text,
            newest.c.created_at,
            newest.c.member_id,
            newest.c.name,
            given.c.total,
            given.c.mine,
            newest.c.member_id == me,
        )
        .join_from(newest, given, sa.true())
        .order_by(newest.c.id.desc())
    )


_FEED: Final = _feed()


def feed(connection: sa.Connection, viewer: Viewer) -> Sequence[FeedMoment]:
    """The newest 50 moments; those of hidden members are there for themselves only."""
    return [FeedMoment(*row) for row in connection.execute(_FEED, {"me": viewer.id}).all()]


def give(connection: sa.Connection, viewer: Viewer, moment_id: int) -> bool:
    """Give a thumbs-up to another member's moment; False when it was given before.

    Problem 404 when the moment is gone or hidden from the viewer, 409 for the viewer's own.
    """
    moment = tables.moment.c
    author = connection.execute(
        sa.select(moment.member_id, member.c.hidden)
        .join_from(tables.moment, member, moment.member_id == member.c.id)
        .where(moment.id == moment_id)
    ).one_or_none()
    if author is None or (author.hidden and author.member_id != viewer.id):
        raise Problem(404, "no_such_moment")
    if author.member_id == viewer.id:
        raise Problem(409, "own_moment")
    statement = (
        insert(thumbs_up)
        .values(moment_id=moment_id, member_id=viewer.id)
        .on_conflict_do_nothing()
        .returning(thumbs_up.c.moment_id)
    )
    try:
        return connection.execute(statement).first() is not None
    except IntegrityError:
        # Removed since it was looked up.
        raise Problem(404, "no_such_moment") from None


def take_back(connection: sa.Connection, viewer: Viewer, moment_id: int) -> None:
    """Take a thumbs-up back; nothing happens when there is none."""
    connection.execute(
        sa.delete(thumbs_up).where(thumbs_up.c.moment_id == moment_id, thumbs_up.c.member_id == viewer.id)
    )
