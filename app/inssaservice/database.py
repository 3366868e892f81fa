"""Connections to PostgreSQL."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DisconnectionError

from inssaservice.errors import Failure

if TYPE_CHECKING:
    import psycopg

    from inssaservice.settings import Settings

T = TypeVar("T")

# Libpq's: a dead server (a node that went away without closing) is noticed within seconds, not after hours.
_NETWORK = {
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,
}


def url(settings: Settings, *, user: str, password: str) -> sa.URL:
    """The address of the service's database for one role."""
    database = settings.database
    return sa.URL.create(
        "postgresql+psycopg", user, password, host=database.host, port=database.port, database=database.name
    )


def pool(settings: Settings) -> sa.Engine:
    """The pool of a serving pod, as the app role.

    At most `settings.database.connections` (4): twenty pods share a server with max_connections = 100. A
    statement ends after 3 s: the slowest of them takes a few milliseconds, so a longer one only holds a
    connection that others need. Each statement stands alone unless a transaction is asked for, which spares a
    reader two round trips.
    """
    engine = sa.create_engine(
        url(settings, user=settings.database.app_user, password=settings.secrets.read("app_password")),
        pool_size=settings.database.connections,
        max_overflow=0,
        pool_timeout=3,
        pool_use_lifo=True,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={
            **_NETWORK,
            "application_name": f"inssaservice {settings.track}",
            "options": "-c statement_timeout=3000 -c lock_timeout=1000"
            " -c idle_in_transaction_session_timeout=10000 -c timezone=UTC",
        },
    )
    sa.event.listen(engine, "checkout", _check)
    return engine


def _check(connection: psycopg.Connection[object], _: object, __: object) -> None:
    """Give up a connection that the server has closed, so that its restart costs no request and no pod.

    A server that goes away closes its connections, and then there is something to read on one that should be
    silent. Looking takes one system call; SQLAlchemy's own `pool_pre_ping` takes a round trip.
    """
    silent = select.poll()
    silent.register(connection.fileno(), select.POLLIN)
    if silent.poll(0):
        raise DisconnectionError("closed by the server")


def single(settings: Settings, *, user: str, password: str) -> sa.Engine:
    """An engine without a pool for a Job, as the given role; it waits half a second for a lock at most.

    That is less than a serving pod waits (1 s), so members queued behind a migration outlast it.
    """
    return sa.create_engine(
        url(settings, user=user, password=password),
        poolclass=sa.NullPool,
        hide_parameters=True,
        connect_args={
            **_NETWORK,
            "application_name": f"inssaservice {settings.version}",
            "options": "-c timezone=UTC -c lock_timeout=500",
        },
    )


def wait_for(connect: Callable[[], T], *, seconds: float, unavailable: type[Exception], what: str) -> T:
    """Call `connect` until it succeeds; Failure with the server's reason after `seconds`.

    A wrong password or a missing database is not retried: waiting does not mend it.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return connect()
        except unavailable as error:
            reason = reason_of(getattr(error, "orig", error))
            hopeless = "authentication failed" in reason or "does not exist" in reason or "permission denied" in reason
            if hopeless or time.monotonic() >= deadline:
                raise Failure(f"cannot open {what}: {reason}") from None
        time.sleep(0.5)


def reason_of(error: object) -> str:
    """The first line of what libpq or the server says; hints and details follow on others."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
