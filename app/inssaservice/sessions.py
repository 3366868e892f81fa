"""Sessions: a row in the database, its id signed in a cookie or in a bearer token.

The signature keeps made-up ids away from the database and makes a leaked table worthless without the key;
the row makes signing out final. All tracks of a phase share both, so a member stays signed in when traffic
moves to another release.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from itsdangerous import BadSignature, Signer

from inssaservice import tables
from inssaservice.members import Viewer
from inssaservice.releases import Release

COOKIE: Final = "inssa-session"
LIFETIME: Final = timedelta(days=30)


class Credentials:
    """Signs session ids. A cookie is no bearer token and the other way round: the salts differ."""

    def __init__(self, key: str) -> None:
        self._cookie = Signer(key, salt="inssa.session.cookie", digest_method=hashlib.sha256, key_derivation="hmac")
        self._bearer = Signer(key, salt="inssa.session.bearer", digest_method=hashlib.sha256, key_derivation="hmac")

    def cookie(self, session: str) -> str:
        """The cookie's value for a session."""
        return self._cookie.sign(session).decode()

    def bearer(self, session: str) -> str:
        """The bearer token for a session."""
        return self._bearer.sign(session).decode()

    def from_cookie(self, value: str | None) -> str | None:
        """The session id, or None when the value is missing or was not signed as a cookie with this key."""
        return _unsign(self._cookie, value)

    def from_bearer(self, value: str | None) -> str | None:
        """The session id, or None when the value is missing or was not signed as a token with this key."""
        return _unsign(self._bearer, value)


def _unsign(signer: Signer, value: str | None) -> str | None:
    try:
        return signer.unsign(value).decode() if value else None
    except (BadSignature, UnicodeError):
        return None


def start(connection: sa.Connection, member_id: int) -> str:
    """Create a session for a member and return its id; sessions that ran out are removed on the way."""
    identifier = secrets.token_hex(16)
    now = sa.func.now()
    connection.execute(sa.delete(tables.session).where(tables.session.c.expires_at < now))
    connection.execute(sa.insert(tables.session).values(id=identifier, member_id=member_id, expires_at=now + LIFETIME))
    return identifier


def end(connection: sa.Connection, session: str) -> None:
    """Remove a session; its cookie and token are worthless from now on."""
    connection.execute(sa.delete(tables.session).where(tables.session.c.id == session))


class Viewers:
    """Finds the member behind a session."""

    def __init__(self, release: Release) -> None:
        session = tables.session.c
        named: list[sa.ColumnClause[Any]] = [
            sa.column(column) for column in (release.name_column, release.handle_column) if column
        ]
        member = sa.table("member", sa.column("id"), sa.column("hidden"), *named)
        handle = member.c[release.handle_column] if release.handle_column else sa.null()
        self._query = (
            sa.select(member.c.id, member.c[release.name_column].label("name"), handle.label("handle"), member.c.hidden)
            .join_from(tables.session, member, session.member_id == member.c.id)
            .where(session.id == sa.bindparam("session"), session.expires_at > sa.func.now())
        )

    def find(self, connection: sa.Connection, session: str) -> Viewer | None:
        """The viewer, or None when the session ended or ran out."""
        row = connection.execute(self._query, {"session": session}).one_or_none()
        return None if row is None else Viewer(**row._mapping, session=session)
