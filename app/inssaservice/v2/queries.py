"""The feed, reactions and profiles of 2.x."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import column, table
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from inssaservice import members, tables
from inssaservice.content import InvalidContent
from inssaservice.members import Viewer
from inssaservice.problems import Problem

FEED_LENGTH: Final = 50
# In the order of the page. The first is what a 1.x client gives.
KINDS: Final[Mapping[str, str]] = {"thumbs_up": "👍", "heart": "❤️", "laugh": "😂", "party": "🎉", "sad": "😢"}
THUMBS_UP: Final = "thumbs_up"

member = table("member", column("id"), column("handle"), column("display_name"), column("hidden"))
reaction = table(
    "reaction",
    column("moment_id", sa.BigInteger),
    column("member_id", sa.BigInteger),
    column("kind", sa.Text),
    column("created_at"),
)


@dataclass(frozen=True, slots=True)
class FeedMoment:
    """One moment of the feed; `mine` (the viewer's reaction) and `own` are as the viewer sees it."""

    id: int
    text: str
    created_at: datetime
    author_id: int
    handle: str
    author: str
    own: bool
    mine: str | None
    counts: tuple[int, ...]

    @property
    def reactions(self) -> dict[str, int]:
        """How many there are of each kind, zero included."""
        return dict(zip(KINDS, self.counts, strict=True))


def visible(me: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether a joined moment is for the viewer's eyes: those of hidden members are for themselves only."""
    return sa.or_(sa.not_(member.c.hidden), tables.moment.c.member_id == me)


def feed_of(newest: sa.Subquery, me: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """The columns of `FeedMoment` for the moments of a subquery, newest first.

    Reactions are counted as thumbs-ups when their kind is of a later release than this one.
    """
    kind, mine = reaction.c.kind, reaction.c.member_id == me
    counted: list[sa.ColumnElement[Any]] = [sa.func.max(kind).filter(mine).label("mine")]
    for name in KINDS:
        of_kind = kind.notin_([other for other in KINDS if other != THUMBS_UP]) if name == THUMBS_UP else kind == name
        counted.append(sa.func.count().filter(of_kind).label(name))
    given = sa.select(*counted).where(reaction.c.moment_id == newest.c.id).lateral("given")
    return (
        sa.select(*newest.c, (newest.c.member_id == me).label("own"), *given.c)
        .join_from(newest, given, sa.true())
        .order_by(newest.c.id.desc())
    )


def moments(me: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """All moments that the viewer may see, with their authors."""
    moment = tables.moment.c
    return (
        sa.select(moment.id, moment.text, moment.created_at, moment.member_id, member.c.handle, member.c.display_name)
        .join_from(tables.moment, member, moment.member_id == member.c.id)
        .where(visible(me))
    )


def read(connection: sa.Connection, query: sa.Select[Any], viewer: Viewer) -> Sequence[FeedMoment]:
    """Run a query that `feed_of` made with the parameter `me`."""
    found = []
    for row in connection.execute(query, {"me": viewer.id}).all():
        identifier, text, created_at, author_id, handle, author, own, mine, *counts = row
        found.append(FeedMoment(identifier, text, created_at, author_id, handle, author, own, mine, tuple(counts)))
    return found


ME: Final = sa.bindparam("me", type_=sa.BigInteger)
_FEED: Final = feed_of(moments(ME).order_by(tables.moment.c.id.desc()).limit(FEED_LENGTH).subquery("newest"), ME)


def feed(connection: sa.Connection, viewer: Viewer) -> Sequence[FeedMoment]:
    """The newest 50 moments."""
    return read(connection, _FEED, viewer)


def _check_moment(connection: sa.Connection, viewer: Viewer, moment_id: int) -> None:
    row = connection.execute(
        sa.select(tables.moment.c.member_id)
        .join_from(tables.moment, member, tables.moment.c.member_id == member.c.id)
        .where(tables.moment.c.id == moment_id, visible(sa.literal(viewer.id)))
    ).one_or_none()
    if row is None:
        raise Problem(404, "no_such_moment")
    if row.member_id == viewer.id:
        raise Problem(409, "own_moment")


def react(connection: sa.Connection, viewer: Viewer, moment_id: int, kind: str) -> None:
    """React to another member's moment; an earlier reaction of the viewer is replaced.

    Problem 404 when the moment is gone or hidden from the viewer, 409 for the viewer's own.
    """
    _check_moment(connection, viewer, moment_id)
    statement = insert(reaction).values(moment_id=moment_id, member_id=viewer.id, kind=kind)
    try:
        connection.execute(
            statement.on_conflict_do_update(index_elements=["moment_id", "member_id"], set_={"kind": kind})
        )
    except IntegrityError:
        # Removed since it was looked up.
        raise Problem(404, "no_such_moment") from None


def reaction_of(connection: sa.Connection, viewer: Viewer, moment_id: int) -> str | None:
    """The kind of the viewer's reaction."""
    mine = reaction.c
    kind: str | None = connection.scalar(
        sa.select(mine.kind).where(mine.moment_id == moment_id, mine.member_id == viewer.id)
    )
    return kind


def give(connection: sa.Connection, viewer: Viewer, moment_id: int) -> None:
    """A 1.x client's thumbs-up: any reaction that is there already is one, as 1.x would see it."""
    if reaction_of(connection, viewer, moment_id) is None:
        react(connection, viewer, moment_id, THUMBS_UP)


def take_back(connection: sa.Connection, viewer: Viewer, moment_id: int) -> None:
    """Take a reaction of any kind back; nothing happens when there is none."""
    mine = reaction.c
    connection.execute(sa.delete(reaction).where(mine.moment_id == moment_id, mine.member_id == viewer.id))


def change_profile(connection: sa.Connection, viewer: Viewer, *, handle: str, display_name: str) -> None:
    """Change handle and display name; InvalidContent when another member has the handle."""
    statement = sa.update(member).where(member.c.id == viewer.id).values(handle=handle, display_name=display_name)
    try:
        with connection.begin_nested():
            connection.execute(statement)
    except IntegrityError:
        raise InvalidContent("handle_taken") from None


def invite(connection: sa.Connection, viewer: Viewer, *, handle: str | None, display_name: str) -> str:
    """Create a member and return the code; without a handle the database derives one from the name."""
    columns = {"display_name": display_name} | ({} if handle is None else {"handle": handle})
    try:
        with connection.begin_nested():
            return members.invite(connection, by=viewer.id, columns=columns)
    except IntegrityError:
        raise InvalidContent("handle_taken") from None
