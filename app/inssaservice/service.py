"""What the handlers of one process share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import sqlalchemy as sa
from starlette.requests import HTTPConnection

from inssaservice import members, rate_limit, sessions
from inssaservice.forms import Proofs
from inssaservice.releases import Release
from inssaservice.rendering import Renderer
from inssaservice.sessions import Credentials, Viewers
from inssaservice.settings import Settings


class WrongCode(Exception):  # noqa: N818
    """No member has this invitation code."""


class TooManyFailures(Exception):  # noqa: N818
    """The client gave too many wrong codes in this period."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """The parts of a serving process. Its methods use the database and block: call them in a worker thread."""

    settings: Settings
    release: Release
    engine: sa.Engine
    renderer: Renderer
    credentials: Credentials
    proofs: Proofs
    viewers: Viewers
    key: str = field(repr=False)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection in which each statement stands alone."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A connection in one transaction, committed at the end."""
        opened = self.engine.connect().execution_options(isolation_level="READ COMMITTED")
        with opened as connection, connection.begin():
            yield connection

    def sign_in(self, request: HTTPConnection, code: str) -> str:
        """Start a session for the member with this code and return its id; WrongCode, TooManyFailures."""
        client = rate_limit.client(request, hops=self.settings.forwarded_hops, key=self.key)
        with self.writing() as connection:
            if rate_limit.exceeded(connection, client):
                raise TooManyFailures
            member_id = members.find_by_code(connection, code)
            if member_id is not None:
                return sessions.start(connection, member_id)
            rate_limit.count_failure(connection, client)
        raise WrongCode
