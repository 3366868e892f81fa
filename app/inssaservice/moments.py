"""Writing and removing moments; how they are read differs between release lines."""

from __future__ import annotations

import sqlalchemy as sa

from inssaservice import tables
from inssaservice.members import Viewer


def post(connection: sa.Connection, viewer: Viewer, text: str) -> int:
    """Store a moment whose text was checked by `content.text`; returns its id."""
    statement = sa.insert(tables.moment).values(member_id=viewer.id, text=text).returning(tables.moment.c.id)
    return int(connection.execute(statement).scalar_one())


def delete(connection: sa.Connection, viewer: Viewer, moment_id: int) -> bool:
    """Remove the viewer's own moment; False when there is no such moment of theirs."""
    moment = tables.moment.c
    statement = sa.delete(tables.moment).where(moment.id == moment_id, moment.member_id == viewer.id)
    return connection.execute(statement).rowcount == 1
